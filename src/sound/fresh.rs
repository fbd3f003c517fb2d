// SPDX-License-Identifier: GPL-2.0-or-later
//! Pages of zeros for memory that nobody has touched, under the map's lock: a fault would
//! do the same, and want the lock let go for it.
//!
//! What a fault finds where its object has no page is zeros if the object shadows none and
//! no pager was ever made for it (a page leaves memory only for a pager). All of this is
//! under the object's lock, which is held from the look until the page is in its place; so
//! nobody else brings in the same page, and nobody sees it before it is whole. A copy that
//! is to get what is changed here would have to get the page too: that is left to the fault.
//!
//! The page is neither busy nor wired then, and on no list of pages, as what a fault has
//! brought in is before it is done. `vm_fault_wire_fast` wires it next, or somebody who has
//! got at it between the two puts it on a list: whoever makes a page busy does that.

use core::ptr::addr_of;

use crate::bindings::{self, shim_VM_PAGE_HIGHMEM as HIGHMEM, vm_object, vm_page};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::QueueLock;
use crate::sound::pages::Place;

/// Whether much memory is free: a quarter. Who holds a map's lock may take what is kept for
/// the way out of a shortage, and the kernel stops when that is gone; so with less this
/// thread lets the lock go, and waits for memory as everybody does.
///
/// Read without a lock, and asked for each page: what others take meanwhile is far from a
/// quarter of all.
fn memory_is_plenty() -> bool {
    // SAFETY: both read numbers.
    unsafe { bindings::vm_page_mem_free() > bindings::vm_page_table_size() / 4 }
}

impl Place<'_> {
    /// Whether a page that is not here is one of zeros: no pager has it, nor an object
    /// below, and nobody has a copy that would have to get it.
    fn is_zeros(&self) -> bool {
        let object = self.object();
        // SAFETY: live and locked.
        unsafe {
            vm_object::internal_raw(object) != 0
                && vm_object::pager_created_raw(object) == 0
                && addr_of!((*object).shadow).read().is_null()
                && addr_of!((*object).copy).read().is_null()
        }
    }

    /// Puts a page of zeros here, which nobody has busy, nor wired.
    ///
    /// Returns whether there was memory for it.
    fn fill(&self) -> bool {
        // SAFETY: the flags name where in memory it may lie.
        let page = unsafe { bindings::vm_page_grab(HIGHMEM) };
        if page.is_null() {
            return false;
        }
        // SAFETY: nobody else has the page up to its insertion into the object, which is
        // locked; nothing is there, as the caller has seen.
        unsafe {
            bindings::vm_page_zero_fill(page);
            // What it held before was something else's.
            bindings::pmap_clear_modify(addr_of!((*page).phys_addr).read());
            vm_page::set_busy_raw(page, 0);
            let _queues = QueueLock::take_of_queues();
            bindings::vm_page_insert(page, self.object(), self.offset() as _);
        }
        true
    }
}

/// Whether nothing of the entry's object is in memory, as far as can be told without its
/// lock.
pub(crate) fn seems_untouched(entry: Entry<'_, WriteLocked>) -> bool {
    let object = entry.object();
    // SAFETY: the entry holds a reference; whatever is read, it is a number.
    !object.is_null() && unsafe { addr_of!((*object).resident_page_count).read_volatile() } == 0
}

/// Brings in the page of an address of the entry, if all there is to it are zeros and
/// nothing has to be waited for. Returns whether it did.
pub(crate) fn fill(entry: Entry<'_, WriteLocked>, address: usize) -> bool {
    if !memory_is_plenty() {
        return false;
    }
    let Some(place) = Place::of(entry, address) else { return false };
    place.is_zeros() && place.page().is_none() && place.fill()
}
