// SPDX-License-Identifier: GPL-2.0-or-later
//! What callers do to a map: upstream's vm_map_enter, vm_map_pageable,
//! vm_map_inherit, vm_map_protect and vm_map_remove, as far as they meet the two
//! functions. The two functions themselves are those of the version at hand.

use super::map::{header, index_of, link, lookup, raw, rebuild_gaps, unlink};
use super::object::{deallocate, number, reference, remove_pages, vm_object_coalesce};
use super::{lock, me, slab, sleep, wake, with, writes_map, Event, PAGE};
use crate::bindings::{vm_map, vm_map_entry};
use crate::trace::Step;

pub const NONE: i32 = 0;
pub const READ: i32 = 1;
pub const READ_WRITE: i32 = 3;
/// The inheritances of the field: shared, copied, not at all.
pub const COPY: i32 = 1;
pub const ABSENT: i32 = 2;

/// A range of pages of a map.
#[derive(Clone, Copy)]
pub struct Pages {
    pub first: usize,
    pub count: usize,
}

impl Pages {
    pub fn start(self) -> u64 {
        (self.first * PAGE) as u64
    }
    pub fn end(self) -> u64 {
        ((self.first + self.count) * PAGE) as u64
    }
}

pub fn note(what: &str, pages: Pages) {
    with(|k| {
        let range = k.label_range(pages.start() as usize, pages.end() as usize);
        k.note(Step::Begins(format!("{what} {range}")));
    });
}

fn changed(what: &str) {
    with(|k| k.note(Step::Changes(what.to_string())));
}

/// The version's `vm_map_pageable_scan`.
fn scan(map: usize, start: *mut vm_map_entry, end: u64) {
    let (scan, map) = with(|k| (k.version.scan, k.raw(map)));
    // SAFETY: the caller holds the write lock, and has clipped to `end`.
    unsafe { scan(map, start, end) }
}

/// The version's `vm_map_coalesce_entry`.
fn coalesce(map: usize, entry: *mut vm_map_entry) -> bool {
    let (coalesce, raw) = with(|k| (k.version.coalesce, k.raw(map)));
    // SAFETY: the caller holds the write lock.
    let merged = unsafe { coalesce(raw, entry) } != 0;
    if merged {
        changed("merges two entries");
    }
    merged
}

/// Splits the entry so that `entry` begins at `start`.
fn clip_start(map: usize, entry: *mut vm_map_entry, start: u64) {
    // SAFETY: the caller holds the write lock, and the entry is live.
    unsafe {
        if start <= (*entry).links.start {
            return;
        }
        let front = slab::alloc();
        front.copy_from(entry, 1);
        (*front).links.end = start;
        (*entry).offset += start - (*entry).links.start;
        (*entry).links.start = start;
        link(map, (*entry).links.prev, front);
        if let Some(object) = number((*front).object.vm_object) {
            reference(object);
        }
    }
    changed("clips an entry");
}

/// Splits the entry so that `entry` ends at `end`.
fn clip_end(map: usize, entry: *mut vm_map_entry, end: u64) {
    // SAFETY: as in `clip_start`.
    unsafe {
        if end >= (*entry).links.end {
            return;
        }
        let back = slab::alloc();
        back.copy_from(entry, 1);
        (*back).offset += end - (*entry).links.start;
        (*back).links.start = end;
        (*entry).links.end = end;
        link(map, entry, back);
        if let Some(object) = number((*back).object.vm_object) {
            reference(object);
        }
    }
    changed("clips an entry");
}

/// The first entry of a range, clipped to its start.
fn first_clipped(map: usize, pages: Pages) -> *mut vm_map_entry {
    match lookup(map, pages.start() as usize) {
        Ok(entry) => {
            clip_start(map, entry, pages.start());
            entry
        }
        // SAFETY: an entry of a locked map.
        Err(before) => unsafe { (*before).links.next },
    }
}

/// Visits the entries of a range, each clipped to its end, under the write lock;
/// returns the one behind the last. `visit` may free what it gets.
fn each_clipped(
    map: usize,
    first: *mut vm_map_entry,
    pages: Pages,
    mut visit: impl FnMut(*mut vm_map_entry),
) -> *mut vm_map_entry {
    let mut entry = first;
    // SAFETY: the next entry is read before the visit.
    unsafe {
        while entry != header(map) && (*entry).links.start < pages.end() {
            clip_end(map, entry, pages.end());
            let next = (*entry).links.next;
            visit(entry);
            entry = next;
        }
    }
    entry
}

