// SPDX-License-Identifier: GPL-2.0-or-later
//! Links the object of our functions for a fixed address: code, constants, then
//! writable data on pages of its own. Only the relocations that code without
//! shared libraries has, three on i386 and five on x86_64, are known; anything else
//! is refused.

use std::collections::{BTreeMap, HashMap};

use anyhow::{bail, Context, Result};
use object::elf as e;
use object::{
    Architecture, File, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    Section, SectionFlags, SectionIndex, SectionKind, SymbolKind,
};

/// x86's page: writable data shares none with code, or an emulator would
/// translate the code anew after each write.
pub const PAGE: u64 = 4096;

/// `int3`: what lies between pieces of code traps.
pub const TRAP: u8 = 0xcc;

/// Sections with this prefix describe the object; they are no part of its code.
pub const RECORD_PREFIX: &str = ".gnumach_layout";

/// Where everything goes.
pub struct Plan {
    start: u64,
    places: HashMap<SectionIndex, u64>,
    /// Where code ends, and constants begin.
    pub text_end: u64,
    /// The first and the last address of writable data, if there is any.
    pub writable: Option<(u64, u64)>,
    pub end: u64,
}

/// A symbol that the object defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub address: u64,
    pub size: u64,
    pub is_function: bool,
}

impl Plan {
    /// Gives each loaded section its address, from `start` on.
    pub fn new(file: &File, start: u64) -> Result<Plan> {
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
                at = at.next_multiple_of(section.align().max(1));
                places.insert(section.index(), at);
                at += section.size();
            }
            ends[n] = at;
        }
        let writable = (!groups[2].is_empty()).then_some((writable_start, at));
        Ok(Plan { start, places, text_end: ends[0], writable, end: at })
    }

    /// The bytes from `start` to `end`. `resolve` tells the address of a symbol
    /// that the object leaves undefined.
    pub fn link(&self, file: &File, resolve: impl Fn(&str) -> Result<u64>) -> Result<Vec<u8>> {
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
        resolve: &impl Fn(&str) -> Result<u64>,
        bytes: &mut [u8],
    ) -> Result<()> {
        let start = self.places[&section.index()];
        for (offset, relocation) in section.relocations() {
            let field = start + offset;
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
                    at.wrapping_add(symbol.address())
                }
                None if symbol.is_undefined() => resolve(name)?,
                None => bail!("symbol {name}: neither in a section nor undefined (common data?)"),
            };
            let kind = Kind::of(file.architecture(), relocation.flags());
            let kind = kind.with_context(|| {
                let flags = relocation.flags();
                format!("the relocation at {offset:#x} is of a kind not known here: {flags:?}")
            })?;
            let place = bytes.get_mut(from..from + kind.bytes());
            let place = place.with_context(|| {
                format!("the relocation at {offset:#x} lies outside the section")
            })?;
            // i386's keep their addend in place, x86_64's beside.
            let addend = match relocation.has_implicit_addend() {
                true => i32::from_le_bytes((&*place).try_into()?).into(),
                false => relocation.addend(),
            };
            let value = kind.value(target.wrapping_add_signed(addend), field);
            let value = value.with_context(|| {
                format!("the relocation at {offset:#x}: {name} at {target:#x} is out of reach of {field:#x}")
            })?;
            place.copy_from_slice(&value.to_le_bytes()[..kind.bytes()]);
        }
        Ok(())
    }

    /// The object's global symbols, where they lie now.
    pub fn symbols(&self, file: &File) -> Result<BTreeMap<String, Symbol>> {
        self.chosen(file, |symbol| symbol.is_global())
    }

    /// The object's own functions, which nobody else can call: mangled names and addresses.
    pub fn inner(&self, file: &File) -> Result<BTreeMap<String, Symbol>> {
        self.chosen(file, |symbol| symbol.is_local() && symbol.kind() == SymbolKind::Text)
    }

    fn chosen(
        &self,
        file: &File,
        choose: impl Fn(&object::Symbol) -> bool,
    ) -> Result<BTreeMap<String, Symbol>> {
        let mut symbols = BTreeMap::new();
        for symbol in file.symbols().filter(|s| choose(s)) {
            if let Some(placed) = self.placed(&symbol) {
                symbols.insert(symbol.name()?.to_string(), placed);
            }
        }
        Ok(symbols)
    }

    /// The object's functions that it keeps to itself, where they lie now, by the names that they have in
    /// their source; if two have the same, the second keeps that of its symbol.
    pub fn local_functions(&self, file: &File) -> Result<BTreeMap<String, Symbol>> {
        let mut symbols = BTreeMap::new();
        for symbol in file.symbols().filter(|s| s.is_local() && s.kind() == SymbolKind::Text) {
            let Some(placed) = self.placed(&symbol) else { continue };
            let label = symbol.name()?.to_string();
            let name = format!("{:#}", rustc_demangle::demangle(&label));
            let name = if symbols.contains_key(&name) { label } else { name };
            symbols.insert(name, placed);
        }
        Ok(symbols)
    }

    fn placed(&self, symbol: &object::Symbol) -> Option<Symbol> {
        let at = self.places.get(&symbol.section_index().filter(|_| symbol.is_definition())?)?;
        Some(Symbol {
            address: at + symbol.address(),
            size: symbol.size(),
            is_function: symbol.kind() == SymbolKind::Text,
        })
    }
}

