// SPDX-License-Identifier: GPL-2.0-or-later
//! Changing the protection of a range.

use crate::bindings::{
    shim_KERN_INVALID_ARGUMENT as INVALID_ARGUMENT,
    shim_KERN_PROTECTION_FAILURE as PROTECTION_FAILURE, shim_KERN_SUCCESS as SUCCESS,
    shim_VM_PROT_NONE as NONE, shim_VM_PROT_NOTIFY as NOTIFY,
};
use crate::callers::bounds::Bounds;
use crate::callers::cursor::{Cursor, Step};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::range::Range;
use crate::scan::{pageable_scan, Left};

/// Which protection is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Current,
    /// The maximum; the current one loses what that does not allow.
    Max,
}

/// Gives the entries of the range the protection `new`, merges what is alike then, and
/// wires or unwires what that asks for. Returns a `kern_return_t`: unless it is
/// KERN_SUCCESS, nothing but clips and the hint has changed.
///
/// Lock: held for writing; left as the scan leaves it. Upstream's `vm_map_protect`,
/// without the locking.
pub(crate) fn protect(
    map: Map<WriteLocked>,
    bounds: Bounds,
    new: i32,
    which: Which,
) -> (i32, Left) {
    let bounds = bounds.within(&map);
    let cursor = map.clip_and_stand(bounds.start);
    let violation = check(&cursor, bounds.end, new);
    if violation != SUCCESS {
        return (violation, Left::Written(cursor.into_map().held()));
    }

    #[cfg(not(feature = "protect-looks-again"))]
    let began = cursor.remember();
    let cursor = bounds.walk(cursor, |step| {
        change(&step, new, which);
        step.merge_and_pass()
    });
    // The end may have become like what is behind it.
    let map = cursor.merge();

    #[cfg(not(feature = "protect-looks-again"))]
    let start = began.taken_for_live(&map);
    #[cfg(feature = "protect-looks-again")]
    let (map, start) = map.stand(bounds.start, |_, _| {}).1.into_given();
    (SUCCESS, pageable_scan(map, &Range::new(start, bounds.end)))
}

/// KERN_SUCCESS, or why an entry of the range may not have the protection.
pub(crate) fn check(cursor: &Cursor, end: usize, new: i32) -> i32 {
    let mut result = SUCCESS;
    cursor.each_below(end, |entry| {
        result = violation(entry, new);
        result == SUCCESS
    });
    result
}

/// KERN_SUCCESS, or why the entry may not have the protection.
#[inline(always)]
fn violation(entry: Entry<'_, WriteLocked>, new: i32) -> i32 {
    if entry.is_sub_map() {
        INVALID_ARGUMENT
    } else if new & !(NOTIFY | entry.max_protection()) != 0 {
        PROTECTION_FAILURE
    } else {
        SUCCESS
    }
}

/// Changes the protection of one entry, in the map and in its pmap.
#[inline(always)]
pub(crate) fn change(step: &Step, new: i32, which: Which) {
    let (map, entry) = (step.map(), step.entry());
    let old = entry.protection();
    let now = match which {
        Which::Current => new,
        Which::Max => {
            // Upstream's account goes one way only: what gets access again stays in it.
            if entry.max_protection() != new && new == NONE {
                map.grow_size_none(entry.size());
            }
            entry.set_max_protection(new);
            new & old
        }
    };
    entry.set_protection(now);
    // Wired memory is wired for what it may be used for.
    if now != NONE && (entry.wired_access() != NONE || map.wiring_required()) {
        entry.set_wired_access(now);
    }
    if now != old {
        map.pmap_protect(entry);
    }
}
