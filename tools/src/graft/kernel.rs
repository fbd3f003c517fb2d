// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel to be grafted: its bytes, sections and symbols.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{bail, Context, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use object::{Architecture, Object, ObjectKind, ObjectSection, ObjectSymbol, SymbolKind};

use crate::elf;

pub struct Section {
    /// Index in the section header table.
    pub index: usize,
    pub name: String,
    pub address: u64,
    pub size: u64,
    pub offset: usize,
    pub is_text: bool,
}

impl Section {
    pub fn contains(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.size
    }
}

#[derive(Clone, Debug)]
pub struct Symbol {
    pub address: u64,
    pub size: u64,
    pub is_function: bool,
    pub is_global: bool,
}

impl Symbol {
    pub fn contains(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.size
    }
}

pub struct Kernel<'a> {
    pub data: &'a [u8],
    /// For x86_64, not i386.
    pub is_64: bool,
    /// Sections with bytes in the file and a place in memory.
    pub sections: Vec<Section>,
    pub symbols: HashMap<String, Vec<Symbol>>,
}

impl<'a> Kernel<'a> {
    pub fn load(path: &Path, data: &'a [u8], file: &object::File) -> Result<Self> {
        let name = path.display();
        let known = matches!(file.architecture(), Architecture::I386 | Architecture::X86_64);
        if !known || file.kind() != ObjectKind::Executable {
            bail!(
                "{name}: other machine: {:?} for {:?}, where an executable for i386 or x86_64 is needed",
                file.kind(),
                file.architecture()
            );
        }
        let mut symbols: HashMap<String, Vec<Symbol>> = HashMap::new();
        for symbol in file.symbols() {
            let label = symbol.name().unwrap_or_default();
            let unusable = matches!(symbol.kind(), SymbolKind::File | SymbolKind::Section);
            if label.is_empty() || symbol.is_undefined() || unusable {
                continue;
            }
            symbols.entry(label.to_string()).or_default().push(Symbol {
                address: symbol.address(),
                size: symbol.size(),
                is_function: symbol.kind() == SymbolKind::Text,
                is_global: symbol.is_global(),
            });
        }
        if symbols.is_empty() {
            bail!("{name}: no symbols; take the package whose name ends in -dbg");
        }
        let mut sections = Vec::new();
        for section in file.sections() {
            let Some((offset, _)) = section.file_range() else {
                continue;
            };
            if section.address() == 0 {
                continue;
            }
            sections.push(Section {
                index: section.index().0,
                name: section.name()?.to_string(),
                address: section.address(),
                size: section.size(),
                offset: usize::try_from(offset)?,
                is_text: elf::is_text(&section),
            });
        }
        Ok(Self { data, is_64: file.is_64(), sections, symbols })
    }

    /// Of the code that a decoder is to read.
    pub fn bits(&self) -> u32 {
        if self.is_64 {
            64
        } else {
            32
        }
    }

    /// An address that was reckoned: 32-bit code's go round at 4 GB.
    pub fn in_memory(&self, address: u64) -> u64 {
        if self.is_64 {
            address
        } else {
            address & u64::from(u32::MAX)
        }
    }

    /// The address of a global symbol that the kernel's link script defines.
    pub fn mark(&self, name: &str) -> Result<u64> {
        let symbols = self.symbols.get(name).map_or(&[][..], Vec::as_slice);
        symbols.iter().find(|s| s.is_global).map(|s| s.address).with_context(|| {
            format!("the kernel has no symbol {name}, which marks where its parts end")
        })
    }

    /// What the linker would take for an undefined symbol of the object.
    pub fn resolve(&self, name: &str) -> Result<u64> {
        let Some(symbols) = self.symbols.get(name) else {
            bail!("undefined symbol {name}: the kernel lacks it");
        };
        if let Some(symbol) = symbols.iter().find(|s| s.is_global) {
            return Ok(symbol.address);
        }
        match &symbols[..] {
            [one] if !one.is_function => Ok(one.address),
            [_] => bail!("undefined symbol {name}: in the kernel it is a static function, whose calling convention is the compiler's own"),
            many => bail!(
                "undefined symbol {name}: ambiguous, the kernel has {} local symbols of that name",
                many.len()
            ),
        }
    }

    pub fn bytes(&self, section: &Section) -> &'a [u8] {
        &self.data[section.offset..section.offset + section.size as usize]
    }

    pub fn text(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|s| s.is_text)
    }

    /// The offset in the file of the byte at this address.
    pub fn file_offset(&self, address: u64) -> Option<usize> {
        let section = self.sections.iter().find(|s| s.contains(address))?;
        Some(section.offset + (address - section.address) as usize)
    }

    /// The instruction at this address; none if there is no code, or no instruction.
    pub fn decode(&self, address: u64) -> Option<Instruction> {
        let section = self.text().find(|s| s.contains(address))?;
        let bytes = &self.bytes(section)[(address - section.address) as usize..];
        let mut decoder = Decoder::with_ip(self.bits(), bytes, address, DecoderOptions::NONE);
        Some(decoder.decode()).filter(|i| !i.is_invalid())
    }

    /// The function that starts at this address.
    pub fn function_starting(&self, address: u64) -> Option<&Symbol> {
        let mut all = self.symbols.values().flatten();
        all.find(|s| s.is_function && s.address == address && s.size > 0)
    }

    /// Where the function around this address starts.
    pub fn function_at(&self, address: u64) -> Option<u64> {
        let all = self.symbols.values().flatten();
        let around = all.filter(|s| s.is_function && s.contains(address));
        around.map(|s| s.address).max()
    }

    /// `name+0x12` for an address in code, for messages.
    pub fn describe(&self, address: u64) -> String {
        let functions = self.symbols.iter().flat_map(|(name, all)| {
            let here = all.iter().filter(|s| s.is_function && s.contains(address));
            here.map(move |s| (name, s))
        });
        // Several names may share a place: take the same one each time.
        match functions.min_by_key(|(name, _)| name.as_str()) {
            Some((name, s)) => format!("{name}+{:#x} ({address:#x})", address - s.address),
            None => format!("{address:#x}"),
        }
    }
}
