// SPDX-License-Identifier: GPL-2.0-or-later
//! Reads structures, their members and types out of the tree of a compile unit.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail, Context, Result};
use gimli::{AttributeValue, UnitOffset};

use super::{CType, Member, Struct};
use crate::elf::{Die, Dwarf, Unit};

/// Adds to `structs` what a unit defines of what is wanted.
pub(super) fn collect(
    dwarf: &Dwarf,
    unit: &Unit,
    wanted: &BTreeSet<String>,
    structs: &mut BTreeMap<String, Struct>,
) -> Result<()> {
    let mut entries = unit.entries();
    while let Some(die) = entries.next_dfs()? {
        let kind = match die.tag() {
            gimli::DW_TAG_structure_type => "struct",
            gimli::DW_TAG_union_type => "union",
            _ => continue,
        };
        let Some(name) = attr_string(dwarf, unit, die, gimli::DW_AT_name)? else {
            continue;
        };
        if !wanted.contains(&name) || die.attr_value(gimli::DW_AT_declaration).is_some() {
            continue;
        }
        let found = read_struct(dwarf, unit, die.offset(), kind, &name)
            .with_context(|| format!("{kind} {name}, in {}", unit_name(unit)))?;
        match structs.get(&name) {
            None => {
                structs.insert(name, found);
            }
            Some(known) if *known == found => {}
            Some(known) => bail!(
                "the compile units disagree about {kind} {name}: {} has {} bytes and {} members, others have {} bytes and {} members",
                unit_name(unit), found.size, found.members.len(), known.size, known.members.len()
            ),
        }
    }
    Ok(())
}

fn unit_name(unit: &Unit) -> String {
    unit.name
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_else(|| format!("unit at {:?}", unit.header.debug_info_offset()))
}

fn attr_string(dwarf: &Dwarf, unit: &Unit, die: &Die, at: gimli::DwAt) -> Result<Option<String>> {
    match die.attr_value(at) {
        None => Ok(None),
        Some(value) => Ok(Some(dwarf.attr_string(unit, value)?.to_string_lossy().into_owned())),
    }
}

fn udata(die: &Die, at: gimli::DwAt) -> Option<u64> {
    die.attr_value(at).and_then(|v| v.udata_value())
}

fn read_struct(
    dwarf: &Dwarf,
    unit: &Unit,
    offset: UnitOffset,
    kind: &'static str,
    name: &str,
) -> Result<Struct> {
    let size = udata(&unit.entry(offset)?, gimli::DW_AT_byte_size).context("has no size")?;
    Ok(Struct { kind, name: name.to_string(), size, members: read_members(dwarf, unit, offset)? })
}

fn read_members(dwarf: &Dwarf, unit: &Unit, offset: UnitOffset) -> Result<Vec<Member>> {
    let mut tree = unit.entries_tree(Some(offset))?;
    let mut members = Vec::new();
    let mut children = tree.root()?.children();
    while let Some(child) = children.next()? {
        let die = child.entry();
        if die.tag() != gimli::DW_TAG_member {
            continue;
        }
        let name = attr_string(dwarf, unit, die, gimli::DW_AT_name)?.unwrap_or_default();
        let parsed =
            read_member(dwarf, unit, die, &name).with_context(|| format!("member {name}"))?;
        // Markers of size 0 carry type checking only.
        if !matches!(&parsed.c_type, CType::Unnamed(_, members, 0) if members.is_empty()) {
            members.push(parsed);
        }
    }
    Ok(members)
}

fn read_member(dwarf: &Dwarf, unit: &Unit, die: &Die, name: &str) -> Result<Member> {
    let (c_type, size) = read_type(dwarf, unit, die)?;
    let byte = match die.attr(gimli::DW_AT_data_member_location) {
        None => 0,
        Some(attr) => attr.udata_value().context("its place is an expression, not a number")?,
    };
    let (bit_offset, bit_size, is_bit_field) = match udata(die, gimli::DW_AT_bit_size) {
        None => (byte * 8, size * 8, false),
        Some(bits) => {
            let start = match udata(die, gimli::DW_AT_data_bit_offset) {
                Some(start) => start,
                None => {
                    // DWARF 2's way: counted from the most significant bit of a storage unit.
                    let from_top = udata(die, gimli::DW_AT_bit_offset).unwrap_or(0);
                    let unit_size = udata(die, gimli::DW_AT_byte_size).unwrap_or(size);
                    (byte * 8 + unit_size * 8)
                        .checked_sub(from_top + bits)
                        .context("its bit position lies outside its storage unit")?
                }
            };
            (start, bits, true)
        }
    };
    Ok(Member { name: name.to_string(), bit_offset, bit_size, is_bit_field, c_type })
}

