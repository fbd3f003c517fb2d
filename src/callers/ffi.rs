// SPDX-License-Identifier: GPL-2.0-or-later
//! The C boundary of the callers: who takes the map's lock and lets it go.
//!
//! The contracts stand in gnumach-headers/vm/vm_map_rust_callers.h as well, in the
//! words of C. Addresses are in bytes, results `kern_return_t`.

use core::ptr::NonNull;

#[cfg(feature = "sound")]
use crate::bindings::shim_KERN_NO_SPACE as NO_SPACE;
use crate::bindings::{
    boolean_t, kern_return_t, shim_KERN_INVALID_ARGUMENT as INVALID_ARGUMENT,
    shim_KERN_SUCCESS as SUCCESS, shim_VM_WIRE_ALL as WIRE_ALL, vm_inherit_t, vm_map, vm_map_entry,
    vm_map_header, vm_offset_t, vm_prot_t, vm_wire_t,
};
use crate::callers::bounds::Bounds;
use crate::callers::clip::Header;
#[cfg(not(feature = "sound"))]
use crate::callers::delete::delete;
use crate::callers::entry_delete;
#[cfg(not(feature = "sound"))]
use crate::callers::inherit::inherit;
use crate::callers::locking::{lock, Lent};
#[cfg(not(feature = "sound"))]
use crate::callers::pageable::{pageable, pageable_all};
#[cfg(not(feature = "sound"))]
use crate::callers::protect::protect;
use crate::callers::protect::Which;
use crate::counters::{called, Caller};
use crate::entry::Entry;
use crate::lock::WriteLocked;
#[cfg(not(feature = "sound"))]
use crate::map::Held;
use crate::map::{Given, Map};
use crate::scan::Left;
#[cfg(feature = "sound")]
use crate::sound::{
    edit::{inherit, remove},
    pageable::{pageable, pageable_all},
    protect::protect,
};

/// Runs `work` on a map that is locked for it, and unlocked again.
///
/// # Safety
/// `map` is live, and this thread has not locked it.
unsafe fn with_lock<T>(map: *mut vm_map, work: impl FnOnce(Map<WriteLocked>) -> (T, Left)) -> T {
    // SAFETY: the caller's; the pointer is not null.
    let (map, lent): (_, Lent) = unsafe { lock(NonNull::new_unchecked(map)) }.lend();
    let (result, left) = work(map);
    lent.unlock(left);
    result
}

/// `delete`, which has but one result.
#[cfg(not(feature = "sound"))]
fn remove(map: Map<WriteLocked>, bounds: Bounds) -> (kern_return_t, Held<WriteLocked>) {
    (SUCCESS, delete(map, bounds))
}

fn bounds(start: vm_offset_t, end: vm_offset_t) -> Bounds {
    Bounds { start: start as usize, end: end as usize }
}

/// Wires a range, or unwires it. Upstream's `vm_map_pageable`.
///
/// With `sound` its caller is told of pages that cannot be had, unless it has locked the map and
/// has the range unchecked.
///
/// # Safety
/// `map` is live; this thread has locked it for writing, or not at all with `lock_map`.
#[no_mangle]
pub unsafe extern "C" fn vm_map_pageable(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
    access_type: vm_prot_t,
    lock_map: boolean_t,
    check_range: boolean_t,
) -> kern_return_t {
    called(Caller::Pageable);
    let lock_map = lock_map != 0;
    // SAFETY: the caller's, and the call from C ends before the thread goes on with the map
    // in another way.
    let (map, lent) = unsafe {
        let map = NonNull::new_unchecked(map);
        if lock_map { lock(map) } else { Map::from_raw(map) }.lend()
    };
    let (result, left) = pageable(map, bounds(start, end), access_type, check_range != 0);
    // What could not be had upstream does not tell, and C relies on that where it has just put
    // memory into a map that it locked: vm_map_copyout's caller would give it back once more.
    #[cfg(feature = "sound")]
    let result = match lock_map || check_range != 0 || result == NO_SPACE {
        true => result,
        false => SUCCESS,
    };
    match left {
        left if lock_map => lent.unlock(left),
        Left::Written(held) => held.hand_back(),
        Left::Read(held) => held.hand_back(),
    }
    result
}

/// Wires a map, or unwires it, or has what comes wired. Upstream's
/// `vm_map_pageable_all`.
///
/// # Safety
/// `map` is live, and this thread has not locked it.
#[no_mangle]
pub unsafe extern "C" fn vm_map_pageable_all(map: *mut vm_map, flags: vm_wire_t) -> kern_return_t {
    called(Caller::PageableAll);
    if flags & !WIRE_ALL != 0 {
        return INVALID_ARGUMENT;
    }
    // SAFETY: the caller's.
    unsafe { with_lock(map, |map| pageable_all(map, flags)) }
}

/// Changes the protection of a range. Upstream's `vm_map_protect`.
///
/// # Safety
/// `map` is live, and this thread has not locked it.
#[no_mangle]
pub unsafe extern "C" fn vm_map_protect(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
    new_prot: vm_prot_t,
    set_max: boolean_t,
) -> kern_return_t {
    called(Caller::Protect);
    let which = if set_max != 0 { Which::Max } else { Which::Current };
    // SAFETY: the caller's.
    unsafe { with_lock(map, |map| protect(map, bounds(start, end), new_prot, which)) }
}

