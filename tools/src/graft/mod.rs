// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool graft`: puts our two functions into a copy of a stock kernel.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use iced_x86::{FlowControl, Register};
use kit::files::{refuse_overwrite, sha256, sha256_of};
use kit::graft::Record;
use object::{Architecture, Object, ObjectKind};

use crate::{elf, layout};

mod blob;
pub mod callers;
mod facts;
pub mod kernel;
mod liveness;
pub mod patch;

use blob::Blob;
use facts::Facts;
use kernel::{Kernel, Section, Symbol};
use kit::link::PAGE;
use liveness::{clobbers, Fate, Liveness};

/// The two functions and their parameters.
pub const FUNCTIONS: [(&str, &[&str]); 2] = [
    ("vm_map_coalesce_entry", &["map", "entry"]),
    ("vm_map_pageable_scan", &["map", "start_entry", "end"]),
];

/// Put the object's two functions into a copy of a stock i386 kernel
///
/// The code goes where .eh_frame was, which nothing in the kernel uses (a debugger loses its unwind
/// tables); a jump at each original's entry leads to it, through a thunk if gcc gave the original its
/// register convention. Beside OUT, with the extension json, goes a record: our symbols' addresses, and
/// the SHA-256 of the stock kernel, the object and OUT. On any refusal neither is written.
///
/// Verified before anything is written:
///   - the kernel is an i386 executable with symbols and DWARF, not grafted yet;
///   - both functions are there, at the place the DWARF gives, neither inlined nor cloned;
///   - their parameters: names, and places on entry (all on the stack, or in eax, edx, ecx);
///   - every direct call of them: on no path from it is eax (after the scan), ecx or edx read
///     before it is written (followed into functions of the same compile unit); no tail jump to
///     them; no jump into their middle;
///   - the layouts in the object's record are those in the kernel's DWARF;
///   - each undefined symbol is one global symbol of the kernel, or one local piece of data;
///   - no symbol, instruction operand or word of data refers to .eh_frame; the code fits there;
///     writable data lies above the pages that the kernel protects (up to etext) and outside what it
///     zeroes at boot ([_edata, _end)).
///
/// Not verified:
///   - that the object is fit for a kernel (`vmtool object` checks that), or does what the
///     originals do;
///   - that structures which the record leaves out agree, and that the kernel's functions still
///     take the parameters that the object passes;
///   - calls through pointers, which are taken to follow the C convention;
///   - that the DWARF belongs to the code beside it.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The stock kernel: unpacked ELF with symbols and DWARF (left as it is)
    pub kernel: PathBuf,
    /// The relocatable object that holds both functions
    pub object: PathBuf,
    /// The grafted kernel
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Write what was found at each stage to numbered files in this folder
    #[arg(long, value_name = "DIR")]
    pub dump: Option<PathBuf>,
    /// Leave OUT as it is, and say nothing, if its record tells that this very tool made it from this
    /// kernel and this object
    #[arg(long, conflicts_with = "dump")]
    pub keep: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if !args.keep || !is_made(args)? {
        println!("{}", graft(args)?);
    }
    Ok(())
}

fn is_made(args: &Args) -> Result<bool> {
    let Ok(record) = Record::read(&args.output) else { return Ok(false) };
    let [stock, object] = [sha256_of(&args.kernel)?, sha256_of(&args.object)?];
    Ok(record.is_of(&stock, &object, &this_tool()?))
}

/// The SHA-256 of this program.
fn this_tool() -> Result<String> {
    sha256_of(&std::env::current_exe().context("where is this program?")?)
}

