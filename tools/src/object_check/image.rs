// SPDX-License-Identifier: GPL-2.0-or-later
//! A relocatable object with its relocations resolved to places inside it or names outside it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{bail, Context, Result};
use object::elf as e;
use object::{
    Architecture, Object, ObjectKind, ObjectSection, ObjectSymbol, RelocationFlags,
    RelocationTarget, SectionFlags, SymbolKind,
};

use crate::elf;

/// A byte of the object: section index and offset in it.
pub type Place = (usize, u64);

#[derive(Clone, Debug)]
pub enum Target {
    Inside(Place),
    Outside(String),
}

/// One relocation: where the field points once linked.
pub struct Reference {
    pub target: Target,
    /// The field holds an address, not a distance.
    pub is_absolute: bool,
}

pub struct Section {
    pub name: String,
    pub data: Vec<u8>,
    pub size: u64,
    pub is_text: bool,
    pub is_loaded: bool,
    pub is_writable: bool,
    /// By offset of the field.
    pub references: BTreeMap<u64, Reference>,
}

pub struct Symbol {
    pub name: String,
    pub is_undefined: bool,
    pub is_common: bool,
    pub is_global_function: bool,
    pub place: Place,
    pub size: u64,
}

pub struct Image {
    pub bits: u32,
    pub sections: HashMap<usize, Section>,
    pub symbols: Vec<Symbol>,
}

impl Image {
    pub fn load(path: &Path, file: &object::File) -> Result<Self> {
        let bits = match file.architecture() {
            Architecture::I386 => 32,
            Architecture::X86_64 => 64,
            other => bail!("{}: made for {other:?}, not for i386 or x86-64", path.display()),
        };
        if file.kind() != ObjectKind::Relocatable {
            bail!("{}: not a relocatable object", path.display());
        }
        let mut sections = HashMap::new();
        for section in file.sections() {
            let name = section.name()?.to_string();
            let SectionFlags::Elf { sh_flags } = section.flags() else {
                bail!("{}: not ELF", path.display());
            };
            let has = |flag: u32| sh_flags & u64::from(flag) != 0;
            let data = section.uncompressed_data()?.into_owned();
            let references = references(file, &section, &data)
                .with_context(|| format!("{}: relocations of {name}", path.display()))?;
            let section_index = section.index().0;
            sections.insert(
                section_index,
                Section {
                    is_text: elf::is_text(&section) || has(e::SHF_EXECINSTR),
                    is_loaded: has(e::SHF_ALLOC),
                    is_writable: has(e::SHF_ALLOC) && has(e::SHF_WRITE),
                    size: section.size(),
                    name,
                    data,
                    references,
                },
            );
        }
        let mut symbols = Vec::new();
        for symbol in file.symbols() {
            let name = symbol.name()?.to_string();
            if name.is_empty() || symbol.kind() == SymbolKind::File {
                continue;
            }
            symbols.push(Symbol {
                name,
                is_undefined: symbol.is_undefined(),
                is_common: symbol.is_common(),
                is_global_function: symbol.is_global()
                    && symbol.is_definition()
                    && symbol.kind() == SymbolKind::Text,
                place: (symbol.section_index().map_or(0, |index| index.0), symbol.address()),
                size: symbol.size(),
            });
        }
        Ok(Self { bits, sections, symbols })
    }

    pub fn function(&self, name: &str) -> Option<&Symbol> {
        self.symbols.iter().find(|s| s.name == name && s.is_global_function)
    }

    pub fn text_sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.values().filter(|s| s.is_text && s.is_loaded)
    }

    pub fn text_bytes(&self) -> u64 {
        self.text_sections().map(|s| s.size).sum()
    }

    /// A place in words: section + offset, with the symbol that starts there if there is one.
    pub fn describe(&self, place: Place) -> String {
        let section = self.sections.get(&place.0).map_or("?", |s| s.name.as_str());
        let inside = self.symbols.iter().find(|s| {
            s.place.0 == place.0 && s.place.1 <= place.1 && place.1 < s.place.1 + s.size.max(1)
        });
        match inside {
            Some(s) => format!("{}+{:#x}", s.name, place.1 - s.place.1),
            None => format!("{section}+{:#x}", place.1),
        }
    }
}

fn references(
    file: &object::File,
    section: &object::Section,
    data: &[u8],
) -> Result<BTreeMap<u64, Reference>> {
    let mut references = BTreeMap::new();
    for (offset, relocation) in section.relocations() {
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            bail!("not ELF");
        };
        let is_absolute = match file.architecture() {
            Architecture::I386 => r_type == e::R_386_32,
            _ => matches!(r_type, e::R_X86_64_64 | e::R_X86_64_32 | e::R_X86_64_32S),
        };
        let mut addend = relocation.addend();
        if relocation.has_implicit_addend() {
            let at = usize::try_from(offset)?;
            let field = data
                .get(at..at + 4)
                .with_context(|| format!("a field at {offset:#x} lies outside the section"))?;
            addend += i64::from(i32::from_le_bytes(field.try_into()?));
        }
        if !is_absolute {
            // Distances count from the end of the 4-byte field.
            addend += 4;
        }
        let RelocationTarget::Symbol(index) = relocation.target() else {
            bail!("the field at {offset:#x} refers to no symbol");
        };
        let symbol = file.symbol_by_index(index)?;
        let target = match symbol.section_index() {
            Some(section) => {
                Target::Inside((section.0, symbol.address().wrapping_add_signed(addend)))
            }
            None => Target::Outside(symbol.name()?.to_string()),
        };
        references.insert(offset, Reference { target, is_absolute });
    }
    Ok(references)
}
