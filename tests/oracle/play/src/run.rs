// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs a case on both sides, each from the same state, and compares.

use anyhow::{bail, Result};

use crate::campaign::COUNTS;
use crate::case::{Base, Case, Op};
use crate::ends::Ends;
use crate::low;
use crate::machine::{Call, Machine, Side, Stop};
use crate::memory::{rounded, Changes, Image, Kept};
use crate::serve::Hold;
use crate::state::Built;
use crate::{hooks, log, reach, watch};

/// What a side did.
#[derive(Default)]
pub struct Trace {
    /// What each op returned; the last may have stopped.
    pub returned: Vec<Result<u32, Stop>>,
    pub calls: Vec<Call>,
    /// Bytes of the log that has them instead.
    logged: u32,
    /// It changed what a spin lock guards while another CPU held that.
    broke_into: bool,
    /// What it left otherwise than it was built.
    after: Changes,
}

/// Where two runs part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A side failed in a way that no kernel may.
    Broken,
    Returned,
    Calls,
    Allocated,
    Memory,
    KernelData,
    /// A side changed what a spin lock guards without it.
    HeldLock,
    /// Something was written where nothing of a case is.
    Stray,
    /// How the map was left.
    Ends,
}

/// The state that a case begins with, for the second side.
#[derive(Default)]
struct Start {
    memory: Kept,
    hold: Option<Hold>,
    no_memory: Option<u8>,
}

/// A machine with a map built on it.
pub struct Bench {
    pub machine: Machine,
    booted: Image,
    built_image: Image,
    /// Memory may be another than `built_image`.
    disturbed: bool,
    start: Start,
    pub built: Built,
    pub shipped: Trace,
    pub ours: Trace,
    /// How far the arena was ever used since it was last wholly clean.
    used: u32,
    /// Looks everywhere for changes after each run, instead of now and then.
    pub strict: bool,
    stray: bool,
    /// If end states are compared, and not all that is done.
    pub ends: Option<Ends>,
}

impl Bench {
    pub fn new(machine: Machine) -> Self {
        let mut booted = Image::default();
        booted.capture(machine.arena_end);
        Bench {
            used: machine.arena_end,
            machine,
            booted,
            built_image: Image::default(),
            disturbed: false,
            start: Start::default(),
            built: Built::default(),
            shipped: Trace::default(),
            ours: Trace::default(),
            strict: false,
            stray: false,
            ends: None,
        }
    }

    /// From now on how maps are left is what counts.
    pub fn compare_ends(&mut self) {
        self.machine.counts_pages = true;
        self.ends = Some(Ends::default());
    }

    /// Builds a map. The kernel's own functions must get through.
    pub fn build(&mut self, base: &Base) -> Result<()> {
        self.booted.restore(self.used);
        self.machine.reset();
        self.machine.recording = false;
        self.machine.plan.start(&[]);
        self.machine.log_if(!self.strict);
        let built = self.machine.build(base);
        self.machine.log_if(false);
        match built {
            Ok(built) => self.built = built,
            Err(stop) => bail!("building a map: {}", self.machine.describe(&stop)),
        }
        self.built_image.capture(self.machine.arena_end);
        self.disturbed = false;
        self.used = self.machine.arena_end;
        Ok(())
    }

    /// Takes a state that `write` makes in the booted machine.
    pub fn set(&mut self, entries: &[u32], arena_end: u32, write: impl FnOnce()) {
        self.booted.restore(self.used);
        self.machine.reset();
        self.machine.recording = false;
        write();
        self.machine.arena_end = arena_end;
        self.built = Built { entries: entries.to_vec(), ..Built::default() };
        self.built_image.capture(arena_end);
        self.disturbed = false;
        self.used = self.used.max(arena_end);
    }

    pub fn entries(&self) -> u32 {
        self.built.entries.len() as u32
    }

    /// Makes memory what was built.
    fn rest(&mut self) {
        if self.disturbed {
            self.built_image.restore(self.used);
            self.disturbed = false;
        }
    }

