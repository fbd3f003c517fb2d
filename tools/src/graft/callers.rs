// SPDX-License-Identifier: GPL-2.0-or-later
//! Who calls a function, jumps to it, or jumps into it; and whether code or data refers to the room
//! that the graft takes.

use anyhow::{bail, Result};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};

use super::kernel::{Kernel, Section, Symbol};

/// Every instruction of the kernel. Decoding starts afresh at each symbol, so that tables or padding
/// between functions cannot put it out of step for long.
pub fn sweep(kernel: &Kernel) -> Vec<Instruction> {
    let mut starts: Vec<u64> = kernel.symbols.values().flatten().map(|s| s.address).collect();
    starts.extend(kernel.text().map(|s| s.address));
    starts.sort_unstable();
    starts.dedup();
    let mut all = Vec::new();
    for section in kernel.text() {
        let bytes = kernel.bytes(section);
        let inside: Vec<u64> = starts.iter().copied().filter(|a| section.contains(*a)).collect();
        for (i, start) in inside.iter().enumerate() {
            let end = inside.get(i + 1).map_or(section.address + section.size, |next| *next);
            let from = (start - section.address) as usize;
            let to = (end - section.address) as usize;
            let bytes = &bytes[from..to];
            let decoder = Decoder::with_ip(kernel.bits(), bytes, *start, DecoderOptions::NONE);
            all.extend(decoder.into_iter().filter(|i| !i.is_invalid()));
        }
    }
    all
}

/// The calls of a function from elsewhere. Refuses jumps to it and anything that enters its middle.
pub fn calls(
    kernel: &Kernel,
    code: &[Instruction],
    name: &str,
    function: &Symbol,
) -> Result<Vec<Instruction>> {
    let mut calls = Vec::new();
    for i in code {
        if !matches!(
            i.flow_control(),
            FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
        ) {
            continue;
        }
        let (from, to) = (i.ip(), i.near_branch_target());
        if function.contains(from) || !function.contains(to) {
            continue;
        }
        let place = kernel.describe(from);
        if to != function.address {
            bail!("{name}: {place} enters the function in the middle, at {to:#x}");
        }
        if i.flow_control() != FlowControl::Call {
            bail!(
                "{name}: {place} reaches it by a tail jump; what is live after it cannot be told"
            );
        }
        calls.push(*i);
    }
    let known = |ip| calls.iter().any(|i| i.ip() == ip);
    for ip in raw_references(kernel, function.address) {
        if !function.contains(ip) && !known(ip) {
            bail!(
                "{name}: the bytes at {} look like a call or jump to it, but decoding does not get there",
                kernel.describe(ip)
            );
        }
    }
    Ok(calls)
}

/// Every place whose bytes, taken as a call or near jump, lead to `target`.
fn raw_references(kernel: &Kernel, target: u64) -> Vec<u64> {
    let mut found = Vec::new();
    for section in kernel.text() {
        let bytes = kernel.bytes(section);
        for at in 0..bytes.len().saturating_sub(4) {
            let field = match (bytes[at], bytes[at + 1]) {
                (0xe8 | 0xe9, _) => at + 1,
                (0x0f, 0x80..=0x8f) => at + 2,
                _ => continue,
            };
            let Some(distance) = bytes.get(field..field + 4) else {
                continue;
            };
            let distance = i32::from_le_bytes([distance[0], distance[1], distance[2], distance[3]]);
            let after = section.address + field as u64 + 4;
            if kernel.in_memory(after.wrapping_add_signed(distance.into())) == target {
                found.push(section.address + at as u64);
            }
        }
    }
    found
}

/// Refuses a section that a symbol, an instruction's operand or a word of data points into.
pub fn check_unused(kernel: &Kernel, code: &[Instruction], room: &Section) -> Result<()> {
    for (name, symbols) in &kernel.symbols {
        if symbols.iter().any(|s| room.contains(s.address)) {
            bail!("no room: symbol {name} lies in {}", room.name);
        }
    }
    for i in code {
        let mut values = vec![i.memory_displacement64()];
        for op in 0..i.op_count() {
            use OpKind::{Immediate32, Immediate32to64, Immediate64};
            if matches!(i.op_kind(op), Immediate32 | Immediate32to64 | Immediate64) {
                values.push(i.immediate(op));
            }
        }
        if values.iter().any(|v| room.contains(kernel.in_memory(*v))) {
            let place = kernel.describe(i.ip());
            bail!("no room: {place}, `{i}`, refers to {}", room.name);
        }
    }
    for section in kernel.sections.iter().filter(|s| !s.is_text && s.index != room.index) {
        let words = kernel.bytes(section).chunks_exact(4);
        let words: Vec<u32> = words.map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        for (n, word) in words.iter().enumerate() {
            // 64-bit code has whole addresses, and short ones that are extended by their sign.
            let next = words.get(n + 1).copied().unwrap_or_default();
            let whole = u64::from(*word) | u64::from(next) << 32;
            let short = i64::from(*word as i32) as u64;
            if [whole, short].iter().any(|v| room.contains(kernel.in_memory(*v))) {
                let at = section.address + 4 * n as u64;
                bail!("no room: the data at {at:#x} refers to {}", room.name);
            }
        }
    }
    Ok(())
}
