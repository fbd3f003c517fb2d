// SPDX-License-Identifier: GPL-2.0-or-later
//! What must not compile: every `compile_fail` example in the crate's
//! documentation, each before a twin that does compile.
//!
//! rustdoc runs them too, but looks at the error's code on nightly compilers
//! alone: elsewhere an example that fails for another reason passes unseen. Here
//! the codes must be those that the example names, all of them and no other.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// With which this test was compiled, and its examples are.
const FEATURES: &[&str] = match (cfg!(feature = "sound"), cfg!(feature = "callers")) {
    (true, _) => &["sound", "callers"],
    (_, true) => &["callers"],
    _ => &[],
};

/// Examples of what only that feature has stand in this folder of src/.
const OF_SOUND: &str = "sound/";

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// A fenced example in a documentation comment.
#[derive(Debug, PartialEq)]
struct Example {
    /// Where it stands, as `file:line`.
    place: String,
    /// What follows the opening fence.
    fence: String,
    text: String,
}

impl Example {
    fn must_fail(&self) -> bool {
        self.fence.starts_with("compile_fail")
    }

    /// The error codes that the fence names.
    fn codes(&self) -> BTreeSet<String> {
        self.fence.split(',').filter(|word| word.starts_with('E')).map(str::to_owned).collect()
    }
}

