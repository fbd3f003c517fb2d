// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool graft`: puts our functions into a copy of a stock kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use kit::files::{refuse_overwrite, sha256, sha256_of};
use kit::graft::Record;
use object::{Object, ObjectKind};

use crate::{elf, layout};

mod blob;
pub mod callers;
mod class;
mod facts;
mod functions;
pub mod kernel;
mod liveness;
mod originals;
mod parts;
pub mod patch;

use blob::Blob;
use facts::Facts;
use kernel::{Kernel, Section};
use kit::link::PAGE;
use originals::Originals;

/// Put the object's functions into a copy of a stock i386 or x86_64 kernel
///
/// They are the two, and their callers if the object has them (the feature `callers`).
/// The code goes where .eh_frame was, which nothing in the kernel uses (a debugger loses its unwind
/// tables); a jump at each original's entry leads to it, through a thunk if gcc gave the original its
/// register convention. Beside OUT, with the extension json, goes a record: our symbols' addresses, and
/// the SHA-256 of the stock kernel, the object and OUT. On any refusal neither is written.
///
/// Verified before anything is written:
///   - the kernel is an i386 or x86_64 executable with symbols and DWARF, not grafted yet;
///   - each function is there, at the place the DWARF gives, neither cloned nor inlined into one that
///     stays; of vm_map_remove, which takes the lock for vm_map_delete, inlined copies may stay, and
///     are told;
///   - their parameters: names, and places on entry (i386: all on the stack, or in eax, edx, ecx; x86_64:
///     those of the System V convention);
///   - every direct call of them: on no path from it is a register that C functions may clobber (ecx, edx
///     and eax; on x86_64 all that the System V convention names) read before it is written, but the one
///     with a result (followed into functions of the same compile unit); no tail jump to them; no jump
///     into their middle;
///   - the layouts in the object's record are those in the kernel's DWARF;
///   - each undefined symbol is one global symbol of the kernel, or one local piece of data;
///   - no symbol, instruction operand or word of data refers to .eh_frame; the code fits there, and on
///     x86_64 reaches what it calls, and the entries it, with 32 bits;
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
    /// The relocatable object that holds the functions
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

/// Returns a line on what was put where, and one for each copy of an original that still runs.
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
    let (blob, left) = prepare(args, &kernel_file, &kernel, &object)
        .with_context(|| format!("{}: not grafted", args.kernel.display()))?;
    let room = room(&kernel)?;
    let out = patch::build(&kernel, room, &blob)?;
    let record = Record {
        stock_sha256: sha256(&kernel_data),
        object_sha256: sha256(&object_data),
        grafted_sha256: sha256(&out),
        tool_sha256: this_tool()?,
        symbols: blob.symbols.iter().map(|(name, symbol)| (name.clone(), symbol.address)).collect(),
        parts: blob
            .parts
            .iter()
            .map(|(name, of)| (patch::label(name, &blob), of.clone()))
            .collect(),
        text_bytes: blob.text_bytes,
        room: room.size,
    };
    let json = serde_json::to_string_pretty(&record)? + "\n";
    elf::write_all(&[(&json_path, json.as_bytes()), (&args.output, &out)], &inputs)?;
    let mut said = format!(
        "{}: {} bytes of code at {:#x}, {} of {} bytes of room taken",
        args.output.display(),
        blob.text_bytes,
        blob.address,
        blob.bytes.len(),
        room.size
    );
    left.iter().for_each(|line| said += &format!("\n{line}"));
    Ok(said)
}

/// All checks; if every one passes, the linked code, and what of the originals still runs.
fn prepare(
    args: &Args,
    kernel_file: &object::File,
    kernel: &Kernel,
    object: &object::File,
) -> Result<(Blob, Vec<String>)> {
    let machine = kernel_file.architecture();
    if object.architecture() != machine || object.kind() != ObjectKind::Relocatable {
        bail!(
            "{}: other machine: {:?} for {:?}, where a relocatable object for {machine:?} is needed",
            args.object.display(),
            object.kind(),
            object.architecture()
        );
    }
    if kernel.sections.iter().any(|s| s.name == patch::SECTION) {
        bail!("already grafted (it has a section {}); start from the stock kernel", patch::SECTION);
    }
    let sections = elf::dwarf_sections(&args.kernel, kernel_file)?;
    let replaced = functions::replaced_by(object);
    let names: Vec<&str> = replaced.iter().map(|function| function.name).collect();
    let facts = Facts::read(&elf::dwarf(&sections), &names).context("damaged DWARF")?;

    let originals = Originals::find(kernel, &facts, replaced)?;
    dump(args, "1-functions.txt", || format!("{originals:#x?}\n"))?;

    let code = callers::sweep(kernel);
    let calls = originals.check_calls(kernel, &facts, &code)?;
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
    let at = room.address.next_multiple_of(16);
    let blob = blob::link(kernel, object, at, &originals)
        .with_context(|| format!("cannot link {}", args.object.display()))?;
    check_room(kernel, room, &blob)?;
    if let Some(dir) = &args.dump {
        fs::write(dir.join("3-code.bin"), &blob.bytes)
            .with_context(|| format!("cannot write into {}", dir.display()))?;
    }
    dump(args, "4-symbols.txt", || format!("{:#x?}\n", blob.symbols))?;
    Ok((blob, originals.copies_told(kernel)))
}

fn dump(args: &Args, name: &str, text: impl FnOnce() -> String) -> Result<()> {
    let Some(dir) = &args.dump else {
        return Ok(());
    };
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(dir.join(name), text()))
        .with_context(|| format!("cannot write into {}", dir.display()))
}

pub fn room<'a>(kernel: &'a Kernel) -> Result<&'a Section> {
    kernel
        .sections
        .iter()
        .find(|s| s.name == ".eh_frame")
        .context("no room: the kernel has no .eh_frame to put the code in")
}

fn check_room(kernel: &Kernel, room: &Section, blob: &Blob) -> Result<()> {
    let end = blob.address + blob.bytes.len() as u64;
    if end > room.address + room.size {
        bail!("no room: the code takes {} bytes, .eh_frame has {}", end - room.address, room.size);
    }
    let (zero_from, zero_to) = (kernel.mark("_edata")?, kernel.mark("_end")?);
    if zero_from < end && blob.address < zero_to {
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
