// SPDX-License-Identifier: GPL-2.0-or-later
//! The C functions and variables that our object was compiled to call, and how they compare with a
//! kernel's. src/layout.rs says how the object's record is written.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{bail, Context, Result};
use gimli::{AttributeValue, UnitOffset};
use object::{Object, ObjectSection};

use kit::dwarf::our_name;

use crate::elf::{Die, Dwarf, Unit};

const SECTION: &str = ".gnumach_layout.signatures";

/// A record that leaves one of these out proves too little.
const REQUIRED: [&str; 2] = ["vm_map_coalesce_entry", "vm_map_pageable_scan"];

/// A function's result and parameters, or a variable's type alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    is_function: bool,
    types: Vec<String>,
}

impl Signature {
    /// As a C programmer would call it, without const and the names of numbers.
    fn text(&self) -> String {
        match self.is_function {
            true => format!("{} ({})", self.types[0], self.types[1..].join(", ")),
            false => self.types[0].clone(),
        }
    }
}

/// Reads the object's record.
pub fn read(path: &Path, file: &object::File) -> Result<Vec<Signature>> {
    let section = file
        .section_by_name(SECTION)
        .with_context(|| format!("{}: no signature record (section {SECTION})", path.display()))?;
    let text = String::from_utf8(section.uncompressed_data()?.into_owned())
        .with_context(|| format!("{}: {SECTION} is not text", path.display()))?;
    text.lines()
        .map(|line| {
            parse(line)
                .with_context(|| format!("{}: damaged signature record: {line:?}", path.display()))
        })
        .collect()
}

fn parse(line: &str) -> Option<Signature> {
    let mut words = line.split(' ');
    let is_function = match words.next()? {
        "fn" => true,
        "var" => false,
        _ => return None,
    };
    let name = words.next()?.to_string();
    let types: Vec<String> = words.map(plain).collect();
    let right = !types.is_empty() && (is_function || types.len() == 1);
    right.then_some(Signature { name, is_function, types })
}

/// A type of the record as DWARF can tell it: no const, and numbers by what they are.
fn plain(word: &str) -> String {
    let stars = word.find(|c| c != '*' && c != '&').unwrap_or(word.len());
    let base = &word[stars..];
    let base = base.split_once(':').map_or(base, |(_, what)| what);
    "*".repeat(stars) + base
}

/// One line per difference; none if each is in the kernel as the object has it.
pub fn differences(dwarf: &Dwarf, record: &[Signature]) -> Result<Vec<String>> {
    let kernel = Kernel::read(dwarf, record)?;
    let mut lines = Vec::new();
    for ours in record {
        let defined = kernel.0.get(ours.name.as_str()).map_or(&[][..], |defined| defined);
        if defined.is_empty() {
            lines.push(format!("{}: the kernel's DWARF defines no such thing", ours.name));
        }
        for theirs in defined.iter().filter(|theirs| *theirs != ours) {
            let (theirs, has) = (theirs.text(), ours.text());
            lines.push(format!("{}: the kernel's is {theirs}; the object's {has}", ours.name));
        }
    }
    for name in REQUIRED {
        if !record.iter().any(|signature| signature.name == name) {
            lines.push(format!("{name}: missing from the object's record of signatures"));
        }
    }
    Ok(lines)
}

/// What the kernel defines of the names in a record; more than one where units differ.
struct Kernel<'r>(BTreeMap<&'r str, Vec<Signature>>);

impl<'r> Kernel<'r> {
    fn read(dwarf: &Dwarf, record: &'r [Signature]) -> Result<Self> {
        let mut kernel = Kernel(record.iter().map(|s| (s.name.as_str(), Vec::new())).collect());
        let mut units = dwarf.units();
        while let Some(header) = units.next().context("damaged .debug_info")? {
            kernel.collect(dwarf, &dwarf.unit(header)?)?;
        }
        Ok(kernel)
    }

