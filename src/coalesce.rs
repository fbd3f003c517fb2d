// SPDX-License-Identifier: GPL-2.0-or-later
//! Merging an entry into the one before it.

use crate::counters;
use crate::entry::Entry;
use crate::gap;
use crate::kernel::kassert;
use crate::map::{Given, Map, WriteLocked};

/// Whether there was a merge: C's `boolean_t`, so that a stage can return what
/// the next one returns by jumping there.
#[repr(i32)]
pub(crate) enum Merged {
    No = 0,
    Yes = 1,
}

/// Merges `entry` into the entry before it if the two touch and agree, and
/// frees it. If not, nothing has changed.
///
/// Lock: held for writing, and kept. The map's sizes, the wirings and the pmap
/// stay as they are. Upstream's `vm_map_coalesce_entry`.
pub(crate) fn coalesce_entry(map: Map<WriteLocked>, entry: Given) -> Merged {
    counters::coalesce_called();
    if touches_prev(&map, map.given(entry)) {
        coalesce_with_prev(map, entry)
    } else {
        Merged::No
    }
}

/// Whether there are an entry and one before it, without a hole between them.
/// The ring's header is neither.
fn touches_prev(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
    let prev = entry.prev();
    !map.is_header(entry) && !map.is_header(prev) && prev.end() == entry.start()
}

// The stages stand out of line, so that a call that an early one ends saves no
// registers for the later ones. Most calls merge nothing.

#[inline(never)]
fn coalesce_with_prev(map: Map<WriteLocked>, entry: Given) -> Merged {
    let candidate = map.given(entry);
    if agree(candidate.prev(), candidate) {
        merge(map, entry)
    } else {
        Merged::No
    }
}

/// Merges two entries that agree, if their objects can be one.
#[inline(never)]
fn merge(map: Map<WriteLocked>, entry: Given) -> Merged {
    let map = &map;
    let entry = map.given(entry);
    let prev = entry.prev();
    kassert!(prev.gap_size() == 0, "prev->gap_size == 0", "vm_map_coalesce_entry");
    if !map.coalesce_objects(prev, entry) {
        return Merged::No;
    }

    map.move_hints(entry, prev);
    // Before the unlink, which computes the gap behind `prev` from its end.
    prev.set_end(entry.end());
    map.unlink(entry);
    gap::entry_unlinked(map, prev, entry);
    map.dispose(entry);
    counters::merged();
    Merged::Yes
}

/// Whether nothing but the boundary between them tells the two apart, and no
/// thread relies on either staying as it is. `wired_access` may differ, as
/// upstream does not look at it: the earlier entry's survives.
fn agree(prev: Entry<'_, WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
    if prev.inheritance() != entry.inheritance()
        || prev.protection() != entry.protection()
        || prev.max_protection() != entry.max_protection()
    {
        return false;
    }
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
    prev.wired_count() == entry.wired_count() && !prev.is_projected() && !entry.is_projected()
}
