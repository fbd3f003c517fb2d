// SPDX-License-Identifier: GPL-2.0-or-later
//! Wiring and unwiring a range, or a whole map.

use crate::bindings::{
    shim_KERN_NO_SPACE as NO_SPACE, shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE,
    shim_VM_PROT_READ as READ, shim_VM_PROT_WRITE as WRITE, shim_VM_WIRE_CURRENT as CURRENT,
    shim_VM_WIRE_FUTURE as FUTURE,
};
use crate::callers::bounds::Bounds;
use crate::callers::pageable::clip_if_it_fits;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::scan::Left;

/// Wires the range for `access`, or unwires it where that is NONE. Returns a
/// `kern_return_t`; unless it is KERN_SUCCESS, nothing is wired that was not before.
///
/// Lock: held for writing, let go while it waits, and held on return. Upstream's
/// `vm_map_pageable`, without the locking.
pub(crate) fn pageable(
    map: Map<WriteLocked>,
    bounds: Bounds,
    access: i32,
    checked: bool,
) -> (i32, Left) {
    let (result, map) = between(map, |map| bounds.within(map), access, checked);
    (result, Left::Written(map.held()))
}

fn between(
    map: Map<WriteLocked>,
    range: impl Fn(&Map<WriteLocked>) -> Bounds,
    access: i32,
    checked: bool,
) -> (i32, Map<WriteLocked>) {
    let settled = map.settle(range);
    let bounds = settled.bounds();
    settled
        .map()
        .make_objects_to_clip(bounds, |entry| access != NONE && entry.protection() != NONE);
    let (settled, fits) = settled.edit(|cursor| {
        let covered =
            cursor.map().entry(cursor.link()).is_some_and(|entry| entry.start() == bounds.start);
        let fits = covered
            && match checked {
                true => clip_if_it_fits(&cursor, bounds.end, access),
                false => cursor.each_below(bounds.end, |entry| {
                    cursor.map().clip_end(entry, bounds.end);
                    true
                }),
            };
        if fits {
            cursor.each_below(bounds.end, |entry| {
                entry.set_wired_access(access);
                true
            });
        }
        (cursor, fits)
    });
    if !fits {
        return (NO_SPACE, settled.into_map().merge_within(bounds));
    }
    let (map, result) = settled.bring_in_line();
    (result, map.merge_within(bounds))
}

/// Unwires all that is in the map (`flags` 0), or wires it, or has what is mapped from
/// now on wired, or both. Returns a `kern_return_t`: unless it is KERN_SUCCESS, nothing is
/// wired, or will be, that was not before. An empty map is no error.
///
/// Lock: as for [`pageable`]. Upstream's `vm_map_pageable_all`, without the locking.
pub(crate) fn pageable_all(map: Map<WriteLocked>, flags: i32) -> (i32, Left) {
    let required = map.wiring_required();
    if flags == 0 || flags & FUTURE != 0 {
        map.set_wiring_required(flags != 0);
    }
    if flags != 0 && flags & CURRENT == 0 {
        return (SUCCESS, Left::Written(map.held()));
    }
    let access = if flags == 0 { NONE } else { READ | WRITE };
    let (result, map) = all(map, access);
    if result != SUCCESS && flags & FUTURE != 0 {
        map.set_wiring_required(required);
    }
    (result, Left::Written(map.held()))
}

fn all(map: Map<WriteLocked>, access: i32) -> (i32, Map<WriteLocked>) {
    if map.is_empty() {
        return (SUCCESS, map);
    }
    // What is there when nobody has any of it in transition.
    let range = |map: &Map<WriteLocked>| match map.is_empty() {
        true => Bounds { start: 0, end: 0 },
        false => map.whole(),
    };
    between(map, range, access, false)
}
