// SPDX-License-Identifier: GPL-2.0-or-later
//! Our object, linked in memory against the kernel's image.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{bail, Context, Result};
use object::elf::{R_386_32, R_386_PC32, R_386_PLT32};
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionFlags,
    SymbolSection,
};

use crate::kernel::Kernel;
use crate::low;

/// Fills what is between functions: no code may run there.
const BREAKPOINT: u8 = 0xcc;

/// Where the object is in memory, and its functions.
pub struct Ours {
    pub scan: u32,
    pub coalesce: u32,
}

/// Loads the object at `low::OURS`. It may be loaded again over an older one.
pub fn load(path: &Path, kernel: &Kernel, mapped: &mut u32) -> Result<Ours> {
    let what = || path.display().to_string();
    let data = fs::read(path).with_context(|| format!("cannot read {}", what()))?;
    let file = object::File::parse(&*data)
        .map_err(|e| anyhow::anyhow!("{}: not an ELF object, or damaged: {e}", what()))?;
    if file.architecture() != object::Architecture::I386
        || file.kind() != object::ObjectKind::Relocatable
    {
        bail!("{}: not a relocatable i386 object", what());
    }

    // What is writable (counters) stands on pages of its own, behind the rest.
    let mut places = HashMap::new();
    let mut end = low::OURS;
    let mut writable_from = end;
    for writable in [false, true] {
        end = (end + 0xfff) & !0xfff;
        writable_from = end;
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
            let has = |flag: u32| sh_flags & u64::from(flag) != 0;
            if has(object::elf::SHF_ALLOC) && has(object::elf::SHF_WRITE) == writable {
                let align = section.align().max(16) as u32;
                let start = (end + align - 1) & !(align - 1);
                places.insert(section.index(), start);
                end = start + section.size() as u32;
            }
        }
    }
    let size = (end - low::OURS + 0xfff) & !0xfff;
    if size > *mapped {
        low::map(low::OURS + *mapped, size - *mapped, low::RW)?;
        *mapped = size;
    }
    low::protect(low::OURS, *mapped, low::RW);
    low::bytes(low::OURS, *mapped).fill(BREAKPOINT);

    for section in file.sections() {
        let Some(&start) = places.get(&section.index()) else { continue };
        let bytes = section.data().with_context(what)?;
        low::bytes(start, section.size() as u32).fill(0);
        low::bytes(start, bytes.len() as u32).copy_from_slice(bytes);
    }
    for section in file.sections() {
        let Some(&start) = places.get(&section.index()) else { continue };
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                bail!("{}: a relocation without a symbol", what());
            };
            let symbol = file.symbol_by_index(index)?;
            let target = match symbol.section() {
                SymbolSection::Section(index) => {
                    let base = places.get(&index).with_context(|| {
                        format!("{}: refers to a section that is not loaded", what())
                    })?;
                    base + symbol.address() as u32
                }
                _ => kernel.symbol(symbol.name()?).with_context(what)?.address,
            };
            let at = start + offset as u32;
            // i386 relocations keep their addend in place.
            let value = target.wrapping_add(low::read32(at));
            match relocation.flags() {
                RelocationFlags::Elf { r_type: R_386_32 } => low::write32(at, value),
                RelocationFlags::Elf { r_type: R_386_PC32 | R_386_PLT32 } => {
                    low::write32(at, value.wrapping_sub(at));
                }
                other => bail!("{}: unknown relocation {other:?}", what()),
            }
        }
    }
    low::protect(low::OURS, writable_from - low::OURS, low::RX);

    let function = |name: &str| -> Result<u32> {
        let symbol = file
            .symbols()
            .find(|s| s.is_definition() && s.name() == Ok(name))
            .with_context(|| format!("{}: defines no {name}", what()))?;
        let index = symbol.section_index().context("a function without a section")?;
        Ok(places[&index] + symbol.address() as u32)
    };
    Ok(Ours {
        scan: function("vm_map_pageable_scan")?,
        coalesce: function("vm_map_coalesce_entry")?,
    })
}
