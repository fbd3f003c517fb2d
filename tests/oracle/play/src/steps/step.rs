// SPDX-License-Identifier: GPL-2.0-or-later
//! Counts what one call executes and touches.
//!
//! Either the call runs instruction by instruction: a breakpoint starts it, whose
//! handler sets the processor's trap flag and sends the code where it was to go,
//! and from then on each instruction traps, until the code takes an exit. Or, as
//! a trap takes long, a copy of the function runs that records its registers
//! before each instruction (see `recorder`). Both ways give the registers that an
//! instruction starts with, and so the addresses that it will read and write.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use anyhow::{bail, Result};
use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory, OpAccess, Register, UsedMemory};
use serde::{Deserialize, Serialize};

use super::native;
use super::recorder::Recorder;
use crate::low;

/// Whose code an instruction belongs to. Of the callers, all that they call of each other and of the
/// two is their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
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
    /// Bytes that it puts on the stack.
    pushes: u32,
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
    own: Vec<(u32, u32)>,
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
    recorder: Option<Recorder>,
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
    pub fn new(
        own: &[(u32, u32)],
        helpers: &[(u32, u32)],
        stubs: &[(u32, u32)],
        percpu: u32,
    ) -> Self {
        Stepper {
            own: own.to_vec(),
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
            recorder: None,
            first_esp: 0,
            lowest_esp: 0,
            steps: 0,
            failed: None,
        }
    }

    /// Counts a call of `target` by traps: what runs when `call` enters 32-bit code
    /// at the address it is given.
    pub fn trap(&mut self, target: u32, call: impl FnOnce(u32) -> Result<()>) -> Result<Tally> {
        self.count(target, || call(native::breakpoint()))
    }

    /// The same by a copy that records, without callees: `whole` is not counted.
    pub fn record(&mut self, target: u32, call: impl FnOnce(u32) -> Result<()>) -> Result<Tally> {
        let inside = |at: u32| self.part_of(at) <= Part::Helper;
        let recorder = Recorder::new(target, inside)?;
        let copy = recorder.copy();
        self.recorder = Some(recorder);
        let tally = self.count(target, || call(copy));
        self.recorder = None;
        let mut tally = tally?;
        tally.whole = Counts::default();
        Ok(tally)
    }

    fn count(&mut self, target: u32, call: impl FnOnce() -> Result<()>) -> Result<Tally> {
        self.counts = Default::default();
        self.data.0.clear();
        self.code.0.clear();
        (self.target, self.last) = (target, 0);
        (self.first_esp, self.lowest_esp, self.steps) = (0, u32::MAX, 0);
        self.failed = None;
        ACTIVE.store(self, Relaxed);
        let result = call();
        ACTIVE.store(ptr::null_mut(), Relaxed);
        self.drain();
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

    /// Notes what the copy recorded since the last time.
    fn drain(&mut self) {
        let Some(recorder) = &self.recorder else { return };
        let records: Vec<_> = recorder.take_records();
        for registers in records {
            self.step(&Registers::of_record(&registers));
        }
    }

    /// Notes the instruction that runs next; returns whether to trap behind it.
    fn step(&mut self, registers: &Registers) -> bool {
        let (eip, esp) = (registers.ip, registers.numbered[low::SP] as u32);
        if self.first_esp == 0 {
            self.first_esp = esp;
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
        if known.part == Part::Stub {
            return true;
        }
        if known.part <= Part::Helper {
            self.lowest_esp = self.lowest_esp.min(esp - known.pushes);
        }
        let counts = &mut self.counts[known.part as usize];
        // A repeated string instruction traps after each round, and is recorded once: its rounds
        // are counted at the first.
        if known.repeats && self.last == eip {
            return true;
        }
        let rounds = if known.repeats { registers.numbered[low::CX] as u32 } else { 1 };
        counts.instructions += 1;
        self.last = eip;
        for line in known.code_lines {
            self.code.touch(line, known.part);
        }
        for access in &known.memory {
            let address =
                access.place.virtual_address(0, |name, _, _| registers.value(name, self.percpu));
            let Some(address) = address.map(|address| address as u32) else {
                self.failed.get_or_insert(format!("an address it cannot know at {eip:#x}"));
                continue;
            };
            counts.reads += u64::from(access.reads) * u64::from(rounds);
            counts.writes += u64::from(access.writes) * u64::from(rounds);
            let size = access.size * rounds;
            for line in address / LINE..=(address + size.max(1) - 1) / LINE {
                self.data.touch(line, known.part);
            }
        }
        true
    }

    fn part_of(&self, eip: u32) -> Part {
        let within = |places: &[(u32, u32)]| {
            places.iter().any(|&(start, size)| eip.wrapping_sub(start) < size)
        };
        if within(&self.own) {
            Part::Own
        } else if within(&self.helpers) {
            Part::Helper
        } else if within(&self.stubs) {
            Part::Stub
        } else {
            Part::Callee
        }
    }

    fn learn(&mut self, eip: u32) -> Known {
        let part = self.part_of(eip);
        let code = low::bytes(eip, 15);
        let instruction =
            Decoder::with_ip(8 * low::word_size(), code, eip.into(), DecoderOptions::NONE).decode();
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
            pushes: (-instruction.stack_pointer_increment()).max(0) as u32,
            repeats: instruction.has_rep_prefix() || instruction.has_repne_prefix(),
            code_lines: [eip / LINE, (eip + instruction.len() as u32 - 1) / LINE],
            memory: memory.collect(),
        }
    }
}

