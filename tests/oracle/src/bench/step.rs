// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs one call instruction by instruction, and counts.
//!
//! A breakpoint starts it: its handler sets the processor's trap flag and sends
//! the code where it was to go. From then on each instruction traps, until the
//! code takes an exit. The handler sees the registers an instruction starts
//! with, and so the addresses that it will read and write.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use anyhow::{bail, Result};
use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory, OpAccess, Register, UsedMemory};
use serde::{Deserialize, Serialize};

use super::native::{BREAKPOINT, CODE};
use crate::low;

/// Whose code an instruction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The function itself.
    Own,
    /// The gap helpers, which the kernel has as functions of their own.
    Helper,
    /// The kernel's functions that it calls.
    Callee,
    /// What stands in for functions that do not run here.
    Stub,
}

/// What was executed, and touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub instructions: u64,
    pub reads: u64,
    pub writes: u64,
    /// Distinct 64-byte lines of data, the stack's included.
    pub lines: u64,
    /// The same of code.
    pub code_lines: u64,
}

/// One call's counts, by how much of it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The function itself.
    pub own: Counts,
    /// And the gap helpers.
    pub with_helpers: Counts,
    /// And the kernel's functions that it calls, but those that stubs stand in for.
    pub whole: Counts,
    /// Bytes of stack below the return address, as far as the function itself and
    /// its helpers go, with the arguments that they pass on.
    pub stack: u32,
}

struct Known {
    part: Part,
    repeats: bool,
    code_lines: [u32; 2],
    memory: Vec<Access>,
}

struct Access {
    place: UsedMemory,
    size: u32,
    reads: bool,
    writes: bool,
}

#[derive(Default)]
struct Lines(HashMap<u32, u8>);

impl Lines {
    fn touch(&mut self, line: u32, part: Part) {
        *self.0.entry(line).or_default() |= 1 << part as u8;
    }

    /// Lines that any part up to `last` touched.
    fn count(&self, last: Part) -> u64 {
        let mask = (2 << last as u8) - 1;
        self.0.values().filter(|&&parts| parts & mask != 0).count() as u64
    }
}

/// Counts a call; what it knows of the code serves the next one too.
pub struct Stepper {
    own: (u32, u32),
    helpers: Vec<(u32, u32)>,
    stubs: Vec<(u32, u32)>,
    /// The base of gs.
    percpu: u32,
    known: HashMap<u32, Known>,
    information: InstructionInfoFactory,
    counts: [Counts; 3],
    data: Lines,
    code: Lines,
    target: u32,
    last: u32,
    /// The instruction before was the function's or a helper's.
    was_inside: bool,
    first_esp: u32,
    lowest_esp: u32,
    steps: u64,
    failed: Option<String>,
}

static ACTIVE: AtomicPtr<Stepper> = AtomicPtr::new(ptr::null_mut());
const TRAP_FLAG: i64 = 0x100;
const MOST_STEPS: u64 = 100_000_000;
const LINE: u32 = 64;

impl Stepper {
    /// For code at these places: start and size each.
    pub fn new(own: (u32, u32), helpers: &[(u32, u32)], stubs: &[(u32, u32)], percpu: u32) -> Self {
        Stepper {
            own,
            helpers: helpers.to_vec(),
            stubs: stubs.to_vec(),
            percpu,
            known: HashMap::new(),
            information: InstructionInfoFactory::new(),
            counts: Default::default(),
            data: Lines::default(),
            code: Lines::default(),
            target: 0,
            last: 0,
            was_inside: false,
            first_esp: 0,
            lowest_esp: 0,
            steps: 0,
            failed: None,
        }
    }

    /// Counts what runs when `call` enters 32-bit code at `BREAKPOINT`, which goes
    /// on at `target`.
    pub fn count(&mut self, target: u32, call: impl FnOnce() -> Result<()>) -> Result<Tally> {
        self.counts = Default::default();
        self.data.0.clear();
        self.code.0.clear();
        (self.target, self.last, self.was_inside) = (target, 0, true);
        (self.first_esp, self.lowest_esp, self.steps) = (0, u32::MAX, 0);
        self.failed = None;
        ACTIVE.store(self, Relaxed);
        let result = call();
        ACTIVE.store(ptr::null_mut(), Relaxed);
        result?;
        if let Some(why) = self.failed.take() {
            bail!("counting: {why}");
        }
        if self.counts[0].instructions == 0 {
            bail!("counting: no instruction of the function ran");
        }
        Ok(self.tally())
    }

    fn tally(&self) -> Tally {
        let up_to = |last: Part| {
            let mut sum = Counts::default();
            for counts in &self.counts[..=last as usize] {
                sum.instructions += counts.instructions;
                sum.reads += counts.reads;
                sum.writes += counts.writes;
            }
            sum.lines = self.data.count(last);
            sum.code_lines = self.code.count(last);
            sum
        };
        Tally {
            own: up_to(Part::Own),
            with_helpers: up_to(Part::Helper),
            whole: up_to(Part::Callee),
            stack: self.first_esp - self.lowest_esp,
        }
    }

