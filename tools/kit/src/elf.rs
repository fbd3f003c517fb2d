// SPDX-License-Identifier: GPL-2.0-or-later
//! What every program here does with an ELF file: open it with an error that names the fault, and
//! load its DWARF.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{bail, Context, Result};
use gimli::{DwarfSections, EndianSlice, LittleEndian};
use object::{Object, ObjectSection, ObjectSegment, SectionKind};

pub use crate::files::{read, write_all};

pub type Reader<'a> = EndianSlice<'a, LittleEndian>;
pub type Dwarf<'a> = gimli::Dwarf<Reader<'a>>;
pub type Unit<'a> = gimli::Unit<Reader<'a>>;
pub type Die<'a> = gimli::DebuggingInformationEntry<Reader<'a>>;

/// Parses an ELF file and checks that everything its headers point at is inside it.
pub fn parse<'a>(path: &Path, data: &'a [u8]) -> Result<object::File<'a>> {
    let name = path.display();
    if data.starts_with(&[0x1f, 0x8b]) {
        bail!("{name}: not an ELF file but a gzip one; unpack it first (gzip -d)");
    }
    if !data.starts_with(b"\x7fELF") {
        bail!("{name}: not an ELF file");
    }
    let file = object::File::parse(data)
        .map_err(|e| anyhow::anyhow!("{name}: truncated or damaged ELF file ({e})"))?;
    if file.endianness() != object::Endianness::Little {
        bail!("{name}: big-endian ELF file; GNU Mach runs on little-endian machines only");
    }
    let size = data.len() as u64;
    let inside = |range: Option<(u64, u64)>| {
        range.is_none_or(|(start, len)| start.checked_add(len).is_some_and(|end| end <= size))
    };
    for section in file.sections() {
        if !inside(section.file_range()) {
            let what = section.name().unwrap_or("?");
            bail!("{name}: truncated: section {what} ends beyond the file's {size} bytes");
        }
    }
    for segment in file.segments() {
        let (start, len) = segment.file_range();
        if !inside(Some((start, len))) {
            bail!("{name}: truncated: the segment at file offset {start:#x} ends beyond the file's {size} bytes");
        }
    }
    Ok(file)
}

/// What the crate is compiled for if this is the kernel: a name in tools/targets/.
pub fn target_for(kernel: &object::File) -> Result<&'static str> {
    match kernel.architecture() {
        object::Architecture::I386 => Ok("i686-gnumach"),
        object::Architecture::X86_64 => Ok("x86_64-gnumach"),
        other => bail!("no kernel for i386 or x86_64 but for {other:?}"),
    }
}

/// The owned bytes of an ELF file's DWARF sections.
pub fn dwarf_sections<'a>(
    path: &Path,
    file: &object::File<'a>,
) -> Result<DwarfSections<Cow<'a, [u8]>>> {
    if file.section_by_name(".debug_info").is_none() {
        bail!(
            "{}: no DWARF (.debug_info is missing); take the package whose name ends in -dbg, or a kernel that was built with -g",
            path.display()
        );
    }
    DwarfSections::load(|id| -> Result<Cow<'a, [u8]>> {
        match file.section_by_name(id.name()) {
            Some(section) => section
                .uncompressed_data()
                .with_context(|| format!("{}: cannot read section {}", path.display(), id.name())),
            None => Ok(Cow::Borrowed(&[])),
        }
    })
}

/// A view of the DWARF sections that gimli can walk.
pub fn dwarf<'a>(sections: &'a DwarfSections<Cow<'_, [u8]>>) -> Dwarf<'a> {
    sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian))
}

/// Whether a section holds machine code.
pub fn is_text(section: &object::Section) -> bool {
    section.kind() == SectionKind::Text
}
