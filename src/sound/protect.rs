// SPDX-License-Identifier: GPL-2.0-or-later
//! Changing the protection of a range.

use crate::bindings::{shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE};
use crate::callers::bounds::Bounds;
use crate::callers::protect::{change, check, Which};
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::scan::Left;

/// Gives the entries of the range the protection `new`, wires or unwires what that asks
/// for, and merges what is alike then: in this order, so that no entry goes that the
/// wiring needs, and what has been wired is merged. Returns a `kern_return_t`: where
/// memory could not be wired, the protection is changed all the same.
///
/// Lock: held for writing, let go while it waits, and held on return. Upstream's
/// `vm_map_protect`, without the locking.
pub(crate) fn protect(
    map: Map<WriteLocked>,
    bounds: Bounds,
    new: i32,
    which: Which,
) -> (i32, Left) {
    let settled = map.settle(|map| bounds.within(map));
    let bounds = settled.bounds();
    let map = settled.map();
    map.make_objects_to_clip(bounds, |entry| {
        new != NONE && (entry.access() != NONE || map.wiring_required())
    });
    let (settled, result) = settled.edit(|cursor| {
        let result = check(&cursor, bounds.end, new);
        if result != SUCCESS {
            return (cursor, result);
        }
        // The first one stays apart from what is before the range.
        let mut first = true;
        let cursor = bounds.walk(cursor, |step| {
            change(&step, new, which);
            match core::mem::take(&mut first) {
                true => step.pass(),
                false => step.merge_and_pass(),
            }
        });
        (cursor, result)
    });
    let (map, result) = match result {
        SUCCESS => settled.bring_in_line(),
        _ => (settled.into_map(), result),
    };
    (result, Left::Written(map.merge_within(bounds).held()))
}