/// The examples of a source, in order.
fn examples(name: &str, source: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut open: Option<Example> = None;
    for (number, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let Some(doc) = line.strip_prefix("///").or(line.strip_prefix("//!")) else {
            assert!(open.is_none(), "{name}:{number}: an example does not end");
            continue;
        };
        let doc = doc.strip_prefix(' ').unwrap_or(doc);
        match (&mut open, doc.strip_prefix("```")) {
            (None, Some(fence)) => {
                let place = format!("{name}:{}", number + 1);
                open = Some(Example { place, fence: fence.into(), text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(example), None) => example.text += &format!("{doc}\n"),
            (None, None) => {}
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for file in fs::read_dir(folder).expect("src/ is a folder") {
        let path = file.expect("src/ can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| {
        let beside = Path::new(env!("CARGO")).with_file_name("rustc");
        if beside.exists() {
            beside.into()
        } else {
            "rustc".into()
        }
    })
}

/// What the crate includes, which its build script made.
const MADE: &str = env!("OUT_DIR");

/// Compiles `source` as a library, without code; what the compiler said, if it
/// refused.
fn compile(source: &Path, name: &str, library: Option<&Path>) -> Result<PathBuf, String> {
    compile_with(Path::new(MADE), source, name, library)
}

fn compile_with(
    made: &Path,
    source: &Path,
    name: &str,
    library: Option<&Path>,
) -> Result<PathBuf, String> {
    let output = Path::new(SCRATCH).join(format!("lib{name}.rmeta"));
    let mut command = Command::new(rustc());
    command.args(["--edition=2021", "--crate-type=lib", "--emit=metadata", "--cap-lints=allow"]);
    for feature in FEATURES {
        command.arg("--cfg").arg(format!("feature=\"{feature}\""));
    }
    command.arg(format!("--crate-name={name}")).arg("-o").arg(&output).arg(source);
    command.env("OUT_DIR", made);
    let (folder, assertions) = static_assertions();
    command.arg(format!("-Ldependency={}", folder.display()));
    command.arg(format!("--extern=static_assertions={}", assertions.display()));
    if let Some(library) = library {
        command.arg(format!("--extern=gnumach_vm_map={}", library.display()));
    }
    let result = command.output().expect("rustc runs");
    match result.status.success() {
        true => Ok(output),
        false => Err(String::from_utf8_lossy(&result.stderr).into_owned()),
    }
}

/// The crate's one dependency as cargo compiled it, the newest if there are several; and where it lies.
fn static_assertions() -> (PathBuf, PathBuf) {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().expect("a program lies in a folder").to_path_buf();
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libstatic_assertions-") && name.ends_with(".rlib")
    };
    let files = fs::read_dir(&folder).expect("cargo's folder can be read");
    let all = files.map(|file| file.expect("cargo's folder can be read").path()).filter(is_it);
    let newest = all.max_by_key(|path| fs::metadata(path).and_then(|it| it.modified()).ok());
    (folder, newest.expect("cargo has compiled static_assertions"))
}

fn lib() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")
}

/// The crate, for the examples to use.
fn library() -> PathBuf {
    compile(&lib(), "gnumach_vm_map", None).expect("the crate compiles")
}

/// The codes of the errors in what the compiler said.
fn codes(said: &str) -> BTreeSet<String> {
    let errors = said.split("error[").skip(1);
    errors.filter_map(|rest| rest.split_once(']')).map(|(code, _)| code.to_owned()).collect()
}

/// Says what is wrong with an example, if anything is.
fn judge(example: &Example, library: &Path) -> Result<(), String> {
    let name: String =
        example.place.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let source = Path::new(SCRATCH).join(format!("{name}.rs"));
    fs::write(&source, &example.text).expect("the test's folder takes files");
    let result = compile(&source, &name, Some(library));
    if !example.must_fail() {
        return result
            .map(|_| ())
            .map_err(|said| format!("{} does not compile:\n{said}", example.place));
    }
    let Err(said) = result else {
        return Err(format!("{} compiles", example.place));
    };
    let codes = codes(&said);
    if codes.is_empty() || codes != example.codes() {
        let expected = example.codes();
        return Err(format!(
            "{} fails with {codes:?}, not with {expected:?}:\n{said}",
            example.place
        ));
    }
    Ok(())
}

#[test]
fn examples_fail_as_they_say_and_their_twins_compile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let library = library();
    let mut wrong = Vec::new();
    let mut refused = 0;
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        if name.starts_with(OF_SOUND) && !cfg!(feature = "sound") {
            continue;
        }
        let found = examples(&name, &fs::read_to_string(&file).unwrap());
        for (at, example) in found.iter().enumerate() {
            wrong.extend(judge(example, &library).err());
            refused += usize::from(example.must_fail());
            if example.must_fail() && found.get(at + 1).is_none_or(Example::must_fail) {
                wrong.push(format!("{} has no twin that compiles", example.place));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // As many as there are: a comment that is not read any more would lose some.
    let all = if cfg!(feature = "sound") { 14 } else { 11 };
    assert_eq!(refused, all, "examples that must not compile");
}

/// The judge itself: one that compiles, one that fails otherwise, a twin that does
/// not compile.
#[test]
fn wrong_examples_are_told() {
    let library = library();
    let example = |fence: &str, text: &str| Example {
        place: format!("told:{}", text.len()),
        fence: fence.into(),
        text: text.into(),
    };
    let told = |fence, text| judge(&example(fence, text), &library).err().unwrap_or_default();
    let mismatch = "pub fn f() -> u8 { \"\" }";
    assert_eq!(told("compile_fail,E0308", mismatch), "");
    assert!(told("compile_fail,E0505", mismatch).contains("fails with {\"E0308\"}"));
    assert!(told("compile_fail,E0308,E0505", mismatch).contains("fails with"));
    assert!(told("compile_fail", mismatch).contains("fails with"));
    assert!(told("compile_fail,E0308", "pub fn f() {}").ends_with("compiles"));
    assert!(told("", mismatch).contains("does not compile"));
    // A mistake in the writing has no code.
    assert!(told("compile_fail,E0308", "pub fn f( {").contains("fails with {}"));
}

/// The header for C callers, changed as bindgen would see it: what we export is
/// something else then.
#[test]
fn a_prototype_that_is_not_ours_is_refused() {
    let bindings = fs::read_to_string(Path::new(MADE).join("bindings.rs")).unwrap();
    let at = |function: &str| bindings.find(&format!("pub fn {function}")).expect("a prototype");
    let made = Path::new(SCRATCH).join("changed");
    fs::create_dir_all(&made).expect("the test's folder takes folders");
    for name in ["bits.rs", "signatures.txt"] {
        fs::copy(Path::new(MADE).join(name), made.join(name)).expect("made by build.rs");
    }
    let compile = |function: &str, from: &str, to: &str| {
        let (before, after) = bindings.split_at(at(function));
        let (prototype, after) = after.split_once(';').expect("it ends");
        assert_eq!(prototype.matches(from).count(), 1, "{from} in {prototype}");
        let changed = format!("{before}{};{after}", prototype.replace(from, to));
        fs::write(made.join("bindings.rs"), changed).expect("written");
        compile_with(&made, &lib(), "changed", None).map_err(|said| codes(&said))
    };
    let mismatch = Err(BTreeSet::from(["E0308".to_owned()]));
    let (scan, coalesce) = ("vm_map_pageable_scan", "vm_map_coalesce_entry");
    assert!(compile(scan, "end", "end_of_range").is_ok());
    for (function, from, to) in [
        (scan, "vm_offset_t", "u16"),
        (scan, "start_entry", "one_more : i32 , start_entry"),
        (scan, "vm_map_t", "vm_map_entry_t"),
        (coalesce, "boolean_t", "u8"),
        (coalesce, "vm_map_entry_t", "* const vm_map_entry"),
    ] {
        assert_eq!(compile(function, from, to), mismatch, "{to} for {from} in {function}");
    }
}

#[test]
fn examples_are_found_in_comments_of_both_kinds() {
    let source = "//! ```compile_fail,E0001\n//! a\n//! ```\nfn f() {}\n    /// ```\n    /// b\n    ///  c\n    /// ```\n";
    let found = examples("x.rs", source);
    let expected = [("x.rs:1", "compile_fail,E0001", "a\n"), ("x.rs:5", "", "b\n c\n")];
    assert_eq!(found.len(), 2);
    for (example, (place, fence, text)) in found.iter().zip(expected) {
        assert_eq!((&*example.place, &*example.fence, &*example.text), (place, fence, text));
    }
}
