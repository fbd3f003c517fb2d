// SPDX-License-Identifier: GPL-2.0-or-later
//! Calls into the kernel's code, and what they do outside of it.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context, Result};

use crate::callers::{self, Addresses};
use crate::ends::pages::Pages;
use crate::hooks::{self, PutAway, EXIT_RETURN, FIRST_HOOK, MOST_ARGUMENTS};
use crate::interference::{Functions, Plan};
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::ours::{self, Ours};
use crate::script::Script;
use crate::serve::Hold;
use crate::{log, low, watch};

/// Which implementation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Shipped,
    Ours,
}

/// Why a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Assertion {
        text: String,
        function: String,
    },
    Panic {
        function: String,
        format: String,
    },
    /// It waits for a lock that nobody will let go.
    Sleeps,
    Clobbered(String),
    /// It crashed; the numbers are signal, instruction and address.
    Crash(u32, u32, u32),
    Endless,
    /// It called a function that the oracle cannot play.
    Refused(&'static str),
}

impl Stop {
    /// Whether two runs that end like this ended alike. What is false here is a
    /// fault of the side or of the oracle, even if both sides have it.
    pub(crate) fn is_comparable(&self) -> bool {
        matches!(self, Stop::Assertion { .. } | Stop::Panic { .. } | Stop::Sleeps)
    }
}

/// A call that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub hook: u8,
    pub arguments: [u64; MOST_ARGUMENTS],
    /// Of the map, the entry that is an argument, and the thread's privilege.
    pub state: u64,
}

pub struct Machine {
    pub kernel: Kernel,
    pub layout: Layout,
    pub functions: Functions,
    pub ours: Ours,
    pub side: Side,
    shipped_scan: u32,
    shipped_coalesce: u32,
    pub shipped_callers: Addresses,
    /// The variables with the bounds of the kernel's virtual memory, where it has them.
    pub kernel_virtual_at: [Option<u32>; 2],
    pub put_away: PutAway,
    ours_mapped: u32,
    depth: u32,
    /// The end of what was allocated of the arena.
    pub arena_end: u32,
    /// Where the arena has no more room.
    pub arena_limit: u32,
    /// Calls are recorded, and faults interfered with.
    pub recording: bool,
    pub calls: Vec<Call>,
    /// 32-bit code notes calls itself (see `log`); `calls` stays empty.
    pub logs: bool,
    can_log: bool,
    /// A timer lets a lock go at any moment, so memory has no one state.
    pub lock_is_timed: bool,
    pub hold: Option<Hold>,
    pub plan: Plan,
    /// Of a run whose end state counts.
    pub pages: Pages,
    pub counts_pages: bool,
    /// What calls come to, instead of what the oracle plays.
    pub script: Option<Script>,
}

const STACK_TOP: u32 = low::STACK + low::STACK_SIZE - 256;
/// What the registers hold at a call that C keeps.
const KEPT: [(usize, u64); 4] = [
    (low::BX, 0x0b0b_0b0b),
    (low::BP, 0x0c0c_0c0c),
    (low::SI, 0x0d0d_0d0d),
    (low::DI, 0x0e0e_0e0e),
];
const KEPT_WIDE: [(usize, u64); 6] = [
    (low::BX, 0x0b0b_0b0b_0b0b_0b0b),
    (low::BP, 0x0c0c_0c0c_0c0c_0c0c),
    (12, 0x1212_1212_1212_1212),
    (13, 0x1313_1313_1313_1313),
    (14, 0x1414_1414_1414_1414),
    (15, 0x1515_1515_1515_1515),
];
/// Where 64-bit code has its first arguments.
pub(crate) const IN_REGISTERS: [usize; 6] = [low::DI, low::SI, low::DX, low::CX, 8, 9];
const DIRECTION_FLAG: u32 = 0x400;