/// Waits until nothing of a range is in transition, if this version's callers do
/// so before they change anything.
fn settle(map: usize, pages: Pages) {
    if !with(|k| k.version.callers.wait) {
        return;
    }
    'again: loop {
        let mut entry = match lookup(map, pages.start() as usize) {
            Ok(entry) => entry,
            // SAFETY: an entry, or the header, of a locked map.
            Err(before) => unsafe { (*before).links.next },
        };
        // SAFETY: live entries of a map locked for writing; after the wait, they
        // are looked up again.
        unsafe {
            while entry != header(map) && (*entry).links.start < pages.end() {
                if (*entry).in_transition() != 0 {
                    (*entry).set_needs_wakeup(1);
                    changed("asks to be woken");
                    wait_for_transition(map);
                    continue 'again;
                }
                entry = (*entry).links.next;
            }
        }
        return;
    }
}

/// `vm_map_pageable`: wires for `access`, or unwires for none.
pub fn pageable(map: usize, pages: Pages, access: i32) {
    note(if access == NONE { "unwires" } else { "wires" }, pages);
    lock::lock_map(map);
    settle(map, pages);
    let Ok(start) = lookup(map, pages.start() as usize) else {
        return lock::unlock_map(map);
    };
    clip_start(map, start, pages.start());
    // SAFETY: live entries of a map locked for writing.
    each_clipped(map, start, pages, |entry| unsafe { (*entry).wired_access = access });
    scan(map, start, pages.end());
    lock::unlock_map(map);
}

/// `vm_map_inherit`, which merges at both edges.
pub fn inherit(map: usize, pages: Pages, inheritance: i32) {
    note("sets the inheritance of", pages);
    lock::lock_map(map);
    settle(map, pages);
    let first = first_clipped(map, pages);
    let after = each_clipped(map, first, pages, |entry| {
        // SAFETY: a live entry of a map locked for writing.
        unsafe { (*entry).inheritance = inheritance as _ };
        coalesce(map, entry);
    });
    coalesce(map, after);
    lock::unlock_map(map);
}

/// `vm_map_protect`, which merges at both edges, and then scans from the first
/// entry, merged away or not.
pub fn protect(map: usize, pages: Pages, protection: i32) {
    note("sets the protection of", pages);
    lock::lock_map(map);
    settle(map, pages);
    let mut first = first_clipped(map, pages);
    let after = each_clipped(map, first, pages, |entry| {
        // SAFETY: a live entry of a map locked for writing.
        unsafe {
            (*entry).protection = protection;
            if protection != NONE && (*entry).wired_access != NONE {
                (*entry).wired_access = protection;
            }
        }
        coalesce(map, entry);
    });
    coalesce(map, after);
    if with(|k| k.version.callers.look_up_again) {
        first = match lookup(map, pages.start() as usize) {
            Ok(entry) => entry,
            // SAFETY: an entry, or the header, of a locked map.
            Err(before) => unsafe { (*before).links.next },
        };
    }
    scan(map, first, pages.end());
    lock::unlock_map(map);
}

/// `vm_map_enter` of fresh memory at a given place: extends a neighbour if it
/// can. Returns whether there was room.
pub fn enter(map: usize, pages: Pages, protection: i32) -> bool {
    note("enters", pages);
    lock::lock_map(map);
    let entered = enter_locked(map, pages, protection);
    lock::unlock_map(map);
    entered
}

