// SPDX-License-Identifier: GPL-2.0-or-later
//! What goes into the kernel: the object, linked for a fixed address, with thunks in front.

use std::collections::BTreeMap;

use anyhow::{bail, Result};
use kit::link::{Plan, Symbol, TRAP};
use object::{Object, ObjectSymbol};

use super::facts::Convention;
use super::kernel::Kernel;
use super::originals::{Original, Originals};
use super::parts;

pub struct Blob {
    pub address: u64,
    pub bytes: Vec<u8>,
    /// Machine code, thunks included.
    pub text_bytes: u64,
    /// Where writable data lies, if there is any.
    pub writable: Option<(u64, u64)>,
    /// Global symbols of the object, the thunks, and functions that only the object itself knows.
    pub symbols: BTreeMap<String, Symbol>,
    /// Of each of our functions: the originals that it is part of the replacement of.
    pub parts: BTreeMap<String, Vec<String>>,
    /// Where each original function's entry is to jump: our function, or its thunk.
    pub entries: BTreeMap<&'static str, u64>,
}

/// From parameters in eax, edx, ecx to parameters on the stack.
///
/// ```text
/// push ecx (if three); push edx; push eax; call function; add esp, 4 * parameters; ret
/// ```
fn thunk(parameters: usize, at: u64, function: u64) -> Vec<u8> {
    const PUSH: [u8; 3] = [0x50, 0x52, 0x51];
    let mut code: Vec<u8> = PUSH[..parameters].iter().rev().copied().collect();
    code.push(0xe8);
    let after = at + code.len() as u64 + 4;
    code.extend((function.wrapping_sub(after) as u32).to_le_bytes());
    code.extend([0x83, 0xc4, 4 * parameters as u8, 0xc3]);
    code
}

/// Room for one thunk.
const THUNK: u64 = 16;

pub fn link(
    kernel: &Kernel,
    file: &object::File,
    address: u64,
    originals: &Originals,
) -> Result<Blob> {
    let thunks = originals.all.len();
    let plan = Plan::new(file, address + THUNK * thunks as u64)?;
    let mut bytes = vec![TRAP; THUNK as usize * thunks];
    bytes.extend(plan.link(file, |name| kernel.resolve(name))?);
    let mut symbols = plan.symbols(file)?;
    symbols.extend(plan.local_functions(file)?);
    let mut entries = BTreeMap::new();
    let mut standing_for = Vec::new();
    for (n, Original { function, convention, .. }) in originals.all.iter().enumerate() {
        let (name, parameters) = (function.name, function.parameters);
        let Some(&Symbol { address: function, is_function: true, .. }) = symbols.get(name) else {
            bail!("{name}: the object does not define it as a global function");
        };
        let mut entry = function;
        if *convention == Convention::Registers {
            entry = address + n as u64 * THUNK;
            let code = thunk(parameters.len(), entry, function);
            let from = (entry - address) as usize;
            bytes[from..from + code.len()].copy_from_slice(&code);
            let size = code.len() as u64;
            let symbol = Symbol { address: entry, size, is_function: true };
            symbols.insert(format!("{name}_thunk"), symbol);
            standing_for.push((format!("{name}_thunk"), name));
        }
        entries.insert(name, entry);
        standing_for.push((name.to_string(), name));
    }
    let code = parts::Code { bits: kernel.bits(), address, bytes: &bytes };
    let standing_for: Vec<_> = standing_for.iter().map(|(ours, of)| (ours.as_str(), *of)).collect();
    let parts = parts::of(code, &symbols, &standing_for).into_iter();
    let parts = parts.map(|(name, of)| (name.to_string(), of)).collect();
    Ok(Blob {
        address,
        bytes,
        text_bytes: plan.text_end - address,
        writable: plan.writable,
        symbols,
        parts,
        entries,
    })
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
