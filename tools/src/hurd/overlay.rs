// SPDX-License-Identifier: GPL-2.0-or-later
//! A copy-on-write overlay over a raw image, with some files of its ext2 file system replaced.
//!
//! Neither root nor a mount is needed, and the image is only read: debugfs replaces the files in a
//! sparse copy of the file system's tables (e2image), and the blocks that became different there,
//! with those of the new files, are written into the overlay at their places.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;

use anyhow::{ensure, Context, Result};

use super::ext2::{self, Ext2};

/// Makes `overlay` (qcow2) over the image that `system` lies in, with `files` (path inside, file here)
/// in place. `work` is a folder for scratch files.
pub fn make(system: &Ext2, files: &[(&str, &Path)], work: &Path, overlay: &Path) -> Result<()> {
    ensure!(
        system.clean(),
        "{}: its file system was not unmounted cleanly, so nothing can be put into it safely; run \
         e2fsck on a copy, or boot and shut it down once",
        system.file.display()
    );
    let (before, after) = (work.join("tables-before"), work.join("tables-after"));
    ext2::copy_tables(system, &before)?;
    let changed = ext2::copy_tables(system, &after)?;
    changed.put(files).context("cannot replace files in the overlay")?;
    let mut blocks = different_blocks(&before, &after, changed.block_size)?;
    // A block of zeros differs from nothing in a copy that has no data, but may in the image.
    for (path, _) in files {
        blocks.extend(changed.blocks(path)?);
    }
    create(&system.file, overlay)?;
    let pieces = runs(blocks);
    write_pieces(&after, &pieces, changed.block_size, system.offset, work, overlay)
}

/// An empty overlay.
pub fn create(base: &Path, overlay: &Path) -> Result<()> {
    // A relative name of the base would be taken from the overlay's folder.
    let base = base.canonicalize().with_context(|| format!("cannot find {}", base.display()))?;
    let done = super::tool("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
        .args([&base, overlay])
        .stdin(Stdio::null())
        .output();
    let done = super::started("qemu-img", done)?;
    ensure!(done.status.success(), "qemu-img: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

fn different_blocks(before: &Path, after: &Path, block_size: u64) -> Result<Vec<u64>> {
    const PIECE: usize = 1 << 20;
    let (mut one, mut two) = (File::open(before)?, File::open(after)?);
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let mut different = Vec::new();
    let mut first = 0;
    loop {
        let length = read_full(&mut two, &mut right)?;
        if length == 0 {
            return Ok(different);
        }
        left.fill(0);
        read_full(&mut one, &mut left[..length])?;
        if left[..length] != right[..length] {
            let size = block_size as usize;
            let pairs = left[..length].chunks(size).zip(right[..length].chunks(size));
            different.extend((first..).zip(pairs).filter(|(_, (a, b))| a != b).map(|(n, _)| n));
        }
        first += length as u64 / block_size;
    }
}

fn read_full(source: &mut File, buffer: &mut [u8]) -> Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match source.read(&mut buffer[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

fn runs(mut blocks: Vec<u64>) -> Vec<Range<u64>> {
    blocks.sort_unstable();
    blocks.dedup();
    let mut runs: Vec<Range<u64>> = Vec::new();
    for block in blocks {
        match runs.last_mut() {
            Some(run) if run.end == block => run.end += 1,
            _ => runs.push(block..block + 1),
        }
    }
    runs
}

fn write_pieces(
    source: &Path,
    runs: &[Range<u64>],
    block_size: u64,
    offset: u64,
    work: &Path,
    overlay: &Path,
) -> Result<()> {
    let mut source = File::open(source)?;
    let mut script = String::new();
    for (n, run) in runs.iter().enumerate() {
        let (start, length) = (run.start * block_size, (run.end - run.start) * block_size);
        let mut piece = vec![0; length as usize];
        std::io::Seek::seek(&mut source, std::io::SeekFrom::Start(start))?;
        let read = read_full(&mut source, &mut piece)?;
        ensure!(read as u64 == length, "the file system's tables end in the middle of a block");
        fs::write(work.join(format!("piece{n}")), piece)?;
        // Names without a folder: qemu-io splits at blanks.
        script += &format!("write -q -s piece{n} {} {length}\n", offset + start);
    }
    let mut child = super::tool("qemu-io")
        .args(["-f", "qcow2"])
        .arg(overlay.canonicalize()?)
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run qemu-io")?;
    child.stdin.take().context("qemu-io's input")?.write_all(script.as_bytes())?;
    let done = child.wait_with_output()?;
    let said =
        String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).replace("qemu-io> ", "");
    ensure!(done.status.success() && said.trim().is_empty(), "qemu-io: {}", said.trim());
    for n in 0..runs.len() {
        fs::remove_file(work.join(format!("piece{n}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
