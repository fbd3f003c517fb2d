// SPDX-License-Identifier: GPL-2.0-or-later
//! The C boundary: converts what C passes, and calls.
//!
//! The contracts stand in gnumach-headers/vm/vm_map_rust.h as well, in the
//! words of C.

use core::ptr::NonNull;

use crate::bindings::{boolean_t, vm_map, vm_map_entry, vm_offset_t};
use crate::coalesce::coalesce_entry;
use crate::lock::WriteLocked;
use crate::map::{Given, Map};
use crate::range::Range;
#[cfg(not(feature = "sound"))]
use crate::scan::pageable_scan;
use crate::scan::Left;
#[cfg(feature = "sound")]
use crate::sound::edit::scan as pageable_scan;

/// Brings wiring in line with `wired_access` and `protection`, for the entries
/// from `start_entry` that begin below `end` (an address in bytes).
///
/// Lock on return: for writing if nothing had to be faulted in or if the map's
/// pmap is `kernel_pmap`, else for reading. Nothing is reported back; the kernel
/// stops in `Assert` where upstream's does. Upstream's `vm_map_pageable_scan`.
///
/// # Safety
/// `map` is live and locked for writing by this thread; `start_entry` is its
/// header or one of its entries; the range is clipped to `end`.
#[no_mangle]
pub unsafe extern "C" fn vm_map_pageable_scan(
    map: *mut vm_map,
    start_entry: *mut vm_map_entry,
    end: vm_offset_t,
) {
    // SAFETY: the caller's; neither pointer is null.
    let (map, start) = unsafe { claim(map, start_entry) };
    match pageable_scan(map, &Range::new(start, end as usize)) {
        Left::Written(held) => held.hand_back(),
        Left::Read(held) => held.hand_back(),
    }
}

/// Merges `entry` into the entry before it, if they touch and agree. Returns 1
/// if it did: `entry` is freed. Returns 0 if not: nothing has changed.
///
/// Lock: held for writing, and kept. The kernel stops in `Assert` where
/// upstream's does. Upstream's `vm_map_coalesce_entry`.
///
/// # Safety
/// `map` is live and locked for writing by this thread; `entry` is its header or
/// one of its entries.
#[no_mangle]
pub unsafe extern "C" fn vm_map_coalesce_entry(
    map: *mut vm_map,
    entry: *mut vm_map_entry,
) -> boolean_t {
    // SAFETY: the caller's; neither pointer is null.
    let (map, entry) = unsafe { claim(map, entry) };
    let (merged, held) = coalesce_entry(map, entry);
    held.hand_back();
    merged as boolean_t
}

/// What C passed, as the rest of the crate has it.
///
/// # Safety
/// `map` is live and locked for writing by this thread; `entry` is its header or
/// one of its entries.
unsafe fn claim(map: *mut vm_map, entry: *mut vm_map_entry) -> (Map<WriteLocked>, Given) {
    // SAFETY: the caller's, and the call from C ends before the thread goes on with
    // the map in another way.
    unsafe {
        (Map::from_raw(NonNull::new_unchecked(map)), Given::new(NonNull::new_unchecked(entry)))
    }
}
