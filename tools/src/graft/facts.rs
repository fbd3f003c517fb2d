// SPDX-License-Identifier: GPL-2.0-or-later
//! What the kernel's DWARF says of functions: where their parameters are on entry, where they were
//! inlined, who calls them, and which never return.

use std::collections::{HashMap, HashSet};

use anyhow::{bail, Context, Result};
use gimli::{AttributeValue, Operation, UnitOffset};
use iced_x86::Register;

use super::kernel::Kernel;
use crate::elf::{Die, Dwarf, Unit};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Convention {
    /// All parameters on the stack, first one lowest.
    Cdecl,
    /// The first three in eax, edx, ecx: what gcc gives static functions.
    Registers,
    /// The one of 64-bit code, with the first six in registers.
    SystemV,
}

impl Convention {
    /// Where the first so many parameters are on entry, those that are not on the stack.
    pub fn registers(self, parameters: usize) -> &'static [Register] {
        use Register::{EAX, ECX, EDX, R8, R9, RCX, RDI, RDX, RSI};
        let all: &[Register] = match self {
            Convention::Cdecl => &[],
            Convention::Registers => &[EAX, EDX, ECX],
            Convention::SystemV => &[RDI, RSI, RDX, RCX, R8, R9],
        };
        &all[..parameters.min(all.len())]
    }

    /// Where the DWARF has all of so many, by its numbers of the registers; none if it can have none so.
    fn homes(self, parameters: usize) -> Option<Vec<Home>> {
        let in_registers: &[u16] = match self {
            Convention::Cdecl => {
                return Some((0..parameters).map(|i| Home::Stack(4 * i as i64)).collect());
            }
            Convention::Registers => &[0, 2, 1],
            Convention::SystemV => &[5, 4, 1, 2, 8, 9],
        };
        Some(in_registers.get(..parameters)?.iter().copied().map(Home::Register).collect())
    }
}

/// Where one parameter is when the function is entered.
#[derive(Clone, Debug, PartialEq)]
pub enum Home {
    Register(u16),
    Stack(i64),
    Other(String),
}

#[derive(Debug)]
struct Subprogram {
    name: Option<String>,
    origin: Option<usize>,
    address: Option<u64>,
    never_returns: bool,
    parameters: Vec<(String, Home)>,
}

#[derive(Default)]
pub struct Facts {
    subprograms: HashMap<usize, Subprogram>,
    inlined: Vec<(usize, Option<u64>)>,
    calls: Vec<(usize, u64)>,
    /// Return address of every call that the compiler knows of.
    pub call_returns: HashSet<u64>,
    /// Compile unit (by its offset) of each function, by address.
    units: HashMap<u64, usize>,
}

