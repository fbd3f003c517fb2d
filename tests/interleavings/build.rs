// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes the model's view of the kernel's structures, and the versions of the
//! two functions that tests/wrong/ lists for it: each is the crate's own source
//! with a few texts replaced, as a module of this program.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kit::wrong::{replace_once, Judge, Wrong};

const CRATE: &str = "../..";

/// What every version needs to live in a module: the bindings and the layout
/// are the model's, and C symbols must not clash.
const TO_A_MODULE: &[(&str, &str, &str)] = &[
    ("src/lib.rs", "#![cfg_attr(not(test), no_std)]\n", ""),
    (
        "src/lib.rs",
        "mod bindings {\n    include!(concat!(env!(\"OUT_DIR\"), \"/bindings.rs\"));\n}",
        "use HERE::bindings;",
    ),
    // It compares what is exported with the header, and here nothing is.
    ("src/lib.rs", "mod signatures;\n", ""),
    ("src/lib.rs", "pub mod layout;", "pub(crate) use gnumach_vm_map::layout;"),
    (
        "src/ffi.rs",
        "#[no_mangle]\npub unsafe extern \"C\" fn vm_map_pageable_scan(",
        "pub unsafe fn vm_map_pageable_scan(",
    ),
    (
        "src/ffi.rs",
        "#[no_mangle]\npub unsafe extern \"C\" fn vm_map_coalesce_entry(",
        "pub unsafe fn vm_map_coalesce_entry(",
    ),
    ("src/lock.rs", "    #[cfg(feature = \"schedule-points\")]\n", ""),
];

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

    // The versions' sources ask for a feature of the crate's that this one does not have.
    println!("cargo:rustc-check-cfg=cfg(feature, values(\"callers\"))");
    let lists = Path::new(CRATE).join(kit::wrong::LISTS);
    println!("cargo:rerun-if-changed={}", lists.display());
    println!("cargo:rerun-if-changed={CRATE}/src");
    let mut modules = String::new();
    let mut table = String::from("pub static EDITED: &[Version] = &[\n");
    for version in kit::wrong::read(&lists)? {
        let listed = version.is_for(Judge::Listed);
        if !listed && !version.is_for(Judge::Interleavings) {
            continue;
        }
        let module = version.name.replace('-', "_");
        let dir = out.join(&module);
        write_version(&version, &module, &dir)?;
        writeln!(
            modules,
            "#[path = {:?}]\n#[allow(warnings, clippy::all, clippy::undocumented_unsafe_blocks)]\npub mod {module};",
            dir.join("src/lib.rs")
        )?;
        let callers: String =
            version.callers.iter().map(|name| format!("{name}: true, ")).collect();
        writeln!(
            table,
            "Version {{ name: {:?}, about: {:?}, listed: {listed}, callers: Callers {{ {}..UPSTREAM }}, scan: {module}::vm_map_pageable_scan, coalesce: {module}::vm_map_coalesce_entry }},",
            version.name, version.breaks, callers
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
fn write_version(version: &Wrong, module: &str, dir: &Path) -> Result<()> {
    kit::workspace::copy(&Path::new(CRATE).join("src"), &dir.join("src"))?;
    for (file, from, to) in TO_A_MODULE {
        replace_once(dir, file, from, to)?;
    }
    version.apply(dir)?;
    kit::together::move_paths(&dir.join("src"), &format!("crate::versions::{module}"))
}
