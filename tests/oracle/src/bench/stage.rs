// SPDX-License-Identifier: GPL-2.0-or-later
//! Puts a row's map in place, and makes, counts and times its call.

use std::path::Path;

use anyhow::{bail, ensure, Context, Result};

use super::maps::{FIRST_ADDRESS, PAGE};
use super::native::{self, PageCode};
use super::rows::{Call, Caller, Row};
use super::step::{Stepper, Tally};
use crate::callers::{self, CALLERS};
use crate::layout::Field;
use crate::low;
use crate::machine::{Machine, Side};
use crate::memory::Image;

/// Room for 65,536 entries behind the oracle's arena.
const MORE_ARENA: u32 = 0x80_0000;
/// Room for our object, from where it is loaded on.
const OURS_SIZE: u32 = 0x10_0000;
/// What eax, edx, ecx hold when they pass nothing.
const SCRATCH: [u32; 3] = [0xaaaa_aaaa, 0xdddd_dddd, 0xcccc_cccc];

pub const HELPERS: [&str; 2] = ["vm_map_gap_insert_single", "vm_map_gap_remove_single"];

/// How a call is counted; see `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Trap,
    Record,
}

pub struct Stage {
    pub machine: Machine,
    booted: Image,
    built: Image,
    used: u32,
    /// Memory for what a call allocates: the two entries of two clips.
    spare: u32,
    steppers: [Stepper; 6],
    page_code: PageCode,
    /// The function's arguments for the row at hand.
    arguments: Vec<u32>,
    row: Option<Row>,
}

impl Stage {
    pub fn new(kernel: &Path, object: &Path) -> Result<Self> {
        let mut machine = Machine::new(kernel, object)?;
        low::map(low::ARENA + low::ARENA_SIZE, MORE_ARENA, low::RW)?;
        machine.arena_limit += MORE_ARENA;
        let (stubs, of_pages) = native::install(&machine.kernel, &machine.put_away)?;
        let page_code = PageCode::new(&machine.kernel, stubs.clone(), of_pages)?;
        machine.layout.set(native::PAGE, Field::PhysicalAddress, native::PHYSICAL);
        machine.layout.set(native::PAGE, Field::PageWireCount, 1);
        machine.layout.set(machine.layout.thread, Field::CurrentTask, native::TASK);
        let place = |name: &str| -> Result<(u32, u32)> {
            let symbol = machine.kernel.symbol(name)?;
            Ok((symbol.address, symbol.size))
        };
        let helpers = HELPERS.map(place).into_iter().collect::<Result<Vec<_>>>()?;
        let percpu = machine.layout.percpu;
        let with = |own: &[(u32, u32)], stubs| Stepper::new(own, &helpers, stubs, percpu);
        let stepper = |own: &[(u32, u32)]| with(own, &stubs);
        let the_two = [place("vm_map_coalesce_entry")?, place("vm_map_pageable_scan")?];
        let mut all = the_two.to_vec();
        for (_, name) in CALLERS {
            all.push(place(name)?);
        }
        let steppers = [
            stepper(&the_two[..1]),
            stepper(&the_two[1..]),
            stepper(&all),
            stepper(&[(low::OURS, OURS_SIZE)]),
            with(&all, &page_code.stubs),
            with(&[(low::OURS, OURS_SIZE)], &page_code.stubs),
        ];
        let mut booted = Image::default();
        booted.capture(machine.arena_end);
        Ok(Stage {
            used: machine.arena_end,
            spare: 0,
            machine,
            page_code,
            booted,
            built: Image::default(),
            steppers,
            arguments: Vec::new(),
            row: None,
        })
    }

    /// Whether our object has the callers too. It is their cost that is measured then.
    pub fn has_callers(&self) -> bool {
        self.machine.ours.callers.is_some()
    }

    /// Whether it is the feature `sound` that is measured.
    pub fn is_sound(&self) -> bool {
        self.machine.ours.sound
    }

    /// Builds the row's map.
    pub fn build(&mut self, row: Row) -> Result<()> {
        self.booted.restore(self.used);
        self.machine.reset();
        self.page_code.set(row.with_pages);
        native::words().next_free = 0;
        let arguments = match row.call {
            Call::Coalesce(how) => self.coalesce_map(how, row.entries),
            Call::Scan(what) => self.scan_map(what, row.entries),
            Call::Caller(what) => self.callers_map(what, row.entries),
        };
        // A call of a series makes two entries and an object at most.
        let allocated = if row.is_of_series() { 3 * row.entries } else { 2 };
        self.spare = self.machine.allocate(allocated * native::allocated()).unwrap_or_default();
        let describe = |stop| anyhow::anyhow!("building a map: {}", self.machine.describe(&stop));
        self.arguments = arguments.map_err(describe)?;
        self.used = self.machine.arena_end;
        self.built.capture(self.used);
        self.row = Some(row);
        Ok(())
    }

    /// Everything in memory but stacks, as the last call left it.
    pub fn memory(&self) -> Image {
        let mut image = Image::default();
        image.capture(self.machine.arena_end);
        image
    }

    /// Puts the row's map back as it was built.
    fn restore(&mut self) {
        self.built.restore(self.used);
        self.machine.arena_end = self.used;
        self.machine.reset();
        native::words().next_free = self.spare;
    }

    /// Makes the calls of a series that come before the one at hand.
    fn lead_up(&mut self, side: Side) -> Result<()> {
        let Some(row) = self.row.filter(Row::is_of_series) else { return Ok(()) };
        let last = self.arguments.clone();
        for page in 0..row.entries - 1 {
            let start = FIRST_ADDRESS + PAGE * page;
            (self.arguments[1], self.arguments[2]) = (start, start + PAGE);
            let result = self.call_as_it_is(side)?;
            ensure!(result == 0, "{side:?}: the call for page {page} returns {result}");
        }
        self.arguments = last;
        Ok(())
    }