/// Changes what a child gets of a range. Upstream's `vm_map_inherit`.
///
/// # Safety
/// `map` is live, and this thread has not locked it.
#[no_mangle]
pub unsafe extern "C" fn vm_map_inherit(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
    new_inheritance: vm_inherit_t,
) -> kern_return_t {
    called(Caller::Inherit);
    // SAFETY: the caller's.
    unsafe {
        with_lock(map, |map| {
            (SUCCESS, Left::Written(inherit(map, bounds(start, end), new_inheritance)))
        })
    }
}

/// Frees an entry and what it maps. Upstream's `vm_map_entry_delete`.
///
/// # Safety
/// `map` is live and locked for writing by this thread, or nobody else's any more;
/// `entry` is one of its entries.
#[no_mangle]
pub unsafe extern "C" fn vm_map_entry_delete(map: *mut vm_map, entry: *mut vm_map_entry) {
    called(Caller::EntryDelete);
    // SAFETY: the caller's, and the call from C ends before the thread goes on with the map
    // in another way.
    let (map, given) = unsafe {
        (Map::from_raw(NonNull::new_unchecked(map)), Given::new(NonNull::new_unchecked(entry)))
    };
    // SAFETY: the caller's: no header.
    let single = unsafe { crate::unlink::Single::new(given) };
    // Whoever deletes a range has moved the hints before.
    #[cfg(feature = "sound")]
    map.leave(single.entry(&map));
    entry_delete::entry_delete(map, single).hand_back();
}

/// Frees a range of a map. Upstream's `vm_map_delete`.
///
/// # Safety
/// `map` is live and locked for writing by this thread, or nobody else's any more.
#[no_mangle]
pub unsafe extern "C" fn vm_map_delete(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
) -> kern_return_t {
    called(Caller::Delete);
    // SAFETY: the caller's, and the call from C ends before the thread goes on with the map
    // in another way.
    let map = unsafe { Map::from_raw(NonNull::new_unchecked(map)) };
    let (result, held) = remove(map, bounds(start, end));
    held.hand_back();
    result
}

/// Frees a range of a map. Upstream's `vm_map_remove`.
///
/// # Safety
/// `map` is live, and this thread has not locked it.
#[no_mangle]
pub unsafe extern "C" fn vm_map_remove(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
) -> kern_return_t {
    called(Caller::Remove);
    // SAFETY: the caller's.
    unsafe {
        with_lock(map, |map| {
            let bounds = bounds(start, end).within(&map);
            let (result, held) = remove(map, bounds);
            (result, Left::Written(held))
        })
    }
}

/// Splits an entry: it keeps what lies from `start` on. Upstream's
/// `_vm_map_clip_start`.
///
/// # Safety
/// `entry` is an entry of the ring of `map_header` and nobody else's at the time:
/// with `link_gap` the header is that of a live map, locked for writing by this
/// thread or nobody else's any more. `start` lies inside the entry.
#[no_mangle]
pub unsafe extern "C" fn _vm_map_clip_start(
    map_header: *mut vm_map_header,
    entry: *mut vm_map_entry,
    start: vm_offset_t,
    link_gap: boolean_t,
) {
    called(Caller::ClipStart);
    // SAFETY: the caller's.
    unsafe {
        let entry: Entry<'_, WriteLocked> = Entry::new(NonNull::new_unchecked(entry));
        if link_gap != 0 {
            map_of(map_header).share().split_front(entry, start as usize);
        } else {
            Header::new(NonNull::new_unchecked(map_header)).clip_copy_start(entry, start as usize);
        }
    }
}

/// Splits an entry: it keeps what lies below `end`. Upstream's `_vm_map_clip_end`.
///
/// # Safety
/// As for `_vm_map_clip_start`; `end` lies inside the entry.
#[no_mangle]
pub unsafe extern "C" fn _vm_map_clip_end(
    map_header: *mut vm_map_header,
    entry: *mut vm_map_entry,
    end: vm_offset_t,
    link_gap: boolean_t,
) {
    called(Caller::ClipEnd);
    // SAFETY: the caller's.
    unsafe {
        let entry: Entry<'_, WriteLocked> = Entry::new(NonNull::new_unchecked(entry));
        if link_gap != 0 {
            map_of(map_header).share().split_back(entry, end as usize);
        } else {
            Header::new(NonNull::new_unchecked(map_header)).clip_copy_end(entry, end as usize);
        }
    }
}

/// The map of a header.
///
/// # Safety
/// It is that of a live map, locked for writing by this thread or nobody else's any
/// more.
unsafe fn map_of(header: *mut vm_map_header) -> Map<WriteLocked> {
    // SAFETY: the caller's.
    unsafe {
        let map = header.byte_sub(core::mem::offset_of!(vm_map, hdr)).cast();
        Map::from_raw(NonNull::new_unchecked(map))
    }
}
