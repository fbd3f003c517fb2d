// SPDX-License-Identifier: GPL-2.0-or-later
//! Many wrong versions in one crate, each a module of it: a compiler takes far longer to start, and
//! to read what all have, than to compile one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

use crate::workspace;
use crate::wrong::{replace_once, Wrong};

/// What a version needs to live in a module: what the crate has once is the crate's. `HERE` stands for
/// the crate itself.
const TO_A_MODULE: &[(&str, &str)] = &[
    ("#![cfg_attr(not(test), no_std)]\n", ""),
    (
        "mod bindings {\n    include!(concat!(env!(\"OUT_DIR\"), \"/bindings.rs\"));\n}",
        "use HERE::bindings;",
    ),
    ("#[cfg(any(target_os = \"none\", feature = \"panic-handler\"))]\nmod panic;\n", ""),
    // They tell of the structures and of the functions by their own names.
    ("mod signatures;\n", ""),
    ("pub mod layout;\n", "use HERE::layout;\n"),
];

/// What a function begins with that the crate exports to C.
const EXPORTED: &str = "#[no_mangle]\npub unsafe extern \"C\" fn ";

/// The files of a folder, and below, that export functions to C.
pub fn exporting(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = item?.path();
        if path.is_dir() {
            files.append(&mut exporting(&path)?);
        } else if fs::read_to_string(&path)?.contains(EXPORTED) {
            files.push(path);
        }
    }
    Ok(files)
}

/// By this tools know the object: once will do.
const MARK_OF_SOUND: &str = "\n/// By this tools know an object that has it.\n#[no_mangle]\n#[allow(non_upper_case_globals)]\n\
     pub static vm_map_rust_sound: u8 = 1;\n";

/// The C name of a function of the version `index`.
pub fn name(index: usize, function: &str) -> String {
    format!("w{index}_{function}")
}

/// Adds the versions to the crate at `root`, which is a copy of `unchanged`; their functions get names
/// of their own. `scratch` is a folder for this.
pub fn add(root: &Path, unchanged: &Path, scratch: &Path, versions: &[&Wrong]) -> Result<()> {
    let mut lib = fs::read_to_string(root.join("src/lib.rs")).context("cannot read src/lib.rs")?;
    let mut seen = vec![("the unchanged version", text_of(&unchanged.join("src"))?)];
    for (index, version) in versions.iter().enumerate() {
        workspace::copy(&unchanged.join("src"), &scratch.join("src"))?;
        version.apply(scratch)?;
        let text = text_of(&scratch.join("src"))?;
        if let Some((other, _)) = seen.iter().find(|(_, theirs)| *theirs == text) {
            anyhow::bail!("the sources of {} are the same as those of {other}", version.name);
        }
        seen.push((&version.name, text));
        let module = format!("w{index}");
        make_module(scratch, index)
            .with_context(|| format!("{} cannot be a module", version.name))?;
        move_paths(&scratch.join("src"), &format!("crate::{module}"))?;
        fs::rename(scratch.join("src/lib.rs"), scratch.join("src/mod.rs"))?;
        workspace::copy(&scratch.join("src"), &root.join("src").join(&module))?;
        lib += &format!("#[allow(warnings)]\nmod {module};\n");
    }
    fs::write(root.join("src/lib.rs"), lib).context("cannot write src/lib.rs")
}

/// Lets the version take from the crate what there can be but once, and renames what it exports.
fn make_module(version: &Path, index: usize) -> Result<()> {
    for (from, to) in TO_A_MODULE {
        replace_once(version, "src/lib.rs", from, to)?;
    }
    replace_once(version, "src/sound/mod.rs", MARK_OF_SOUND, "")?;
    for path in exporting(&version.join("src"))? {
        let file = path.display();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        let mut parts = text.split("#[no_mangle]\n");
        let mut renamed = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let after = part.split_once("extern \"C\" fn ").map(|(_, after)| after);
            let function = after.and_then(|after| after.split('(').next()).unwrap_or_default();
            ensure!(!function.is_empty(), "{file}: exports something that is no C function");
            renamed += &format!("#[export_name = {:?}]\n{part}", name(index, function));
        }
        fs::write(&path, renamed).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}

/// By this variable a program is told which version's functions to call: 1 and on; else the unchanged ones.
pub const CHOSEN: &str = "GNUMACH_WRONG_VERSION";

/// After `add`: the unchanged version's functions hand on to those of the version that is chosen when they are
/// called. For a program on this machine.
pub fn choose(root: &Path, versions: usize) -> Result<()> {
    for path in exporting(&root.join("src"))? {
        let file = path.display();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        let mut parts = text.split(EXPORTED);
        let mut changed = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let (declared, body) = part.split_once(" {\n").unwrap_or((part, ""));
            changed += &format!("{EXPORTED}{declared} {{\n{}{body}", hand_on(declared, versions)?);
        }
        fs::write(&path, changed).with_context(|| format!("cannot write {file}"))?;
    }
    let lib = fs::read_to_string(root.join("src/lib.rs")).context("cannot read src/lib.rs")?;
    fs::write(root.join("src/lib.rs"), lib + "mod chosen;\n").context("cannot write src/lib.rs")?;
    let chosen = CHOOSES.replace("CHOSEN", CHOSEN);
    fs::write(root.join("src/chosen.rs"), chosen).context("cannot write src/chosen.rs")
}

