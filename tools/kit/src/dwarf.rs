// SPDX-License-Identifier: GPL-2.0-or-later
//! Structures as DWARF (4 or 5) describes them: sizes, members, bit positions and C types.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail, Context, Result};
use gimli::{AttributeValue, UnitOffset};

use crate::elf::{Die, Dwarf, Unit};

/// UP kernels put an empty structure of another name where SMP ones have a `struct slock`. One name
/// for both lets the same source compile against either.
const EMPTY_LOCK: &str = "simple_lock_data_empty";

#[derive(Clone, Debug, PartialEq)]
pub enum CType {
    Void,
    /// A scalar: its C name and size in bytes.
    Scalar(String, u64),
    Qualified(&'static str, Box<CType>),
    Pointer(Box<CType>),
    Array(Box<CType>, u64),
    /// `struct NAME` or `union NAME`.
    Named(&'static str, String),
    /// An unnamed struct or union: which, its members and its size in bytes.
    Unnamed(&'static str, Vec<Member>, u64),
    /// Something else, in words: nothing that the functions of this crate touch.
    Other(String),
}

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

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Empty for a struct or union whose members count as those of the outer one.
    pub name: String,
    pub bit_offset: u64,
    pub bit_size: u64,
    pub is_bit_field: bool,
    pub c_type: CType,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// "struct" or "union".
    pub kind: &'static str,
    pub name: String,
    pub size: u64,
    pub members: Vec<Member>,
}

/// Structures and what they contain, by name.
#[derive(Debug)]
pub struct Layouts {
    pub structs: BTreeMap<String, Struct>,
}

impl Layouts {
    /// Collects the structures `roots`, and those inside them by value, from every compile unit. Most
    /// units only declare them, or define them again: all complete definitions of a name must be the same.
    pub fn read(dwarf: &Dwarf, roots: &[&str]) -> Result<Self> {
        Self::read_also(dwarf, roots, &[])
    }

    /// The same, with those of `also` that are defined anywhere.
    pub fn read_also(dwarf: &Dwarf, roots: &[&str], also: &[&str]) -> Result<Self> {
        let mut structs = BTreeMap::new();
        let mut wanted: BTreeSet<String> =
            roots.iter().chain(also).map(|s| s.to_string()).collect();
        loop {
            let mut units = dwarf.units();
            while let Some(header) = units.next().context("damaged .debug_info")? {
                let unit = dwarf.unit(header)?;
                collect(dwarf, &unit, &wanted, &mut structs)?;
            }
            let missing: BTreeSet<String> = structs
                .values()
                .flat_map(|s| s.members.iter())
                .flat_map(|m| contained(&m.c_type))
                .filter(|name| !structs.contains_key(*name))
                .map(str::to_string)
                .collect();
            if missing.is_empty() {
                break;
            }
            if missing.is_subset(&wanted) {
                bail!("the DWARF nowhere defines {}", join(&missing));
            }
            wanted = missing;
        }
        let absent: BTreeSet<String> = roots
            .iter()
            .filter(|name| !structs.contains_key(**name))
            .map(|name| name.to_string())
            .collect();
        if !absent.is_empty() {
            bail!(
                "the DWARF nowhere defines {}; is this a GNU Mach kernel of April 2024 or later?",
                join(&absent)
            );
        }
        if !structs.contains_key("slock") {
            rename_empty_lock(&mut structs);
        }
        Ok(Self { structs })
    }

    /// Bit offset and bit size of `STRUCT` or `STRUCT.MEMBER`.
    pub fn row(&self, name: &str) -> Option<(u64, u64)> {
        match name.split_once('.') {
            None => self.structs.get(name).map(|s| (0, s.size * 8)),
            Some((structure, member)) => {
                let place = self.find(structure, member)?;
                Some((place.bit.into(), place.bits.into()))
            }
        }
    }

    /// Bytes of a structure that was read.
    pub fn size(&self, structure: &str) -> Option<u32> {
        self.structs.get(structure).map(|s| s.size as u32)
    }

    /// The place of a member, if this kernel has it; dots lead into members, as in C.
    pub fn find(&self, structure: &str, member: &str) -> Option<Place> {
        self.find_among(&self.structs.get(structure)?.members, member)
    }

    fn find_among(&self, members: &[Member], path: &str) -> Option<Place> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(n, r)| (n, Some(r)));
        for member in members {
            let rest = match (member.name == name, member.name.is_empty()) {
                (true, _) => rest,
                (false, true) => Some(path),
                (false, false) => continue,
            };
            let Some(rest) = rest else {
                return Some(Place { bit: member.bit_offset as u32, bits: member.bit_size as u32 });
            };
            let inner = match &member.c_type {
                CType::Named(_, name) => &self.structs.get(name)?.members,
                CType::Unnamed(_, members, _) => members,
                _ => return None,
            };
            if let Some(place) = self.find_among(inner, rest) {
                return Some(Place { bit: member.bit_offset as u32 + place.bit, ..place });
            }
        }
        None
    }

    /// The place of a member that every kernel has.
    pub fn place(&self, structure: &str, member: &str) -> Result<Place> {
        self.find(structure, member)
            .with_context(|| format!("the kernel's struct {structure} has no member {member}"))
    }
}

fn rename_empty_lock(structs: &mut BTreeMap<String, Struct>) {
    let Some(mut empty) = structs.remove(EMPTY_LOCK) else {
        return;
    };
    empty.name = "slock".to_string();
    structs.insert(empty.name.clone(), empty);
    for member in structs.values_mut().flat_map(|s| &mut s.members) {
        if let CType::Named(_, name) = &mut member.c_type {
            if name == EMPTY_LOCK {
                *name = "slock".to_string();
            }
        }
    }
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// The named structures that a member of this type holds by value.
pub fn contained(c_type: &CType) -> Vec<&str> {
    match c_type {
        CType::Named(_, name) => vec![name],
        CType::Array(inner, _) | CType::Qualified(_, inner) => contained(inner),
        CType::Unnamed(_, members, _) => {
            members.iter().flat_map(|member| contained(&member.c_type)).collect()
        }
        _ => Vec::new(),
    }
}

fn collect(
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
