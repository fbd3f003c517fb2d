// SPDX-License-Identifier: GPL-2.0-or-later
//! Changing the protection of a range.

use crate::bindings::{
    shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_NONE as NONE, shim_VM_PROT_NOTIFY as NOTIFY,
};
use crate::callers::bounds::Bounds;
use crate::callers::cursor::{Cursor, Step};
use crate::callers::protect::{change, check, Which};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::scan::Left;

/// Gives the entries of the range the protection `new`, wires or unwires what that asks
/// for, and merges what is alike then. Returns a `kern_return_t`: where memory could not
/// be wired, the protection is changed all the same.
///
/// Lock: held for writing, let go while it waits, and held on return. Upstream's
/// `vm_map_protect`, without the locking.
pub(crate) fn protect(
    map: Map<WriteLocked>,
    bounds: Bounds,
    new: i32,
    which: Which,
) -> (i32, Left) {
    let (settled, denied) = map.settle(
        |map| bounds.within(map),
        |_| 0,
        // Without branches, as hardly ever one of them denies it.
        |denied, entry| {
            denied | i32::from(entry.is_sub_map()) | new & !NOTIFY & !entry.max_protection()
        },
    );
    let end = settled.bounds().end;
    if denied != 0 || settled.is_empty() {
        let cursor = settled.into_cursor();
        // Why the first of them does.
        let error = check(&cursor, end, new);
        return (error, Left::Written(cursor.into_map().held()));
    }
    let cursor = settled.clip_start(|map, entry| asks(map, entry, new)).into_cursor();
    let (map, asking) = change_all(cursor, end, new, which);
    let Some(start) = asking else { return (SUCCESS, Left::Written(map.held())) };
    let (map, in_line) = map.settle_between(start, end).bring_in_line(|entry| entry.access());
    (in_line.result, Left::Written(map.merge_within(Bounds { start, end }).held()))
}

/// Whether the entry is to be wired once it has the protection.
fn asks(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>, new: i32) -> bool {
    new != NONE && (entry.access() != NONE || map.wiring_required())
}

/// Changes the protection of each entry, and merges it into what is before: all but the
/// first that has to be wired or unwired, whose address is returned. So no entry goes that
/// the wiring begins at, and what has been wired is merged behind it.
#[inline(always)]
fn change_all(
    mut cursor: Cursor,
    end: usize,
    new: i32,
    which: Which,
) -> (Map<WriteLocked>, Option<usize>) {
    loop {
        let step = match cursor.step(end) {
            Ok(step) => step,
            // The end may have become like what is behind it.
            Err(cursor) => return (cursor.merge(), None),
        };
        if change_within(&step, end, new, which) {
            let asking = step.entry().start();
            return (change_rest(step.pass(), end, new, which), Some(asking));
        }
        cursor = step.merge_and_pass();
    }
}

/// What is behind the first that has to be wired or unwired.
#[cold]
#[inline(never)]
fn change_rest(mut cursor: Cursor, end: usize, new: i32, which: Which) -> Map<WriteLocked> {
    loop {
        cursor = match cursor.step(end) {
            Ok(step) => {
                change_within(&step, end, new, which);
                step.merge_and_pass()
            }
            Err(cursor) => return cursor.into_map(),
        };
    }
}

/// Clips the entry, and changes its protection. Returns whether it has to be wired or
/// unwired, for what can be told here.
#[inline(always)]
fn change_within(step: &Step, end: usize, new: i32, which: Which) -> bool {
    let (map, entry) = (step.map(), step.entry());
    if entry.end() > end {
        map.make_object_to_clip(entry, asks(map, entry, new));
        map.clip_end(entry, end);
    }
    change(step, new, which);
    // No ticket is in the access of what is not in transition.
    let entry = step.entry();
    i32::from(entry.wired_count()) | entry.wired_access() != NONE
}
