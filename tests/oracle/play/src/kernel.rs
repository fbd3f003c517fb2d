// SPDX-License-Identifier: GPL-2.0-or-later
//! A kernel's ELF file: symbols, structures, and its image in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{bail, Context, Result};
use kit::dwarf::Layouts;
use kit::elf;
use object::{Architecture, Object, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::{low, moved};

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
const STRUCTS: &[&str] =
    &["vm_map", "vm_map_entry", "vm_object", "vm_page", "lock", "task", "thread", "percpu"];

impl Kernel {
    /// Reads the file and maps its image at the addresses it was linked for, or a 64-bit kernel's
    /// below them (see `moved`), as from now on it is known which of them this is. Everything is writable until `seal`.
    pub fn load(path: &Path) -> Result<Self> {
        let what = || path.display().to_string();
        let data = elf::read(path)?;
        let file = elf::parse(path, &data)?;
        let wide = match file.architecture() {
            Architecture::I386 => false,
            Architecture::X86_64 => true,
            other => {
                bail!("{}: for {other:?}; the oracle runs kernels for i386 and x86_64", what())
            }
        };
        low::set_wide(wide);
        let sections = elf::dwarf_sections(path, &file)?;
        let structs = Layouts::read(&elf::dwarf(&sections), STRUCTS).with_context(what)?;
        let mut symbols = HashMap::new();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown) {
                let address = moved::down(symbol.address()) as u32;
                let place = Symbol { address, size: symbol.size() as u32 };
                if symbol.is_global() || !symbols.contains_key(name) {
                    symbols.insert(name.to_string(), place);
                }
            }
        }
        let (mut text, mut writable) = (Vec::new(), Vec::new());
        // What runs before a 64-bit kernel has its own addresses is not needed.
        let segments = file.segments().filter(|s| !wide || s.address() >= moved::BY);
        for segment in segments {
            let address = moved::down(segment.address()) as u32;
            let start = address & !(PAGE - 1);
            let end = address + segment.size() as u32;
            let size = (end - start + PAGE - 1) & !(PAGE - 1);
            low::map(start, size, low::RW).with_context(what)?;
            let bytes = segment.data().with_context(what)?;
            low::bytes(address, bytes.len() as u32).copy_from_slice(bytes);
            let object::SegmentFlags::Elf { p_flags } = segment.flags() else { continue };
            let list = if p_flags & object::elf::PF_W != 0 { &mut writable } else { &mut text };
            list.push((start, size));
        }
        if wide {
            moved::make_fit(&file).with_context(what)?;
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
    pub(crate) fn name_of(&self, address: u32) -> String {
        self.symbols
            .iter()
            .filter(|(_, s)| s.address <= address && address < s.address + s.size)
            .map(|(name, s)| format!("{name}+{:#x}", address - s.address))
            .min()
            .unwrap_or_else(|| format!("{address:#x}"))
    }

    /// Makes code and constants read-only, and the data too: the first write to
    /// each page of it is noticed (see `watch`).
    pub(crate) fn seal(&self) {
        for &(start, size) in &self.text {
            low::protect(start, size, low::RX);
        }
        for &(start, size) in &self.data {
            low::protect(start, size, low::READ);
        }
    }
}

/// Says to `low` whether this is a kernel of 64-bit code, if it can be told; `load` says for sure.
pub fn look(path: &Path) {
    let mut start = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let machine = object::elf::EM_X86_64.to_le_bytes();
    low::set_wide(read.is_ok() && start.starts_with(b"\x7fELF") && start[18..] == machine);
}

/// A C string of the image, at most 200 bytes of it.
pub(crate) fn c_string(address: u32) -> String {
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