    /// Notes the instruction that runs next; returns whether to trap behind it.
    fn step(&mut self, registers: &[i64; 23]) -> bool {
        let register = |index: libc::c_int| registers[index as usize] as u32;
        let (eip, esp) = (register(libc::REG_RIP), register(libc::REG_RSP));
        if self.first_esp == 0 {
            self.first_esp = esp;
        }
        // The return to an exit pops the return address: nothing lies there.
        if self.was_inside {
            self.lowest_esp = self.lowest_esp.min(esp);
        }
        if eip.wrapping_sub(low::GATE) < 0x1_0000 {
            if eip != low::exit_address(crate::hooks::EXIT_RETURN) {
                self.failed.get_or_insert(format!("left through {eip:#x}"));
            }
            return false;
        }
        self.steps += 1;
        if self.steps > MOST_STEPS {
            self.failed.get_or_insert("does not end".to_string());
            return false;
        }
        if !self.known.contains_key(&eip) {
            let known = self.learn(eip);
            self.known.insert(eip, known);
        }
        let known = &self.known[&eip];
        self.was_inside = matches!(known.part, Part::Own | Part::Helper);
        if known.part == Part::Stub {
            return true;
        }
        let counts = &mut self.counts[known.part as usize];
        // A repeated string instruction traps after each round.
        if !(known.repeats && self.last == eip) {
            counts.instructions += 1;
        }
        self.last = eip;
        for line in known.code_lines {
            self.code.touch(line, known.part);
        }
        for access in &known.memory {
            let address = access
                .place
                .virtual_address(0, |name, _, _| value_of(name, registers, self.percpu));
            let Some(address) = address.map(|address| address as u32) else {
                self.failed.get_or_insert(format!("an address it cannot know at {eip:#x}"));
                continue;
            };
            counts.reads += u64::from(access.reads);
            counts.writes += u64::from(access.writes);
            self.data.touch(address / LINE, known.part);
            self.data.touch((address + access.size - 1) / LINE, known.part);
        }
        true
    }

    fn learn(&mut self, eip: u32) -> Known {
        let within = |places: &[(u32, u32)]| {
            places.iter().any(|&(start, size)| eip.wrapping_sub(start) < size)
        };
        let part = if within(&[self.own]) {
            Part::Own
        } else if within(&self.helpers) {
            Part::Helper
        } else if within(&self.stubs) {
            Part::Stub
        } else {
            Part::Callee
        };
        let code = low::bytes(eip, 15);
        let instruction = Decoder::with_ip(32, code, eip.into(), DecoderOptions::NONE).decode();
        let memory = self.information.info(&instruction).used_memory();
        let memory = memory.iter().filter_map(|&place| {
            use OpAccess::*;
            let (reads, writes) = match place.access() {
                Read | CondRead => (true, false),
                Write | CondWrite => (false, true),
                ReadWrite | ReadCondWrite => (true, true),
                None | NoMemAccess => return Option::None,
            };
            let size = (place.memory_size().size() as u32).max(1);
            Some(Access { place, size, reads, writes })
        });
        Known {
            part,
            repeats: instruction.has_rep_prefix() || instruction.has_repne_prefix(),
            code_lines: [eip / LINE, (eip + instruction.len() as u32 - 1) / LINE],
            memory: memory.collect(),
        }
    }
}

/// A register's value, or a segment's base.
fn value_of(name: Register, registers: &[i64; 23], percpu: u32) -> Option<u64> {
    use Register::*;
    let index = match name {
        EAX => libc::REG_RAX,
        ECX => libc::REG_RCX,
        EDX => libc::REG_RDX,
        EBX => libc::REG_RBX,
        ESP => libc::REG_RSP,
        EBP => libc::REG_RBP,
        ESI => libc::REG_RSI,
        EDI => libc::REG_RDI,
        CS | DS | ES | SS => return Some(0),
        GS => return Some(percpu.into()),
        _ => return Option::None,
    };
    Some(registers[index as usize] as u32 as u64)
}

/// Called by the handler of traps: whether this one is the stepper's.
pub fn on_trap(registers: &mut [i64; 23]) -> bool {
    let stepper = ACTIVE.load(Relaxed);
    if stepper.is_null() {
        return false;
    }
    // SAFETY: `count` lends its stepper for as long as it is active, and waits in
    // 32-bit code meanwhile: nothing else of this program runs, so the handler
    // may also allocate.
    let stepper = unsafe { &mut *stepper };
    let eip = &mut registers[libc::REG_RIP as usize];
    if *eip as u32 == CODE + BREAKPOINT + 1 {
        *eip = stepper.target.into();
    }
    let on = stepper.step(registers);
    let flags = &mut registers[libc::REG_EFL as usize];
    if on {
        *flags |= TRAP_FLAG;
    } else {
        *flags &= !TRAP_FLAG;
    }
    true
}