/// Returns one line on what was put where.
pub fn graft(args: &Args) -> Result<String> {
    let json_path = Record::place(&args.output);
    ensure!(json_path != args.output, "the output may not end in .json: the record goes there");
    let inputs: [&Path; 2] = [&args.kernel, &args.object];
    refuse_overwrite(&args.output, &inputs)?;
    refuse_overwrite(&json_path, &inputs)?;
    let kernel_data = elf::read(&args.kernel)?;
    let kernel_file = elf::parse(&args.kernel, &kernel_data)?;
    let kernel = Kernel::load(&args.kernel, &kernel_data, &kernel_file)?;
    let object_data = elf::read(&args.object)?;
    let object = elf::parse(&args.object, &object_data)?;
    let blob = prepare(args, &kernel_file, &kernel, &object)
        .with_context(|| format!("{}: not grafted", args.kernel.display()))?;
    let room = room(&kernel)?;
    let out = patch::build(&kernel, room, &blob)?;
    let record = Record {
        stock_sha256: sha256(&kernel_data),
        object_sha256: sha256(&object_data),
        grafted_sha256: sha256(&out),
        tool_sha256: this_tool()?,
        symbols: blob
            .symbols
            .iter()
            .map(|(name, symbol)| (name.clone(), symbol.address.into()))
            .collect(),
        text_bytes: blob.text_bytes.into(),
        room: room.size.into(),
    };
    let json = serde_json::to_string_pretty(&record)? + "\n";
    elf::write_all(&[(&json_path, json.as_bytes()), (&args.output, &out)], &inputs)?;
    Ok(format!(
        "{}: {} bytes of code at {:#x}, {} of {} bytes of room taken",
        args.output.display(),
        blob.text_bytes,
        blob.address,
        blob.bytes.len(),
        room.size
    ))
}

/// All checks; the linked code if every one passes.
fn prepare(
    args: &Args,
    kernel_file: &object::File,
    kernel: &Kernel,
    object: &object::File,
) -> Result<Blob> {
    if object.architecture() != Architecture::I386 || object.kind() != ObjectKind::Relocatable {
        bail!(
            "{}: other machine: {:?} for {:?}, where a relocatable object for i386 is needed",
            args.object.display(),
            object.kind(),
            object.architecture()
        );
    }
    if kernel.sections.iter().any(|s| s.name == patch::SECTION) {
        bail!("already grafted (it has a section {}); start from the stock kernel", patch::SECTION);
    }
    let sections = elf::dwarf_sections(&args.kernel, kernel_file)?;
    let names = FUNCTIONS.map(|(name, _)| name);
    let facts = Facts::read(&elf::dwarf(&sections), &names).context("damaged DWARF")?;

    let functions = find_functions(kernel, &facts)?;
    let mut conventions = HashMap::new();
    for (name, parameters) in FUNCTIONS {
        let entry = u64::from(functions[name].address);
        conventions.insert(name, facts.convention(name, entry, parameters)?);
    }
    dump(args, "1-functions.txt", || format!("{functions:#x?}\n{conventions:?}\n"))?;

    let code = callers::sweep(kernel);
    let calls = check_callers(kernel, &facts, &code, &functions)?;
    dump(args, "2-calls.txt", || calls)?;

    let (lines, _) = layout::compare((&args.kernel, kernel_file), (&args.object, object))?;
    if !lines.is_empty() {
        bail!(
            "layouts or functions differ from those the object was compiled for:\n  {}",
            lines.join("\n  ")
        );
    }
    let lines = blob::unresolved(kernel, object);
    if !lines.is_empty() {
        bail!("{}", lines.join("\n"));
    }

    let room = room(kernel)?;
    callers::check_unused(kernel, &code, room)?;
    let blob = blob::link(kernel, object, room.address.next_multiple_of(16), &conventions)
        .with_context(|| format!("cannot link {}", args.object.display()))?;
    check_room(kernel, room, &blob)?;
    if let Some(dir) = &args.dump {
        fs::write(dir.join("3-code.bin"), &blob.bytes)
            .with_context(|| format!("cannot write into {}", dir.display()))?;
    }
    dump(args, "4-symbols.txt", || format!("{:#x?}\n", blob.symbols))?;
    Ok(blob)
}

fn dump(args: &Args, name: &str, text: impl FnOnce() -> String) -> Result<()> {
    let Some(dir) = &args.dump else {
        return Ok(());
    };
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(dir.join(name), text()))
        .with_context(|| format!("cannot write into {}", dir.display()))
}