impl Machine {
    /// Maps the kernel and our object, and makes both ready to run. The reason
    /// is given where this machine cannot.
    pub fn new(kernel_path: &Path, object_path: &Path) -> Result<Self> {
        let kernel = Kernel::load(kernel_path)?;
        let layout = Layout::read(&kernel)?;
        low::set_up()?;
        low::set_segments(layout.percpu).map_err(|_| NoModifyLdt)?;
        let put_away = hooks::install(&kernel)?;
        let mut ours_mapped = 0;
        let ours = ours::load(object_path, &kernel, &mut ours_mapped, None)?;
        kernel.seal();
        watch::install(&kernel.data);
        let mut machine = Machine {
            functions: Functions::find(&kernel)?,
            shipped_scan: kernel.symbol("vm_map_pageable_scan")?.address,
            shipped_coalesce: kernel.symbol("vm_map_coalesce_entry")?.address,
            shipped_callers: callers::shipped(&kernel)?,
            kernel_virtual_at: ["kernel_virtual_start", "kernel_virtual_end"]
                .map(|name| kernel.symbols.get(name).map(|symbol| symbol.address)),
            kernel,
            layout,
            ours,
            side: Side::Shipped,
            put_away,
            ours_mapped,
            depth: 0,
            arena_end: low::ARENA,
            arena_limit: low::ARENA + low::ARENA_SIZE - 0x1000,
            recording: false,
            calls: Vec::new(),
            logs: false,
            can_log: false,
            lock_is_timed: false,
            hold: None,
            plan: Plan::default(),
            pages: Pages::default(),
            counts_pages: false,
            script: None,
        };
        machine.boot().context("the kernel's own set-up functions do not run here")?;
        Ok(machine)
    }

    /// Links another object in place of ours, or a version of it.
    pub fn load_object(&mut self, path: &Path, version: Option<usize>) -> Result<()> {
        self.ours = ours::load(path, &self.kernel, &mut self.ours_mapped, version)?;
        Ok(())
    }

    /// Ends whatever call was given up.
    pub fn reset(&mut self) {
        self.depth = 0;
    }

    /// Prepares 32-bit code to note calls itself. Of 64-bit code each crossing is a jump alone.
    pub(crate) fn prepare_log(&mut self) -> Result<()> {
        if !low::is_wide() && !self.can_log {
            log::install(&self.layout, &self.put_away, self.arena_limit, self.counts_pages)?;
            self.can_log = true;
        }
        Ok(())
    }

    /// Has 32-bit code note calls itself, or not, if it can.
    pub(crate) fn log_if(&mut self, wanted: bool) {
        self.logs = wanted && self.can_log;
        if self.logs {
            log::start(self.side);
            self.let_answer();
        } else if self.can_log {
            log::set(log::Mode::Leave, 0);
        }
    }

    /// Says what 32-bit code may answer itself by now.
    pub(crate) fn let_answer(&self) {
        log::answer(self.plan.no_memory.is_none(), !self.counts_pages && self.plan.is_over());
    }

    /// Runs the kernel's code until it takes an exit.
    fn go_on(&mut self) {
        if !self.logs {
            low::enter();
            return;
        }
        let mode = match (self.recording, self.counts_pages) {
            (false, _) => log::Mode::Answer,
            (true, true) => log::Mode::Mark,
            (true, false) => log::Mode::Note,
        };
        log::set(mode, self.arena_end);
        low::enter();
        self.arena_end = log::arena_end();
    }

    /// The scan of the side that runs.
    pub fn scan(&mut self, map: u32, entry: u32, end: u32) -> Result<u32, Stop> {
        match self.side {
            // gcc gives the static function this convention on i386.
            Side::Shipped if !low::is_wide() => {
                self.enter(self.shipped_scan, &[], [map, entry, end])
            }
            Side::Shipped => self.call(self.shipped_scan, &[map, entry, end]),
            Side::Ours => self.call(self.ours.scan, &[map, entry, end]),
        }
    }

    /// The coalesce of the side that runs.
    pub fn coalesce(&mut self, map: u32, entry: u32) -> Result<u32, Stop> {
        let function = match self.side {
            Side::Shipped => self.shipped_coalesce,
            Side::Ours => self.ours.coalesce,
        };
        self.enter(function, &[map, entry], SCRATCH)
    }

    /// A function of the kernel by its address; returns eax.
    pub fn call(&mut self, function: u32, arguments: &[u32]) -> Result<u32, Stop> {
        self.enter(function, arguments, SCRATCH)
    }

