// SPDX-License-Identifier: GPL-2.0-or-later
//! An entry's way out of its map, whatever stands before it.

use core::ptr::NonNull;

use super::{Detached, Single, UnlinkedSingle};
use crate::bindings::vm_map_entry;
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;
use crate::map::{Given, Map};

impl Single {
    /// # Safety
    /// The invariants of [`Single`].
    pub(crate) unsafe fn new(given: Given) -> Self {
        Single(given)
    }

    /// The entry.
    pub fn entry<'m>(&'m self, map: &'m Map<WriteLocked>) -> Entry<'m, WriteLocked> {
        // SAFETY: by the invariants this is an entry of the map.
        unsafe { Entry::new(map.given(&self.0).as_non_null()) }
    }
}

impl Map<WriteLocked> {
    /// Takes the entry out of the ring and the tree, whatever stands before it.
    pub fn unlink_single(&mut self, single: Single) -> UnlinkedSingle {
        // SAFETY: by the invariants of `Single` it is no header.
        UnlinkedSingle(unsafe { self.take_out(single.0) })
    }
}

impl UnlinkedSingle {
    /// The entry as C has it.
    pub(crate) fn as_non_null(&self) -> NonNull<vm_map_entry> {
        self.0.entry
    }

    /// What it stood behind.
    pub(crate) fn prev<'m>(&self, _map: &'m Map<WriteLocked>) -> Link<'m, WriteLocked> {
        // SAFETY: as for `Unlinked`.
        unsafe { Link::new(self.0.prev) }
    }

    /// # Safety
    /// As for `Unlinked`.
    pub(crate) unsafe fn detach(self) -> Detached {
        Detached(self.0.entry)
    }
}
