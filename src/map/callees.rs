// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's functions that work on an entry for a write-locked map.

use core::ptr::addr_of_mut;

use super::{Map, WriteLocked};
use crate::bindings;
use crate::entry::Entry;

impl Map<WriteLocked> {
    /// `vm_fault_unwire`: unwires every page of `entry`. Allowed under the write
    /// lock, as the pages are there already.
    pub(crate) fn fault_unwire(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: both are live, and the map is locked for writing.
        unsafe { bindings::vm_fault_unwire(self.map.as_ptr(), entry.as_ptr()) }
    }

    /// `vm_object_shadow`: puts a shadow in front of the entry's object, for its
    /// writes to go to.
    pub(crate) fn shadow_object(&self, entry: Entry<'_, WriteLocked>) {
        let (object, offset) = entry.object_and_offset_ptrs();
        // SAFETY: the two point into a live entry of a write-locked map.
        unsafe { bindings::vm_object_shadow(object, offset.cast(), entry.size() as _) }
    }

    /// `vm_object_allocate`: gives an entry without an object one of its size.
    pub(crate) fn allocate_object(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: the function takes no pointer, and returns one reference, which
        // is the entry's from here on.
        entry.set_object(unsafe { bindings::vm_object_allocate(entry.size() as _) });
        entry.set_offset(0);
    }

    /// `vm_object_coalesce`: makes the objects of two adjacent entries one, and
    /// stores it in `prev`. False: it cannot, and nothing has changed.
    pub(crate) fn coalesce_objects(
        &self,
        prev: Entry<'_, WriteLocked>,
        entry: Entry<'_, WriteLocked>,
    ) -> bool {
        let (object, offset) = prev.object_and_offset_ptrs();
        // SAFETY: the objects are the entries', and the last two arguments point
        // into `prev`; the map is locked for writing.
        unsafe {
            bindings::vm_object_coalesce(
                prev.object(),
                entry.object(),
                prev.offset() as _,
                entry.offset() as _,
                prev.size() as _,
                entry.size() as _,
                object,
                offset.cast(),
            ) != 0
        }
    }

    /// Takes `entry` out of the ring and the tree; its gap is still known.
    pub(crate) fn unlink(&self, entry: Entry<'_, WriteLocked>) {
        self.decrement_nentries();
        entry.unlink_from_ring();
        // SAFETY: every entry in the ring has its node in the tree.
        unsafe { bindings::rbtree_remove(self.tree(), entry.tree_node()) }
    }

    /// Frees an entry that is linked nowhere any more.
    pub(crate) fn dispose(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: entries come from this cache, and this one has been unlinked
        // from the map's ring, tree and gaps.
        unsafe {
            let cache = addr_of_mut!(bindings::vm_map_entry_cache);
            bindings::kmem_cache_free(cache, entry.as_ptr() as _);
        }
    }
}
