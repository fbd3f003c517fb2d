// SPDX-License-Identifier: GPL-2.0-or-later
//! Which ways the conditional branches of the shipped functions went.
//!
//! A breakpoint stands on each branch. Its handler reads the flags, notes which
//! way the branch goes and sends the code there; a branch that went both ways
//! gets its own byte back, so that this costs little.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU8, Ordering::Relaxed};

use anyhow::{Context, Result};
use iced_x86::{ConditionCode, Decoder, DecoderOptions};

use crate::callers::CALLERS;
use crate::kernel::Kernel;
use crate::low;

pub const MOST: usize = 256;
const BREAKPOINT: u8 = 0xcc;
pub const TAKEN: u8 = 1;
pub const NOT_TAKEN: u8 = 2;

/// A branch, as the handler needs it.
struct Slot {
    address: AtomicU32,
    taken: AtomicU32,
    next: AtomicU32,
    condition: AtomicU8,
    seen: AtomicU8,
}

static SLOTS: [Slot; MOST] = [const {
    Slot {
        address: AtomicU32::new(0),
        taken: AtomicU32::new(0),
        next: AtomicU32::new(0),
        condition: AtomicU8::new(0),
        seen: AtomicU8::new(0),
    }
}; MOST];
static COUNT: AtomicU32 = AtomicU32::new(0);
static CHANGED: AtomicBool = AtomicBool::new(false);
static COUNTING: AtomicBool = AtomicBool::new(false);

/// Whether branches count from now on: only in calls that are compared, not
/// while maps are built or disturbed.
pub fn count(on: bool) {
    COUNTING.store(on, Relaxed);
}

/// A conditional branch of a function.
#[derive(Clone, Debug)]
pub struct Branch {
    pub function: &'static str,
    pub offset: u32,
    pub address: u32,
    pub taken: u32,
    pub next: u32,
    pub text: String,
    /// The ways that it can go, as the list has it.
    pub expected: u8,
    first_byte: u8,
    condition: ConditionCode,
}

/// The functions whose branches count: the two, and the helpers that ours have
/// in Rust, where a kernel has them as functions of their own.
pub const FUNCTIONS: &[&str] = &[
    "vm_map_coalesce_entry",
    "vm_map_pageable_scan",
    "vm_map_gap_insert_single",
    "vm_map_gap_remove_single",
];

/// Lists the branches of the kernel's functions: the two, or their callers.
pub fn branches(kernel: &Kernel, callers: bool) -> Result<Vec<Branch>> {
    let mut branches = Vec::new();
    let callers_names = CALLERS.map(|(_, name)| name);
    for function in if callers { &callers_names[..] } else { FUNCTIONS } {
        let Ok(symbol) = kernel.symbol(function) else { continue };
        let code = low::bytes(symbol.address, symbol.size);
        let ip = u64::from(symbol.address);
        for instruction in
            &mut Decoder::with_ip(8 * low::word_size(), code, ip, DecoderOptions::NONE)
        {
            if !instruction.is_jcc_short_or_near() {
                continue;
            }
            let address = instruction.ip() as u32;
            branches.push(Branch {
                function,
                offset: address - symbol.address,
                address,
                taken: instruction.near_branch_target() as u32,
                next: instruction.next_ip() as u32,
                text: format!("{:?}", instruction.mnemonic()).to_lowercase(),
                expected: TAKEN | NOT_TAKEN,
                first_byte: low::bytes(address, 1)[0],
                condition: instruction.condition_code(),
            });
        }
    }
    Ok(branches)
}

/// Puts the breakpoints in.
pub fn arm(kernel: &Kernel, branches: &[Branch]) -> Result<()> {
    let count = branches.len();
    anyhow::ensure!(count <= MOST, "{count} branches; room for {MOST}");
    writable(kernel, low::RW)?;
    for (slot, branch) in SLOTS.iter().zip(branches) {
        slot.address.store(branch.address, Relaxed);
        slot.taken.store(branch.taken, Relaxed);
        slot.next.store(branch.next, Relaxed);
        slot.condition.store(branch.condition as u8, Relaxed);
        low::bytes(branch.address, 1)[0] = BREAKPOINT;
    }
    COUNT.store(count as u32, Relaxed);
    writable(kernel, low::RX)
}

