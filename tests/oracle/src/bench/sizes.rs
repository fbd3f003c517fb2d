// SPDX-License-Identifier: GPL-2.0-or-later
//! Bytes of code, and what a graft adds to each call.

use std::fs;
use std::path::Path;

use anyhow::{bail, Context, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use super::results::{Added, Graft, Text};
use super::stage::HELPERS;
use crate::callers::CALLERS;
use crate::kernel::Kernel;

const COALESCE: &str = "vm_map_coalesce_entry";
const SCAN: &str = "vm_map_pageable_scan";
const COUNTERS: &str = "vm_map_rust_counters";

/// The sizes that the symbols give; padding between functions is nobody's.
pub fn text(kernel: &Kernel, our_object: &Path) -> Result<Text> {
    let size = |name: &str| kernel.symbol(name).map(|symbol| symbol.size);
    let mut text =
        Text { shipped_coalesce: size(COALESCE)?, shipped_scan: size(SCAN)?, ..Text::default() };
    for helper in HELPERS {
        text.shipped_helpers += size(helper)?;
    }
    let data = read(our_object)?;
    let file = object::File::parse(&*data)?;
    if file.symbols().any(|symbol| symbol.name() == Ok(COUNTERS)) {
        bail!("{}: has the crate's counters, which cost", our_object.display());
    }
    for symbol in file.symbols().filter(|s| s.kind() == SymbolKind::Text && s.is_definition()) {
        let size = symbol.size() as u32;
        let name = symbol.name()?;
        if CALLERS.iter().any(|(_, caller)| *caller == name) {
            text.callers.insert(name.to_string(), [kernel.symbol(name)?.size, size]);
            continue;
        }
        match name {
            COALESCE => text.ours_coalesce += size,
            SCAN => text.ours_scan += size,
            _ => text.ours_helpers += size,
        }
    }
    Ok(text)
}

/// What the object says that it was compiled by.
pub fn compiler(our_object: &Path) -> Result<String> {
    let data = read(our_object)?;
    let file = object::File::parse(&*data)?;
    let section = file.section_by_name(".comment");
    let words = section.map(|section| section.data()).transpose()?.unwrap_or_default();
    let mut words = words.split(|&byte| byte == 0).map(String::from_utf8_lossy);
    let compiler = words.find(|word| word.starts_with("rustc"));
    Ok(compiler.with_context(|| format!("{}: names no rustc", our_object.display()))?.into_owned())
}

/// Reads what stands at the functions' entries in a grafted kernel.
pub fn graft(grafted: &Path) -> Result<Graft> {
    let data = read(grafted)?;
    let file = object::File::parse(&*data).with_context(|| grafted.display().to_string())?;
    let added = |name: &str| {
        let symbol = file.symbols().find(|s| s.name() == Ok(name) && s.is_definition());
        let at = symbol.with_context(|| format!("{}: no {name}", grafted.display()))?.address();
        added(&file, at).with_context(|| format!("{}: {name}", grafted.display()))
    };
    Ok(Graft { coalesce: added(COALESCE)?, scan: added(SCAN)? })
}

fn added(file: &object::File, entry: u64) -> Result<Added> {
    let jump = decode(file, entry)?;
    anyhow::ensure!(jump.mnemonic() == Mnemonic::Jmp, "no jump at its entry: not a grafted kernel");
    let mut added = Added { instructions: 1, ..Added::default() };
    // A thunk is pushes, a call, an addition and a return; anything else is our
    // function itself.
    let mut thunk = Added::default();
    let mut at = jump.near_branch_target();
    loop {
        let instruction = decode(file, at)?;
        at = instruction.next_ip();
        thunk.instructions += 1;
        match instruction.mnemonic() {
            Mnemonic::Push => thunk.writes += 1,
            Mnemonic::Call => {
                thunk.writes += 1;
                thunk.stack = 4 * thunk.writes;
            }
            Mnemonic::Add if thunk.stack != 0 => {}
            Mnemonic::Ret if thunk.stack != 0 => {
                thunk.reads += 1;
                added = Added { instructions: added.instructions + thunk.instructions, ..thunk };
                return Ok(added);
            }
            _ => return Ok(added),
        }
    }
}

fn decode(file: &object::File, at: u64) -> Result<Instruction> {
    let code = file
        .segments()
        .find_map(|segment| segment.data_range(at, 15).ok().flatten())
        .with_context(|| format!("no code at {at:#x}"))?;
    let bits = if file.is_64() { 64 } else { 32 };
    Ok(Decoder::with_ip(bits, code, at, DecoderOptions::NONE).decode())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
