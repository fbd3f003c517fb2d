// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes what a prover needs of a kernel and our object: both as they lie in
//! memory, and where everything in them is. Runs no 32-bit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use clap::Parser;
use kit::dwarf::{CType, Member};
use kit::exit;
use kit::files::write_all;

use crate::callers::CALLERS;
use crate::hooks::{Spec, SPECS};
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::{low, ours};

/// Write a kernel's memory image with our object in it, and all that is known of both
///
/// DIR/memory.bin holds the bytes; DIR/image.toml the regions of it, symbols, structures and the
/// addresses that the oracle gives its things. Exit status: 0 done; 2 bad usage, or files that do
/// not fit.
#[derive(Parser)]
#[command(name = "oracle image", bin_name = "oracle image", version)]
struct Args {
    /// The kernel: an i386 ELF file with symbols and DWARF
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Our object for that kernel
    #[arg(long, value_name = "FILE")]
    object: PathBuf,
    /// The folder to write to; it is made if need be
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn main(words: &[OsString]) -> ExitCode {
    let args = Args::parse_from(words);
    match write(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle image: {error:#}");
            exit::USAGE.into()
        }
    }
}

fn write(args: &Args) -> Result<()> {
    let kernel = Kernel::load(&args.kernel)?;
    ensure!(!low::is_wide(), "{}: for x86_64; the prover is for i386", args.kernel.display());
    let layout = Layout::read(&kernel)?;
    let mut mapped = 0;
    let ours = ours::load(&args.object, &kernel, &mut mapped, None)?;

    let mut memory: Vec<u8> = Vec::new();
    let mut text = String::new();
    let mut line = |what: std::fmt::Arguments| {
        let _ = writeln!(text, "{what}");
    };
    line(format_args!("version = {:?}", kernel.version));
    let read_only = kernel.text.iter().map(|&(start, size)| (start, size, "kernel"));
    let data = kernel.data.iter().map(|&(start, size)| (start, size, "data"));
    for (start, size, what) in read_only.chain(data).chain([(low::OURS, mapped, "ours")]) {
        line(format_args!("[[region]]\nwhat = {what:?}\naddress = {start:#x}\nsize = {size:#x}"));
        line(format_args!("offset = {:#x}", memory.len()));
        memory.extend_from_slice(low::bytes(start, size));
    }
    line(format_args!("[ours]\nvm_map_pageable_scan = {:#x}", ours.scan));
    line(format_args!("vm_map_coalesce_entry = {:#x}", ours.coalesce));
    if let Some(callers) = ours.callers {
        for (caller, name) in CALLERS {
            line(format_args!("{name} = {:#x}", callers[caller as usize]));
        }
    }
    line(format_args!("[inner]"));
    for (name, address) in &ours.inner {
        line(format_args!("{name:?} = {address:#x}"));
    }
    line(format_args!("[place]"));
    for (name, address) in [
        ("percpu_array", layout.percpu),
        ("active_thread", layout.active_thread),
        ("kernel_pmap", layout.kernel_pmap),
        ("thread", layout.thread),
        ("map", layout.map),
        ("free", layout.free),
        ("stack", low::STACK),
        ("stack_size", low::STACK_SIZE),
    ] {
        line(format_args!("{name} = {address:#x}"));
    }
    // How many arguments the functions take that end a walk through the code.
    line(format_args!("[calls]"));
    for Spec(name, _, arguments) in SPECS {
        line(format_args!("{name} = {arguments}"));
    }
    line(format_args!("[symbols]"));
    let mut symbols: Vec<_> = kernel.symbols.iter().collect();
    symbols.sort();
    for (name, symbol) in symbols {
        line(format_args!("{name:?} = [{:#x}, {:#x}]", symbol.address, symbol.size));
    }
    // A member's first bit, and how many it has.
    for name in ["vm_map", "vm_map_entry", "thread"] {
        let structure = &kernel.structs.structs[name];
        line(format_args!("[struct.{name}]\nsize = {}", structure.size));
        line(format_args!("[struct.{name}.members]"));
        let mut places = BTreeMap::new();
        list(&kernel, &structure.members, "", 0, &mut places);
        for (member, (bit, bits)) in places {
            line(format_args!("{member:?} = [{bit}, {bits}]"));
        }
    }
    fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    write_all(
        &[(&args.out.join("memory.bin"), &memory), (&args.out.join("image.toml"), text.as_bytes())],
        &[&args.kernel, &args.object],
    )
}

/// Adds the members and those inside them, named with dots as in C.
fn list(
    kernel: &Kernel,
    members: &[Member],
    prefix: &str,
    base: u64,
    places: &mut BTreeMap<String, (u64, u64)>,
) {
    for member in members {
        let (at, name) = (base + member.bit_offset, format!("{prefix}{}", member.name));
        let inner: &[Member] = match &member.c_type {
            CType::Named(_, inner) => &kernel.structs.structs[inner].members,
            CType::Unnamed(_, inner, _) => inner,
            _ => &[],
        };
        let within = if member.name.is_empty() { prefix.to_string() } else { format!("{name}.") };
        list(kernel, inner, &within, at, places);
        if !member.name.is_empty() {
            places.insert(name, (at, member.bit_size));
        }
    }
}