const CHOOSES: &str = "\
use core::ffi::{c_char, c_int};
extern \"C\" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn atoi(text: *const c_char) -> c_int;
}
pub fn version() -> c_int {
    // SAFETY: nobody changes the environment, and atoi reads a string.
    unsafe {
        let text = getenv(c\"CHOSEN\".as_ptr());
        if text.is_null() { 0 } else { atoi(text) }
    }
}
";

/// The beginning of a function's body. `declared` is its name, its parameters and what it returns.
fn hand_on(declared: &str, versions: usize) -> Result<String> {
    let (function, rest) = declared.split_once('(').context("no parameters")?;
    let (parameters, _) = rest.rsplit_once(')').context("no parameters")?;
    let names = parameters.split(',').filter_map(|one| Some(one.split_once(':')?.0.trim()));
    let names = names.collect::<Vec<_>>().join(", ");
    let mut text = String::from("    match crate::chosen::version() {\n");
    for index in 0..versions {
        let name = name(index, function);
        let number = index + 1;
        text += &format!(
            "        {number} => {{\n            extern \"C\" {{\n                fn {name}({rest};\n            }}\n            \
             // SAFETY: as this function's.\n            return unsafe {{ {name}({names}) }};\n        }}\n"
        );
    }
    Ok(text + "        _ => {}\n    }\n")
}

/// Makes the paths of the sources in a folder those of a module of this path; `HERE` becomes the crate.
pub fn move_paths(folder: &Path, module: &str) -> Result<()> {
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.is_dir() {
            move_paths(&path, module)?;
        } else {
            let text = fs::read_to_string(&path)?;
            let text = text.replace("crate::", &format!("{module}::"));
            fs::write(&path, text.replace("HERE::", "crate::"))?;
        }
    }
    Ok(())
}

/// All sources below a folder, one behind the other.
fn text_of(folder: &Path) -> Result<String> {
    let mut paths =
        fs::read_dir(folder)?.map(|item| Ok(item?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut text = String::new();
    for path in paths {
        text += &if path.is_dir() { text_of(&path)? } else { fs::read_to_string(&path)? };
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &str = "file = \"src/ffi.rs\"\nfrom = \"merged as boolean_t\"\nto = \"0\"\n";

    /// The crate with these versions.
    fn made(names: &[&str]) -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        let list = folder.path().join("list.toml");
        let version = |name: &&str| {
            format!("[[wrong]]\nname = \"{name}\"\nbreaks = \"it\"\ncaught_by = [\"oracle\"]\n[[wrong.change]]\n{CHANGE}")
        };
        fs::write(&list, names.iter().map(version).collect::<String>())?;
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = folder.path().join("root");
        workspace::copy(&top.join("src"), &root.join("src"))?;
        let all = crate::wrong::read(&list)?;
        add(&root, &top, &folder.path().join("scratch"), &all.iter().collect::<Vec<_>>())?;
        Ok(folder)
    }

    #[test]
    fn a_version_is_a_module_with_names_of_its_own() {
        let folder = made(&["one"]).unwrap();
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(read("root/src/lib.rs").ends_with("mod w0;\n"));
        let ffi = read("root/src/w0/ffi.rs");
        assert!(!ffi.contains("merged as boolean_t") && !ffi.contains("no_mangle"), "{ffi}");
        assert!(ffi.contains("export_name = \"w0_vm_map_coalesce_entry\""), "{ffi}");
        assert!(ffi.contains("use crate::w0::coalesce::coalesce_entry;"), "{ffi}");
        let others = read("root/src/w0/sound/convert.rs");
        assert!(others.contains("export_name = \"w0_vm_page_convert\""), "{others}");
        assert!(read("root/src/w0/mod.rs").contains("use crate::bindings;"));
        assert!(read("root/src/ffi.rs").contains("merged as boolean_t"));
    }

    #[test]
    fn a_function_hands_on_to_the_version_that_is_chosen() {
        let folder = made(&["one"]).unwrap();
        choose(&folder.path().join("root"), 1).unwrap();
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
        let ffi = read("root/src/ffi.rs");
        let coalesce = ffi.split("fn vm_map_coalesce_entry(").nth(1).unwrap();
        let body = coalesce.split_once(" {\n").unwrap().1;
        assert!(
            body.starts_with("    match crate::chosen::version() {\n        1 => {\n"),
            "{ffi}"
        );
        assert!(body.contains("return unsafe { w0_vm_map_coalesce_entry(map, entry) };"), "{ffi}");
        assert!(!read("root/src/w0/ffi.rs").contains("chosen"));
        assert!(read("root/src/lib.rs").ends_with("mod chosen;\n"));
    }

    #[test]
    fn versions_with_the_same_sources_are_refused() {
        let error = made(&["one", "two"]).unwrap_err().to_string();
        assert_eq!(error, "the sources of two are the same as those of one");
    }
}
