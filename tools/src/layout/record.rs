// SPDX-License-Identifier: GPL-2.0-or-later
//! The layout record that our object carries, and how it compares with a kernel.

use std::path::Path;

use anyhow::{bail, Context, Result};
use kit::dwarf::Layouts;
use object::{Object, ObjectSection};

const NAMES: &str = ".gnumach_layout.names";
const VALUES: &str = ".gnumach_layout.values";

/// A record that leaves one of these out proves too little.
const REQUIRED: [&str; 4] = ["vm_map", "vm_map_entry", "vm_map_header", "vm_map_links"];

#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub bit_offset: u64,
    pub bit_size: u64,
}

pub fn read(path: &Path, file: &object::File) -> Result<Vec<Row>> {
    let section = |name: &str| -> Result<Vec<u8>> {
        let section = file
            .section_by_name(name)
            .with_context(|| format!("{}: no layout record (section {name})", path.display()))?;
        Ok(section.uncompressed_data()?.into_owned())
    };
    let names = section(NAMES)?;
    let values = section(VALUES)?;
    let names = String::from_utf8(names)
        .with_context(|| format!("{}: {NAMES} is not text", path.display()))?;
    let Some(names) = names.strip_suffix('\0') else {
        bail!("{}: {NAMES} does not end in NUL", path.display());
    };
    let names: Vec<&str> = names.split('\0').collect();
    if values.len() != names.len() * 8 {
        bail!(
            "{}: damaged layout record: {} names, but {} bytes of values instead of {}",
            path.display(),
            names.len(),
            values.len(),
            names.len() * 8
        );
    }
    let number = |at: usize| {
        let bytes = [values[at], values[at + 1], values[at + 2], values[at + 3]];
        u64::from(u32::from_le_bytes(bytes))
    };
    Ok(names
        .iter()
        .enumerate()
        .map(|(i, name)| Row {
            // Of a bit-field or not is a question that only a C compiler has.
            name: name.trim_end_matches(':').to_owned(),
            bit_offset: number(i * 8),
            bit_size: number(i * 8 + 4),
        })
        .collect())
}

/// One line per difference; none if the object fits the kernel.
pub fn differences(layouts: &Layouts, record: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in record {
        match layouts.row(&row.name) {
            None => lines.push(format!("{}: the kernel has no such thing", row.name)),
            Some((offset, size)) if (offset, size) != (row.bit_offset, row.bit_size) => {
                lines.push(format!(
                    "{}: the kernel has it at bit {offset}, {size} bits; the object at bit {}, {} bits",
                    row.name, row.bit_offset, row.bit_size
                ));
            }
            Some(_) => {}
        }
    }
    for name in REQUIRED {
        if !record.iter().any(|row| row.name == name) {
            lines.push(format!("{name}: missing from the object's record"));
        }
    }
    lines
}
