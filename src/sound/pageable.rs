// SPDX-License-Identifier: GPL-2.0-or-later
//! Wiring and unwiring a range, or a whole map.

use crate::bindings::{
    shim_KERN_NO_SPACE as NO_SPACE, shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE,
    shim_VM_PROT_READ as READ, shim_VM_PROT_WRITE as WRITE, shim_VM_WIRE_CURRENT as CURRENT,
    shim_VM_WIRE_FUTURE as FUTURE,
};
use crate::callers::bounds::Bounds;
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

/// What is known of a range whose entries were looked at up to `reached`.
#[derive(Clone, Copy)]
struct Seen {
    reached: usize,
    /// Of what is asked for, what one of them denies; of a hole, all.
    denied: i32,
}

#[inline(always)]
fn between(
    map: Map<WriteLocked>,
    range: impl Fn(&Map<WriteLocked>) -> Bounds,
    access: i32,
    checked: bool,
) -> (i32, Map<WriteLocked>) {
    let bounds = range(&map);
    let unsettled = map.stand_at(bounds);
    if checked && access != NONE && unsettled.is_wired_for(access) {
        return (SUCCESS, unsettled.count_again());
    }
    let (settled, seen) = unsettled.settle(
        range,
        |bounds| Seen { reached: bounds.start, denied: 0 },
        |seen, entry| Seen {
            reached: entry.end(),
            denied: seen.denied
                | access & !entry.protection()
                | if entry.start() > seen.reached { -1 } else { 0 },
        },
    );
    let bounds = settled.bounds();
    if !settled.is_covered() || checked && (seen.denied != 0 || seen.reached < bounds.end) {
        return (NO_SPACE, settled.into_cursor().into_map());
    }
    let entries = settled.map().count_entries();
    let (map, in_line) = settled
        .clip_start(|_, entry| access != NONE && entry.protection() != NONE)
        .bring_in_line(|_| access);
    let map = match in_line.changed || map.count_entries() != entries {
        true => map.merge_within(bounds),
        false => map,
    };
    (in_line.result, map)
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
    if map.count_entries() == 0 {
        return (SUCCESS, map);
    }
    // What is there when nobody has any of it in transition.
    let range = |map: &Map<WriteLocked>| match map.count_entries() {
        0 => Bounds { start: 0, end: 0 },
        _ => map.whole(),
    };
    between(map, range, access, false)
}
