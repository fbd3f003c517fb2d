// SPDX-License-Identifier: GPL-2.0-or-later
//! Faults: look the address up under a read lock, let it go, make the page busy,
//! and verify under the read lock that the map is still the same.
//!
//! A page may lie in an object below: then one that stands in for it is busy in the entry's own
//! object meanwhile, and who stores gets a copy there, which replaces it in all pmaps.
//!
//! Wiring tries the short way first, which trusts the entry that it was given.

use std::ptr::addr_of;

use super::fault_page::fault_page;
use super::map::{entry_at, index_of, Mapped};
use super::object::{number, paging_begin, paging_end, vm_object_shadow, wakeup_done};
use super::operations::WRITE;
use super::{lock, me, point, reads_map, reads_maps, stop, with, writes_page, PAGE};
use crate::bindings::{vm_map, vm_map_entry};
use crate::trace::Step;

/// Reads a field of an entry that nothing may keep in place.
macro_rules! read {
    ($entry:expr, $($field:ident).+) => {
        // SAFETY: the address is in the slab, which keeps even freed entries
        // readable, or is the header of a live map.
        unsafe { addr_of!((*$entry).$($field).+).read_volatile() }
    };
}

#[no_mangle]
extern "C" fn vm_map_rust_schedule_point() {
    point();
    reads_maps();
}

fn holds_lock(map: usize) -> bool {
    with(|k| k.threads[me()].holds.iter().any(|(held, _)| *held == map))
}

fn note_call(what: &str, start: usize, end: usize) {
    with(|k| k.note_as(|k| Step::Calls(format!("{what} {}", k.label_range(start, end)))));
}

#[no_mangle]
extern "C" fn vm_fault_wire(map: *mut vm_map, entry: *mut vm_map_entry) {
    let map = index_of(map);
    if !holds_lock(map) {
        point();
        reads_map(map);
    }
    let end = read!(entry, links.end) as usize;
    let start = read!(entry, links.start) as usize;
    note_call("vm_fault_wire of", start, end);
    let mut address = start;
    while address < end {
        if !wire_fast(map, address, entry) {
            fault(map, address, 0, true);
        }
        address += PAGE;
    }
}

/// `vm_fault_wire_fast`: whether the page was there and idle, and is wired now.
pub fn wire_fast(map: usize, address: usize, entry: *mut vm_map_entry) -> bool {
    point();
    if !holds_lock(map) {
        reads_map(map);
    }
    let object = object_of(entry);
    let offset = read!(entry, offset) as usize + address - read!(entry, links.start) as usize;
    let index = offset / PAGE;
    paging_begin(object);
    writes_page(object, index);
    let page = with(|k| {
        let page = *k.objects[object].resident.get(&index)?;
        if k.pages[page].busy {
            return None;
        }
        k.pages[page].wire_count += 1;
        k.note(Step::Wires(page, k.pages[page].wire_count));
        k.set_busy(page);
        Some(page)
    });
    if let Some(page) = page {
        // The object is unlocked while the page enters the pmap.
        point();
        writes_page(object, index);
        enters_pmap(map, address, page, read!(entry, protection));
        wakeup_done(page);
    }
    paging_end(object);
    page.is_some()
}

/// The object that an entry names; the machine ends where there is none.
fn object_of(entry: *mut vm_map_entry) -> usize {
    number(read!(entry, object.vm_object))
        .unwrap_or_else(|| stop("faults on an entry without an object"))
}

/// `PMAP_ENTER`
fn enters_pmap(map: usize, address: usize, page: usize, protection: i32) {
    let mapped = Mapped { page, writable: protection & WRITE != 0 };
    with(|k| k.maps[map].mapped.insert(address / PAGE, mapped));
}

/// What a lookup found.
struct Lookup {
    object: usize,
    offset: usize,
    protection: i32,
    wired: bool,
    timestamp: u32,
}

/// `vm_map_lookup`, which lets the lock go again. What is to be stored to, and to be copied
/// before, gets its shadow.
fn lookup(map: usize, address: usize, fault_type: i32) -> Option<Lookup> {
    loop {
        lock::read(map);
        let mut shadow_first = false;
        let found = entry_at(map, address).and_then(|entry| {
            let mut protection = read!(entry, protection);
            if fault_type & protection != fault_type {
                return None;
            }
            let wired = read!(entry, wired_count) != 0;
            if needs_copy(entry) {
                shadow_first = (if wired { protection } else { fault_type }) & WRITE != 0;
                protection &= !WRITE;
            }
            if shadow_first {
                return None;
            }
            let object = object_of(entry);
            paging_begin(object);
            let within = address - read!(entry, links.start) as usize;
            Some(Lookup {
                object,
                offset: read!(entry, offset) as usize + within,
                protection,
                wired,
                timestamp: with(|k| k.maps[map].raw.timestamp),
            })
        });
        lock::done(map);
        if !shadow_first {
            return found;
        }
        lock::lock_map(map);
        if let Some(entry) = entry_at(map, address).filter(|entry| needs_copy(*entry)) {
            shadow(entry);
        }
        lock::unlock_map(map);
    }
}