/// What the copy that records writes of 32-bit code.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub eip: u32,
    eax: u32,
    ecx: u32,
    edx: u32,
    ebx: u32,
    ebp: u32,
    esi: u32,
    edi: u32,
    esp: u32,
}

/// What an instruction starts with.
struct Registers {
    ip: u32,
    /// By the processor's numbers.
    numbered: [u64; 16],
}

impl Registers {
    fn of_record(record: &Record) -> Self {
        let Record { eip, eax, ecx, edx, ebx, ebp, esi, edi, esp } = *record;
        let mut numbered = [0; 16];
        for (place, value) in numbered.iter_mut().zip([eax, ecx, edx, ebx, esp, ebp, esi, edi]) {
            *place = value.into();
        }
        Registers { ip: eip, numbered }
    }

    fn of_signal(saved: &[i64; 23]) -> Self {
        use libc::{
            REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_R8, REG_R9, REG_RAX, REG_RBP,
            REG_RBX, REG_RCX, REG_RDI, REG_RDX, REG_RSI, REG_RSP,
        };
        const PLACES: [libc::c_int; 16] = [
            REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9,
            REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
        ];
        Registers {
            ip: saved[libc::REG_RIP as usize] as u32,
            numbered: PLACES.map(|place| saved[place as usize] as u64),
        }
    }

    /// A register's value, or a segment's base.
    fn value(&self, name: Register, percpu: u32) -> Option<u64> {
        match name {
            Register::CS | Register::DS | Register::ES | Register::SS => Some(0),
            Register::GS => Some(percpu.into()),
            _ if name.is_gpr64() => Some(self.numbered[name.number()]),
            _ if name.is_gpr32() => Some(self.numbered[name.number()] & u64::from(u32::MAX)),
            _ => None,
        }
    }
}

/// Called by the handler of traps: whether this one is the stepper's.
pub(crate) fn on_trap(saved: &mut [i64; 23]) -> bool {
    let stepper = ACTIVE.load(Relaxed);
    if stepper.is_null() {
        return false;
    }
    // SAFETY: `count` lends its stepper for as long as it is active, and waits in
    // 32-bit code meanwhile: nothing else of this program runs, so the handler
    // may also allocate.
    let stepper = unsafe { &mut *stepper };
    let eip = saved[libc::REG_RIP as usize] as u32;
    if eip == native::records_full() + 1 {
        stepper.drain();
        return true;
    }
    if eip == native::breakpoint() + 1 {
        saved[libc::REG_RIP as usize] = stepper.target.into();
    }
    let on = stepper.step(&Registers::of_signal(saved));
    let flags = &mut saved[libc::REG_EFL as usize];
    if on {
        *flags |= TRAP_FLAG;
    } else {
        *flags &= !TRAP_FLAG;
    }
    true
}
