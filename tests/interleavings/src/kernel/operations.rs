// SPDX-License-Identifier: GPL-2.0-or-later
//! What the scenarios do to a map: the functions of the version at hand, and upstream's
//! vm_map_enter, which is C outside the module and so a model.

use super::map::{header, link, lookup, raw, rebuild_gaps};
use super::object::vm_object_coalesce;
use super::{lock, slab, with, Kernel, PAGE};
use crate::bindings::{
    shim_KERN_SUCCESS as SUCCESS, shim_VM_WIRE_CURRENT as CURRENT, vm_map, vm_map_entry,
};
use crate::trace::Step;
use crate::versions::Functions;

pub const NONE: i32 = 0;
pub const READ: i32 = 1;
pub const WRITE: i32 = 2;
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
    let range = |k: &Kernel| k.label_range(pages.start() as usize, pages.end() as usize);
    with(|k| k.note_as(|k| Step::Begins(format!("{what} {}", range(k)))));
}

fn changed(what: &str) {
    with(|k| k.note_as(|_| Step::Changes(what.to_string())));
}

/// A range of a map, for one of the version's functions; says so if that refuses.
fn call(map: usize, pages: Pages, call: impl FnOnce(&Functions, *mut vm_map, u64, u64) -> i32) {
    let (version, raw) = with(|k| (k.version, k.raw(map)));
    let result = call(&version.functions, raw, pages.start(), pages.end());
    if result != SUCCESS {
        changed(&format!("is refused: {result}"));
    }
}

/// `vm_map_pageable`, as a task's and the kernel's own calls have it: wires for `access`,
/// or unwires for none. Refused if something of the range may not be accessed so.
pub fn pageable(map: usize, pages: Pages, access: i32) {
    note(if access == NONE { "unwires" } else { "wires" }, pages);
    // SAFETY: a live map, which this thread has not locked.
    call(map, pages, |f, raw, start, end| unsafe { (f.pageable)(raw, start, end, access, 1, 1) });
}

/// The same without the checks, as `vm_map_pageable_all` has it for what is in a map.
pub fn pageable_unchecked(map: usize, pages: Pages, access: i32) {
    note("wires all of", pages);
    // SAFETY: as in `pageable`.
    call(map, pages, |f, raw, start, end| unsafe { (f.pageable)(raw, start, end, access, 1, 0) });
}

/// `vm_map_pageable_all`: wires what is in a map.
pub fn wire_all(map: usize) {
    with(|k| k.note(Step::Begins("wires all that there is".to_string())));
    let everything = Pages { first: 0, count: 0 };
    // SAFETY: as in `pageable`.
    call(map, everything, |f, raw, _, _| unsafe { (f.pageable_all)(raw, CURRENT) });
}

/// `vm_map_inherit`
pub fn inherit(map: usize, pages: Pages, inheritance: i32) {
    note("sets the inheritance of", pages);
    // SAFETY: as in `pageable`.
    call(map, pages, |f, raw, start, end| unsafe { (f.inherit)(raw, start, end, inheritance) });
}

/// `vm_map_protect`
pub fn protect(map: usize, pages: Pages, protection: i32) {
    note("sets the protection of", pages);
    // SAFETY: as in `pageable`.
    call(map, pages, |f, raw, start, end| unsafe { (f.protect)(raw, start, end, protection, 0) });
}

/// `vm_map_remove`
pub fn remove(map: usize, pages: Pages) {
    note("deletes", pages);
    // SAFETY: as in `pageable`.
    call(map, pages, |f, raw, start, end| unsafe { (f.remove)(raw, start, end) });
}

/// The version's `vm_map_coalesce_entry`, for C that calls it.
fn coalesce(map: usize, entry: *mut vm_map_entry) {
    let (version, raw) = with(|k| (k.version, k.raw(map)));
    // SAFETY: the caller holds the write lock.
    unsafe { (version.functions.coalesce)(raw, entry) };
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

pub fn enter_locked(map: usize, pages: Pages, protection: i32) -> bool {
    let Err(before) = lookup(map, pages.start() as usize) else { return false };
    let extends_in_transition = with(|k| k.version.in_c.extend_marked);
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
    // SAFETY: as above.
    if unsafe { (*raw(map)).wiring_required() } != 0 {
        // SAFETY: as above; the lock is left as the scan leaves it, and then unlocked.
        let wire = |f: &Functions, raw, start, end| unsafe {
            (f.pageable)(raw, start, end, protection, 0, 0)
        };
        call(map, pages, wire);
    }
    true
}

/// An entry has got longer.
fn grown(map: usize, bytes: u64) {
    rebuild_gaps(map);
    // SAFETY: a map locked for writing.
    unsafe { (*raw(map)).size += bytes };
    changed("extends an entry");
}
