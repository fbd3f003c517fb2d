// SPDX-License-Identifier: GPL-2.0-or-later
//! Which of the originals a piece of our code is part of: all from whose replacement calls and jumps lead
//! to it. What compilers leave apart they may also put inside, so a stop in such a piece is one in those.
//!
//! Calls through pointers are not seen. Our functions make none but of the kernel's.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use kit::link::Symbol;

/// Code with its place: `bytes` from `address` on.
#[derive(Clone, Copy)]
pub struct Code<'a> {
    pub bits: u32,
    pub address: u64,
    pub bytes: &'a [u8],
}

/// For each function its originals, in order; none for what no entry leads to. `entries` are the
/// functions that stand for an original, with its name.
pub fn of<'a>(
    code: Code,
    functions: &'a BTreeMap<String, Symbol>,
    entries: &[(&'a str, &str)],
) -> BTreeMap<&'a str, Vec<String>> {
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut to_do: Vec<(&str, &str)> = entries.to_vec();
    while let Some((name, original)) = to_do.pop() {
        let Some(function) = functions.get(name).filter(|symbol| symbol.is_function) else {
            continue;
        };
        if !parts.entry(name).or_default().insert(original) {
            continue;
        }
        // One replacement that calls another is no part of it.
        let is_entry = |name: &str| entries.iter().any(|(entry, _)| *entry == name);
        let inner = targets(code, function).filter_map(|target| at(functions, target));
        to_do.extend(inner.filter(|name| !is_entry(name)).map(|name| (name, original)));
    }
    let named = parts.into_iter();
    named.map(|(name, of)| (name, of.into_iter().map(String::from).collect())).collect()
}

/// Where a function's code goes on, directly.
fn targets<'a>(code: Code<'a>, function: &Symbol) -> impl Iterator<Item = u64> + 'a {
    let from = function.address.saturating_sub(code.address) as usize;
    let bytes = code.bytes.get(from..from + function.size as usize).unwrap_or_default();
    let mut decoder = Decoder::with_ip(code.bits, bytes, function.address, DecoderOptions::NONE);
    std::iter::from_fn(move || decoder.can_decode().then(|| decoder.decode()))
        .filter(|instruction| {
            matches!(
                instruction.flow_control(),
                FlowControl::Call
                    | FlowControl::UnconditionalBranch
                    | FlowControl::ConditionalBranch
            )
        })
        .map(|instruction| instruction.near_branch_target())
}

fn at(functions: &BTreeMap<String, Symbol>, address: u64) -> Option<&str> {
    let holds = |s: &Symbol| s.is_function && (s.address..s.address + s.size).contains(&address);
    functions.iter().find(|(_, symbol)| holds(symbol)).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `one` calls `own`, which jumps to `shared`; so does `two`, which calls `one` too; nobody calls `idle`.
    #[test]
    fn a_piece_is_part_of_all_that_lead_to_it() {
        const AT: u64 = 0xc100_0000;
        let mut bytes = vec![0x90; 0x50];
        let mut go = |from: usize, opcode: u8, to: usize| {
            bytes[from] = opcode;
            let distance = to as i32 - (from as i32 + 5);
            bytes[from + 1..from + 5].copy_from_slice(&distance.to_le_bytes());
        };
        go(0x00, 0xe8, 0x20);
        go(0x10, 0xe8, 0x30);
        go(0x15, 0xe8, 0x00);
        go(0x20, 0xe9, 0x30);
        go(0x40, 0xe8, 0x20);
        let names = ["one", "two", "own", "shared", "idle"];
        let functions = (0..).zip(names).map(|(n, name)| {
            (name.to_string(), Symbol { address: AT + 0x10 * n, size: 0x10, is_function: true })
        });
        let functions = functions.collect();
        let code = Code { bits: 32, address: AT, bytes: &bytes };
        let found = of(code, &functions, &[("one", "f"), ("two", "g"), ("missing", "h")]);
        let texts: Vec<String> =
            found.iter().map(|(name, of)| format!("{name}: {}", of.join(" "))).collect();
        assert_eq!(texts, ["one: f", "own: f", "shared: f g", "two: g"]);
    }
}
