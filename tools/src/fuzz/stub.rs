// SPDX-License-Identifier: GPL-2.0-or-later
//! A copy of a kernel without the walk that needs no second look: see projected-unlocked in docs/upstream.md.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

use crate::elf;
use crate::graft::kernel::Kernel;

/// The function walks a map without its lock, so that any calls of two threads corrupt the map.
const FUNCTION: &str = "projected_buffer_in_range";
/// xor %eax, %eax; ret: nothing is projected, which is so in a task without in-kernel drivers' buffers.
const RETURN_FALSE: [u8; 3] = [0x31, 0xc0, 0xc3];

/// The copy, in `folder`, with that function answering at once.
pub fn copy(path: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let data = elf::read(path)?;
    let output = folder.join(format!("{name}-without-{FUNCTION}"));
    let out = changed(path, &data)
        .with_context(|| format!("cannot steer round projected-unlocked in {}", path.display()))?;
    elf::write_all(&[(&output, &out)], &[path])?;
    Ok(output)
}

fn changed(path: &Path, data: &[u8]) -> Result<Vec<u8>> {
    let kernel = Kernel::load(path, data, &elf::parse(path, data)?)?;
    let address = kernel.resolve(FUNCTION)?;
    let at = kernel.file_offset(address).context("it is not in the file")?;
    ensure!(at + RETURN_FALSE.len() <= data.len(), "it ends behind the file");
    let mut out = data.to_vec();
    out[at..at + RETURN_FALSE.len()].copy_from_slice(&RETURN_FALSE);
    Ok(out)
}