impl Facts {
    pub fn read(dwarf: &Dwarf, functions: &[&str]) -> Result<Self> {
        let mut facts = Self::default();
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            let unit = dwarf.unit(header)?;
            facts.read_unit(dwarf, &unit, functions)?;
        }
        Ok(facts)
    }

    fn read_unit(&mut self, dwarf: &Dwarf, unit: &Unit, functions: &[&str]) -> Result<()> {
        let mut entries = unit.entries();
        while let Some(die) = entries.next_dfs()? {
            match die.tag() {
                gimli::DW_TAG_subprogram => {
                    let origin = reference(unit, die, gimli::DW_AT_abstract_origin)
                        .or_else(|| reference(unit, die, gimli::DW_AT_specification));
                    let name = name(dwarf, unit, die)?;
                    let address = address(dwarf, unit, die, gimli::DW_AT_low_pc)?;
                    // Of an out-of-line copy the name is known only later, through its origin.
                    let of_interest =
                        name.as_deref().map_or(origin.is_some(), |name| functions.contains(&name));
                    if let Some(address) = address {
                        self.units.insert(address, global(unit, UnitOffset(0)));
                    }
                    let parameters = match address {
                        Some(entry) if of_interest => parameters(dwarf, unit, die.offset(), entry)?,
                        _ => Vec::new(),
                    };
                    let subprogram = Subprogram {
                        name,
                        origin,
                        address,
                        never_returns: die.attr_value(gimli::DW_AT_noreturn).is_some(),
                        parameters,
                    };
                    self.subprograms.insert(global(unit, die.offset()), subprogram);
                }
                gimli::DW_TAG_inlined_subroutine => {
                    if let Some(origin) = reference(unit, die, gimli::DW_AT_abstract_origin) {
                        let at = match address(dwarf, unit, die, gimli::DW_AT_entry_pc)? {
                            Some(at) => Some(at),
                            None => address(dwarf, unit, die, gimli::DW_AT_low_pc)?,
                        };
                        self.inlined.push((origin, at));
                    }
                }
                gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site => {
                    let origin = reference(unit, die, gimli::DW_AT_call_origin)
                        .or_else(|| reference(unit, die, gimli::DW_AT_abstract_origin));
                    let after = match address(dwarf, unit, die, gimli::DW_AT_call_return_pc)? {
                        Some(after) => Some(after),
                        None => address(dwarf, unit, die, gimli::DW_AT_low_pc)?,
                    };
                    self.call_returns.extend(after);
                    if let (Some(origin), Some(after)) = (origin, after) {
                        self.calls.push((origin, after));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn name_of(&self, offset: usize) -> Option<&str> {
        let mut next = Some(offset);
        // Out-of-line copy, abstract definition, declaration: no chain is longer than that.
        for _ in 0..4 {
            let subprogram = self.subprograms.get(&next?)?;
            if let Some(name) = &subprogram.name {
                return Some(name);
            }
            next = subprogram.origin;
        }
        None
    }

    /// Addresses where the function's body was inlined (0 where the DWARF does not say).
    pub fn inlined(&self, function: &str) -> Vec<u64> {
        self.inlined
            .iter()
            .filter(|(origin, _)| self.name_of(*origin) == Some(function))
            .map(|(_, at)| at.unwrap_or(0))
            .collect()
    }

    /// Return addresses of the calls that the compiler recorded.
    pub fn return_addresses(&self, function: &str) -> Vec<u64> {
        self.calls
            .iter()
            .filter(|(origin, _)| self.name_of(*origin) == Some(function))
            .map(|(_, after)| *after)
            .collect()
    }

    /// Names of functions that never return.
    pub fn never_return(&self) -> impl Iterator<Item = &str> {
        self.subprograms
            .iter()
            .filter(|(_, s)| s.never_returns)
            .filter_map(|(offset, _)| self.name_of(*offset))
    }

    /// Whether both addresses lie in functions of one compile unit.
    pub fn in_same_unit(&self, kernel: &Kernel, a: u64, b: u64) -> bool {
        let unit = |ip| self.units.get(&kernel.function_at(ip)?);
        unit(a) == unit(b)
    }

    /// The convention by which the function at this address takes exactly these parameters.
    pub fn convention(
        &self,
        kernel: &Kernel,
        function: &str,
        entry: u64,
        names: &[&str],
    ) -> Result<Convention> {
        let (_, subprogram) = self
            .subprograms
            .iter()
            .find(|(offset, s)| {
                s.address == Some(entry) && self.name_of(**offset) == Some(function)
            })
            .with_context(|| {
                format!("{function}: the DWARF has no function of that name at {entry:#x}")
            })?;
        let found: Vec<&str> = subprogram.parameters.iter().map(|(n, _)| n.as_str()).collect();
        if found != names {
            bail!(
                "{function}: parameters not as expected: it takes ({}) instead of ({})",
                found.join(", "),
                names.join(", ")
            );
        }
        let homes: Vec<Home> = subprogram.parameters.iter().map(|(_, home)| home.clone()).collect();
        let (possible, places): (&[Convention], _) = match kernel.is_64 {
            false => (
                &[Convention::Cdecl, Convention::Registers],
                "all on the stack, or in eax, edx, ecx",
            ),
            true => (&[Convention::SystemV], "in rdi, rsi, rdx, rcx, r8, r9"),
        };
        let is = |convention: &&Convention| convention.homes(names.len()).as_ref() == Some(&homes);
        possible.iter().find(is).copied().with_context(|| {
            format!("{function}: parameters not where expected ({places}): the DWARF has {homes:?}")
        })
    }
}

fn global(unit: &Unit, offset: UnitOffset) -> usize {
    let header = unit.header.debug_info_offset().map_or(0, |o| o.0);
    header + offset.0
}

fn reference(unit: &Unit, die: &Die, at: gimli::DwAt) -> Option<usize> {
    match die.attr_value(at)? {
        AttributeValue::UnitRef(offset) => Some(global(unit, offset)),
        AttributeValue::DebugInfoRef(offset) => Some(offset.0),
        _ => None,
    }
}

fn name(dwarf: &Dwarf, unit: &Unit, die: &Die) -> Result<Option<String>> {
    let Some(value) = die.attr_value(gimli::DW_AT_name) else {
        return Ok(None);
    };
    let text = dwarf.attr_string(unit, value)?;
    Ok(Some(text.to_string_lossy().into_owned()))
}

fn address(dwarf: &Dwarf, unit: &Unit, die: &Die, at: gimli::DwAt) -> Result<Option<u64>> {
    match die.attr_value(at) {
        Some(value) => Ok(dwarf.attr_address(unit, value)?),
        None => Ok(None),
    }
}

fn parameters(
    dwarf: &Dwarf,
    unit: &Unit,
    function: UnitOffset,
    entry: u64,
) -> Result<Vec<(String, Home)>> {
    let mut tree = unit.entries_tree(Some(function))?;
    let root = tree.root()?;
    let frame_is_cfa = root
        .entry()
        .attr(gimli::DW_AT_frame_base)
        .and_then(|a| a.exprloc_value())
        .is_some_and(|e| matches!(single(unit, e), Ok(Some(Operation::CallFrameCFA))));
    let mut found = Vec::new();
    let mut children = root.children();
    while let Some(child) = children.next()? {
        let die = child.entry();
        if die.tag() != gimli::DW_TAG_formal_parameter {
            continue;
        }
        let label = match (name(dwarf, unit, die)?, die.attr_value(gimli::DW_AT_abstract_origin)) {
            (Some(label), _) => label,
            (None, Some(AttributeValue::UnitRef(origin))) => {
                name(dwarf, unit, &unit.entry(origin)?)?.unwrap_or_default()
            }
            _ => String::new(),
        };
        found.push((label, home(dwarf, unit, die, entry, frame_is_cfa)?));
    }
    Ok(found)
}

fn home(dwarf: &Dwarf, unit: &Unit, die: &Die, entry: u64, frame_is_cfa: bool) -> Result<Home> {
    let Some(attr) = die.attr(gimli::DW_AT_location) else {
        return Ok(Home::Other("nowhere".to_string()));
    };
    let mut expression = attr.exprloc_value();
    if expression.is_none() {
        if let Some(mut list) = dwarf.attr_locations(unit, attr.value())? {
            while let Some(piece) = list.next()? {
                if piece.range.begin <= entry && entry < piece.range.end {
                    expression = Some(piece.data);
                }
            }
        }
    }
    let Some(expression) = expression else {
        return Ok(Home::Other("nowhere on entry".to_string()));
    };
    Ok(match single(unit, expression)? {
        Some(Operation::Register { register }) => Home::Register(register.0),
        Some(Operation::FrameOffset { offset }) if frame_is_cfa => Home::Stack(offset),
        Some(other) => Home::Other(format!("{other:?}")),
        None => Home::Other("an expression of several steps".to_string()),
    })
}

/// The operation of an expression that has just one.
fn single<'a>(
    unit: &Unit<'a>,
    expression: gimli::Expression<crate::elf::Reader<'a>>,
) -> Result<Option<Operation<crate::elf::Reader<'a>>>> {
    let mut operations = expression.operations(unit.encoding());
    let first = operations.next()?;
    Ok(match operations.next()? {
        None => first,
        Some(_) => None,
    })
}
