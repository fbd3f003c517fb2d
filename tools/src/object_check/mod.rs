// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool object`: is the object fit to be linked into a kernel?

use std::path::PathBuf;

use anyhow::{bail, Result};

use crate::elf;

mod code;
mod image;
mod stack;
mod symbols;

use image::Image;

/// The two functions that the object is for.
pub const FUNCTIONS: [&str; 2] = ["vm_map_coalesce_entry", "vm_map_pageable_scan"];

/// What it holds besides with the feature `callers`, all or none.
pub const CALLERS: [&str; 9] = [
    "_vm_map_clip_end",
    "_vm_map_clip_start",
    "vm_map_delete",
    "vm_map_entry_delete",
    "vm_map_inherit",
    "vm_map_pageable",
    "vm_map_pageable_all",
    "vm_map_protect",
    "vm_map_remove",
];

/// Whether the object holds any of them.
fn has_callers(image: &Image) -> bool {
    CALLERS.iter().any(|name| image.function(name).is_some())
}

/// Check that the object is fit for a kernel, and print its sizes
///
/// Every violation is listed; the exit status is 1 if there is any. Checked: undefined symbols are
/// on a short list of kernel functions and data; no panic, unwind or allocation symbol, defined or
/// not, and no personality routine; every byte of machine code decodes, and is neither x87, MMX, SSE
/// nor AVX; no bitcode; no writable data but the counters; no recursion and no stack frame whose size
/// is known only at run time.
///
/// Printed for each function: bytes of code, with that of the object's other functions which it
/// calls, and the deepest stack in bytes, counted from its own return address down through these. What the kernel's functions use below
/// that is not counted.
#[derive(clap::Args)]
pub struct Args {
    /// The relocatable object
    object: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let path = &args.object;
    let data = elf::read(path)?;
    let file = elf::parse(path, &data)?;
    let image = Image::load(path, &file)?;

    let mut violations = symbols::violations(&image);
    violations.extend(code::violations(&image));
    let callers = if has_callers(&image) { &CALLERS[..] } else { &[] };
    for name in FUNCTIONS.iter().chain(callers) {
        let Some(function) = image.function(name) else {
            violations.push(format!("{name}: not defined as a global function"));
            continue;
        };
        match stack::extent(&image, function.place) {
            Ok(stack::Extent { code, stack }) => {
                println!("{name}: {code} bytes of code, {stack} bytes of stack")
            }
            Err(error) => violations.push(format!("{name}: stack depth not known: {error:#}")),
        }
    }
    println!("all code: {} bytes", image.text_bytes());
    for violation in &violations {
        println!("violation: {violation}");
    }
    if !violations.is_empty() {
        bail!("{}: {} violations", path.display(), violations.len());
    }
    Ok(())
}