/// What a relocation puts where.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// An address of 32-bit code, or the distance to it, which may go round.
    Word,
    Distance,
    /// Of 64-bit code: a whole address, one of the lowest or the highest, and a distance.
    Long,
    Lowest,
    Highest,
    Near,
}

impl Kind {
    fn of(architecture: Architecture, flags: RelocationFlags) -> Option<Kind> {
        let RelocationFlags::Elf { r_type } = flags else { return None };
        Some(match (architecture, r_type) {
            (Architecture::I386, e::R_386_32) => Kind::Word,
            (Architecture::I386, e::R_386_PC32 | e::R_386_PLT32) => Kind::Distance,
            (Architecture::X86_64, e::R_X86_64_64) => Kind::Long,
            (Architecture::X86_64, e::R_X86_64_32) => Kind::Lowest,
            (Architecture::X86_64, e::R_X86_64_32S) => Kind::Highest,
            (Architecture::X86_64, e::R_X86_64_PC32 | e::R_X86_64_PLT32) => Kind::Near,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        if self == Kind::Long {
            8
        } else {
            4
        }
    }

    /// The lowest bytes of this go there; none if they do not tell all of it.
    fn value(self, address: u64, field: u64) -> Option<u64> {
        let distance = address.wrapping_sub(field);
        match self {
            Kind::Word | Kind::Long => Some(address),
            Kind::Distance => Some(distance),
            Kind::Lowest => u32::try_from(address).ok().map(|_| address),
            Kind::Highest => i32::try_from(address as i64).ok().map(|_| address),
            Kind::Near => i32::try_from(distance as i64).ok().map(|_| distance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        const KERNEL: u64 = 0xffff_ffff_8100_0000;
        assert_eq!(Kind::Word.value(0xc100_0000, 0), Some(0xc100_0000));
        assert_eq!(Kind::Distance.value(0x1000, 0x2000).map(|v| v as u32), Some(0xffff_f000));
        assert_eq!(Kind::Long.value(KERNEL, 0), Some(KERNEL));
        assert_eq!(Kind::Highest.value(KERNEL, 0), Some(KERNEL));
        assert_eq!(Kind::Highest.value(0xffff_ffff_7fff_ffff, 0), None);
        assert_eq!(Kind::Highest.value(0x8000_0000, 0), None);
        assert_eq!(Kind::Lowest.value(0x8000_0000, 0), Some(0x8000_0000));
        assert_eq!(Kind::Lowest.value(KERNEL, 0), None);
        assert_eq!(Kind::Near.value(KERNEL, KERNEL + 5).map(|v| v as i64), Some(-5));
        assert_eq!(Kind::Near.value(KERNEL, 0x200_0000), None);
    }
}
