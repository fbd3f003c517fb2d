// SPDX-License-Identifier: GPL-2.0-or-later
//! Links the object for a fixed address: thunks, code, constants, then writable data on pages of its
//! own. Only the three relocations that 32-bit code without shared libraries has are known; anything
//! else is refused.

use std::collections::{BTreeMap, HashMap};

use anyhow::{bail, Context, Result};
use object::elf as e;
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionFlags,
    SectionIndex, SectionKind, SymbolKind,
};

use super::facts::Convention;
use super::kernel::Kernel;
use super::FUNCTIONS;
use crate::layout::record;

/// x86's page: writable data shares none with code, or an emulator would translate the code anew
/// after each write.
pub const PAGE: u32 = 4096;

pub struct Blob {
    pub address: u32,
    pub bytes: Vec<u8>,
    /// Machine code, thunks included.
    pub text_bytes: u32,
    /// Where writable data lies, if there is any.
    pub writable: Option<(u32, u32)>,
    /// Global symbols of the object: address, size, whether a function.
    pub symbols: BTreeMap<String, (u32, u32, bool)>,
    /// Where each original function's entry is to jump: our function, or its thunk.
    pub entries: BTreeMap<&'static str, u32>,
}

/// From parameters in eax, edx, ecx to parameters on the stack.
///
/// ```text
/// push ecx (if three); push edx; push eax; call function; add esp, 4 * parameters; ret
/// ```
fn thunk(parameters: usize, at: u32, function: u32) -> Vec<u8> {
    const PUSH: [u8; 3] = [0x50, 0x52, 0x51];
    let mut code: Vec<u8> = PUSH[..parameters].iter().rev().copied().collect();
    code.push(0xe8);
    let after = at + code.len() as u32 + 4;
    code.extend(function.wrapping_sub(after).to_le_bytes());
    code.extend([0x83, 0xc4, 4 * parameters as u8, 0xc3]);
    code
}

/// Room for one thunk.
const THUNK: u32 = 16;

pub fn link(
    kernel: &Kernel,
    file: &object::File,
    address: u32,
    conventions: &HashMap<&'static str, Convention>,
) -> Result<Blob> {
    let Plan { places, text_end, writable, end } =
        plan(file, address + THUNK * FUNCTIONS.len() as u32)?;
    let mut bytes = vec![0; (end - address) as usize];
    // Between pieces of code: a stray jump traps.
    bytes[..(text_end - address) as usize].fill(0xcc);

    for section in file.sections() {
        let Some(at) = places.get(&section.index()) else {
            continue;
        };
        let from = (at - address) as usize;
        let data = section.data()?;
        bytes[from..from + data.len()].copy_from_slice(data);
        relocate(kernel, file, &section, &places, address, &mut bytes)
            .with_context(|| format!("section {}", section.name().unwrap_or("?")))?;
    }

    let mut symbols = BTreeMap::new();
    for symbol in file.symbols().filter(|s| s.is_global() && s.is_definition()) {
        let Some(at) = symbol.section_index().and_then(|index| places.get(&index)) else {
            continue;
        };
        let is_function = symbol.kind() == SymbolKind::Text;
        let entry = (at + symbol.address() as u32, symbol.size() as u32, is_function);
        symbols.insert(symbol.name()?.to_string(), entry);
    }
    let mut entries = BTreeMap::new();
    for (n, (name, parameters)) in FUNCTIONS.iter().enumerate() {
        let Some((function, _, true)) = symbols.get(*name) else {
            bail!("{name}: the object does not define it as a global function");
        };
        let mut entry = *function;
        if conventions[name] == Convention::Registers {
            entry = address + n as u32 * THUNK;
            let code = thunk(parameters.len(), entry, *function);
            let from = (entry - address) as usize;
            bytes[from..from + code.len()].copy_from_slice(&code);
            symbols.insert(format!("{name}_thunk"), (entry, code.len() as u32, true));
        }
        entries.insert(*name, entry);
    }
    Ok(Blob { address, bytes, text_bytes: text_end - address, writable, symbols, entries })
}

