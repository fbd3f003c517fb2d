// SPDX-License-Identifier: GPL-2.0-or-later
//! Structures as DWARF (4 or 5) describes them: sizes, members, bit positions and C types.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{bail, Context, Result};

use self::read::collect;
use crate::elf::Dwarf;

mod read;

/// UP kernels put an empty structure of another name where SMP ones have a `struct slock`. One name
/// for both lets the same source compile against either.
const EMPTY_LOCK: &str = "simple_lock_data_empty";
const LOCK: &str = "slock";

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

/// The name that a structure has here.
pub fn our_name(name: &str) -> &str {
    match name {
        EMPTY_LOCK => LOCK,
        other => other,
    }
}

fn rename_empty_lock(structs: &mut BTreeMap<String, Struct>) {
    let Some(mut empty) = structs.remove(EMPTY_LOCK) else {
        return;
    };
    empty.name = LOCK.to_string();
    structs.insert(empty.name.clone(), empty);
    for member in structs.values_mut().flat_map(|s| &mut s.members) {
        if let CType::Named(_, name) = &mut member.c_type {
            *name = our_name(name).to_string();
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
