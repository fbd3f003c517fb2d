// SPDX-License-Identifier: GPL-2.0-or-later
//! What changes a range without wiring any of it: it waits for marks, and then does what
//! the faithful functions do.

use crate::bindings::{shim_KERN_INVALID_ADDRESS as INVALID_ADDRESS, shim_KERN_SUCCESS as SUCCESS};
use crate::callers::bounds::Bounds;
use crate::callers::{delete, inherit as change};
use crate::lock::WriteLocked;
use crate::map::{Held, Map};
use crate::range::Range;
use crate::scan::Left;

/// Gives the entries of the range the inheritance `new`, and merges what is alike then.
///
/// Lock: held for writing, let go while it waits, and held on return. Upstream's
/// `vm_map_inherit`, without the locking.
pub(crate) fn inherit(map: Map<WriteLocked>, bounds: Bounds, new: i32) -> Held<WriteLocked> {
    let settled = map.settle(|map| bounds.within(map));
    change::inherit(settled.into_map(), bounds, new)
}

/// Frees the entries of the range, and what they map. Returns a `kern_return_t`: a range
/// of the kernel's that is no virtual memory is refused, where upstream panics.
///
/// Lock: held for writing (or the map is nobody's any more), let go while it waits for
/// entries in transition, and held on return. Upstream's `vm_map_delete`.
pub(crate) fn remove(map: Map<WriteLocked>, bounds: Bounds) -> (i32, Held<WriteLocked>) {
    if map.has_kernel_pmap() && !map.is_kernel_virtual(bounds.start, bounds.end) {
        return (INVALID_ADDRESS, map.held());
    }
    let map = map.settle(|_| bounds).into_map();
    (SUCCESS, delete::delete(map, bounds))
}

/// What C would call `vm_map_pageable_scan` for: nobody does any more.
pub(crate) fn scan(map: Map<WriteLocked>, range: &Range) -> Left {
    let Some(start) = map.entry(map.given(range.start())).map(|entry| entry.start()) else {
        return Left::Written(map.held());
    };
    let settled = map.settle(|_| Bounds { start, end: range.end() });
    let (map, _) = settled.bring_in_line();
    Left::Written(map.held())
}