/// Both functions, each there once, whole.
fn find_functions<'a>(
    kernel: &'a Kernel,
    facts: &Facts,
) -> Result<BTreeMap<&'static str, &'a Symbol>> {
    let mut found = BTreeMap::new();
    for (name, _) in FUNCTIONS {
        if let Some(at) = facts.inlined(name).first() {
            bail!("{name}: inlined at {}; that copy would stay", kernel.describe(*at as u32));
        }
        let clone = format!("{name}.");
        if let Some(clone) = kernel.symbols.keys().find(|other| other.starts_with(&clone)) {
            bail!("{name}: cloned or split by the compiler (symbol {clone}); that part would stay");
        }
        let all = kernel.symbols.get(name).map_or(&[][..], Vec::as_slice);
        let [function] = all else {
            match all.is_empty() {
                true => bail!("{name}: function missing; kernels from before April 2024 lack it"),
                false => bail!("{name}: ambiguous, there are {} symbols of that name", all.len()),
            }
        };
        let entry = kernel
            .decode(function.address)
            .with_context(|| format!("{name}: there is no code at {:#x}", function.address))?;
        let leaves = entry.flow_control() == FlowControl::UnconditionalBranch
            && !function.contains(entry.near_branch_target() as u32);
        if leaves {
            bail!("{name}: already grafted (its entry is a jump elsewhere); start from the stock kernel");
        }
        if !function.is_function || function.size < patch::JUMP {
            bail!("{name}: not a function of at least {} bytes", patch::JUMP);
        }
        found.insert(name, function);
    }
    Ok(found)
}

/// Every call of either function must do without the registers that ours may clobber. Returns one
/// line per call.
fn check_callers(
    kernel: &Kernel,
    facts: &Facts,
    code: &[iced_x86::Instruction],
    functions: &BTreeMap<&'static str, &Symbol>,
) -> Result<String> {
    let mut liveness = Liveness::new(kernel, facts);
    let mut lines = String::new();
    for (name, function) in functions {
        // The coalesce's result is in eax.
        let registers: &[Register] = match *name {
            "vm_map_coalesce_entry" => &[Register::ECX, Register::EDX],
            _ => &[Register::EAX, Register::ECX, Register::EDX],
        };
        let calls = callers::calls(kernel, code, name, function)?;
        for after in facts.return_addresses(name) {
            let inside = functions.values().any(|f| f.contains(after as u32));
            if !inside && !calls.iter().any(|i| i.next_ip() == after) {
                bail!("{name}: the DWARF has a call that returns to {after:#x}, but there is none in the code");
            }
        }
        for call in &calls {
            let place = kernel.describe(call.ip() as u32);
            for register in registers {
                match liveness.fate(call.next_ip() as u32, *register) {
                    Fate::Dead => {}
                    Fate::Returns if clobbers(kernel, function, *register) => {}
                    Fate::Returns => bail!("{name}: {register:?} may be live after the call at {place}: the original leaves it alone, and so does the caller"),
                    Fate::Read(at) => bail!("{name}: {register:?} is live after the call at {place}: {} reads it", kernel.describe(at)),
                    Fate::Unknown(at) => bail!("{name}: {register:?} may be live after the call at {place}: the code at {} cannot be followed", kernel.describe(at)),
                }
            }
            lines += &format!("{name}: called at {place}: {registers:?} dead\n");
        }
    }
    Ok(lines)
}

pub fn room<'a>(kernel: &'a Kernel) -> Result<&'a Section> {
    kernel
        .sections
        .iter()
        .find(|s| s.name == ".eh_frame")
        .context("no room: the kernel has no .eh_frame to put the code in")
}

fn check_room(kernel: &Kernel, room: &Section, blob: &Blob) -> Result<()> {
    let end = u64::from(blob.address) + blob.bytes.len() as u64;
    let room_end = u64::from(room.address) + u64::from(room.size);
    if end > room_end {
        bail!(
            "no room: the code takes {} bytes, .eh_frame has {}",
            end - u64::from(room.address),
            room.size
        );
    }
    let (zero_from, zero_to) = (kernel.mark("_edata")?, kernel.mark("_end")?);
    if u64::from(zero_from) < end && blob.address < zero_to {
        bail!("no room: boot zeroes {zero_from:#x} to {zero_to:#x}, and .eh_frame lies there");
    }
    let protected = kernel.mark("etext")?.next_multiple_of(PAGE);
    if let Some((start, _)) = blob.writable {
        if start < protected {
            bail!("no room: writable data at {start:#x} would lie in the pages that the kernel makes read-only, up to {protected:#x}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_counts_from_its_end() {
        assert_eq!(patch::jump(0x1000, 0x1005), [0xe9, 0, 0, 0, 0]);
        assert_eq!(patch::jump(0x1000, 0x1000), [0xe9, 0xfb, 0xff, 0xff, 0xff]);
    }
}
