// SPDX-License-Identifier: GPL-2.0-or-later
//! A kernel's ELF file: symbols, structures, and its image in memory.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{bail, Context, Result};
use kit::dwarf::Layouts;
use kit::elf;
use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::low;

const PAGE: u32 = 0x1000;

/// A function's address and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    pub address: u32,
    pub size: u32,
}

pub struct Kernel {
    pub symbols: HashMap<String, Symbol>,
    pub structs: Layouts,
    /// Whole pages of the writable segments: address and bytes.
    pub data: Vec<(u32, u32)>,
    /// Whole pages of everything else.
    pub text: Vec<(u32, u32)>,
    /// The name and version that the kernel prints when it starts.
    pub version: String,
}

/// Structures that the oracle touches itself.
const STRUCTS: &[&str] = &["vm_map", "vm_map_entry", "vm_object", "lock", "thread", "percpu"];

impl Kernel {
    /// Reads the file and maps its image at the addresses it was linked for.
    /// Everything is writable until `seal`.
    pub fn load(path: &Path) -> Result<Self> {
        let what = || path.display().to_string();
        let data = elf::read(path)?;
        let file = elf::parse(path, &data)?;
        if file.architecture() != object::Architecture::I386 {
            bail!("{}: for {:?}; the oracle runs i386 kernels", what(), file.architecture());
        }
        let sections = elf::dwarf_sections(path, &file)?;
        let structs = Layouts::read(&elf::dwarf(&sections), STRUCTS).with_context(what)?;
        let mut symbols = HashMap::new();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown) {
                let place = Symbol { address: symbol.address() as u32, size: symbol.size() as u32 };
                if symbol.is_global() || !symbols.contains_key(name) {
                    symbols.insert(name.to_string(), place);
                }
            }
        }
        let (mut text, mut writable) = (Vec::new(), Vec::new());
        for segment in file.segments() {
            let start = segment.address() as u32 & !(PAGE - 1);
            let end = (segment.address() + segment.size()) as u32;
            let size = (end - start + PAGE - 1) & !(PAGE - 1);
            low::map(start, size, low::RW).with_context(what)?;
            let bytes = segment.data().with_context(what)?;
            low::bytes(segment.address() as u32, bytes.len() as u32).copy_from_slice(bytes);
            let object::SegmentFlags::Elf { p_flags } = segment.flags() else { continue };
            let list = if p_flags & object::elf::PF_W != 0 { &mut writable } else { &mut text };
            list.push((start, size));
        }
        let mut kernel = Kernel { symbols, structs, data: writable, text, version: String::new() };
        kernel.version = match kernel.symbols.get("version") {
            Some(symbol) => c_string(symbol.address),
            None => what(),
        };
        Ok(kernel)
    }

    pub fn symbol(&self, name: &str) -> Result<Symbol> {
        self.symbols
            .get(name)
            .copied()
            .with_context(|| format!("the kernel has no symbol {name}: a kernel with symbols?"))
    }

    /// The name of the function that `address` lies in.
    pub fn name_of(&self, address: u32) -> String {
        self.symbols
            .iter()
            .filter(|(_, s)| s.address <= address && address < s.address + s.size)
            .map(|(name, s)| format!("{name}+{:#x}", address - s.address))
            .min()
            .unwrap_or_else(|| format!("{address:#x}"))
    }

    /// Makes code and constants read-only, and the data too: the first write to
    /// each page of it is noticed (see `watch`).
    pub fn seal(&self) {
        for &(start, size) in &self.text {
            low::protect(start, size, low::RX);
        }
        for &(start, size) in &self.data {
            low::protect(start, size, low::READ);
        }
    }
}

/// A C string of the image, at most 200 bytes of it.
pub fn c_string(address: u32) -> String {
    let mut text = Vec::new();
    let mut at = address;
    while text.len() < 200 {
        match low::bytes(at, 1)[0] {
            0 => break,
            byte => text.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&text).into_owned()
}