    /// Adds what a unit defines at its top: a declaration there may be without its parameters.
    fn collect(&mut self, dwarf: &Dwarf, unit: &Unit) -> Result<()> {
        let mut tree = unit.entries_tree(None)?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let die = child.entry();
            let is_function = match die.tag() {
                gimli::DW_TAG_subprogram => true,
                gimli::DW_TAG_variable => false,
                _ => continue,
            };
            // A variable is often declared first, and the definition refers to that.
            let declared = die.attr_value(gimli::DW_AT_declaration).is_some();
            let Some(name) = name_of(dwarf, unit, die)? else { continue };
            let Some(known) = self.0.get_mut(name.as_str()) else { continue };
            if is_function && declared {
                continue;
            }
            let mut types = vec![referred(dwarf, unit, die).with_context(|| name.clone())?];
            if is_function {
                let mut parameters = child.children();
                while let Some(parameter) = parameters.next()? {
                    match parameter.entry().tag() {
                        gimli::DW_TAG_formal_parameter => types.push(
                            referred(dwarf, unit, parameter.entry())
                                .with_context(|| name.clone())?,
                        ),
                        gimli::DW_TAG_unspecified_parameters => types.push("...".to_string()),
                        _ => {}
                    }
                }
            }
            let found = Signature { name, is_function, types };
            if !known.contains(&found) {
                known.push(found);
            }
        }
        Ok(())
    }
}

fn name_of(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<Option<String>> {
    match die.attr_value(gimli::DW_AT_name) {
        None => Ok(None),
        Some(value) => Ok(Some(dwarf.attr_string(unit, value)?.to_string_lossy().into_owned())),
    }
}

/// The type that a DIE's DW_AT_type leads to.
fn referred(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<String> {
    match die.attr_value(gimli::DW_AT_type) {
        None => Ok("void".to_string()),
        Some(AttributeValue::UnitRef(target)) => type_text(dwarf, unit, target),
        Some(other) => {
            bail!("a type in another compile unit ({other:?}), which this tool cannot follow")
        }
    }
}

fn type_text(dwarf: &Dwarf, unit: &Unit, at: UnitOffset) -> Result<String> {
    let die = unit.entry(at)?;
    let bits = || -> Result<u64> {
        let size = die.attr_value(gimli::DW_AT_byte_size).and_then(|value| value.udata_value());
        Ok(8 * size.context("a number without a size")?)
    };
    Ok(match die.tag() {
        gimli::DW_TAG_typedef
        | gimli::DW_TAG_const_type
        | gimli::DW_TAG_volatile_type
        | gimli::DW_TAG_restrict_type => referred(dwarf, unit, &die)?,
        gimli::DW_TAG_pointer_type => format!("*{}", referred(dwarf, unit, &die)?),
        gimli::DW_TAG_base_type => {
            let signed = match die.attr_value(gimli::DW_AT_encoding) {
                Some(AttributeValue::Encoding(
                    gimli::DW_ATE_signed | gimli::DW_ATE_signed_char,
                )) => 'i',
                _ => 'u',
            };
            format!("{signed}{}", bits()?)
        }
        gimli::DW_TAG_enumeration_type => format!("u{}", bits()?),
        gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
            let name = name_of(dwarf, unit, &die)?;
            name.map_or("an unnamed structure".to_string(), |name| our_name(&name).to_string())
        }
        gimli::DW_TAG_subroutine_type => "function".to_string(),
        gimli::DW_TAG_array_type => format!("{}[]", referred(dwarf, unit, &die)?),
        tag => bail!("a type that is a {tag}, which this tool cannot express"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_record() {
        let line = "fn vm_object_shadow void **vm_object *vm_offset_t:u32 &char:i8";
        let signature = parse(line).unwrap();
        assert_eq!(signature.text(), "void (**vm_object, *u32, *i8)");
        assert_eq!(parse("var kernel_pmap *pmap").unwrap().text(), "*pmap");
        for damaged in ["", "fn", "fn f", "var v", "var v int:i32 int:i32", "type t int:i32"] {
            assert_eq!(parse(damaged), None, "{damaged}");
        }
    }
}
