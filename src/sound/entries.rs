// SPDX-License-Identifier: GPL-2.0-or-later
//! What is to be done with one entry, under the write lock.

use crate::bindings::{shim_VM_PROT_NONE as NONE, shim_VM_PROT_WRITE as WRITE};
use crate::callers::bounds::Bounds;
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::sound::ticket::Ticket;

/// Unwires the entry if it is to be unwired; marks it and returns true if it is to be
/// wired. It is not in transition.
///
/// A submap is left as it is: its entries are wired in its own map.
pub(crate) fn begin(
    map: &Map<WriteLocked>,
    entry: Entry<'_, WriteLocked>,
    ticket: &Ticket,
) -> bool {
    if entry.is_sub_map() {
        return false;
    }
    let writable = entry.protection() & WRITE != 0;
    let wanted = entry.access() != NONE && entry.protection() != NONE;
    // A store would replace the page under its wiring: so the copy is made now, and wired.
    let stale = writable && entry.needs_copy();
    if entry.wired_count() != 0 && (!wanted || stale) {
        map.unwire(entry);
    }
    if !wanted {
        return false;
    }
    match entry.wired_count() {
        0 => {}
        1 => {
            entry.set_wired_count(2);
            return false;
        }
        _ => return false,
    }
    if stale {
        map.shadow_object(entry);
        entry.clear_needs_copy();
    }
    map.share_object_with_previous(entry, ticket);
    map.ensure_object(entry);
    map.grow_size_wired(entry.size());
    entry.set_wired_count(1);
    entry.mark_by(ticket);
    true
}

impl Map<WriteLocked> {
    /// Unwires an entry. Waits for nothing.
    pub(crate) fn unwire(&self, entry: Entry<'_, WriteLocked>) {
        self.forget_wiring(entry);
        self.unwire_pages(entry, entry.end());
    }

    /// Counts the entry as not wired. Entries of the kernel's that were never counted do
    /// not take what others are.
    pub(crate) fn forget_wiring(&self, entry: Entry<'_, WriteLocked>) {
        self.grow_size_wired(entry.size().min(self.size_wired()).wrapping_neg());
        entry.set_wired_count(0);
    }

    /// Gives what will be clipped at either end of the range, to be wired, its object
    /// first: the parts share it then, and can become one entry again.
    pub(crate) fn make_objects_to_clip(
        &self,
        bounds: Bounds,
        is_asked_for: impl Fn(Entry<'_, WriteLocked>) -> bool,
    ) {
        for inside in [bounds.start, bounds.end.wrapping_sub(1)] {
            let Ok(entry) = self.lookup(inside) else { continue };
            let is_clipped = entry.start() < bounds.start || entry.end() > bounds.end;
            if bounds.start < bounds.end
                && is_clipped
                && !entry.is_sub_map()
                && entry.wired_count() == 0
                && is_asked_for(entry)
            {
                self.ensure_object(entry);
            }
        }
    }

    /// Gives an entry without an object, if it will be one with the wired entry before it,
    /// the space behind that one's: two objects could never become one.
    fn share_object_with_previous(&self, entry: Entry<'_, WriteLocked>, ticket: &Ticket) {
        if !entry.object().is_null() {
            return;
        }
        let Some(previous) = self.entry(entry.prev()) else { return };
        let alike = previous.end() == entry.start()
            && previous.wired_count() != 0
            && !previous.object().is_null()
            && (!previous.in_transition() || previous.is_marked_by(ticket))
            && previous.access() == entry.access()
            && previous.protection() == entry.protection()
            && previous.max_protection() == entry.max_protection()
            && previous.inheritance() == entry.inheritance()
            && !previous.is_shared()
            && !previous.is_sub_map()
            && !previous.needs_copy()
            && !previous.is_projected()
            && !entry.is_shared()
            && !entry.needs_copy()
            && !entry.is_projected();
        if alike {
            self.extend_object(previous, entry);
        }
    }
}
