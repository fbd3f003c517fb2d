// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's functions that work on an entry of a map.

use super::Map;
use crate::bindings;
use crate::entry::Entry;
use crate::lock::{MayFault, WriteLocked};

impl<S: MayFault> Map<S> {
    /// `vm_fault_wire`: faults in and wires every page of `entry`. What it
    /// cannot fault in stays absent, and nothing says so.
    ///
    /// ```compile_fail,E0599
    /// use gnumach_vm_map::{entry::Entry, lock::WriteLocked, map::Map};
    /// fn under_the_write_lock(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    ///     map.fault_wire(entry);
    /// }
    /// ```
    /// ```
    /// use gnumach_vm_map::{entry::Entry, lock::Unlocked, map::Map};
    /// fn unlocked(map: &Map<Unlocked>, entry: Entry<'_, Unlocked>) {
    ///     map.fault_wire(entry);
    /// }
    /// ```
    pub fn fault_wire(&self, entry: Entry<'_, S>) {
        // SAFETY: both are live by their invariants, and the lock state allows
        // the fault code to take the lock for reading.
        unsafe { bindings::vm_fault_wire(self.as_ptr(), entry.as_ptr()) }
    }
}

impl Map<WriteLocked> {
    /// `vm_fault_unwire`: unwires every page of `entry`. Allowed under the write
    /// lock, as the pages are there already.
    pub(crate) fn fault_unwire(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: both are live, and the map is locked for writing.
        unsafe { bindings::vm_fault_unwire(self.as_ptr(), entry.as_ptr()) }
    }

    /// `vm_object_shadow`: puts a shadow in front of the entry's object, for its
    /// writes to go to.
    pub(crate) fn shadow_object(&self, entry: Entry<'_, WriteLocked>) {
        let (object, offset) = entry.object_and_offset_ptrs();
        // SAFETY: the two point into a live entry of a write-locked map.
        unsafe { bindings::vm_object_shadow(object, offset, entry.size() as _) }
    }

    /// `vm_object_allocate`: gives an entry that has no object one of its size.
    #[inline(always)]
    pub(crate) fn ensure_object(&self, entry: Entry<'_, WriteLocked>) {
        if !entry.object().is_null() {
            return;
        }
        // SAFETY: the function takes no pointer.
        let object = unsafe { bindings::vm_object_allocate(entry.size() as _) };
        // SAFETY: the entry has none, and the new one comes with one reference.
        unsafe { entry.set_object(object) }
        entry.set_offset(0);
    }
}
