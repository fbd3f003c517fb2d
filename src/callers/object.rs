// SPDX-License-Identifier: GPL-2.0-or-later
//! What an entry maps, on its way out.

use core::marker::PhantomData;
use core::ptr::{addr_of, NonNull};

use crate::bindings::{self, vm_object};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::{Map, ObjectLock};

/// The object of an entry.
///
/// # Invariants
/// For as long as `'m` the entry holds a reference to it.
#[derive(Clone, Copy)]
pub(crate) struct Object<'m>(NonNull<vm_object>, PhantomData<&'m ()>);

/// The same with its spin lock held, until this is dropped.
pub(crate) struct Locked<'m> {
    object: Object<'m>,
    _lock: ObjectLock<'m>,
}

impl<'m> Entry<'m, WriteLocked> {
    /// The object that backs the entry, if it has one yet.
    pub(crate) fn memory(&self) -> Option<Object<'m>> {
        NonNull::new(self.object()).map(|object| Object(object, PhantomData))
    }
}

impl<'m> Object<'m> {
    /// Whether it is the one that the kernel's own memory lies in.
    pub(crate) fn is_kernel_object(self) -> bool {
        // SAFETY: set when the kernel starts, and never changed.
        self.0.as_ptr() == unsafe { bindings::kernel_object }
    }

    /// `vm_object_pmap_remove`: takes a range of it out of all pmaps.
    pub(crate) fn pmap_remove(self, first: usize, end: usize) {
        // SAFETY: it is live.
        unsafe { bindings::vm_object_pmap_remove(self.0.as_ptr(), first as _, end as _) }
    }

    /// Takes its spin lock.
    pub(crate) fn lock(self) -> Locked<'m> {
        // SAFETY: it is live, and this thread does not hold the lock.
        let lock = unsafe { ObjectLock::take_of_object(self.0.as_ptr()) };
        Locked { object: self, _lock: lock }
    }
}

impl Locked<'_> {
    /// Whether nobody but the entry has it, nobody pages, and no pager knows it.
    pub(crate) fn is_this_entrys_alone(&self) -> bool {
        let object = self.object.0.as_ptr();
        // SAFETY: it is live, and its lock covers the three.
        unsafe {
            vm_object::pager_created_raw(object) == 0
                && addr_of!((*object).ref_count).read() == 1
                && vm_object::paging_in_progress_raw(object) == 0
        }
    }

    /// `vm_object_page_remove`: frees the pages of a range.
    pub(crate) fn remove_pages(&self, first: usize, end: usize) {
        // SAFETY: it is live and locked.
        unsafe { bindings::vm_object_page_remove(self.object.0.as_ptr(), first as _, end as _) }
    }
}

impl Map<WriteLocked> {
    /// Gives up the entry's reference to what it maps, which it does not use any more.
    #[inline(always)]
    pub(crate) fn release(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: the reference is the entry's, which is about to go. Upstream passes null
        // too.
        unsafe {
            if entry.is_sub_map() {
                bindings::vm_map_deallocate(entry.sub_map());
            } else {
                bindings::vm_object_deallocate(entry.object());
            }
        }
    }

    /// Whether what lies from `start` to `end` is the kernel's virtual memory.
    pub(crate) fn is_kernel_virtual(&self, start: usize, end: usize) -> bool {
        // SAFETY: set when the kernel starts, and never changed.
        let (first, last) =
            unsafe { (bindings::kernel_virtual_start, bindings::kernel_virtual_end) };
        start >= first as usize && end <= last as usize
    }
}