type Places = HashMap<SectionIndex, u32>;

/// Where everything goes.
struct Plan {
    places: Places,
    text_end: u32,
    writable: Option<(u32, u32)>,
    end: u32,
}

/// Gives each loaded section its address.
fn plan(file: &object::File, start: u32) -> Result<Plan> {
    let mut groups: [Vec<object::Section>; 3] = [vec![], vec![], vec![]];
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            bail!("the object is not ELF");
        };
        let has = |flag: u32| sh_flags & u64::from(flag) != 0;
        let name = section.name()?;
        let is_description = name.starts_with(record::SECTION_PREFIX)
            || name.starts_with(".eh_frame")
            || name.starts_with(".note")
            || section.kind() == SectionKind::Note;
        if !has(e::SHF_ALLOC) || is_description || section.size() == 0 {
            continue;
        }
        if has(e::SHF_TLS) {
            bail!("section {name}: thread-local data");
        }
        let group = match (has(e::SHF_EXECINSTR), has(e::SHF_WRITE)) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        groups[group].push(section);
    }
    let mut places = HashMap::new();
    let mut at = start;
    let mut ends = [0; 3];
    let mut writable_start = 0;
    for (n, group) in groups.iter().enumerate() {
        if n == 2 && !group.is_empty() {
            at = at.next_multiple_of(PAGE);
            writable_start = at;
        }
        for section in group {
            at = at.next_multiple_of(u32::try_from(section.align())?.max(1));
            places.insert(section.index(), at);
            at += u32::try_from(section.size())?;
        }
        ends[n] = at;
    }
    let writable = (!groups[2].is_empty()).then_some((writable_start, at));
    Ok(Plan { places, text_end: ends[0], writable, end: at })
}

fn relocate(
    kernel: &Kernel,
    file: &object::File,
    section: &object::Section,
    places: &Places,
    base: u32,
    bytes: &mut [u8],
) -> Result<()> {
    let start = places[&section.index()];
    for (offset, relocation) in section.relocations() {
        let field = start + u32::try_from(offset)?;
        let from = (field - base) as usize;
        let RelocationTarget::Symbol(index) = relocation.target() else {
            bail!("the relocation at {offset:#x} names no symbol");
        };
        let symbol = file.symbol_by_index(index)?;
        let name = symbol.name().unwrap_or_default();
        let target = match symbol.section_index() {
            Some(index) => {
                let at = places.get(&index).with_context(|| {
                    format!("the relocation at {offset:#x} refers to {name}, which is in a section that is not loaded")
                })?;
                at.wrapping_add(symbol.address() as u32)
            }
            None if symbol.is_undefined() => kernel.resolve(name)?,
            None => bail!("symbol {name}: neither in a section nor undefined (common data?)"),
        };
        let old = bytes
            .get(from..from + 4)
            .with_context(|| format!("the relocation at {offset:#x} lies outside the section"))?;
        let addend = u32::from_le_bytes(old.try_into()?);
        let value = target.wrapping_add(addend);
        let value = match relocation.flags() {
            RelocationFlags::Elf { r_type: e::R_386_32 } => value,
            RelocationFlags::Elf { r_type: e::R_386_PC32 | e::R_386_PLT32 } => {
                value.wrapping_sub(field)
            }
            other => bail!("the relocation at {offset:#x} is of a kind not known here: {other:?}"),
        };
        bytes[from..from + 4].copy_from_slice(&value.to_le_bytes());
    }
    Ok(())
}

/// Every undefined symbol that the kernel cannot give.
pub fn unresolved(kernel: &Kernel, file: &object::File) -> Vec<String> {
    file.symbols()
        .filter(|s| s.is_undefined())
        .filter_map(|s| s.name().ok().filter(|name| !name.is_empty()))
        .filter_map(|name| kernel.resolve(name).err())
        .map(|error| error.to_string())
        .collect()
}
