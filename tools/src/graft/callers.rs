// SPDX-License-Identifier: GPL-2.0-or-later
//! Who calls a function, jumps to it, or jumps into it; and whether code or data refers to the room
//! that the graft takes.

use anyhow::{bail, Result};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};

use super::kernel::{Kernel, Section, Symbol};

/// Every instruction of the kernel. Decoding starts afresh at each symbol, so that tables or padding
/// between functions cannot put it out of step for long.
pub fn sweep(kernel: &Kernel) -> Vec<Instruction> {
    let mut starts: Vec<u32> = kernel.symbols.values().flatten().map(|s| s.address).collect();
    starts.extend(kernel.text().map(|s| s.address));
    starts.sort_unstable();
    starts.dedup();
    let mut all = Vec::new();
    for section in kernel.text() {
        let bytes = kernel.bytes(section);
        let inside: Vec<u32> = starts.iter().copied().filter(|a| section.contains(*a)).collect();
        for (i, start) in inside.iter().enumerate() {
            let end = inside.get(i + 1).map_or(section.address + section.size, |next| *next);
            let from = (start - section.address) as usize;
            let to = (end - section.address) as usize;
            let ip = u64::from(*start);
            let decoder = Decoder::with_ip(32, &bytes[from..to], ip, DecoderOptions::NONE);
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
        let (from, to) = (i.ip() as u32, i.near_branch_target() as u32);
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
    let known = |ip| calls.iter().any(|i| i.ip() == u64::from(ip));
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
fn raw_references(kernel: &Kernel, target: u32) -> Vec<u32> {
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
            let after = section.address.wrapping_add(field as u32 + 4);
            if after.wrapping_add_signed(distance) == target {
                found.push(section.address + at as u32);
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
        let mut values = vec![i.memory_displacement32()];
        for op in 0..i.op_count() {
            if matches!(i.op_kind(op), OpKind::Immediate32 | OpKind::Immediate32to64) {
                values.push(i.immediate(op) as u32);
            }
        }
        if values.iter().any(|v| room.contains(*v)) {
            let place = kernel.describe(i.ip() as u32);
            bail!("no room: {place}, `{i}`, refers to {}", room.name);
        }
    }
    for section in kernel.sections.iter().filter(|s| !s.is_text && s.index != room.index) {
        for (n, word) in kernel.bytes(section).chunks_exact(4).enumerate() {
            if room.contains(u32::from_le_bytes([word[0], word[1], word[2], word[3]])) {
                let at = section.address + 4 * n as u32;
                bail!("no room: the data at {at:#x} refers to {}", room.name);
            }
        }
    }
    Ok(())
}
