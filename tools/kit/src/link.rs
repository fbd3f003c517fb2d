// SPDX-License-Identifier: GPL-2.0-or-later
//! Links the object of our functions for a fixed address: code, constants, then
//! writable data on pages of its own. Only the three relocations that 32-bit code
//! without shared libraries has are known; anything else is refused.

use std::collections::{BTreeMap, HashMap};

use anyhow::{bail, Context, Result};
use object::elf as e;
use object::{
    File, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, Section,
    SectionFlags, SectionIndex, SectionKind, SymbolKind,
};

/// x86's page: writable data shares none with code, or an emulator would
/// translate the code anew after each write.
pub const PAGE: u32 = 4096;

/// `int3`: what lies between pieces of code traps.
pub const TRAP: u8 = 0xcc;

/// Sections with this prefix describe the object; they are no part of its code.
pub const RECORD_PREFIX: &str = ".gnumach_layout";

/// Where everything goes.
pub struct Plan {
    start: u32,
    places: HashMap<SectionIndex, u32>,
    /// Where code ends, and constants begin.
    pub text_end: u32,
    /// The first and the last address of writable data, if there is any.
    pub writable: Option<(u32, u32)>,
    pub end: u32,
}

/// A symbol that the object defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub address: u32,
    pub size: u32,
    pub is_function: bool,
}

impl Plan {
    /// Gives each loaded section its address, from `start` on.
    pub fn new(file: &File, start: u32) -> Result<Plan> {
        let mut groups: [Vec<Section>; 3] = [vec![], vec![], vec![]];
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else {
                bail!("the object is not ELF");
            };
            let has = |flag: u32| sh_flags & u64::from(flag) != 0;
            let name = section.name()?;
            let is_description = name.starts_with(RECORD_PREFIX)
                || name.starts_with(".eh_frame")
                || name.starts_with(".note")
                || section.kind() == SectionKind::Note;
            if !has(e::SHF_ALLOC) || is_description || section.size() == 0 {
                continue;
            }
            if has(e::SHF_TLS) {
                bail!("section {name}: thread-local data");
            }
            let group = match (has(e::SHF_EXECINSTR), has(e::SHF_WRITE)) {
                (true, _) => 0,
                (false, false) => 1,
                (false, true) => 2,
            };
            groups[group].push(section);
        }
        let mut places = HashMap::new();
        let mut at = start;
        let mut ends = [0; 3];
        let mut writable_start = 0;
        for (n, group) in groups.iter().enumerate() {
            if n == 2 && !group.is_empty() {
                at = at.next_multiple_of(PAGE);
                writable_start = at;
            }
            for section in group {
                at = at.next_multiple_of(u32::try_from(section.align())?.max(1));
                places.insert(section.index(), at);
                at += u32::try_from(section.size())?;
            }
            ends[n] = at;
        }
        let writable = (!groups[2].is_empty()).then_some((writable_start, at));
        Ok(Plan { start, places, text_end: ends[0], writable, end: at })
    }

    /// The bytes from `start` to `end`. `resolve` tells the address of a symbol
    /// that the object leaves undefined.
    pub fn link(&self, file: &File, resolve: impl Fn(&str) -> Result<u32>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (self.end - self.start) as usize];
        bytes[..(self.text_end - self.start) as usize].fill(TRAP);
        for section in file.sections() {
            let Some(at) = self.places.get(&section.index()) else { continue };
            let from = (at - self.start) as usize;
            let data = section.data()?;
            bytes[from..from + data.len()].copy_from_slice(data);
            self.relocate(file, &section, &resolve, &mut bytes)
                .with_context(|| format!("section {}", section.name().unwrap_or("?")))?;
        }
        Ok(bytes)
    }

    fn relocate(
        &self,
        file: &File,
        section: &Section,
        resolve: &impl Fn(&str) -> Result<u32>,
        bytes: &mut [u8],
    ) -> Result<()> {
        let start = self.places[&section.index()];
        for (offset, relocation) in section.relocations() {
            let field = start + u32::try_from(offset)?;
            let from = (field - self.start) as usize;
            let RelocationTarget::Symbol(index) = relocation.target() else {
                bail!("the relocation at {offset:#x} names no symbol");
            };
            let symbol = file.symbol_by_index(index)?;
            let name = symbol.name().unwrap_or_default();
            let target = match symbol.section_index() {
                Some(index) => {
                    let at = self.places.get(&index).with_context(|| {
                        format!("the relocation at {offset:#x} refers to {name}, which is in a section that is not loaded")
                    })?;
                    at.wrapping_add(symbol.address() as u32)
                }
                None if symbol.is_undefined() => resolve(name)?,
                None => bail!("symbol {name}: neither in a section nor undefined (common data?)"),
            };
            let old = bytes.get(from..from + 4).with_context(|| {
                format!("the relocation at {offset:#x} lies outside the section")
            })?;
            // i386 relocations keep their addend in place.
            let addend = u32::from_le_bytes(old.try_into()?);
            let value = target.wrapping_add(addend);
            let value = match relocation.flags() {
                RelocationFlags::Elf { r_type: e::R_386_32 } => value,
                RelocationFlags::Elf { r_type: e::R_386_PC32 | e::R_386_PLT32 } => {
                    value.wrapping_sub(field)
                }
                other => {
                    bail!("the relocation at {offset:#x} is of a kind not known here: {other:?}")
                }
            };
            bytes[from..from + 4].copy_from_slice(&value.to_le_bytes());
        }
        Ok(())
    }

    /// The object's global symbols, where they lie now.
    pub fn symbols(&self, file: &File) -> Result<BTreeMap<String, Symbol>> {
        let mut symbols = BTreeMap::new();
        for symbol in file.symbols().filter(|s| s.is_global() && s.is_definition()) {
            let Some(at) = symbol.section_index().and_then(|index| self.places.get(&index)) else {
                continue;
            };
            let placed = Symbol {
                address: at + symbol.address() as u32,
                size: symbol.size() as u32,
                is_function: symbol.kind() == SymbolKind::Text,
            };
            symbols.insert(symbol.name()?.to_string(), placed);
        }
        Ok(symbols)
    }
}
