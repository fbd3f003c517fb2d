// SPDX-License-Identifier: GPL-2.0-or-later
//! What the module uses of the kernel besides with the feature `sound`.
//!
//! Others may run in [`vm_fault`] and [`vm_fault_wire_fast`], and where the module says so
//! itself. What it does to a page while it holds the spin lock of an object is one step here.

use std::ptr::null_mut;

use super::fault::{count_unwired, fault, wire_fast};
use super::lock::{lock_map, unlock_map};
use super::map::{index_of, Mapped};
use super::object::{number, wakeup_done};
use super::operations::{enter_locked, note, Pages, NONE, READ_WRITE};
use super::{asks_for_memory, me, point, stop, takes_memory, with, writes_page, Kernel, PAGE};
use crate::bindings::{
    pmap, shim_INTEL_PTE_VALID as PTE_VALID, shim_INTEL_PTE_WRITE as PTE_WRITE,
    shim_KERN_SUCCESS as SUCCESS, slock, vm_fault_continuation_t, vm_map, vm_map_entry, vm_object,
    vm_page,
};
use crate::trace::Step;

/// What upstream's vm_fault returns of a page that cannot be had, and vm_fault_wire_fast of
/// one that is not there.
const MEMORY_ERROR: i32 = 10;
const FAILURE: i32 = 5;

#[no_mangle]
static mut vm_page_queue_lock: slock = slock { lock_data: 0 };

/// Nobody has the lists of pages: in an execution before, the machine may have stopped while
/// somebody did.
pub fn begin() {
    // SAFETY: nothing runs yet.
    unsafe { vm_page_queue_lock.lock_data = 0 };
}

/// A page as the module finds it.
pub fn new_page() -> Box<vm_page> {
    // SAFETY: zero is a value for each of the structure's fields.
    Box::new(unsafe { std::mem::zeroed() })
}

impl Kernel {
    /// Brings what the module reads of a page up to date.
    fn show_page(&mut self, page: usize) -> *mut vm_page {
        let number = page;
        let page = &mut self.pages[page];
        page.raw.set_wire_count(page.wire_count as u32);
        page.raw.set_busy(page.busy.into());
        page.raw.set_absent(page.stands_in.into());
        page.raw.phys_addr = phys_addr(number);
        &raw mut *page.raw
    }

    fn page_at(&self, raw: *mut vm_page) -> usize {
        self.page_of_event(raw as usize).expect("the module passes the page on that it got")
    }

    /// The page that who waits at an address waits for.
    pub fn page_of_event(&self, address: usize) -> Option<usize> {
        self.pages.iter().position(|page| &raw const *page.raw as usize == address)
    }

    /// What a pmap has for an address of the map which this thread has locked.
    fn mapped(&mut self, pmap: *mut pmap, address: u64) -> Option<&Mapped> {
        self.mapped_by(pmap).find_map(|mapped| mapped.get(&(address as usize / PAGE)))
    }
}

fn phys_addr(page: usize) -> u64 {
    ((page + 1) * PAGE) as u64
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
    match fault(index_of(map), address as usize, NONE, false) {
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

#[no_mangle]
extern "C" fn pmap_extract(pmap: *mut pmap, va: u64) -> u64 {
    with(|k| k.mapped(pmap, va).map_or(0, |mapped| phys_addr(mapped.page)))
}

/// The table's word for an address, as it is at the call.
#[no_mangle]
extern "C" fn pmap_pte(pmap: *mut pmap, va: u64) -> *mut u64 {
    with(|k| {
        let bits = match k.mapped(pmap, va) {
            None => 0,
            Some(mapped) if mapped.writable => PTE_VALID | PTE_WRITE,
            Some(_) => PTE_VALID,
        };
        k.pte = bits.into();
        &raw mut k.pte
    })
}

/// It may be mapped no longer: then only the table is left, in which nothing is to be changed.
#[no_mangle]
extern "C" fn pmap_change_wiring(_pmap: *mut pmap, _va: u64, _wired: i32) {}

/// `vm_page_convert`, which is the module's.
pub fn convert(object: usize, index: usize, at: usize, old: usize) -> usize {
    let (version, mut raw) = with(|k| {
        let raw = k.show_page(old);
        k.pages[old].raw.object = &raw mut *k.objects[object].raw;
        k.pages[old].raw.offset = (index * PAGE) as u64;
        (k.version, raw)
    });
    // SAFETY: a page of an object on which no other thread works now.
    let converted = unsafe { (version.functions.convert)(&raw mut raw) };
    assert!(converted != 0, "the model has memory");
    with(|k| {
        let page = k.page_at(raw);
        k.pages[page].name = k.label(at);
        k.note(Step::Busy(page));
        page
    })
}

#[no_mangle]
extern "C" fn vm_page_grab(_flags: u32) -> *mut vm_page {
    with(|k| {
        let page = k.new_page(String::new(), 0);
        k.pages[page].busy = true;
        k.threads[me()].busy.push(page);
        k.show_page(page)
    })
}

/// Of a hundred. Others may run before the module looks for a page by what it is told.
#[no_mangle]
extern "C" fn vm_page_mem_free() -> u64 {
    let Some(is_plenty) = with(|k| k.memory_is_plenty) else { return 25 };
    asks_for_memory();
    point();
    if is_plenty {
        26
    } else {
        25
    }
}

/// Memory is short from now on, or plenty.
pub fn memory_becomes(plenty: bool) {
    point();
    takes_memory();
    with(|k| k.memory_is_plenty = Some(plenty));
}

#[no_mangle]
extern "C" fn vm_page_table_size() -> u64 {
    100
}

/// What pages hold is no matter here.
#[no_mangle]
extern "C" fn vm_page_zero_fill(_page: *mut vm_page) {}

#[no_mangle]
extern "C" fn pmap_clear_modify(_phys: u64) {}

/// What is inserted is full of zeros, and nobody may have known of something else there.
#[no_mangle]
extern "C" fn vm_page_insert(page: *mut vm_page, object: *mut vm_object, offset: u64) {
    let Some(object) = number(object) else { stop("vm_page_insert: no object") };
    let index = offset as usize / PAGE;
    if with(|k| k.seen_at(object, index)).is_some() {
        stop("zeros take the place of a page that is there");
    }
    if with(|k| k.objects[object].bad_page) == Some(index) {
        stop("zeros take the place of a page that a pager has");
    }
    with(|k| {
        let page = k.page_at(page);
        k.pages[page].index = index;
        k.objects[object].resident.insert(index, page);
        if k.pages[page].raw.busy() == 0 {
            k.pages[page].name = format!("{index} of zeros");
            k.forget_busy(page);
        }
    });
}

#[no_mangle]
extern "C" fn vm_page_remove(page: *mut vm_page) {
    with(|k| {
        let (page, object) = (k.page_at(page), k.pages[k.page_at(page)].raw.object);
        let object = k.object_at(object).expect("what is taken out was in one");
        let index = k.pages[page].index;
        k.objects[object].resident.remove(&index);
    });
}

#[no_mangle]
extern "C" fn vm_page_free(page: *mut vm_page) {
    let page = with(|k| {
        let page = k.page_at(page);
        k.pages[page].freed = true;
        page
    });
    wakeup_done(page);
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
