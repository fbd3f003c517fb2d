// SPDX-License-Identifier: GPL-2.0-or-later
//! Builds the grafted file: the kernel's bytes with the blob in place of .eh_frame, a jump for each function, and
//! symbol and name tables that know our functions. Nothing that is loaded changes its place.

use anyhow::{ensure, Context, Result};
use object::elf::{FileHeader32, FileHeader64, SHT_SYMTAB, STB_GLOBAL, STT_FUNC, STT_OBJECT};
use object::endian::Endianness;
use object::read::elf::SectionHeader;

use super::blob::Blob;
use super::class::{Class, NewSymbol};
use super::kernel::{Kernel, Section};

/// The new name of the section that was .eh_frame; it also tells that a kernel is grafted already.
pub use kit::graft::SECTION;

/// Bytes of a `jmp rel32`.
pub const JUMP: u64 = 5;

pub fn jump(from: u64, to: u64) -> [u8; JUMP as usize] {
    let [a, b, c, d] = (distance(from, to) as u32).to_le_bytes();
    [0xe9, a, b, c, d]
}

fn distance(from: u64, to: u64) -> i64 {
    to.wrapping_sub(from + JUMP) as i64
}

pub fn build(kernel: &Kernel, room: &Section, blob: &Blob) -> Result<Vec<u8>> {
    let mut out = kernel.data.to_vec();
    // What is left of the unwind data would no longer be whole: traps instead.
    out[room.offset..room.offset + room.size as usize].fill(0xcc);
    let at = kernel.file_offset(blob.address).context("the room has no place in the file")?;
    out[at..at + blob.bytes.len()].copy_from_slice(&blob.bytes);
    for (name, target) in &blob.entries {
        for function in &kernel.symbols[*name] {
            let at = kernel
                .file_offset(function.address)
                .with_context(|| format!("{name} has no place in the file"))?;
            let distance = distance(function.address, *target);
            ensure!(
                !kernel.is_64 || i32::try_from(distance).is_ok(),
                "no room: a jump from {name} to {target:#x} takes more than 32 bits"
            );
            out[at..at + JUMP as usize].copy_from_slice(&jump(function.address, *target));
        }
    }
    match kernel.is_64 {
        false => name_symbols::<FileHeader32<Endianness>>(kernel, room, blob, &mut out)?,
        true => name_symbols::<FileHeader64<Endianness>>(kernel, room, blob, &mut out)?,
    }
    Ok(out)
}

/// Appends new symbol and string tables to the file and points the section headers at them.
fn name_symbols<C: Class>(
    kernel: &Kernel,
    room: &Section,
    blob: &Blob,
    out: &mut Vec<u8>,
) -> Result<()> {
    let header = C::parse(kernel.data)?;
    let endian = header.endian()?;
    let mut sections = header.section_headers(endian, kernel.data)?.to_vec();
    let symtab =
        sections.iter().position(|s| s.sh_type(endian) == SHT_SYMTAB).context("no symbol table")?;
    let strtab = sections[symtab].link(endian).0;
    let shstrtab = usize::from(header.e_shstrndx(endian));
    let content =
        |s: &C::SectionHeader| -> Result<Vec<u8>> { Ok(s.data(endian, kernel.data)?.to_vec()) };

    let mut symbols = content(&sections[symtab])?;
    let mut names = content(&sections[strtab])?;
    let index = u16::try_from(room.index)?;
    for (name, placed) in &blob.symbols {
        let label = label(name, blob);
        let kind = if placed.is_function { STT_FUNC } else { STT_OBJECT };
        symbols.extend(C::symbol(&NewSymbol {
            name: u32::try_from(names.len())?,
            address: placed.address,
            size: placed.size,
            info: (STB_GLOBAL << 4) | kind,
            section: index,
        })?);
        names.extend(label.as_bytes());
        names.push(0);
    }
    // The three tables may be two: names of symbols and of sections can share one.
    let mut section_names = match shstrtab == strtab {
        true => std::mem::take(&mut names),
        false => content(&sections[shstrtab])?,
    };
    let new_name = u32::try_from(section_names.len())?;
    section_names.extend(SECTION.as_bytes());
    section_names.push(0);

    let mut append = |n: usize, bytes: &[u8]| -> Result<()> {
        out.resize(out.len().next_multiple_of(8), 0);
        C::move_to(&mut sections[n], out.len(), bytes.len())?;
        out.extend(bytes);
        Ok(())
    };
    append(symtab, &symbols)?;
    if shstrtab != strtab {
        append(strtab, &names)?;
    }
    append(shstrtab, &section_names)?;
    let mut flags = object::elf::SHF_ALLOC | object::elf::SHF_EXECINSTR;
    if blob.writable.is_some() {
        flags |= object::elf::SHF_WRITE;
    }
    C::rename(&mut sections[room.index], new_name, flags);
    let at = usize::try_from(header.e_shoff(endian).into())?;
    let bytes = object::pod::bytes_of_slice(&sections);
    out[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(())
}

/// The original keeps its own name: a debugger should tell the two apart.
pub fn label(name: &str, blob: &Blob) -> String {
    match blob.entries.contains_key(name) {
        true => format!("{name}_rust"),
        false => name.to_string(),
    }
}