    /// Calls with arguments as the C convention has them, on the stack or in registers, and on i386
    /// in eax, edx, ecx too, below whatever call is being served.
    pub fn enter(
        &mut self,
        function: u32,
        arguments: &[u32],
        scratch: [u32; 3],
    ) -> Result<u32, Stop> {
        let (wide, word) = (low::is_wide(), low::word_size());
        let gate = low::gate();
        // What is left at the gate by a call from outside means nothing to the next.
        let outer = if self.depth == 0 { None } else { Some(*gate) };
        let top = outer.map_or(STACK_TOP, |outer| (outer.sp() - 64) & !15);
        self.depth += 1;
        watch::CALLS.fetch_add(1, Relaxed);
        spoil(gate, scratch);
        let mut on_stack = arguments;
        if wide {
            let (first, rest) = arguments.split_at(arguments.len().min(IN_REGISTERS.len()));
            for (&register, &argument) in IN_REGISTERS.iter().zip(first) {
                gate.registers[register] = low::widen(argument);
            }
            on_stack = rest;
        }
        let base = (top - word * on_stack.len() as u32) & !15;
        for (index, &argument) in on_stack.iter().enumerate() {
            low::write_word(base + word * index as u32, argument);
        }
        low::write_word(base - word, low::exit_address(EXIT_RETURN));
        let kept: &[(usize, u64)] = if wide { &KEPT_WIDE } else { &KEPT };
        for &(register, value) in kept {
            gate.registers[register] = value;
        }
        gate.registers[low::SP] = (base - word).into();
        gate.ip = function.into();
        loop {
            self.go_on();
            let gate = low::gate();
            match gate.exit {
                EXIT_RETURN => break,
                watch::EXIT_FAULT => {
                    return Err(Stop::Crash(
                        watch::FAULT_SIGNAL.load(Relaxed),
                        watch::FAULT_EIP.load(Relaxed),
                        watch::FAULT_ADDRESS.load(Relaxed),
                    ))
                }
                watch::EXIT_TIMEOUT => return Err(Stop::Endless),
                exit => self.serve((exit - FIRST_HOOK) as usize)?,
            }
        }
        let left = low::gate();
        let changed = kept.iter().any(|&(register, value)| left.register(register) != value);
        if changed || left.sp() != base || left.flags as u32 & DIRECTION_FLAG != 0 {
            return Err(Stop::Clobbered(format!(
                "{:#x?}, expected by their numbers {kept:#x?}; \
                 stack pointer {:#x}, expected {base:#x}; flags {:#x}",
                left.registers,
                left.sp(),
                left.flags
            )));
        }
        let result = left.registers[low::AX] as u32;
        self.depth -= 1;
        if let Some(outer) = outer {
            *low::gate() = outer;
        }
        Ok(result)
    }

    /// A stop in words.
    pub fn describe(&self, stop: &Stop) -> String {
        match stop {
            Stop::Assertion { text, function } => format!("assertion `{text}' in {function}"),
            Stop::Panic { function, format } => format!("panic in {function}: {format}"),
            Stop::Sleeps => "sleeps for ever on a lock".to_string(),
            Stop::Clobbered(what) => format!("changed registers it must keep: {what}"),
            Stop::Crash(signal, eip, address) => format!(
                "signal {signal} at {} ({eip:#x}), address {address:#x}",
                self.kernel.name_of(*eip)
            ),
            Stop::Endless => "does not end".to_string(),
            Stop::Refused(what) => format!("needs {what}, which the oracle does not play"),
        }
    }

    /// Takes zeroed memory of the arena.
    pub fn allocate(&mut self, size: u32) -> Option<u32> {
        let object = self.arena_end;
        self.arena_end += room(size);
        (self.arena_end <= self.arena_limit).then_some(object)
    }
}

/// Bytes that an allocation takes.
pub fn room(size: u32) -> u32 {
    (size + 15) & !15
}

/// Puts something into the registers that C does not keep.
pub(crate) fn spoil(gate: &mut low::Gate, [ax, dx, cx]: [u32; 3]) {
    for (register, value) in [(low::AX, ax), (low::DX, dx), (low::CX, cx)] {
        gate.registers[register] = value.into();
    }
    if low::is_wide() {
        for register in [low::AX, low::DX, low::CX, low::SI, low::DI, 8, 9, 10, 11] {
            gate.registers[register] = 0xabab_abab_0000_0000 | register as u64;
        }
    }
}

/// What eax, edx and ecx hold where they mean nothing.
pub const SCRATCH: [u32; 3] = [0xaaaa_aaaa, 0xdddd_dddd, 0xcccc_cccc];

/// The machine at hand does not let a process make its own segments.
#[derive(Debug)]
pub struct NoModifyLdt;

impl std::fmt::Display for NoModifyLdt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this machine's Linux has no modify_ldt, which 32-bit kernel code needs for gs")
    }
}

impl std::error::Error for NoModifyLdt {}
