// SPDX-License-Identifier: GPL-2.0-or-later
//! Wiring and unwiring a range, or a whole map.

use crate::bindings::{
    shim_KERN_NO_SPACE as NO_SPACE, shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE,
    shim_VM_PROT_READ as READ, shim_VM_PROT_WRITE as WRITE, shim_VM_WIRE_CURRENT as CURRENT,
    shim_VM_WIRE_FUTURE as FUTURE,
};
use crate::callers::asking::ask_and_scan;
use crate::callers::bounds::Bounds;
use crate::callers::cursor::Cursor;
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::range::Range;
use crate::scan::Left;

/// Wires the entries of the range for `access`, or unwires them where that is NONE.
/// Returns a `kern_return_t`; unless it is KERN_SUCCESS, nothing but clips and the hint
/// has changed.
///
/// Lock: held for writing; left as the scan leaves it. Upstream's `vm_map_pageable`,
/// without the locking.
#[inline(always)]
pub(crate) fn pageable(
    map: Map<WriteLocked>,
    bounds: Bounds,
    access: i32,
    checked: bool,
) -> (i32, Left) {
    let bounds = bounds.within(&map);
    let (covered, cursor) =
        map.stand(bounds.start, |map, entry| map.clip_start(entry, bounds.start));
    if !covered {
        return (NO_SPACE, Left::Written(cursor.into_map().held()));
    }
    let fits = match checked {
        true => clip_if_it_fits(&cursor, bounds.end, access),
        false => cursor.each_below(bounds.end, |entry| {
            cursor.map().clip_end(entry, bounds.end);
            true
        }),
    };
    if !fits {
        return (NO_SPACE, Left::Written(cursor.into_map().held()));
    }
    let (map, start) = cursor.into_given();
    let range = Range::new(start, bounds.end);
    // Two of it, as the one that unwires has no faults.
    let left = match access {
        NONE => ask_and_scan(map, &range, NONE),
        access => ask_and_scan(map, &range, access),
    };
    (SUCCESS, left)
}

/// Clips the entries of the range to `end`, and returns whether they go on to there
/// without a hole, and each allows the access.
pub(crate) fn clip_if_it_fits(cursor: &Cursor, end: usize, access: i32) -> bool {
    let map = cursor.map();
    let below_end = |link| map.entry(link).filter(|entry| entry.start() < end);
    let denies = |entry: Entry<'_, WriteLocked>| entry.protection() & access != access;
    let mut at = below_end(cursor.link());
    while let Some(mut entry) = at {
        while entry.end() < end {
            entry = match map.entry(entry.next()) {
                // Begins below `end` too, as it touches one that ends there.
                Some(next) if next.start() <= entry.end() && !denies(entry) => next,
                _ => return false,
            };
        }
        map.clip_end(entry, end);
        if denies(entry) {
            return false;
        }
        at = below_end(entry.next());
    }
    true
}

/// Unwires all that is in the map (`flags` 0), or wires it, or has what is mapped from
/// now on wired, or both. Returns a `kern_return_t`.
///
/// Lock: held for writing; left as the scan leaves it. Upstream's
/// `vm_map_pageable_all`, with `vm_map_pageable_current`, without the locking.
pub(crate) fn pageable_all(map: Map<WriteLocked>, flags: i32) -> (i32, Left) {
    if flags == 0 {
        map.set_wiring_required(false);
        return current(map, NONE);
    }
    let required = map.wiring_required();
    if flags & FUTURE != 0 {
        map.set_wiring_required(true);
    }
    if flags & CURRENT == 0 {
        return (SUCCESS, Left::Written(map.held()));
    }
    let (map, lent) = map.lend();
    match current(map, READ | WRITE) {
        (error, Left::Written(held)) if error != SUCCESS => {
            let map = lent.take_back(held);
            if flags & FUTURE != 0 {
                map.set_wiring_required(required);
            }
            (error, Left::Written(map.held()))
        }
        done => done,
    }
}

/// `pageable` for all that is in the map.
#[inline(never)]
fn current(map: Map<WriteLocked>, access: i32) -> (i32, Left) {
    let whole = map.whole();
    pageable(map, whole, access, false)
}
