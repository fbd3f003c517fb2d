// SPDX-License-Identifier: GPL-2.0-or-later
//! A range whose pages are brought in.
//!
//! Marked, and locked for writing: then pages that are there are wired, which waits for
//! none. Marked, and not locked: then a page is waited for.
//!
//! ```compile_fail,E0599
//! use gnumach_vm_map::{lock::WriteLocked, map::Map};
//! fn waits_for_a_page_under_the_lock(map: &Map<WriteLocked>) -> i32 {
//!     map.fault(0)
//! }
//! ```
//! ```
//! use gnumach_vm_map::{lock::Unlocked, map::Map};
//! fn waits_without(map: &Map<Unlocked>) -> i32 {
//!     map.fault(0)
//! }
//! ```
//!
//! Nothing of the map can be looked at meanwhile:
//!
//! ```compile_fail,E0599
//! use gnumach_vm_map::{map::Given, sound::wiring::Wiring};
//! fn goes_by_an_entry<'t>(wiring: Wiring<'t>, given: &Given) -> Wiring<'t> {
//!     wiring.do_unlocked(|map| { map.given(given); }).0
//! }
//! ```
//! ```
//! use gnumach_vm_map::sound::wiring::Wiring;
//! fn goes_by_an_address(wiring: Wiring<'_>) -> Wiring<'_> {
//!     wiring.do_unlocked(|map| { map.fault(4096); }).0
//! }
//! ```

use crate::bindings::{
    shim_KERN_RESOURCE_SHORTAGE as RESOURCE_SHORTAGE, shim_KERN_SUCCESS as SUCCESS,
    shim_VM_PROT_NONE as NONE,
};
use crate::callers::bounds::Bounds;
use crate::callers::cursor::Step;
use crate::counters;
use crate::entry::Entry;
use crate::lock::{Unlocked, WriteLocked};
use crate::map::Map;
use crate::sound::entries::begin;
use crate::sound::fresh::{fill, seems_untouched};
use crate::sound::pages::PAGE_SIZE;
use crate::sound::settle::Settled;
use crate::sound::ticket::Ticket;

/// So often a page may be brought in and be gone again before it is wired.
const MOST_IN_VAIN: u32 = 1000;

/// A map that is locked for writing, and a range of it in which this thread has marked
/// what it wires. The way back to the map leads through [`Wiring::end`] or a failure's
/// undoing, which take the marks off.
#[must_use = "the range stays marked"]
pub struct Wiring<'t> {
    map: Map<WriteLocked>,
    bounds: Bounds,
    ticket: &'t Ticket,
}

/// How a range was brought in line.
pub(crate) struct InLine {
    /// A `kern_return_t`. Unless it is KERN_SUCCESS, nothing is wired that was not wired
    /// before, and what was to be is asked for no longer.
    pub(crate) result: i32,
    /// Whether an entry may agree with a neighbour now that did not before.
    pub(crate) changed: bool,
}

