// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes the model's view of the kernel's structures, and the versions of the
//! two functions that versions.toml lists: each is the crate's own source with
//! a few texts replaced, as a module of this program.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

const CRATE: &str = "../..";

/// What every version needs to live in a module: the bindings and the layout
/// are the model's, and C symbols must not clash.
const TO_A_MODULE: &[(&str, &str, &str)] = &[
    ("lib.rs", "#![cfg_attr(not(test), no_std)]\n", ""),
    (
        "lib.rs",
        "mod bindings {\n    include!(concat!(env!(\"OUT_DIR\"), \"/bindings.rs\"));\n}",
        "use crate::bindings;",
    ),
    // It compares what is exported with the header, and here nothing is.
    ("lib.rs", "mod signatures;\n", ""),
    ("lib.rs", "pub mod layout;", "pub(crate) use gnumach_vm_map::layout;"),
    (
        "ffi.rs",
        "#[no_mangle]\npub unsafe extern \"C\" fn vm_map_pageable_scan(",
        "pub unsafe fn vm_map_pageable_scan(",
    ),
    (
        "ffi.rs",
        "#[no_mangle]\npub unsafe extern \"C\" fn vm_map_coalesce_entry(",
        "pub unsafe fn vm_map_coalesce_entry(",
    ),
    ("lock.rs", "    #[cfg(feature = \"schedule-points\")]\n", ""),
];

#[derive(Deserialize)]
struct List {
    version: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    /// What the command line calls it.
    name: String,
    /// What it does, in a line.
    about: String,
    /// What its callers do otherwise: names of fields of `Callers`.
    #[serde(default)]
    callers: Vec<String>,
    /// Versions whose edits and callers it has too.
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    edit: Vec<Edit>,
}

impl List {
    /// A version and what it is made with, that first.
    fn parts<'a>(&'a self, version: &'a Version) -> Result<Vec<&'a Version>> {
        let mut parts = Vec::new();
        for name in &version.with {
            let with = self.version.iter().find(|other| other.name == *name);
            parts.extend(self.parts(with.with_context(|| format!("there is no version {name}"))?)?);
        }
        parts.push(version);
        Ok(parts)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    from: String,
    to: String,
}

fn main() {
    // Without the backtrace that `?` would print.
    if let Err(error) = make() {
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}

fn make() -> Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    write_bindings(&out)?;

    println!("cargo:rerun-if-changed=versions.toml");
    println!("cargo:rerun-if-changed={CRATE}/src");
    let list: List = toml::from_str(&fs::read_to_string("versions.toml")?)?;
    let mut modules = String::new();
    let mut table = String::from("pub static EDITED: &[Version] = &[\n");
    for version in &list.version {
        let module = version.name.replace('-', "_");
        let dir = out.join(&module);
        let parts = list.parts(version)?;
        write_version(&parts, &module, &dir)
            .with_context(|| format!("version {} of versions.toml", version.name))?;
        writeln!(
            modules,
            "#[path = {:?}]\n#[allow(warnings, clippy::all, clippy::undocumented_unsafe_blocks)]\npub mod {module};",
            dir.join("lib.rs")
        )?;
        writeln!(
            table,
            "Version {{ name: {:?}, about: {:?}, callers: Callers {{ {}..UPSTREAM }}, scan: {module}::vm_map_pageable_scan, coalesce: {module}::vm_map_coalesce_entry }},",
            version.name,
            version.about,
            parts
                .iter()
                .flat_map(|part| &part.callers)
                .fold(String::new(), |all, name| all + name + ": true, ")
        )?;
    }
    fs::write(out.join("versions.rs"), modules + &table + "];\n")?;
    Ok(())
}

/// The structures and constants, from the headers that the crate itself reads.
fn write_bindings(out: &Path) -> Result<()> {
    let headers = format!("{CRATE}/gnumach-headers");
    println!("cargo:rerun-if-changed={headers}");
    println!("cargo:rerun-if-changed={CRATE}/c-shim/bindings.h");
    bindgen::Builder::default()
        .header(format!("{CRATE}/c-shim/bindings.h"))
        .use_core()
        .generate_comments(false)
        .derive_debug(false)
        .enable_function_attribute_detection()
        .rust_target(bindgen::RustTarget::stable(82, 0).expect("1.82 is known"))
        .clang_args(["-nostdinc", "-ffreestanding"])
        .clang_arg(format!("-I{headers}"))
        .generate()
        .context("bindgen on c-shim/bindings.h")?
        .write_to_file(out.join("bindings.rs"))?;
    Ok(())
}

/// Writes the crate's source as it is in one version into `dir`.
fn write_version(parts: &[&Version], module: &str, dir: &Path) -> Result<()> {
    let mut files = Vec::new();
    read_sources(Path::new(CRATE).join("src"), Path::new(""), &mut files)?;
    for (file, from, to) in TO_A_MODULE {
        replace(&mut files, file, from, to)?;
    }
    for edit in parts.iter().flat_map(|part| &part.edit) {
        replace(&mut files, &edit.file, &edit.from, &edit.to)?;
    }
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(path, text.replace("crate::", &format!("crate::versions::{module}::")))?;
    }
    // The one name that the list above takes from this program.
    let lib = dir.join("lib.rs");
    let text = fs::read_to_string(&lib)?;
    let local = format!("use crate::versions::{module}::bindings;");
    ensure!(text.contains(&local), "lib.rs lost its bindings");
    fs::write(lib, text.replace(&local, "use crate::bindings;"))?;
    Ok(())
}

fn read_sources(dir: PathBuf, name: &Path, files: &mut Vec<(String, String)>) -> Result<()> {
    for item in fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
        let item = item?;
        let name = name.join(item.file_name());
        if item.file_type()?.is_dir() {
            read_sources(item.path(), &name, files)?;
        } else {
            files.push((name.display().to_string(), fs::read_to_string(item.path())?));
        }
    }
    Ok(())
}

/// Replaces a text that must stand exactly once in a file: when the source
/// moves on, the list must follow.
fn replace(files: &mut [(String, String)], file: &str, from: &str, to: &str) -> Result<()> {
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == file)
        .with_context(|| format!("src/{file} is not there any more"))?;
    let found = text.matches(from).count();
    ensure!(found == 1, "src/{file} holds this text {found} times, not once:\n{from}");
    *text = text.replace(from, to);
    Ok(())
}
