// SPDX-License-Identifier: GPL-2.0-or-later
//! What changes a range without wiring any of it: entry by entry, as the faithful
//! functions do, but for those in transition, which are waited for.

use crate::bindings::{shim_KERN_INVALID_ADDRESS as INVALID_ADDRESS, shim_KERN_SUCCESS as SUCCESS};
use crate::callers::bounds::Bounds;
use crate::callers::cursor::Cursor;
use crate::callers::entry_delete::entry_delete;
use crate::lock::WriteLocked;
use crate::map::{Held, Map};
use crate::range::Range;
use crate::scan::Left;

impl Map<WriteLocked> {
    /// At the first entry of a range, which begins no lower than `start` unless it is in
    /// transition.
    #[inline(always)]
    fn clip_and_stand_or_wait(self, start: usize) -> Cursor {
        self.stand(start, |map, entry| {
            if !entry.in_transition() {
                map.clip_start(entry, start);
            }
        })
        .1
    }
}

/// Gives the entries of the range the inheritance `new`, and merges what is alike then. Of
/// entries that are waited for, those before them have it by then.
///
/// Lock: held for writing, let go while it waits, and held on return. Upstream's
/// `vm_map_inherit`, without the locking.
pub(crate) fn inherit(mut map: Map<WriteLocked>, range: Bounds, new: i32) -> Held<WriteLocked> {
    loop {
        let bounds = range.within(&map);
        let cursor = map.clip_and_stand_or_wait(bounds.start);
        map = match inherit_up_to(cursor, bounds.end, new) {
            // The end may have become like what is behind it.
            Ok(cursor) => return cursor.merge().held(),
            Err(map) => map,
        };
    }
}

/// Err: one had to be waited for.
#[inline(always)]
fn inherit_up_to(mut cursor: Cursor, end: usize, new: i32) -> Result<Cursor, Map<WriteLocked>> {
    loop {
        cursor = match cursor.step(end) {
            Ok(step) if step.entry().in_transition() => return Err(step.wait()),
            Ok(step) => {
                step.clip_end(end);
                step.entry().set_inheritance(new);
                step.merge_and_pass()
            }
            Err(cursor) => return Ok(cursor),
        };
    }
}

/// Frees the entries of the range, and what they map. Returns a `kern_return_t`: a range
/// of the kernel's that is no virtual memory is refused, where upstream panics.
///
/// Lock: held for writing (or the map is nobody's any more), let go while it waits for
/// entries in transition, and held on return. Upstream's `vm_map_delete`.
pub(crate) fn remove(mut map: Map<WriteLocked>, bounds: Bounds) -> (i32, Held<WriteLocked>) {
    let Bounds { start, end } = bounds;
    if map.has_kernel_pmap() && !map.is_kernel_virtual(start, end) {
        return (INVALID_ADDRESS, map.held());
    }
    loop {
        let cursor = map.stand_to_remove(start);
        map = match remove_up_to(cursor, end) {
            Ok(map) => {
                map.wake_for_space();
                return (SUCCESS, map.held());
            }
            Err(map) => map,
        };
    }
}

/// Err: one had to be waited for.
#[inline(always)]
fn remove_up_to(mut cursor: Cursor, end: usize) -> Result<Map<WriteLocked>, Map<WriteLocked>> {
    loop {
        cursor = match cursor.step(end) {
            Ok(step) if step.entry().in_transition() => return Err(step.wait()),
            Ok(step) => {
                step.clip_end(end);
                step.give_and_pass(entry_delete)
            }
            Err(cursor) => return Ok(cursor.into_map()),
        };
    }
}

impl Map<WriteLocked> {
    /// At the first entry that goes, with no hint at it or behind, up to the lock's next
    /// letting go.
    #[inline(always)]
    fn stand_to_remove(self, start: usize) -> Cursor {
        let cursor = self.clip_and_stand_or_wait(start);
        let (map, before) = (cursor.map(), cursor.link().prev());
        map.set_hint(before);
        if map.first_free().start() >= start {
            map.set_first_free(before);
        }
        cursor
    }
}

/// What C would call `vm_map_pageable_scan` for: nobody does any more.
pub(crate) fn scan(map: Map<WriteLocked>, range: &Range) -> Left {
    let Some(start) = map.entry(map.given(range.start())).map(|entry| entry.start()) else {
        return Left::Written(map.held());
    };
    let settled = map.settle_between(start, range.end());
    let (map, _) = settled.bring_in_line(|entry| entry.access());
    Left::Written(map.held())
}