/// The C type that a DIE's DW_AT_type leads to, and its size in bytes.
fn read_type(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<(CType, u64)> {
    let target = match die.attr_value(gimli::DW_AT_type) {
        None => return Ok((CType::Void, 0)),
        Some(AttributeValue::UnitRef(target)) => target,
        Some(other) => {
            return Err(anyhow!(
                "its type is in another compile unit ({other:?}), which this tool cannot follow"
            ))
        }
    };
    let die = unit.entry(target)?;
    let name = attr_string(dwarf, unit, &die, gimli::DW_AT_name)?;
    let size = udata(&die, gimli::DW_AT_byte_size);
    let pointer_size = u64::from(unit.header.address_size());
    let qualified = |word| -> Result<(CType, u64)> {
        let (inner, size) = read_type(dwarf, unit, &die)?;
        Ok((CType::Qualified(word, Box::new(inner)), size))
    };
    match die.tag() {
        gimli::DW_TAG_base_type => {
            let name = name.context("a base type without a name")?;
            let size = size.context("a base type without a size")?;
            Ok((CType::Scalar(plain_name(&name), size), size))
        }
        gimli::DW_TAG_typedef => {
            let (inner, size) = read_type(dwarf, unit, &die)?;
            let address = matches!(name.as_deref(), Some("vm_offset_t" | "vm_size_t"));
            if address && size == pointer_size {
                return Ok((CType::Scalar("unsigned long".to_string(), size), size));
            }
            Ok((inner, size))
        }
        gimli::DW_TAG_const_type => qualified("const"),
        gimli::DW_TAG_volatile_type => qualified("volatile"),
        gimli::DW_TAG_pointer_type => {
            // What it points at matters only as a name: unnamed things and functions become void.
            let inner = pointee(dwarf, unit, &die)?;
            Ok((CType::Pointer(Box::new(inner)), size.unwrap_or(pointer_size)))
        }
        gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
            let kind = match die.tag() {
                gimli::DW_TAG_union_type => "union",
                _ => "struct",
            };
            match (name, size) {
                (Some(name), size) => Ok((CType::Named(kind, name), size.unwrap_or(0))),
                (None, size) => {
                    let size = size.unwrap_or(0);
                    let members = read_members(dwarf, unit, target)?;
                    Ok((CType::Unnamed(kind, members, size), size))
                }
            }
        }
        gimli::DW_TAG_enumeration_type => {
            let size = size.context("an enumeration without a size")?;
            Ok((CType::Scalar("unsigned int".to_string(), size), size))
        }
        gimli::DW_TAG_array_type => {
            let (inner, size) = read_type(dwarf, unit, &die)?;
            let count = array_count(unit, target)?;
            Ok((CType::Array(Box::new(inner), count), size * count))
        }
        tag => Ok((CType::Other(format!("its type is a {tag}")), size.unwrap_or(0))),
    }
}

fn pointee(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<CType> {
    let Some(AttributeValue::UnitRef(target)) = die.attr_value(gimli::DW_AT_type) else {
        return Ok(CType::Void);
    };
    let die = unit.entry(target)?;
    match die.tag() {
        gimli::DW_TAG_const_type => {
            Ok(CType::Qualified("const", Box::new(pointee(dwarf, unit, &die)?)))
        }
        gimli::DW_TAG_typedef => pointee(dwarf, unit, &die),
        gimli::DW_TAG_base_type => read_base(dwarf, unit, &die),
        gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
            let kind = match die.tag() {
                gimli::DW_TAG_union_type => "union",
                _ => "struct",
            };
            let name = attr_string(dwarf, unit, &die, gimli::DW_AT_name)?;
            Ok(name.map_or(CType::Void, |name| CType::Named(kind, name)))
        }
        _ => Ok(CType::Void),
    }
}

fn read_base(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<CType> {
    let name = attr_string(dwarf, unit, die, gimli::DW_AT_name)?.unwrap_or_default();
    let size = udata(die, gimli::DW_AT_byte_size).unwrap_or(0);
    Ok(CType::Scalar(plain_name(&name), size))
}

/// gcc writes "long unsigned int"; C programmers, and our headers, "unsigned long".
fn plain_name(name: &str) -> String {
    match name {
        "long unsigned int" => "unsigned long",
        "long int" => "long",
        "short unsigned int" => "unsigned short",
        "short int" => "short",
        "long long unsigned int" => "unsigned long long",
        "long long int" => "long long",
        other => other,
    }
    .to_string()
}

fn array_count(unit: &Unit, offset: UnitOffset) -> Result<u64> {
    let mut tree = unit.entries_tree(Some(offset))?;
    let mut children = tree.root()?.children();
    let mut count = 1;
    while let Some(child) = children.next()? {
        let die = child.entry();
        let bound = udata(die, gimli::DW_AT_upper_bound).map(|last| last + 1);
        // No bound: a flexible array, which takes no space.
        count *= udata(die, gimli::DW_AT_count).or(bound).unwrap_or(0);
    }
    Ok(count)
}
