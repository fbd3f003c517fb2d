// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool window`: a copy of a kernel in which a moment of vm_object_copy_delayed lasts long enough to be seen.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use kit::files::{refuse_overwrite, write_all};

use crate::elf;
use crate::graft::kernel::Kernel;
use crate::graft::{callers, patch, room};

mod find;
mod stub;

use find::Window;

/// Stretch the moment in vm_object_copy_delayed in which a copy shadows nothing, in a copy of a kernel
///
/// The function lets go of the old copy object, which shadows the new one by then, and sets what the new one
/// shadows after that. A fault on another CPU that walks down in between finds the end of the chain, and
/// puts a page of zeros into the old copy. In the kernel's copy a delay stands between the two; with
/// --closed the same delay stands behind both, as the stores are made before the old copy is let go. So the
/// first fails at once where the stock kernel fails once in a very long time, and if the second never does, it
/// is the order that counts. Nothing else is changed, and nothing of ours is in either.
///
/// The place is found by what the instructions do, with the members' places from the kernel's DWARF; a kernel
/// whose compiler arranged it otherwise is refused. The new code goes where .eh_frame was, which nothing
/// uses, so the result cannot be grafted as well.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The stock kernel: unpacked ELF with symbols and DWARF (left as it is)
    kernel: PathBuf,
    /// The changed copy
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Repair the order of the stores as well
    #[arg(long)]
    closed: bool,
    /// How often the delay goes round
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

pub fn run(args: &Args) -> Result<()> {
    let inputs: [&Path; 1] = [&args.kernel];
    refuse_overwrite(&args.output, &inputs)?;
    let data = elf::read(&args.kernel)?;
    let file = elf::parse(&args.kernel, &data)?;
    let kernel = Kernel::load(&args.kernel, &data, &file)?;
    let changed = |window: &Window| change(&kernel, window, args.closed, args.rounds);
    let (out, window) = Window::find(&args.kernel, &kernel, &file)
        .and_then(|window| Ok((changed(&window)?, window)))
        .with_context(|| format!("{}: nothing was changed", args.kernel.display()))?;
    write_all(&[(&args.output, &out)], &inputs)?;
    println!(
        "{}: {} rounds after the unlock at {}, {} the store at {}",
        args.output.display(),
        args.rounds,
        kernel.describe(window.unlock),
        if args.closed { "which comes behind" } else { "before" },
        kernel.describe(window.store)
    );
    Ok(())
}

/// The kernel's bytes, with a jump to the new code in them.
fn change(kernel: &Kernel, window: &Window, closed: bool, rounds: u32) -> Result<Vec<u8>> {
    let room = room(kernel)?;
    callers::check_unused(kernel, &callers::sweep(kernel), room)?;
    let start = room.address.next_multiple_of(16);
    let (from, code) = match closed {
        true => (window.unlock, stub::closed(window, start, rounds)),
        false => (window.jump, stub::open(window, start, rounds)),
    };
    let mut out = kernel.data.to_vec();
    let mut put = |address: u64, bytes: &[u8]| -> Result<()> {
        let at = kernel.file_offset(address).context("no place in the file")?;
        out[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    };
    ensure!(
        start + code.len() as u64 <= room.address + room.size,
        "no room: .eh_frame is too small"
    );
    put(start, &code)?;
    put(from, &patch::jump(from, start))?;
    Ok(out)
}

#[cfg(test)]
mod tests;
