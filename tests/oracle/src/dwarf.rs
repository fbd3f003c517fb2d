// SPDX-License-Identifier: GPL-2.0-or-later
//! Where the members of a kernel's structures are, from its DWARF.

use std::collections::HashMap;

use anyhow::{bail, Context, Result};
use gimli::{AttributeValue, DwAt, EndianSlice, LittleEndian, UnitOffset};
use object::{Object, ObjectSection};

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Unit<'a> = gimli::Unit<Reader<'a>>;
type Die<'a> = gimli::DebuggingInformationEntry<Reader<'a>>;

/// The place of a member, in bits from the start of its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub bit: u32,
    pub bits: u32,
}

impl Place {
    /// Offset in bytes of a member that is no bit-field.
    pub fn byte(self) -> u32 {
        self.bit / 8
    }
}

/// Structures by name; nested members are named with dots, as in C.
pub struct Structs(HashMap<String, (u32, HashMap<String, Place>)>);

impl Structs {
    /// Reads the structures `wanted`; all of them must be there.
    pub fn read(file: &object::File, wanted: &[&str]) -> Result<Self> {
        let load = |id: gimli::SectionId| -> Result<Reader> {
            let data = match file.section_by_name(id.name()) {
                Some(section) => section.data().context("a damaged section")?,
                None => &[],
            };
            Ok(EndianSlice::new(data, LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(load)?;
        let mut found = HashMap::new();
        let mut units = dwarf.units();
        while let Some(header) = units.next().context("damaged .debug_info")? {
            let unit = dwarf.unit(header)?;
            let mut entries = unit.entries();
            while let Some(die) = entries.next_dfs()? {
                if die.tag() != gimli::DW_TAG_structure_type
                    || die.attr(gimli::DW_AT_declaration).is_some()
                {
                    continue;
                }
                let Some(name) = name_of(&dwarf, &unit, die)? else { continue };
                if !wanted.contains(&name.as_str()) || found.contains_key(&name) {
                    continue;
                }
                let size = number(die, gimli::DW_AT_byte_size).unwrap_or(0);
                let mut members = HashMap::new();
                collect(&dwarf, &unit, die.offset(), "", 0, &mut members)?;
                found.insert(name, (size as u32, members));
            }
        }
        for name in wanted {
            if !found.contains_key(*name) {
                bail!("its DWARF nowhere defines struct {name}: install a kernel with symbols");
            }
        }
        Ok(Structs(found))
    }

    /// Bytes of a structure.
    pub fn size(&self, structure: &str) -> u32 {
        self.0[structure].0
    }

    /// The place of a member, if this kernel has it.
    pub fn find(&self, structure: &str, member: &str) -> Option<Place> {
        self.0.get(structure)?.1.get(member).copied()
    }

    /// The place of a member that every kernel has.
    pub fn place(&self, structure: &str, member: &str) -> Result<Place> {
        self.find(structure, member)
            .with_context(|| format!("the kernel's struct {structure} has no member {member}"))
    }
}

/// Adds the members of the structure at `offset`, and those inside them.
fn collect(
    dwarf: &gimli::Dwarf<Reader>,
    unit: &Unit,
    offset: UnitOffset,
    prefix: &str,
    base: u32,
    members: &mut HashMap<String, Place>,
) -> Result<()> {
    let mut tree = unit.entries_tree(Some(offset))?;
    let mut children = tree.root()?.children();
    while let Some(child) = children.next()? {
        let die = child.entry();
        if die.tag() != gimli::DW_TAG_member {
            continue;
        }
        let target = type_of(unit, die)?;
        let size = match target {
            Some(at) => size_of(unit, at)?,
            None => 0,
        };
        let byte = number(die, gimli::DW_AT_data_member_location).unwrap_or(0) as u32;
        let place = match number(die, gimli::DW_AT_bit_size) {
            Some(bits) => {
                let bit = match number(die, gimli::DW_AT_data_bit_offset) {
                    Some(bit) => bit as u32,
                    None => {
                        let unit_bits = 8 * number(die, gimli::DW_AT_byte_size)
                            .unwrap_or(u64::from(size))
                            as u32;
                        let from_top = number(die, gimli::DW_AT_bit_offset).unwrap_or(0) as u32;
                        8 * byte + unit_bits - from_top - bits as u32
                    }
                };
                Place { bit: base + bit, bits: bits as u32 }
            }
            None => Place { bit: base + 8 * byte, bits: 8 * size },
        };
        let name = match name_of(dwarf, unit, die)? {
            Some(name) => format!("{prefix}{name}"),
            None => prefix.trim_end_matches('.').to_string(),
        };
        if let Some(at) = target {
            let tag = unit.entry(at)?.tag();
            if tag == gimli::DW_TAG_structure_type || tag == gimli::DW_TAG_union_type {
                let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
                collect(dwarf, unit, at, &prefix, place.bit, members)?;
            }
        }
        members.entry(name).or_insert(place);
    }
    Ok(())
}

fn name_of(dwarf: &gimli::Dwarf<Reader>, unit: &Unit, die: &Die) -> Result<Option<String>> {
    match die.attr_value(gimli::DW_AT_name) {
        Some(value) => Ok(Some(dwarf.attr_string(unit, value)?.to_string_lossy().into_owned())),
        None => Ok(None),
    }
}

fn number(die: &Die, name: DwAt) -> Option<u64> {
    die.attr_value(name).and_then(|value| value.udata_value())
}

/// The type of a member, behind typedefs and qualifiers.
fn type_of(unit: &Unit, die: &Die) -> Result<Option<UnitOffset>> {
    let Some(AttributeValue::UnitRef(mut at)) = die.attr_value(gimli::DW_AT_type) else {
        return Ok(None);
    };
    loop {
        let target = unit.entry(at)?;
        match target.tag() {
            gimli::DW_TAG_typedef | gimli::DW_TAG_const_type | gimli::DW_TAG_volatile_type => {
                match target.attr_value(gimli::DW_AT_type) {
                    Some(AttributeValue::UnitRef(next)) => at = next,
                    _ => return Ok(None),
                }
            }
            _ => return Ok(Some(at)),
        }
    }
}

/// Bytes of a type. Arrays count as 0: no member that is used is one.
fn size_of(unit: &Unit, at: UnitOffset) -> Result<u32> {
    let die = unit.entry(at)?;
    Ok(match number(&die, gimli::DW_AT_byte_size) {
        Some(size) => size as u32,
        None if die.tag() == gimli::DW_TAG_pointer_type => 4,
        None => 0,
    })
}
