// SPDX-License-Identifier: GPL-2.0-or-later
//! Wiring and unwiring a range, or a whole map.

use crate::bindings::{
    shim_KERN_NO_SPACE as NO_SPACE, shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE,
    shim_VM_PROT_READ as READ, shim_VM_PROT_WRITE as WRITE, shim_VM_WIRE_CURRENT as CURRENT,
    shim_VM_WIRE_FUTURE as FUTURE,
};
use crate::callers::bounds::Bounds;
use crate::callers::cursor::Cursor;
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::range::Range;
use crate::scan::{pageable_scan, Left};

/// Wires the entries of the range for `access`, or unwires them where that is NONE.
/// Returns a `kern_return_t`; unless it is KERN_SUCCESS, nothing but clips and the hint
/// has changed.
///
/// Lock: held for writing; left as the scan leaves it. Upstream's `vm_map_pageable`,
/// without the locking.
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
    let fits = cursor.each_below(bounds.end, |entry| {
        cursor.map().clip_end(entry, bounds.end);
        !checked || fits(&cursor, entry, bounds.end, access)
    });
    if !fits {
        return (NO_SPACE, Left::Written(cursor.into_map().held()));
    }
    cursor.each_below(bounds.end, |entry| {
        entry.set_wired_access(access);
        true
    });
    let (map, start) = cursor.into_given();
    (SUCCESS, pageable_scan(map, &Range::new(start, bounds.end)))
}

/// Whether the entry goes on to `end`, or touches the next one; and allows the access.
fn fits(cursor: &Cursor, entry: Entry<'_, WriteLocked>, end: usize, access: i32) -> bool {
    if entry.end() < end {
        match cursor.map().entry(entry.next()) {
            Some(next) if next.start() <= entry.end() => {}
            _ => return false,
        }
    }
    entry.protection() & access == access
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
fn current(map: Map<WriteLocked>, access: i32) -> (i32, Left) {
    let whole = map.whole();
    pageable(map, whole, access, false)
}