fn enter_locked(map: usize, pages: Pages, protection: i32) -> bool {
    let Err(before) = lookup(map, pages.start() as usize) else { return false };
    let extends_in_transition = with(|k| k.version.callers.extend_marked);
    let header = header(map);
    // SAFETY: live entries of a map locked for writing.
    unsafe {
        let next = (*before).links.next;
        if next != header && (*next).links.start < pages.end() {
            return false;
        }
        let extends = |entry: *mut vm_map_entry| {
            entry != header
                && (*entry).is_shared() == 0
                && (*entry).is_sub_map() == 0
                && (extends_in_transition || (*entry).in_transition() == 0)
                && i64::from((*entry).inheritance) == i64::from(COPY)
                && (*entry).protection == protection
                && (*entry).max_protection == READ_WRITE
                && (*entry).wired_count == 0
                && (*entry).projected_on.is_null()
        };
        let size = pages.end() - pages.start();
        let length = |entry: *mut vm_map_entry| (*entry).links.end - (*entry).links.start;
        if extends(before)
            && (*before).links.end == pages.start()
            && vm_object_coalesce(
                (*before).object.vm_object,
                std::ptr::null_mut(),
                (*before).offset,
                0,
                length(before),
                size,
                &raw mut (*before).object.vm_object,
                &raw mut (*before).offset,
            ) != 0
        {
            (*before).links.end = pages.end();
            grown(map, size);
            coalesce(map, next);
            return true;
        }
        if extends(next)
            && (*next).links.start == pages.end()
            && vm_object_coalesce(
                std::ptr::null_mut(),
                (*next).object.vm_object,
                0,
                (*next).offset,
                size,
                length(next),
                &raw mut (*next).object.vm_object,
                &raw mut (*next).offset,
            ) != 0
        {
            (*next).links.start = pages.start();
            grown(map, size);
            coalesce(map, next);
            return true;
        }
        let entry = slab::alloc();
        (*entry).links.start = pages.start();
        (*entry).links.end = pages.end();
        (*entry).inheritance = COPY as _;
        (*entry).protection = protection;
        (*entry).max_protection = READ_WRITE;
        link(map, before, entry);
        let raw = raw(map);
        (*raw).size += size;
        (*raw).hint = entry;
    }
    changed("makes an entry");
    true
}

/// An entry has got longer.
fn grown(map: usize, bytes: u64) {
    rebuild_gaps(map);
    // SAFETY: a map locked for writing.
    unsafe { (*raw(map)).size += bytes };
    changed("extends an entry");
}

/// `vm_map_remove`: waits for entries in transition, and removes the rest.
pub fn remove(map: usize, pages: Pages) {
    note("deletes", pages);
    lock::lock_map(map);
    settle(map, pages);
    let mut entry = first_clipped(map, pages);
    // SAFETY: live entries of a map locked for writing; after the wait, they are
    // looked up again.
    unsafe {
        let map_raw = raw(map);
        (*map_raw).hint = (*entry).links.prev;
        if (*(*map_raw).first_free).links.start >= pages.start() {
            (*map_raw).first_free = (*entry).links.prev;
        }
        while entry != header(map) && (*entry).links.start < pages.end() {
            clip_end(map, entry, pages.end());
            if (*entry).in_transition() != 0 {
                (*entry).set_needs_wakeup(1);
                changed("asks to be woken");
                wait_for_transition(map);
                entry = match lookup(map, pages.start() as usize) {
                    Ok(entry) => entry,
                    Err(before) => (*before).links.next,
                };
                continue;
            }
            let next = (*entry).links.next;
            delete(map, entry);
            entry = next;
        }
    }
    lock::unlock_map(map);
}

/// Waits, with the lock let go, until a transition ends; takes the lock again.
fn wait_for_transition(map: usize) {
    writes_map(map);
    with(|k| k.threads[me()].waits = Some(Event::Transition(map)));
    lock::unlock_map(map);
    sleep(Event::Transition(map));
    lock::lock_map(map);
}

/// `vm_map_clip_end`, for a version of the scan that clips.
#[no_mangle]
extern "C" fn model_clip_end(map: *mut vm_map, entry: *mut vm_map_entry, end: u64) {
    clip_end(index_of(map), entry, end);
}

/// `vm_map_entry_wakeup`, which upstream's scan never calls.
#[no_mangle]
extern "C" fn vm_map_entry_wakeup(map: *mut vm_map) {
    wake(Event::Transition(index_of(map)));
}

/// `vm_map_entry_delete`
fn delete(map: usize, entry: *mut vm_map_entry) {
    // SAFETY: a live entry of a map locked for writing.
    unsafe {
        let size = (*entry).links.end - (*entry).links.start;
        if let Some(object) = number((*entry).object.vm_object) {
            if (*entry).wired_count != 0 {
                (*raw(map)).size_wired -= size;
                (*entry).wired_count = 0;
                super::fault::vm_fault_unwire(raw(map), entry);
            }
            super::writes_object(object);
            if with(|k| k.objects[object].references == 1 && k.objects[object].paging == 0) {
                let first = (*entry).offset as usize / PAGE;
                remove_pages(object, first, first + size as usize / PAGE);
            }
            deallocate(object);
        }
        unlink(map, entry);
        (*raw(map)).size -= size;
        slab::free(entry);
    }
    changed("deletes an entry");
}