fn needs_copy(entry: *mut vm_map_entry) -> bool {
    // SAFETY: as in `read!`.
    unsafe { vm_map_entry::needs_copy_raw(entry) != 0 }
}

/// Puts a shadow in front of the object of an entry.
pub fn shadow(entry: *mut vm_map_entry) {
    // SAFETY: an entry of a map that is locked for writing.
    unsafe {
        let size = (*entry).links.end - (*entry).links.start;
        vm_object_shadow(&raw mut (*entry).object.vm_object, &raw mut (*entry).offset, size);
        (*entry).set_needs_copy(0);
    }
}

/// `vm_fault`, for an access. With `wire`, it wires or unwires the page, as the entry asks.
/// Returns whether the page was entered.
pub fn fault(map: usize, address: usize, access: i32, wire: bool) -> bool {
    note_call("vm_fault at", address, address + PAGE);
    'retry: loop {
        let Some(first) = lookup(map, address, access) else { return false };
        let Lookup { object, offset, mut wired, timestamp, .. } = first;
        let mut protection = first.protection;
        let fault_type = if wired { protection } else { access };
        let resident = wire && !wired;
        let Some(found) = fault_page(object, offset / PAGE, resident, address, fault_type) else {
            paging_end(object);
            return false;
        };
        let page = found.page;
        if !verify(map, timestamp) {
            if with(|k| k.version.in_c.try_to_verify) {
                writes_page(object, offset / PAGE);
                found.release();
                paging_end(object);
                continue 'retry;
            }
            loop {
                let again = lookup(map, address, fault_type & !2);
                writes_page(object, offset / PAGE);
                let Some(again) = again else {
                    found.release();
                    paging_end(object);
                    return false;
                };
                // The model counts a reference at the lookup; this one is done with.
                paging_end(again.object);
                if (again.object, again.offset) != (object, offset) {
                    found.release();
                    paging_end(object);
                    continue 'retry;
                }
                protection &= again.protection;
                wired = again.wired;
                if verify(map, again.timestamp) {
                    break;
                }
            }
        }
        writes_page(object, offset / PAGE);
        if wired && protection != fault_type {
            lock::done(map);
            found.release();
            paging_end(object);
            continue 'retry;
        }
        // A page below may be read, or copied.
        enters_pmap(map, address, page, protection & if found.is_below() { !WRITE } else { !0 });
        if wire {
            if wired {
                with(|k| {
                    k.pages[page].wire_count += 1;
                    k.note(Step::Wires(page, k.pages[page].wire_count));
                });
            } else {
                count_unwired(page);
            }
        }
        lock::done(map);
        found.release();
        paging_end(object);
        return true;
    }
}

/// `vm_map_verify`: whether the map is as it was, and locked for reading now.
fn verify(map: usize, timestamp: u32) -> bool {
    if with(|k| k.version.in_c.try_to_verify) {
        if !lock::try_read(map) {
            return false;
        }
    } else {
        lock::read(map);
    }
    let same = with(|k| k.maps[map].raw.timestamp) == timestamp;
    if !same {
        lock::done(map);
    }
    same
}

/// `vm_page_unwire`, with the kernel's assertion.
pub fn count_unwired(page: usize) {
    if with(|k| k.pages[page].wire_count) == 0 {
        stop("vm_page_unwire: assertion page->wire_count != 0 failed");
    }
    with(|k| {
        k.pages[page].wire_count -= 1;
        k.note(Step::Unwires(page, k.pages[page].wire_count));
    });
}

#[no_mangle]
pub extern "C" fn vm_fault_unwire(map: *mut vm_map, entry: *mut vm_map_entry) {
    let _ = index_of(map);
    let (start, end) = (read!(entry, links.start) as usize, read!(entry, links.end) as usize);
    note_call("vm_fault_unwire of", start, end);
    let object = object_of(entry);
    for address in (start..end).step_by(PAGE) {
        let offset = read!(entry, offset) as usize + address - start;
        paging_begin(object);
        let Some(found) = fault_page(object, offset / PAGE, true, address, 0) else {
            stop("panic: vm_fault_unwire: failure");
        };
        count_unwired(found.page);
        found.release();
        paging_end(object);
    }
}

#[no_mangle]
extern "C" fn Assert(
    expression: *const std::ffi::c_char,
    _file: *const std::ffi::c_char,
    _line: i32,
    function: *const std::ffi::c_char,
) -> ! {
    // SAFETY: both are C strings.
    let (expression, function) =
        unsafe { (std::ffi::CStr::from_ptr(expression), std::ffi::CStr::from_ptr(function)) };
    stop(format!(
        "{}: assertion {} failed",
        function.to_string_lossy(),
        expression.to_string_lossy()
    ))
}
