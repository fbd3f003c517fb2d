// SPDX-License-Identifier: GPL-2.0-or-later
//! Bringing the wiring of a range in line with what was asked for.

use crate::bindings::{shim_VM_PROT_NONE as NONE, shim_VM_PROT_WRITE as WRITE};
use crate::counters;
use crate::entry::Entry;
use crate::map::{Faults, Map, Range, WriteLocked};

/// Wires, unwires or leaves the entries of `range` as their `wired_access` and
/// `protection` ask, after either has changed.
///
/// Lock: held for writing. It is held for writing on return if nothing had to
/// be faulted in, or if the map's pmap is the kernel's; else for reading.
/// Upstream's `vm_map_pageable_scan`.
pub(crate) fn pageable_scan(map: Map<WriteLocked>, range: &Range) {
    counters::scan_called();
    match map.prepare_faults(range, update_count, begin_wiring) {
        Faults::None => {}
        // Faulting may need memory of this very map, from a pager or for the
        // fault code itself, so the lock must go. Kernel threads leave each
        // other's ranges alone, but not each other's neighbours: the marks keep
        // the entries from being merged or extended from outside.
        Faults::InKernelMap(map) => {
            let map = map.mark().unlock();
            counters::unlocked_scan_begins();
            map.wire_faults();
            counters::unlocked_scan_ends();
            map.lock().unmark();
        }
        // User threads are not to be trusted so far. A read lock keeps the
        // entries in place, and lets a thread that holds a page busy verify its
        // lookup, for which the write lock would make it wait for ever.
        Faults::InUserMap(map) => {
            let map = map.downgrade();
            map.wire_faults();
            map.clear_recursive();
        }
    }
}

/// Pass 1 for one entry, under the write lock: unwires what is to be unwired,
/// and returns whether the entry is to be wired, with faults.
///
/// The count goes from 0 to 1 to 2, and no further: 1 says in pass 2 that the
/// pages are to be faulted in.
fn update_count(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
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
fn prepare_object(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    if entry.needs_copy() {
        copy_if_writable(map, entry);
    }
    if entry.object().is_null() {
        map.allocate_object(entry);
    }
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
