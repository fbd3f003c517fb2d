// SPDX-License-Identifier: GPL-2.0-or-later
//! What the callers change of the gaps besides.

use super::{insert, remove, Fields};
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;
use crate::map::{Map, Shared};
use crate::unlink::{Detached, UnlinkedSingle};

impl Map<WriteLocked> {
    /// Computes anew the gap behind what `link` leads to, an entry that stands where
    /// its gap belongs; that before the first entry is not kept.
    ///
    /// Upstream's `vm_map_gap_update`.
    #[inline(always)]
    pub(crate) fn update_gap(&self, link: Link<'_, WriteLocked>) {
        if let Some(entry) = self.entry(link) {
            // No gap, before and now, is most often all that there is.
            if entry.gap_size() != 0 || entry.end() != self.limit(entry) {
                enter_gap_anew(self.share(), entry);
            }
        }
    }

    /// Where what is behind the entry begins.
    fn limit(&self, entry: Entry<'_, WriteLocked>) -> usize {
        self.entry(entry.next()).map_or_else(|| self.max_offset(), |next| next.start())
    }

    /// Enters the gap behind an entry.
    ///
    /// # Safety
    /// It stands neither in the gap tree nor on a list.
    #[inline(always)]
    pub(crate) unsafe fn enter_gap(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: the caller's.
        unsafe { insert(self, entry) }
    }

    /// Forgets the gap of an entry that is out of the ring, and computes anew that of
    /// what stood before it.
    ///
    /// Upstream's `vm_map_gap_remove`.
    #[inline(always)]
    pub(crate) fn forget_gap_of(&mut self, unlinked: UnlinkedSingle) -> Detached {
        // SAFETY: as in `forget_gap`.
        let entry = unsafe { Fields::of(unlinked.as_non_null()) };
        // SAFETY: as in `forget_gap`.
        unsafe { remove(self, entry) };
        self.update_gap(unlinked.prev(self));
        // SAFETY: as in `forget_gap`.
        unsafe { unlinked.detach() }
    }
}

#[inline(never)]
fn enter_gap_anew(map: Shared<'_>, entry: Entry<'_, WriteLocked>) {
    // SAFETY: an entry of the map, whose lock keeps others away.
    let fields = unsafe { Fields::of(entry.as_non_null()) };
    // SAFETY: an entry of the map stands where its gap puts it.
    unsafe { remove(&map, fields) };
    // SAFETY: `remove` took it from there.
    unsafe { insert(&map, entry) };
}
