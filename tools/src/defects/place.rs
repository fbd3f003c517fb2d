// SPDX-License-Identifier: GPL-2.0-or-later
//! What an address in a kernel's code is called, and what of the stock kernel it stands for.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use kit::graft::Record;

use crate::boot::KernelMap;

/// A place in a kernel's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The function by its symbol.
    pub name: &'a str,
    /// In a graft's code: the kernel's functions that this is part of the replacement of.
    pub of: &'a [String],
}

/// A kernel's symbols, with the record of the graft, if it is one.
pub struct Names {
    map: KernelMap,
    parts: BTreeMap<String, Vec<String>>,
}

impl Names {
    pub fn read(kernel: &Path) -> Result<Names> {
        let map = KernelMap::parse(kernel, &kit::elf::read(kernel)?)?;
        let parts = match Record::place(kernel).exists() {
            true => Record::read(kernel)?.parts,
            false => BTreeMap::new(),
        };
        Ok(Names { map, parts })
    }

    pub fn at(&self, address: u64) -> Option<Place<'_>> {
        let name = self.map.function_at(address)?;
        Some(Place { name, of: self.parts.get(name).map_or(&[], Vec::as_slice) })
    }
}