impl Settled {
    /// Wires and unwires what is in the range, whose entries begin no lower, as `access`
    /// and `protection` of each ask.
    ///
    /// Nothing is marked as long as every page is there: the lock is not let go then.
    ///
    /// Lock: held for writing, let go while a page is waited for, and held on return.
    #[inline(always)]
    pub(crate) fn bring_in_line(
        self,
        access: impl Fn(Entry<'_, WriteLocked>) -> i32,
    ) -> (Map<WriteLocked>, InLine) {
        counters::scan_called();
        let bounds = self.bounds();
        let mut cursor = self.into_cursor();
        let mut changed = false;
        loop {
            let step = match cursor.step(bounds.end) {
                Ok(step) => step,
                Err(cursor) => return (cursor.into_map(), InLine { result: SUCCESS, changed }),
            };
            if begin_step(&step, bounds.end, &access, &mut changed, None) {
                let (map, entry) = (step.map(), step.entry());
                if let Some(missing) = map.wire_pages(entry, entry.start()) {
                    let map = step.pass().into_map();
                    let (map, result) = mark_and_wire(map, bounds, missing, &access);
                    return (map, InLine { result, changed: true });
                }
            }
            cursor = step.pass();
        }
    }
}

/// Begins what is to be done with an entry, which is clipped first.
#[inline(always)]
fn begin_step(
    step: &Step,
    end: usize,
    access: impl Fn(Entry<'_, WriteLocked>) -> i32,
    changed: &mut bool,
    ticket: Option<&Ticket>,
) -> bool {
    let (map, entry) = (step.map(), step.entry());
    let access = access(entry);
    if entry.end() > end {
        map.make_object_to_clip(entry, access != NONE && entry.protection() != NONE);
        map.clip_end(entry, end);
    }
    begin(map, entry, access, changed, ticket)
}

/// The rest of it, from the first page on that is not there: marks what has been wired,
/// and what is to be.
#[cold]
#[inline(never)]
fn mark_and_wire(
    map: Map<WriteLocked>,
    bounds: Bounds,
    missing: usize,
    access: &impl Fn(Entry<'_, WriteLocked>) -> i32,
) -> (Map<WriteLocked>, i32) {
    let (ticket, mut changed) = (Ticket::new(), true);
    let mut cursor = map.stand(bounds.start, |_, _| {}).1;
    loop {
        cursor = match cursor.step(bounds.end) {
            Err(cursor) => {
                let map = cursor.into_map();
                counters::unlocked_scan_begins();
                let wired = Wiring { map, bounds, ticket: &ticket }.wire(missing);
                counters::unlocked_scan_ends();
                return wired;
            }
            Ok(step) => {
                let is_mine = match step.entry().start() <= missing {
                    // Wired once has been what this thread began, and nothing else.
                    true => step.entry().wired_count() == 1 && !step.entry().is_sub_map(),
                    false => begin_step(&step, bounds.end, access, &mut changed, Some(&ticket)),
                };
                if is_mine {
                    step.entry().mark_by(&ticket);
                }
                step.pass()
            }
        };
    }
}

impl Map<WriteLocked> {
    /// Wires pages of the entry from an address on. Returns the address of the first that
    /// is not there to be wired.
    #[inline(always)]
    fn wire_pages(&self, entry: Entry<'_, WriteLocked>, from: usize) -> Option<usize> {
        let mut at = from;
        let mut untouched = seems_untouched(entry);
        while at < entry.end() {
            untouched = untouched && self.wire_zeros(entry, at);
            if !untouched && !self.wire_page(entry, at) {
                // Not all of the object is in memory.
                untouched = self.wire_zeros(entry, at);
                if !untouched {
                    return Some(at);
                }
            }
            at = at.wrapping_add(PAGE_SIZE);
        }
        None
    }

    /// Brings in the page of an address, if it is one of zeros, and wires it.
    #[inline(never)]
    fn wire_zeros(&self, entry: Entry<'_, WriteLocked>, address: usize) -> bool {
        fill(entry, address) && self.wire_idle_page(entry, address)
    }
}

impl<'t> Wiring<'t> {
    /// Wires all pages from one on that is not there, and takes the marks off.
    fn wire(mut self, mut missing: usize) -> (Map<WriteLocked>, i32) {
        let mut in_vain = 0;
        loop {
            let (again, mut result) = self.do_unlocked(|map| map.fault(missing));
            self = again;
            if in_vain == MOST_IN_VAIN {
                result = RESOURCE_SHORTAGE;
            }
            // The kernel's C may have put something else there, whose matter it is not.
            if result != SUCCESS && self.asks_for(missing) {
                return (self.undo(missing), result);
            }
            let Some(next) = self.wire_what_is_there(missing) else {
                return (self.end(), SUCCESS);
            };
            in_vain = if next == missing { in_vain + 1 } else { 0 };
            missing = next;
        }
    }

    /// Wires pages from an address on. Returns the address of the first that is not there
    /// to be wired.
    fn wire_what_is_there(&self, from: usize) -> Option<usize> {
        let mut missing = None;
        self.each_of_mine(from, |entry| {
            // What C put in the place of an entry is none of ours to wire.
            if entry.wired_count() == 0 {
                return true;
            }
            missing = self.map.wire_pages(entry, entry.start().max(from));
            missing.is_none()
        });
        missing
    }

    /// Runs `work` with the map unlocked, and locks it again.
    ///
    /// `vm_map_unlock` ends the thread's VM privilege; `vm_map_lock` gives it again and
    /// counts up the map's timestamp.
    pub fn do_unlocked<T>(self, work: impl FnOnce(&Map<Unlocked>) -> T) -> (Self, T) {
        let Wiring { map, bounds, ticket } = self;
        let (map, result) = map.do_unlocked(work);
        (Wiring { map, bounds, ticket }, result)
    }

    /// Whether what covers the address is still what this thread marked, to be wired.
    fn asks_for(&self, address: usize) -> bool {
        self.map
            .lookup(address)
            .is_ok_and(|entry| entry.is_marked_by(self.ticket) && entry.wired_count() != 0)
    }

    /// Takes the marks off, and wakes who waits for that.
    pub fn end(self) -> Map<WriteLocked> {
        let mut wake = false;
        self.each_of_mine(self.bounds.start, |entry| {
            wake |= entry.unmark();
            true
        });
        if wake {
            self.map.wake_for_entries();
        }
        self.map
    }

    /// Unwires what lies before `failed`, and takes the marks off.
    fn undo(self, failed: usize) -> Map<WriteLocked> {
        self.each_of_mine(self.bounds.start, |entry| {
            if entry.wired_count() != 0 {
                self.map.forget_wiring(entry);
                self.map.unwire_pages(entry, failed);
            }
            entry.set_wired_access(entry.wired_access() & !entry.access());
            true
        });
        self.end()
    }

    /// Visits the entries from an address on that this thread has marked, in order, as
    /// long as `visit` says so.
    fn each_of_mine(&self, from: usize, mut visit: impl FnMut(Entry<'_, WriteLocked>) -> bool) {
        let first = match self.map.lookup(from) {
            Ok(entry) => Some(entry),
            Err(before) => self.map.entry(before.next()),
        };
        let mut at = first;
        while let Some(entry) = at.filter(|entry| entry.start() < self.bounds.end) {
            if entry.is_marked_by(self.ticket) && !visit(entry) {
                return;
            }
            at = self.map.entry(entry.next());
        }
    }
}
