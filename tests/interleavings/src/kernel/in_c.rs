// SPDX-License-Identifier: GPL-2.0-or-later
//! What C outside the module does to entries, and to maps, without a look at marks.

use super::fault::shadow;
use super::fault_page::fault_page;
use super::lock::{lock_map, unlock_map};
use super::map::{entry_at, raw};
use super::object::{deallocate, number, paging_begin, paging_end, pointer, reference};
use super::operations::{note, Pages, READ};
use super::{point, sleep, with, writes_map, writes_page, Event, Kernel, PAGE};
use crate::bindings::vm_map_entry;
use crate::trace::Step;
use crate::versions::Functions;

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

/// `vm_map_fork` with the inheritance copy: what is not wired is to be copied by whoever stores
/// to it first, and what is wired is copied at once, with the map unlocked.
pub fn c_forks(map: usize, pages: Pages) {
    note("forks, with a copy of", pages);
    lock_map(map);
    for page in pages.first..pages.first + pages.count {
        let Some(entry) = entry_at(map, page * PAGE) else { continue };
        // SAFETY: as in `c_clips`.
        let (object, offset, wired) = unsafe {
            let within = (page * PAGE) as u64 - (*entry).links.start;
            let offset = ((*entry).offset + within) as usize;
            (number((*entry).object.vm_object), offset, (*entry).wired_count != 0)
        };
        let Some(object) = object else { continue };
        // The copy's; what becomes of it is its own matter.
        reference(object);
        if !wired {
            // SAFETY: as in `c_clips`.
            unsafe { (*entry).set_needs_copy(1) };
            // `vm_object_pmap_protect`
            writes_page(object, offset / PAGE);
            with(|k| k.forbid_writing(object, offset / PAGE));
            with(|k| k.note(Step::Changes("is to be copied".to_string())));
            continue;
        }
        unlock_map(map);
        paging_begin(object);
        if let Some(found) = fault_page(object, offset / PAGE, false, page * PAGE, READ) {
            found.release();
        }
        paging_end(object);
        lock_map(map);
    }
    unlock_map(map);
}

/// `vm_map_fork` with the inheritance share, of a part of an object: a shadow comes in front,
/// whatever is wired.
pub fn c_shadows(map: usize, page: usize) {
    in_c("forks, and shares", map, page, |_, entry| {
        // SAFETY: as in `c_clips`.
        unsafe {
            if let Some(below) = number((*entry).object.vm_object) {
                reference(below);
                shadow(entry);
                deallocate(below);
                (*entry).set_is_shared(1);
            }
        }
    });
}

/// `memory_object_lock_page`, as far as it waits: for a page of the map that is wired.
pub fn waits_until_unwired(map: usize, page: usize) {
    note("waits until nobody wires", Pages { first: page, count: 1 });
    // SAFETY: an entry that the scenario leaves in place.
    let object = unsafe {
        let entry = entry_at(map, page * PAGE).expect("the scenario has it");
        number((*entry).object.vm_object).expect("the scenario gives it an object")
    };
    loop {
        point();
        writes_page(object, 0);
        let wired = with(|k| {
            let page = k.seen_at(object, 0).filter(|page| k.pages[*page].wire_count != 0);
            page.inspect(|page| k.pages[*page].raw.set_wanted(1))
        });
        match wired {
            Some(page) => sleep(Event::Page(page)),
            None => return,
        }
    }
}

/// `vm_map_reference`
pub fn holds_map(map: usize) {
    with(|k| k.maps[map].raw.ref_count += 1);
}

/// `vm_map_deallocate`: the last one takes along what is in it.
pub fn lets_map_go(map: usize) {
    point();
    writes_map(map);
    let (version, raw, is_last) = with(|k| {
        let is_last = {
            let raw = &mut k.maps[map].raw;
            raw.ref_count -= 1;
            raw.ref_count == 0
        };
        (k.version, k.raw(map), is_last)
    });
    if is_last {
        with(|k| k.note(Step::Begins("deletes the map".to_string())));
        // SAFETY: a live map that is nobody's any more.
        unsafe {
            let limits = (*raw).hdr.links;
            (version.functions.delete)(raw, limits.start, limits.end);
        }
        with(|k| k.maps[map].gone = true);
    }
}
