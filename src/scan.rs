// SPDX-License-Identifier: GPL-2.0-or-later
//! Bringing the wiring of a range in line with what was asked for.

use crate::bindings::{shim_VM_PROT_NONE as NONE, shim_VM_PROT_WRITE as WRITE};
use crate::counters;
use crate::entry::Entry;
use crate::faulting::Faulting;
use crate::kernel::kassert;
use crate::lock::{MayFault, ReadLocked, WriteLocked};
use crate::map::{Held, Map};
use crate::mark::Marked;
use crate::range::{MapRange, Range};
use crate::walk::Passed;

/// How the scan leaves the map's lock: held, for whom it returns to.
#[must_use = "the lock is left as this says"]
pub(crate) enum Left {
    /// Held for writing.
    Written(Held<WriteLocked>),
    /// Held for reading.
    Read(Held<ReadLocked>),
}

/// Wires, unwires or leaves the entries of `range` as their `wired_access` and
/// `protection` ask, after either has changed.
///
/// Lock: held for writing. It is held for writing on return if nothing had to
/// be faulted in, or if the map's pmap is the kernel's; else for reading.
/// Upstream's `vm_map_pageable_scan`.
pub(crate) fn pageable_scan(map: Map<WriteLocked>, range: &Range) -> Left {
    counters::scan_called();
    // Pass 1. Two loops, and where the first one is left tells whether there are
    // faults: most scans have none, and need neither a flag nor the second.
    let mut walk = map.walk(range);
    let at = loop {
        walk = match walk.go_on() {
            Ok(at) if update_count(at.map(), at.entry()) => break at,
            Ok(at) => at.pass().into(),
            Err(walk) => return Left::Written(walk.into_map().held()),
        };
    };
    begin_wiring(at.map(), at.entry());
    let mut passed = at.pass();
    let passed = loop {
        passed = match passed.go_on() {
            Ok(at) => {
                if update_count(at.map(), at.entry()) {
                    begin_wiring(at.map(), at.entry());
                }
                at.pass()
            }
            Err(passed) => break passed,
        };
    };

    wire(passed)
}

/// Pass 2. Once in an object, whatever first passes there are.
#[cfg_attr(not(feature = "callers"), inline(always))]
pub(crate) fn wire(passed: Passed<'_>) -> Left {
    match passed.faulting() {
        // Faulting may need memory of this very map, from a pager or for the
        // fault code itself, so the lock must go. Kernel threads leave each
        // other's ranges alone, but not each other's neighbours: the marks keep
        // the entries from being merged or extended from outside.
        Faulting::InKernelMap(range) => {
            let marked = range.mark(begin_transition).do_unlocked(|range| {
                counters::unlocked_scan_begins();
                wire_faults(range);
                counters::unlocked_scan_ends();
            });
            Left::Written(marked.unmark(end_transition).held())
        }
        // User threads are not to be trusted so far. A read lock keeps the
        // entries in place, and lets a thread that holds a page busy verify its
        // lookup, for which the write lock would make it wait for ever.
        Faulting::InUserMap(range) => Left::Read(range.do_downgraded(wire_faults).held()),
    }
}

/// Faults in the entries of the range that the scan has just begun to wire, which
/// are those with `wired_count` 1.
fn wire_faults<S: MayFault>(range: &MapRange<'_, S>) {
    range.each_within(|entry| {
        if entry.wired_count() == 1 {
            range.map().fault_wire(entry);
        }
    });
}

fn begin_transition(entry: Entry<'_, WriteLocked>) -> Marked<'_> {
    entry.try_mark().unwrap_or_else(|| begin_unusual_transition(entry))
}

/// For an entry that is marked already, or that still asks for a wakeup: stops for
/// the former where there are assertions.
#[cold]
#[inline(never)]
fn begin_unusual_transition(entry: Entry<'_, WriteLocked>) -> Marked<'_> {
    kassert!(!entry.in_transition(), "!entry->in_transition", "vm_map_pageable_scan");
    entry.mark()
}

fn end_transition(marked: Marked<'_>) -> Entry<'_, WriteLocked> {
    marked.try_unmark().unwrap_or_else(end_unusual_transition)
}

/// For an entry that has lost its mark, or that a thread waits for: stops where
/// there are assertions.
#[cold]
#[inline(never)]
fn end_unusual_transition(marked: Marked<'_>) -> Entry<'_, WriteLocked> {
    kassert!(marked.in_transition(), "entry->in_transition", "vm_map_pageable_scan");
    let entry = marked.unmark();
    kassert!(!entry.needs_wakeup(), "!entry->needs_wakeup", "vm_map_pageable_scan");
    entry
}

/// Pass 1 for one entry, under the write lock: unwires what is to be unwired,
/// and returns whether the entry is to be wired, with faults.
///
/// The count goes from 0 to 1 to 2, and no further: 1 says in pass 2 that the
/// pages are to be faulted in.
#[inline(always)]
pub(crate) fn update_count(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
    // Pages that cannot be accessed are not wired; `wired_access` stays, and
    // asks again once the protection allows it.
    if entry.wired_access() == NONE || entry.protection() == NONE {
        if entry.wired_count() != 0 {
            map.grow_size_wired(entry.size().wrapping_neg());
            entry.set_wired_count(0);
            map.fault_unwire(entry);
        }
        return false;
    }
    match entry.wired_count() {
        0 => return true,
        1 => entry.set_wired_count(2),
        _ => {}
    }
    false
}

/// Prepares an entry for pass 2.
#[inline(always)]
fn begin_wiring(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    prepare_object(map, entry);
    map.grow_size_wired(entry.size());
    entry.set_wired_count(1);
}

/// Gives the entry the object that a fault would have to make: the fault code
/// will not have the write lock.
#[inline(always)]
pub(crate) fn prepare_object(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    if entry.needs_copy() {
        copy_if_writable(map, entry);
    }
    map.ensure_object(entry);
}

/// Out of line, as copies are seldom due where memory is wired.
#[cold]
#[inline(never)]
fn copy_if_writable(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    if entry.protection() & WRITE != 0 {
        map.shadow_object(entry);
        entry.clear_needs_copy();
    }
}
