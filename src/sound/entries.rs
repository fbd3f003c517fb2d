// SPDX-License-Identifier: GPL-2.0-or-later
//! What is to be done with one entry, under the write lock.

use crate::bindings::{shim_VM_PROT_NONE as NONE, shim_VM_PROT_WRITE as WRITE};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::sound::ticket::Ticket;

/// Asks for the entry's wiring with `access`, and unwires it if it is to be unwired. It is
/// not in transition. Returns whether it is to be wired: it is counted so, once, and its
/// pages are not yet. Nothing else that was begun is counted once: what was wired before is
/// counted as wired twice. Sets `changed` if it may agree with a neighbour now. `ticket`: by
/// which this thread has marked entries before, if it has.
///
/// A submap is left as it is: its entries are wired in its own map.
#[inline(always)]
pub(crate) fn begin(
    map: &Map<WriteLocked>,
    entry: Entry<'_, WriteLocked>,
    access: i32,
    changed: &mut bool,
    ticket: Option<&Ticket>,
) -> bool {
    if entry.wired_access() != access {
        entry.set_wired_access(access);
        *changed = true;
    }
    if entry.is_sub_map() {
        return false;
    }
    let protection = entry.protection();
    if access == NONE || protection == NONE {
        if entry.wired_count() != 0 {
            map.unwire(entry);
            *changed = true;
        }
        return false;
    }
    // A store would replace the page under its wiring: so the copy is made now, and wired.
    if entry.needs_copy() && protection & WRITE != 0 {
        if entry.wired_count() != 0 {
            map.unwire(entry);
        }
        map.shadow_object(entry);
        entry.clear_needs_copy();
    }
    match entry.wired_count() {
        0 => {}
        1 => {
            entry.set_wired_count(2);
            return false;
        }
        _ => return false,
    }
    if entry.object().is_null() {
        map.share_object_with_previous(entry, ticket);
        map.ensure_object(entry);
    }
    map.grow_size_wired(entry.size());
    entry.set_wired_count(1);
    *changed = true;
    true
}

impl Map<WriteLocked> {
    /// Unwires an entry. Waits for nothing.
    #[inline(never)]
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

    /// Gives what is clipped, and is to be wired, its object first: the parts share it
    /// then, and can become one entry again.
    pub(crate) fn make_object_to_clip(&self, entry: Entry<'_, WriteLocked>, asked: bool) {
        if asked && !entry.is_sub_map() && entry.wired_count() == 0 {
            self.ensure_object(entry);
        }
    }

    /// Gives the entry, which has no object, if it will be one with the wired entry before it,
    /// the space behind that one's: two objects could never become one.
    fn share_object_with_previous(&self, entry: Entry<'_, WriteLocked>, ticket: Option<&Ticket>) {
        let Some(previous) = self.entry(entry.prev()) else { return };
        let alike = previous.end() == entry.start()
            && previous.wired_count() != 0
            && !previous.object().is_null()
            && (!previous.in_transition()
                || ticket.is_some_and(|ticket| previous.is_marked_by(ticket)))
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
