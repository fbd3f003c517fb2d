// SPDX-License-Identifier: GPL-2.0-or-later
//! The in-transition protocol of a kernel map: mark, unlock, fault, lock,
//! unmark, in no other order.

use super::{Map, Range, Unlocked, WriteLocked};
use crate::bindings;
use crate::kernel::kassert;

/// A kernel map with a range marked in transition.
///
/// # Invariants
/// Every entry of the range that ends by its end was marked by this thread. As
/// long as others leave such entries alone, these stay linked, in this order,
/// with the same limits and counts, whether the lock is held or not.
pub struct InTransition<S> {
    map: Map<S>,
    range: Range,
}

impl InTransition<WriteLocked> {
    /// Marks every entry within `range`, those that need no fault included:
    /// the walk through the range follows their links too.
    pub(super) fn mark(map: Map<WriteLocked>, range: Range) -> Self {
        map.each_entry_within(range, |entry| {
            kassert!(!entry.in_transition(), "!entry->in_transition", "vm_map_pageable_scan");
            entry.mark();
        });
        InTransition { map, range }
    }

    /// `vm_map_unlock`: also ends the thread's VM privilege.
    pub fn unlock(self) -> InTransition<Unlocked> {
        // SAFETY: the current thread holds the lock for writing.
        unsafe { bindings::vm_map_unlock(self.map.map.as_ptr()) }
        InTransition { map: self.map.into_state(), range: self.range }
    }

    /// Takes the marks off again. Nobody is woken: nobody may have waited.
    pub fn unmark(self) -> Map<WriteLocked> {
        self.map.each_entry_within(self.range, |entry| {
            kassert!(entry.in_transition(), "entry->in_transition", "vm_map_pageable_scan");
            entry.unmark();
            kassert!(!entry.needs_wakeup(), "!entry->needs_wakeup", "vm_map_pageable_scan");
        });
        self.map
    }
}

impl InTransition<Unlocked> {
    /// Faults in what the scan has begun to wire; see the scan's pass 2.
    pub fn wire_faults(&self) {
        self.map.wire_range(self.range);
    }

    /// `vm_map_lock`: also gives the thread VM privilege and counts up the
    /// map's timestamp.
    pub fn lock(self) -> InTransition<WriteLocked> {
        // SAFETY: the current thread does not hold this lock: unlocked is the
        // state of this claim.
        unsafe { bindings::vm_map_lock(self.map.map.as_ptr()) }
        InTransition { map: self.map.into_state(), range: self.range }
    }
}
