// SPDX-License-Identifier: GPL-2.0-or-later
//! Upstream's slip in `vm_map_protect`, before October 2026: it merges the entries of
//! its range, and then scans from the first one, which a merge may have freed
//! (docs/upstream.md, protect-freed-entry).

use core::ptr::NonNull;

use crate::bindings::vm_map_entry;
use crate::entry::Link;
use crate::lock::WriteLocked;
use crate::map::{Given, Map};

/// Where a walk began. Says nothing of what is there by now.
pub(crate) struct Remembered(NonNull<vm_map_entry>);

impl Remembered {
    pub(crate) fn of(link: Link<'_, WriteLocked>) -> Self {
        Remembered(link.as_non_null())
    }

    /// Takes it for an entry of the map, which it need not be any more: then the scan
    /// reads and writes memory that the slab has back, as upstream's does.
    pub(crate) fn taken_for_live(self, _map: &Map<WriteLocked>) -> Given {
        // SAFETY: upstream's slip, on purpose. It is what the walk began at; where a merge
        // has freed that since, this is not an entry, and nothing makes up for it.
        unsafe { Given::new(self.0) }
    }
}