    /// Entries of the map, as the last call left it.
    pub fn entries_left(&self) -> u32 {
        self.machine.layout.get(self.machine.layout.map, Field::Entries)
    }

    fn target(&self, side: Side) -> Result<u32> {
        let shipped = |name| self.machine.kernel.symbol(name).map(|symbol| symbol.address);
        let ours = &self.machine.ours;
        match (side, self.row.context("no map is built")?.call) {
            (Side::Shipped, Call::Scan(_)) => shipped("vm_map_pageable_scan"),
            (Side::Shipped, Call::Coalesce(_)) => shipped("vm_map_coalesce_entry"),
            (Side::Ours, Call::Scan(_)) => Ok(ours.scan),
            (Side::Ours, Call::Coalesce(_)) => Ok(ours.coalesce),
            (side, Call::Caller(what)) => {
                let caller = match what {
                    Caller::WireKernel | Caller::WireUser | Caller::WireAgain | Caller::Unwire => {
                        callers::Caller::Pageable
                    }
                    Caller::Protect
                    | Caller::ProtectMerging
                    | Caller::ProtectClipping
                    | Caller::ProtectPages => callers::Caller::Protect,
                    Caller::Inherit | Caller::InheritMerging => callers::Caller::Inherit,
                    Caller::Remove => callers::Caller::Remove,
                    Caller::WireAll => callers::Caller::PageableAll,
                    Caller::Delete => callers::Caller::Delete,
                    Caller::EntryDelete => callers::Caller::EntryDelete,
                    Caller::ClipStart => callers::Caller::ClipStart,
                    Caller::ClipEnd => callers::Caller::ClipEnd,
                };
                match side {
                    Side::Shipped => Ok(self.machine.shipped_callers[caller as usize]),
                    Side::Ours => {
                        Ok(ours.callers.context("an object without the callers")?[caller as usize])
                    }
                }
            }
        }
    }

    /// Makes one call of a side from the row's state.
    pub fn run(&mut self, side: Side) -> Result<()> {
        self.restore();
        self.lead_up(side)?;
        self.call_as_it_is(side).map(|_| ())
    }

    /// Counts one call of a side from the row's state.
    pub fn count(&mut self, side: Side, way: Way) -> Result<Tally> {
        // The first call makes pages of the kernel's data writable; that fault
        // must not come between instructions that are counted.
        self.restore();
        self.call_as_it_is(side)?;
        self.restore();
        self.lead_up(side)?;
        let target = self.target(side)?;
        let (stack, registers) = self.pass(side);
        let with_pages = self.row.is_some_and(|row| row.with_pages);
        let stepper = match (side, self.row.map(|row| row.call)) {
            (Side::Shipped, _) if with_pages => 4,
            (Side::Ours, _) if with_pages => 5,
            (Side::Ours, _) => 3,
            (_, Some(Call::Caller(_))) => 2,
            (_, Some(Call::Scan(_))) => 1,
            _ => 0,
        };
        let machine = &mut self.machine;
        machine.layout.set(native::TASK, Field::Faults, 0);
        let call = |at| match machine.enter(at, &stack, registers) {
            Ok(_) => Ok(()),
            Err(stop) => bail!("{side:?}: {}", machine.describe(&stop)),
        };
        let tally = match way {
            Way::Trap => self.steppers[stepper].trap(target, call),
            Way::Record => self.steppers[stepper].record(target, call),
        }?;
        if let (true, Side::Shipped, Some(row)) = (with_pages, side, self.row) {
            let faults = self.machine.layout.get(native::TASK, Field::Faults);
            ensure!(faults == row.entries, "the kernel's code met {faults} pages");
        }
        Ok(tally)
    }

    /// Arguments as C has them, and in eax, edx, ecx: on i386 gcc gives the static scan
    /// the latter.
    fn pass(&self, side: Side) -> (Vec<u32>, [u32; 3]) {
        let scans = matches!(self.row.map(|row| row.call), Some(Call::Scan(_)));
        match (side, scans) {
            (Side::Shipped, true) if !low::is_wide() => {
                let [map, start, end] = self.arguments[..] else { unreachable!() };
                (Vec::new(), [map, start, end])
            }
            _ => (self.arguments.clone(), SCRATCH),
        }
    }

    fn call_as_it_is(&mut self, side: Side) -> Result<u32> {
        let target = self.target(side)?;
        let (stack, registers) = self.pass(side);
        match self.machine.enter(target, &stack, registers) {
            Ok(value) => Ok(value),
            Err(stop) => bail!("{side:?}: {}", self.machine.describe(&stop)),
        }
    }

    /// Ticks that one call of a side takes from the row's state, and how many
    /// calls of the timer that is.
    pub fn time(&mut self, side: Side, times: u32) -> Result<u32> {
        self.restore();
        let target = self.target(side)?;
        self.timed(target, times)
    }

    /// The same of a function that returns at once.
    pub fn time_nothing(&mut self, times: u32) -> Result<u32> {
        self.timed(native::nothing(), times)
    }

    fn timed(&mut self, target: u32, times: u32) -> Result<u32> {
        let mut arguments = [0; native::ARGUMENTS];
        arguments[..self.arguments.len()].copy_from_slice(&self.arguments);
        let timer = native::set_timer(target, times, arguments);
        match self.machine.enter(timer, &[], SCRATCH) {
            Ok(_) => Ok(native::ticks()),
            Err(stop) => bail!("timing: {}", self.machine.describe(&stop)),
        }
    }
}