    /// Puts the case's first state in place.
    pub fn prepare(&mut self, case: &Case) {
        self.rest();
        self.disturbed = true;
        self.machine.arena_end = self.built_image.end();
        self.machine.reset();
        self.machine.calls.clear();
        self.machine.hold = None;
        self.machine.pages.failing = None;
        self.machine.pages.absent = 0;
        (self.machine.pages.mapped, self.machine.pages.stored) = (0, 0);
        self.machine.pages.memory_is_plenty = false;
        self.machine.plan.start(&case.acts);
        for &poke in &case.pokes {
            self.machine.poke(&self.built, poke);
        }
    }

    /// The same again, after a side ran: what the case changes of the map is as it was then.
    fn prepare_again(&mut self, case: &Case) {
        self.rest();
        self.disturbed = true;
        self.machine.arena_end = self.built_image.put_kept(&self.start.memory);
        self.machine.reset();
        self.machine.calls.clear();
        self.machine.hold = self.start.hold;
        self.machine.plan.start(&case.acts);
        self.machine.plan.no_memory = self.start.no_memory;
    }

    /// Runs both sides; returns where they part, if they do.
    pub fn run(&mut self, case: &Case) -> Option<Difference> {
        self.stray = false;
        reach::count(true);
        self.prepare(case);
        // If all of memory is compared, lines may be found that would not have been kept.
        if !self.strict {
            self.built_image.keep(self.machine.arena_end, &mut self.start.memory);
            self.start.hold = self.machine.hold;
            self.start.no_memory = self.machine.plan.no_memory;
        }
        self.run_side(case, Side::Shipped);
        reach::count(false);
        match self.strict {
            true => self.prepare(case),
            false => self.prepare_again(case),
        }
        self.run_side(case, Side::Ours);
        if self.stray {
            return Some(Difference::Stray);
        }
        if let Some(ends) = &mut self.ends {
            return (!ends.judge()).then_some(Difference::Ends);
        }
        self.compare()
    }

    fn run_side(&mut self, case: &Case, side: Side) {
        let machine = &mut self.machine;
        machine.side = side;
        if let Some(script) = &mut machine.script {
            script.start();
        }
        machine.lock_is_timed = machine.hold.is_some();
        machine.hold_if_due();
        machine.log_if(!self.strict && !machine.lock_is_timed && machine.script.is_none());
        if let Some(ends) = &mut self.ends {
            ends.begin(machine, case);
        }
        machine.recording = true;
        let trace = match side {
            Side::Shipped => &mut self.shipped,
            Side::Ours => &mut self.ours,
        };
        trace.returned.clear();
        for (index, &op) in case.ops.iter().enumerate() {
            let is_last = self.ends.is_none() && index + 1 == case.ops.len();
            let result = machine.perform(op, is_last);
            // The scan returns nothing: eax is garbage.
            let result = match op {
                Op::Scan { .. } | Op::Exact { scan: true, .. } => result.map(|_| 0),
                Op::Coalesce { .. }
                | Op::Exact { scan: false, .. }
                | Op::Caller { .. }
                | Op::Given { .. } => result,
            };
            let stopped = result.is_err();
            trace.returned.push(result);
            if stopped {
                break;
            }
        }
        machine.recording = false;
        if let (Some(ends), Some(returned)) = (&mut self.ends, trace.returned.last()) {
            ends.end(machine, returned);
        }
        trace.broke_into = machine.lock_is_timed && !watch::wait_for_release();
        std::mem::swap(&mut trace.calls, &mut machine.calls);
        trace.logged = if machine.logs { log::size() } else { 0 };
        machine.log_if(false);
        self.built_image.take_changes(machine.arena_end, self.strict, &mut trace.after);
        self.disturbed = false;
        self.used = self.used.max(machine.arena_end);
        if self.strict && !self.tail_is_clean() {
            self.stray = true;
            self.clean_tail();
        }
    }

