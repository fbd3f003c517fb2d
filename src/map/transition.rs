// SPDX-License-Identifier: GPL-2.0-or-later
//! The in-transition protocol of a kernel map: mark, unlock, fault, lock,
//! unmark, in no other order.

use super::wiring::Wiring;
use super::{Given, Unlocked, WriteLocked};
use crate::bindings;
use crate::entry::Entry;
use crate::kernel::kassert;

/// A kernel map with a range marked in transition.
///
/// # Invariants
/// Every entry of the range that ends by its end was marked by this thread. As
/// long as others leave such entries alone, these stay linked, in this order,
/// with the same limits and counts, whether the lock is held or not.
pub struct InTransition<'r, S>(Wiring<'r, S>);

impl<'r> InTransition<'r, WriteLocked> {
    /// Marks every entry within the range, those that need no fault included:
    /// the walk through the range follows their links too.
    ///
    /// `stop` is where the first walk over the range stopped, under this same
    /// lock. So this one need not look for the range's end at each entry.
    pub(super) fn mark(wiring: Wiring<'r, WriteLocked>, stop: Given) -> Self {
        let mut entry = wiring.first();
        let mut last = wiring.map.given(stop).prev();
        if last.end() > wiring.range.end {
            if last.is(entry) {
                return InTransition(wiring);
            }
            last = last.prev();
        }
        loop {
            if !entry.try_mark() {
                kassert!(!entry.in_transition(), "!entry->in_transition", "vm_map_pageable_scan");
                entry.mark();
            }
            if entry.is(last) {
                return InTransition(wiring);
            }
            entry = entry.next();
        }
    }

    /// `vm_map_unlock`: also ends the thread's VM privilege.
    pub fn unlock(self) -> InTransition<'r, Unlocked> {
        let Wiring { map, range } = self.0;
        // SAFETY: the current thread holds the lock for writing.
        unsafe { bindings::vm_map_unlock(map.map.as_ptr()) }
        InTransition(Wiring { map: map.into_state(), range })
    }

    /// Takes the marks off again. Nobody is woken: nobody may have waited.
    pub fn unmark(self) {
        self.0.each_entry_within(|entry| {
            if !entry.try_unmark() {
                unmark_unusual(entry);
            }
        });
    }
}

/// For an entry that has lost its mark, or that a thread waits for: stops where
/// there are assertions.
#[cold]
#[inline(never)]
fn unmark_unusual(entry: Entry<'_, WriteLocked>) {
    kassert!(entry.in_transition(), "entry->in_transition", "vm_map_pageable_scan");
    entry.unmark();
    kassert!(!entry.needs_wakeup(), "!entry->needs_wakeup", "vm_map_pageable_scan");
}

impl<'r> InTransition<'r, Unlocked> {
    /// Pass 2, as for a map that is locked for reading.
    pub fn wire_faults(&self) {
        self.0.wire_faults();
    }

    /// `vm_map_lock`: also gives the thread VM privilege and counts up the
    /// map's timestamp.
    pub fn lock(self) -> InTransition<'r, WriteLocked> {
        let Wiring { map, range } = self.0;
        // SAFETY: the current thread does not hold this lock: unlocked is the
        // state of this claim.
        unsafe { bindings::vm_map_lock(map.map.as_ptr()) }
        InTransition(Wiring { map: map.into_state(), range })
    }
}
