// SPDX-License-Identifier: GPL-2.0-or-later
//! Merging an entry into the one before it.

use crate::counters;
use crate::entry::Entry;
use crate::kernel::kassert;
use crate::lock::WriteLocked;
use crate::map::{Given, Held, Map};
#[cfg(feature = "sound")]
use crate::sound::alike::wired_alike;
use crate::unlink::Pair;

/// Whether there was a merge: C's `boolean_t`, so that a stage can return what
/// the next one returns by jumping there.
#[repr(i32)]
pub(crate) enum Merged {
    No = 0,
    Yes = 1,
}

/// Whether there was a merge, and how the lock is left.
pub(crate) type Outcome = (Merged, Held<WriteLocked>);

/// Merges `entry` into the entry before it if the two touch and agree, and
/// frees it. If not, nothing has changed.
///
/// Lock: held for writing, and kept. The map's sizes, the wirings and the pmap
/// stay as they are. Upstream's `vm_map_coalesce_entry`.
#[inline(always)]
pub(crate) fn coalesce_entry(map: Map<WriteLocked>, entry: Given) -> Outcome {
    counters::coalesce_called();
    match map.pair(entry) {
        Some(pair) if are_given_alike(pair.entries(&map)) => coalesce_pair(map, pair),
        _ => (Merged::No, map.held()),
    }
}

// The stages stand out of line, so that a call that an early one ends saves no
// registers for the later ones. Most calls merge nothing.

#[inline(never)]
fn coalesce_pair(map: Map<WriteLocked>, pair: Pair) -> Outcome {
    if agree(pair.entries(&map)) {
        merge(map, pair)
    } else {
        (Merged::No, map.held())
    }
}

/// Merges two entries that agree, if their objects can be one.
#[inline(never)]
fn merge(mut map: Map<WriteLocked>, pair: Pair) -> Outcome {
    let (prev, entry) = pair.entries(&map);
    kassert!(prev.gap_size() == 0, "prev->gap_size == 0", "vm_map_coalesce_entry");
    if !map.coalesce_objects(&pair) {
        return (Merged::No, map.held());
    }

    map.move_hints(entry, prev);
    let unlinked = map.unlink(pair);
    let detached = map.forget_gap(unlinked);
    map.free(detached);
    counters::merged();
    (Merged::Yes, map.held())
}

/// Whether a task has asked for the same of both. Most neighbours differ in this, and
/// it is found out without a call.
#[inline(always)]
fn are_given_alike((prev, entry): (Entry<'_, WriteLocked>, Entry<'_, WriteLocked>)) -> bool {
    prev.inheritance() == entry.inheritance()
        && prev.protection() == entry.protection()
        && prev.max_protection() == entry.max_protection()
}

/// Whether nothing else but the boundary between them tells the two apart, and no
/// thread relies on either staying as it is. `wired_access` may differ, as
/// upstream does not look at it: the earlier entry's survives.
fn agree((prev, entry): (Entry<'_, WriteLocked>, Entry<'_, WriteLocked>)) -> bool {
    // Without short circuits: the bits lie in one byte, and one test does.
    if prev.is_shared()
        | entry.is_shared()
        | prev.is_sub_map()
        | entry.is_sub_map()
        | (prev.needs_copy() != entry.needs_copy())
    {
        return false;
    }
    if prev.in_transition() | entry.in_transition() {
        counters::merge_refused_in_transition();
        return false;
    }
    !prev.is_projected() && !entry.is_projected() && wired_alike(prev, entry)
}

#[cfg(not(feature = "sound"))]
fn wired_alike(prev: Entry<'_, WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
    prev.wired_count() == entry.wired_count()
}
