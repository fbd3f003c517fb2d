// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes the versions of the functions that tests/wrong/ lists for this program:
//! each is the crate's own source with a few texts replaced, as a module here.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kit::wrong::{replace_once, Judge, Wrong};

const CRATE: &str = "../..";

/// What every version needs to live in a module: the bindings and the layout
/// are the crate's, and C symbols must not clash.
const TO_A_MODULE: &[(&str, &str)] = &[
    ("#![cfg_attr(not(test), no_std)]\n", ""),
    (
        "mod bindings {\n    include!(concat!(env!(\"OUT_DIR\"), \"/bindings.rs\"));\n}",
        "use gnumach_vm_map::model as bindings;",
    ),
    // It compares what is exported with the header, and here nothing is.
    ("mod signatures;\n", ""),
    ("pub mod layout;", "pub(crate) use gnumach_vm_map::layout;"),
];

/// Nobody asks whether what is wrong on purpose is well written; to look at dozens of copies takes long.
const NOT_FOR_CLIPPY: &str = "#[cfg(not(clippy))]";

fn main() {
    // Without the backtrace that `?` would print.
    if let Err(error) = make() {
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}

fn make() -> Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    // As the crate's own build script sets it, by the same header.
    let structs = format!("{CRATE}/gnumach-headers/structs.h");
    println!("cargo:rerun-if-changed={structs}");
    println!("cargo:rustc-check-cfg=cfg(size_none)");
    if fs::read_to_string(&structs).context("cannot read structs.h")?.contains("size_none") {
        println!("cargo:rustc-cfg=size_none");
    }

    let sound = std::env::var_os("CARGO_FEATURE_SOUND").is_some();
    let lists = Path::new(CRATE).join(kit::wrong::LISTS);
    println!("cargo:rerun-if-changed={}", lists.display());
    println!("cargo:rerun-if-changed={CRATE}/src");
    let mut modules = String::new();
    let mut table = String::from("pub static EDITED: &[Version] = &[\n");
    for version in kit::wrong::read(&lists)? {
        let listed = version.is_for(Judge::Listed);
        // Those of `sound` change its own sources, and others those that it does not use.
        let is_sound = version.name.starts_with("sound-");
        if !listed && !version.is_for(Judge::Interleavings) || is_sound != sound {
            continue;
        }
        let module = version.name.replace('-', "_");
        let dir = out.join(&module);
        write_version(&version, &module, &dir)
            .with_context(|| format!("{} cannot be a module", version.name))?;
        writeln!(
            modules,
            "{NOT_FOR_CLIPPY}\n#[path = {:?}]\n#[allow(warnings)]\npub mod {module};",
            dir.join("src/lib.rs")
        )?;
        let enter: String = version.callers.iter().map(|name| format!("{name}: true, ")).collect();
        writeln!(
            table,
            "{NOT_FOR_CLIPPY}\nVersion {{ name: {:?}, about: {:?}, listed: {listed}, in_c: InC {{ {enter}..UPSTREAM }}, functions: functions!(self::{module}) }},",
            version.name, version.breaks
        )?;
    }
    writeln!(table, "];\npub static FEATURES: &[&str] = &{:?};", features())?;
    fs::write(out.join("versions.rs"), modules + &table)?;
    Ok(())
}

/// The features that the module under test is compiled with.
fn features() -> Vec<String> {
    let mut features: Vec<String> = std::env::vars()
        .filter_map(|(name, _)| name.strip_prefix("CARGO_FEATURE_").map(str::to_lowercase))
        .map(|name| name.replace('_', "-"))
        .filter(|name| name != "default")
        .collect();
    features.sort();
    features
}

/// Writes the crate's source as it is in one version into `dir`.
fn write_version(version: &Wrong, module: &str, dir: &Path) -> Result<()> {
    kit::workspace::copy(&Path::new(CRATE).join("src"), &dir.join("src"))?;
    for (from, to) in TO_A_MODULE {
        replace_once(dir, "src/lib.rs", from, to)?;
    }
    let mut exporting = kit::together::exporting(&dir.join("src"))?;
    // A mark by which tools know an object.
    exporting.push(dir.join("src/sound/mod.rs"));
    for path in exporting {
        let text = fs::read_to_string(&path)?;
        fs::write(&path, text.replace("#[no_mangle]\n", ""))?;
    }
    version.apply(dir)?;
    kit::together::move_paths(&dir.join("src"), &format!("crate::versions::{module}"))
}
