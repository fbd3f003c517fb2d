// SPDX-License-Identifier: GPL-2.0-or-later
//! A claim on a map from its lock's taking to its letting go.

use core::ptr::NonNull;

use crate::bindings::{self, vm_map};
use crate::lock::{ReadLocked, WriteLocked};
use crate::map::{Held, Map};
use crate::scan::Left;

/// Whose claim was lent to one of the two functions. They take the whole claim and
/// say how they leave the lock; with that, and nothing else, it comes back.
#[must_use = "the map is still locked"]
pub(crate) struct Lent(NonNull<vm_map>);

/// `vm_map_lock`.
///
/// # Safety
/// The map is live, this thread has not locked it, and goes on with it through the
/// result alone.
pub(crate) unsafe fn lock(map: NonNull<vm_map>) -> Map<WriteLocked> {
    // SAFETY: the caller's.
    unsafe {
        bindings::vm_map_lock(map.as_ptr());
        Map::from_raw(map)
    }
}

impl Map<WriteLocked> {
    /// The claim, for a function that takes it, and what it comes back by.
    pub(crate) fn lend(self) -> (Self, Lent) {
        // SAFETY: a claim's map is not null.
        let map = unsafe { NonNull::new_unchecked(self.as_ptr()) };
        (self, Lent(map))
    }
}

impl Lent {
    /// The claim again.
    pub(crate) fn take_back(self, held: Held<WriteLocked>) -> Map<WriteLocked> {
        held.hand_back();
        // SAFETY: `lend` made this beside the one claim on that map, whose end `held`
        // is; so the lock is held for writing, and there is no other claim.
        unsafe { Map::from_raw(self.0) }
    }

    /// `vm_map_unlock`, which suits either way in which a scan leaves the lock.
    pub(crate) fn unlock(self, left: Left) {
        match left {
            Left::Written(held) => Held::<WriteLocked>::hand_back(held),
            Left::Read(held) => Held::<ReadLocked>::hand_back(held),
        }
        // SAFETY: the map is live, and the lock held as `left` says.
        unsafe { bindings::vm_map_unlock(self.0.as_ptr()) }
    }
}