fn writable(kernel: &Kernel, protection: i32) -> Result<()> {
    let (start, size) = *kernel.text.first().context("a kernel without code")?;
    low::protect(start, size, protection);
    Ok(())
}

/// Called by the handler of a breakpoint: where the branch goes.
pub fn branch(address: u32, flags: u32) -> Option<u32> {
    let slots = &SLOTS[..COUNT.load(Relaxed) as usize];
    let slot = slots.iter().find(|slot| slot.address.load(Relaxed) == address)?;
    let taken = holds(slot.condition.load(Relaxed), flags);
    let way = if taken { TAKEN } else { NOT_TAKEN };
    if COUNTING.load(Relaxed) && slot.seen.fetch_or(way, Relaxed) & way == 0 {
        CHANGED.store(true, Relaxed);
    }
    Some(if taken { &slot.taken } else { &slot.next }.load(Relaxed))
}

/// The ways seen so far, a `TAKEN | NOT_TAKEN` per branch.
pub fn seen(index: usize) -> u8 {
    SLOTS[index].seen.load(Relaxed)
}

/// Takes all breakpoints off.
pub(crate) fn disarm(kernel: &Kernel, branches: &[Branch]) -> Result<()> {
    take_off(kernel, branches, |_, _| true)
}

/// If something new was seen: takes the breakpoints off that have served.
pub(crate) fn settle(kernel: &Kernel, branches: &[Branch]) -> Result<bool> {
    if !CHANGED.swap(false, Relaxed) {
        return Ok(false);
    }
    take_off(kernel, branches, |branch, seen| {
        seen == TAKEN | NOT_TAKEN || LENIENT.load(Relaxed) && seen == branch.expected
    })?;
    Ok(true)
}

static LENIENT: AtomicBool = AtomicBool::new(false);

/// From now on no breakpoint waits for a way that cannot be gone: those are met all the
/// time, and each takes longer than a case.
pub(crate) fn be_lenient(kernel: &Kernel, branches: &[Branch]) -> Result<()> {
    LENIENT.store(true, Relaxed);
    take_off(kernel, branches, |branch, seen| seen == branch.expected)
}

fn take_off(
    kernel: &Kernel,
    branches: &[Branch],
    served: impl Fn(&Branch, u8) -> bool,
) -> Result<()> {
    writable(kernel, low::RW)?;
    for (index, branch) in branches.iter().enumerate() {
        if served(branch, seen(index)) {
            low::bytes(branch.address, 1)[0] = branch.first_byte;
        }
    }
    writable(kernel, low::RX)
}

/// Whether a condition holds, as the processor's manual has it.
fn holds(condition: u8, flags: u32) -> bool {
    let [carry, parity, zero, sign, overflow] = [0, 2, 6, 7, 11].map(|bit| flags >> bit & 1 != 0);
    let is = |code: ConditionCode| condition == code as u8;
    if is(ConditionCode::o) {
        overflow
    } else if is(ConditionCode::no) {
        !overflow
    } else if is(ConditionCode::b) {
        carry
    } else if is(ConditionCode::ae) {
        !carry
    } else if is(ConditionCode::e) {
        zero
    } else if is(ConditionCode::ne) {
        !zero
    } else if is(ConditionCode::be) {
        carry || zero
    } else if is(ConditionCode::a) {
        !carry && !zero
    } else if is(ConditionCode::s) {
        sign
    } else if is(ConditionCode::ns) {
        !sign
    } else if is(ConditionCode::p) {
        parity
    } else if is(ConditionCode::np) {
        !parity
    } else if is(ConditionCode::l) {
        sign != overflow
    } else if is(ConditionCode::ge) {
        sign == overflow
    } else if is(ConditionCode::le) {
        zero || sign != overflow
    } else {
        !zero && sign == overflow
    }
}
