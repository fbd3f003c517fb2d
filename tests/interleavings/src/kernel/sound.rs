// SPDX-License-Identifier: GPL-2.0-or-later
//! What the module uses of the kernel besides with the feature `sound`.
//!
//! Others may run in [`vm_fault`] and [`vm_fault_wire_fast`]. What the module does to a
//! page while it holds the spin lock of an object is one step here.

use std::ptr::null_mut;

use super::fault::{count_unwired, fault, wire_fast};
use super::lock::{lock_map, unlock_map};
use super::map::{entry_at, index_of, raw};
use super::object::{deallocate, number, pointer};
use super::operations::{enter_locked, note, Pages, READ_WRITE};
use super::{stop, with, writes_page, Kernel, PAGE};
use crate::bindings::{
    pmap, shim_KERN_SUCCESS as SUCCESS, slock, vm_fault_continuation_t, vm_map, vm_map_entry,
    vm_object, vm_page,
};
use crate::trace::Step;
use crate::versions::Functions;

/// What upstream's vm_fault returns of a page that cannot be had, and vm_fault_wire_fast of
/// one that is not there.
const MEMORY_ERROR: i32 = 10;
const FAILURE: i32 = 5;

#[no_mangle]
static mut vm_page_queue_lock: slock = slock { lock_data: 0 };

/// A page as the module finds it.
pub fn new_page() -> Box<vm_page> {
    // SAFETY: zero is a value for each of the structure's fields.
    Box::new(unsafe { std::mem::zeroed() })
}

impl Kernel {
    /// Brings what the module reads of a page up to date.
    fn show_page(&mut self, page: usize) -> *mut vm_page {
        let page = &mut self.pages[page];
        page.raw.set_wire_count(page.wire_count as u32);
        page.raw.set_busy(page.busy.into());
        &raw mut *page.raw
    }

    fn page_at(&self, raw: *mut vm_page) -> usize {
        let at = self.pages.iter().position(|page| std::ptr::eq(&*page.raw, raw));
        at.expect("the module passes the page on that it got")
    }
}

#[no_mangle]
extern "C" fn vm_fault(
    map: *mut vm_map,
    address: u64,
    fault_type: i32,
    change_wiring: i32,
    _resume: i32,
    _continuation: vm_fault_continuation_t,
) -> i32 {
    assert!(fault_type == 0 && change_wiring == 0, "the module asks for a page, and no more");
    match fault(index_of(map), address as usize, false) {
        true => SUCCESS,
        false => MEMORY_ERROR,
    }
}

#[no_mangle]
extern "C" fn vm_fault_wire_fast(map: *mut vm_map, at: u64, entry: *mut vm_map_entry) -> i32 {
    match wire_fast(index_of(map), at as usize, entry) {
        true => SUCCESS,
        false => FAILURE,
    }
}

#[no_mangle]
extern "C" fn vm_page_lookup(object: *mut vm_object, offset: u64) -> *mut vm_page {
    let Some(object) = number(object) else { return null_mut() };
    let index = offset as usize / PAGE;
    writes_page(object, index);
    with(|k| match k.objects[object].resident.get(&index).copied() {
        Some(page) => k.show_page(page),
        None => null_mut(),
    })
}

#[no_mangle]
extern "C" fn vm_page_wire(page: *mut vm_page) {
    with(|k| {
        let page = k.page_at(page);
        k.pages[page].wire_count += 1;
        k.note(Step::Wires(page, k.pages[page].wire_count));
        k.show_page(page);
    });
}

#[no_mangle]
extern "C" fn vm_page_unwire(page: *mut vm_page) {
    let page = with(|k| k.page_at(page));
    count_unwired(page);
    with(|k| k.show_page(page));
}

/// Nothing here looks into a pmap: what a fault has brought in is there for
/// `vm_fault_wire_fast`, as no object has a shadow or a copy.
#[no_mangle]
extern "C" fn pmap_extract(_pmap: *mut pmap, _va: u64) -> u64 {
    0
}

#[no_mangle]
extern "C" fn pmap_change_wiring(_pmap: *mut pmap, _va: u64, _wired: i32) {
    stop("changes the wiring of what is not mapped");
}

/// `projected_buffer_in_range`, which is the module's.
pub fn looks_for_projected(map: usize, pages: Pages) {
    note("looks for projected buffers in", pages);
    let (version, raw) = with(|k| (k.version, k.raw(map)));
    // SAFETY: a live map, which this thread has not locked.
    unsafe { (version.functions.projected)(raw, pages.start(), pages.end()) };
}

/// `vm_map_enter` in a map in which all is to be wired: it comes to `vm_map_pageable` with
/// the map locked, and unlocks it afterwards.
pub fn enters_wired(map: usize, pages: Pages) {
    note("enters, to be wired,", pages);
    lock_map(map);
    assert!(enter_locked(map, pages, READ_WRITE), "the scenario has room there");
    let (version, raw) = with(|k| (k.version, k.raw(map)));
    // SAFETY: a live map, which this thread has locked for writing.
    unsafe { (version.functions.pageable)(raw, pages.start(), pages.end(), READ_WRITE, 0, 0) };
    unlock_map(map);
}

/// What C does to an entry under the map's lock, without a look at its mark.
fn in_c(what: &str, map: usize, page: usize, work: impl FnOnce(&Functions, *mut vm_map_entry)) {
    note(what, Pages { first: page, count: 1 });
    lock_map(map);
    if let Some(entry) = entry_at(map, page * PAGE) {
        let version = with(|k| k.version);
        work(&version.functions, entry);
    }
    unlock_map(map);
}

/// Clips the entry that covers a page, so that it ends there.
pub fn c_clips(map: usize, page: usize) {
    let header = with(|k| &raw mut k.maps[map].raw.hdr);
    let at = (page * PAGE) as u64;
    in_c("clips the entry before", map, page, |functions, entry| {
        // SAFETY: a live entry of a map locked for writing.
        unsafe {
            if (*entry).links.start < at {
                (functions.clip_end)(header, entry, at, 1);
            }
        }
    });
}

/// Gives the entry other memory, and counts it as not wired.
pub fn c_replaces(map: usize, page: usize) {
    in_c("puts other memory at", map, page, |_, entry| {
        let object = with(Kernel::new_object);
        // SAFETY: as in `c_clips`.
        unsafe {
            let old = number((*entry).object.vm_object);
            (*entry).object.vm_object = pointer(object);
            (*entry).offset = 0;
            if (*entry).wired_count != 0 {
                (*raw(map)).size_wired -= (*entry).links.end - (*entry).links.start;
                (*entry).wired_count = 0;
            }
            if let Some(old) = old {
                deallocate(old);
            }
        }
    });
}

/// Deletes the entry.
pub fn c_deletes(map: usize, page: usize) {
    let raw = raw(map);
    in_c("deletes", map, page, |functions, entry| {
        // SAFETY: as in `c_clips`.
        unsafe { (functions.entry_delete)(raw, entry) }
    });
}