    fn compare(&self) -> Option<Difference> {
        let (a, b) = (&self.shipped, &self.ours);
        if a.is_broken() || b.is_broken() {
            return Some(Difference::Broken);
        }
        if a.returned != b.returned {
            return Some(Difference::Returned);
        }
        let logs = || log::bytes(Side::Shipped, a.logged) == log::bytes(Side::Ours, b.logged);
        if a.calls != b.calls || a.logged != b.logged || !logs() {
            return Some(Difference::Calls);
        }
        if a.after.end != b.after.end {
            return Some(Difference::Allocated);
        }
        if a.after.arena != b.after.arena {
            return Some(Difference::Memory);
        }
        if a.broke_into || b.broke_into {
            return Some(Difference::HeldLock);
        }
        (a.after.data != b.after.data).then_some(Difference::KernelData)
    }

    /// Whether nothing was written but what was compared and put back. Checked once
    /// for all cases of a map.
    pub(crate) fn is_clean(&self) -> bool {
        self.tail_is_clean() && !self.built_image.has_unseen_changes()
    }

    /// Grows with what is compared of the kernel's data.
    pub(crate) fn hot_lines(&self) -> usize {
        self.built_image.hot_lines()
    }

    /// Whether the arena behind what was allocated is still clean: each case is
    /// compared up to its last allocation only.
    fn tail_is_clean(&self) -> bool {
        let from = rounded(self.used);
        let tail = low::bytes(from, low::ARENA + low::ARENA_SIZE - from);
        // Without a way out in between, which would make it slow.
        let words = tail.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight")));
        words.fold(0, |all, word| all | word) == 0
    }

    /// Memory as a side left it, for printing: restores it.
    pub fn show_after(&mut self, side: Side) {
        self.rest();
        self.disturbed = true;
        match side {
            Side::Shipped => self.shipped.after.put(),
            Side::Ours => self.ours.after.put(),
        }
    }

    /// Which sides failed in a way that no kernel may.
    pub fn broken(&self) -> [bool; 2] {
        [&self.shipped, &self.ours].map(Trace::is_broken)
    }

    pub(crate) fn clean_tail(&mut self) {
        let from = rounded(self.used);
        low::bytes(from, low::ARENA + low::ARENA_SIZE - from).fill(0);
    }

    /// The words that differ after the last run, at most a few.
    pub fn places_that_differ(&mut self) -> Vec<String> {
        const MOST: usize = 12;
        self.rest();
        let (a, b) = (&self.shipped.after, &self.ours.after);
        let mut places = Vec::new();
        let mut note = |name: String, [shipped, ours]: [u32; 2]| {
            places.push(format!("{name}: shipped {shipped:#x}, ours {ours:#x}"));
        };
        a.arena.compare(&b.arena, |at, words| note(format!("arena {at:#x}"), words));
        a.data.compare(&b.data, |at, words| note(self.machine.kernel.name_of(at), words));
        places.truncate(MOST);
        places
    }

    /// What happened in the last run, in the order of `campaign::COUNT_NAMES`.
    pub(crate) fn notes(&self) -> [bool; COUNTS] {
        let returned = &self.shipped.returned;
        let stopped = match returned.last() {
            Some(Err(stop)) => Some(stop),
            _ => None,
        };
        let called = |name: u8| match self.shipped.logged {
            0 => self.shipped.calls.iter().any(|call| call.hook == name),
            _ => log::is_marked(Side::Shipped, name),
        };
        const FAULT: u8 = hooks::number("vm_fault_wire");
        const FREE: u8 = hooks::number("kmem_cache_free");
        const SLEEP: u8 = hooks::number("thread_sleep");
        const BLOCK: u8 = hooks::number("thread_block");
        [
            returned.contains(&Ok(1)) || called(FREE),
            self.machine.plan.faults != 0 || (self.ends.is_none() && called(FAULT)),
            matches!(stopped, Some(Stop::Assertion { .. })),
            called(SLEEP),
            matches!(stopped, Some(Stop::Panic { .. })),
            called(BLOCK),
        ]
    }
}

impl Trace {
    fn is_broken(&self) -> bool {
        matches!(self.returned.last(), Some(Err(stop)) if !stop.is_comparable())
    }
}
