// SPDX-License-Identifier: GPL-2.0-or-later
//! Bringing the wiring of a range in line with what was asked for.

use crate::bindings::{shim_VM_PROT_NONE as NONE, shim_VM_PROT_WRITE as WRITE};
use crate::counters;
use crate::entry::Entry;
use crate::map::{ByPmap, Map, Range, WriteLocked};

/// Wires, unwires or leaves the entries of `range` as their `wired_access` and
/// `protection` ask, after either has changed.
///
/// Lock: held for writing. It is held for writing on return if nothing had to
/// be faulted in, or if the map's pmap is the kernel's; else for reading.
/// Upstream's `vm_map_pageable_scan`.
pub(crate) fn pageable_scan(map: Map<WriteLocked>, range: Range) {
    counters::scan_called();
    if !update_counts(&map, range) {
        return;
    }
    match map.by_pmap() {
        // Faulting may need memory of this very map, from a pager or for the
        // fault code itself, so the lock must go. Kernel threads leave each
        // other's ranges alone, but not each other's neighbours: the marks keep
        // the entries from being merged or extended from outside.
        ByPmap::Kernel(map) => {
            let map = map.mark(range).unlock();
            counters::unlocked_scan_begins();
            map.wire_faults();
            counters::unlocked_scan_ends();
            map.lock().unmark();
        }
        // User threads are not to be trusted so far. A read lock keeps the
        // entries in place, and lets a thread that holds a page busy verify its
        // lookup, for which the write lock would make it wait for ever.
        ByPmap::User(map) => {
            let map = map.downgrade();
            map.wire_faults(range);
            map.clear_recursive();
        }
    }
}

/// Pass 1, under the write lock: unwires what is to be unwired, and prepares
/// and counts what is to be wired. Returns whether pages must be faulted in.
fn update_counts(map: &Map<WriteLocked>, range: Range) -> bool {
    let mut faults_needed = false;
    let mut entry = map.given(range.start);
    while !map.is_header(entry) && entry.start() < range.end {
        update_count(map, entry, &mut faults_needed);
        entry = entry.next();
    }
    faults_needed
}

/// Pass 1 for one entry. The count goes from 0 to 1 to 2, and no further: 1 says
/// that the pages are to be faulted in, and then sets `faults_needed`.
fn update_count(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>, faults_needed: &mut bool) {
    // Pages that cannot be accessed are not wired; `wired_access` stays, and
    // asks again once the protection allows it.
    if entry.wired_access() == NONE || entry.protection() == NONE {
        if entry.wired_count() != 0 {
            map.grow_size_wired(entry.size().wrapping_neg());
            entry.set_wired_count(0);
            map.fault_unwire(entry);
        }
        return;
    }
    match entry.wired_count() {
        0 => {
            prepare_object(map, entry);
            map.grow_size_wired(entry.size());
            entry.set_wired_count(1);
            *faults_needed = true;
        }
        1 => entry.set_wired_count(2),
        _ => {}
    }
}

/// Gives the entry the object that a fault would have to make: the fault code
/// will not have the write lock.
fn prepare_object(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    if entry.needs_copy() && entry.protection() & WRITE != 0 {
        map.shadow_object(entry);
        entry.clear_needs_copy();
    }
    if entry.object().is_null() {
        map.allocate_object(entry);
    }
}
