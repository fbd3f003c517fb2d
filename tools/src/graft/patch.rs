// SPDX-License-Identifier: GPL-2.0-or-later
//! Builds the grafted file: the kernel's bytes with the blob in place of .eh_frame, a jump for each function, and
//! symbol and name tables that know our functions. Nothing that is loaded changes its place.

use anyhow::{Context, Result};
use object::elf::{
    FileHeader32, SectionHeader32, Sym32, SHT_SYMTAB, STB_GLOBAL, STT_FUNC, STT_OBJECT,
};
use object::endian::{Endianness, LittleEndian as LE, U16, U32};
use object::read::elf::{FileHeader, SectionHeader};

use super::blob::Blob;
use super::kernel::{Kernel, Section};

/// The new name of the section that was .eh_frame; it also tells that a kernel is grafted already.
pub use kit::graft::SECTION;

/// Bytes of a `jmp rel32`.
pub const JUMP: u32 = 5;

pub fn jump(from: u32, to: u32) -> [u8; JUMP as usize] {
    let [a, b, c, d] = to.wrapping_sub(from + JUMP).to_le_bytes();
    [0xe9, a, b, c, d]
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
            out[at..at + JUMP as usize].copy_from_slice(&jump(function.address, *target));
        }
    }
    name_symbols(kernel, room, blob, &mut out)?;
    Ok(out)
}

/// Appends new symbol and string tables to the file and points the section headers at them.
fn name_symbols(kernel: &Kernel, room: &Section, blob: &Blob, out: &mut Vec<u8>) -> Result<()> {
    let header = FileHeader32::<Endianness>::parse(kernel.data)?;
    let endian = header.endian()?;
    let mut sections = header.section_headers(endian, kernel.data)?.to_vec();
    let symtab =
        sections.iter().position(|s| s.sh_type(endian) == SHT_SYMTAB).context("no symbol table")?;
    let strtab = sections[symtab].link(endian).0;
    let shstrtab = usize::from(header.e_shstrndx(endian));
    let content = |s: &SectionHeader32<Endianness>| -> Result<Vec<u8>> {
        Ok(s.data(endian, kernel.data)?.to_vec())
    };

    let mut symbols = content(&sections[symtab])?;
    let mut names = content(&sections[strtab])?;
    let index = u16::try_from(room.index)?;
    for (name, placed) in &blob.symbols {
        let label = label(name, blob);
        let kind = if placed.is_function { STT_FUNC } else { STT_OBJECT };
        let symbol = Sym32::<LE> {
            st_name: U32::new(LE, u32::try_from(names.len())?),
            st_value: U32::new(LE, placed.address),
            st_size: U32::new(LE, placed.size),
            st_info: (STB_GLOBAL << 4) | kind,
            st_other: 0,
            st_shndx: U16::new(LE, index),
        };
        symbols.extend(object::bytes_of(&symbol));
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
        out.resize(out.len().next_multiple_of(4), 0);
        sections[n].sh_offset = U32::new(endian, u32::try_from(out.len())?);
        sections[n].sh_size = U32::new(endian, u32::try_from(bytes.len())?);
        out.extend(bytes);
        Ok(())
    };
    append(symtab, &symbols)?;
    if shstrtab != strtab {
        append(strtab, &names)?;
    }
    append(shstrtab, &section_names)?;
    let room_header = &mut sections[room.index];
    room_header.sh_name = U32::new(endian, new_name);
    let mut flags = object::elf::SHF_ALLOC | object::elf::SHF_EXECINSTR;
    if blob.writable.is_some() {
        flags |= object::elf::SHF_WRITE;
    }
    room_header.sh_flags = U32::new(endian, flags);
    let at = usize::try_from(header.e_shoff(endian))?;
    let bytes = object::pod::bytes_of_slice(&sections);
    out[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(())
}

/// The original keeps its own name: a debugger should tell the two apart.
fn label(name: &str, blob: &Blob) -> String {
    match blob.entries.contains_key(name) {
        true => format!("{name}_rust"),
        false => name.to_string(),
    }
}
