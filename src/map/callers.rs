// SPDX-License-Identifier: GPL-2.0-or-later
//! What the callers touch of a map besides.

use core::ptr::addr_of_mut;

use super::Map;
use crate::bindings::{self, vm_map, vm_map_entry};
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;

impl<S> Map<S> {
    /// Whether this is the kernel's map itself.
    pub(crate) fn is_kernel_map(&self) -> bool {
        // SAFETY: set when the kernel starts, and never changed.
        self.as_ptr() == unsafe { bindings::kernel_map }
    }
}

impl Map<WriteLocked> {
    /// Where the map's addresses begin, in bytes.
    pub(crate) fn min_offset(&self) -> usize {
        // SAFETY: the map is live and locked.
        unsafe { (*self.as_ptr()).hdr.links.start as usize }
    }

    /// The map's references.
    pub(crate) fn ref_count(&self) -> i32 {
        // SAFETY: as in `min_offset`; upstream reads it without its lock too.
        unsafe { (&raw const (*self.as_ptr()).ref_count).read_volatile() }
    }

    /// The entry that covers `address`; or, if none does, what stands before it.
    /// Moves the hint.
    ///
    /// Upstream's `vm_map_lookup_entry`.
    pub(crate) fn lookup(
        &self,
        address: usize,
    ) -> Result<Entry<'_, WriteLocked>, Link<'_, WriteLocked>> {
        let mut found: *mut vm_map_entry = core::ptr::null_mut();
        // SAFETY: the map is live and locked.
        let covers =
            unsafe { bindings::vm_map_lookup_entry(self.as_ptr(), address as _, &raw mut found) };
        // SAFETY: it stored the header or an entry, which is one where it returned so.
        unsafe {
            let found = core::ptr::NonNull::new_unchecked(found);
            if covers != 0 {
                Ok(Entry::new(found))
            } else {
                Err(Link::new(found))
            }
        }
    }

    /// Points `hint` to where `link` leads.
    #[cfg(not(feature = "sound"))]
    pub(crate) fn set_hint(&self, link: Link<'_, WriteLocked>) {
        let map = self.as_ptr();
        // SAFETY: the map is live, and this thread does not hold that lock.
        let _lock = unsafe { super::HintLock::take_of(map) };
        // SAFETY: each store to `hint` is made under its own lock.
        unsafe { (*map).hint = link.as_non_null().as_ptr() }
    }

    /// Points `hint` to where `link` leads. Its own lock is for lookups that only read: here
    /// nobody looks into a map that another thread has locked for writing.
    #[cfg(feature = "sound")]
    #[inline(always)]
    pub(crate) fn set_hint(&self, link: Link<'_, WriteLocked>) {
        // SAFETY: the write lock keeps lookups away.
        unsafe { (*self.as_ptr()).hint = link.as_non_null().as_ptr() }
    }

    /// What the free space hint leads to.
    pub(crate) fn first_free(&self) -> Link<'_, WriteLocked> {
        // SAFETY: the write lock covers it, and it is an entry or the header.
        unsafe { Link::new(core::ptr::NonNull::new_unchecked((*self.as_ptr()).first_free)) }
    }

    /// See `first_free`.
    pub(crate) fn set_first_free(&self, link: Link<'_, WriteLocked>) {
        // SAFETY: the write lock covers it.
        unsafe { (*self.as_ptr()).first_free = link.as_non_null().as_ptr() }
    }

    /// Lets no hint lead to an entry that goes. Upstream leaves that to who deletes it, and
    /// `projected_buffer_deallocate` has just looked its entry up.
    #[cfg(feature = "sound")]
    pub(crate) fn leave(&self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: as in `move_hints`.
        if unsafe { (*self.as_ptr()).hint } == entry.as_ptr() {
            self.set_hint(entry.prev());
        }
        if self.first_free().as_non_null() == entry.as_non_null() {
            self.set_first_free(entry.prev());
        }
    }

    /// Takes `bytes` from `size`.
    pub(crate) fn shrink_size(&self, bytes: usize) {
        // SAFETY: the write lock makes this thread the only one at this field.
        unsafe {
            let size = addr_of_mut!((*self.as_ptr()).size);
            *size = (*size as usize).wrapping_sub(bytes) as _;
        }
    }

    /// Adds `bytes` (modulo the address size) to `size_none`, if this kernel has that.
    pub(crate) fn grow_size_none(&self, bytes: usize) {
        #[cfg(size_none)]
        // SAFETY: as in `shrink_size`.
        unsafe {
            let size = addr_of_mut!((*self.as_ptr()).size_none);
            *size = (*size as usize).wrapping_add(bytes) as _;
        }
        let _ = bytes;
    }

    /// Whether what is mapped from now on is wired.
    pub(crate) fn wiring_required(&self) -> bool {
        // SAFETY: the write lock covers it; the accessor touches the bit's bytes alone.
        unsafe { vm_map::wiring_required_raw(self.as_ptr()) != 0 }
    }

    /// See `wiring_required`.
    pub(crate) fn set_wiring_required(&self, required: bool) {
        // SAFETY: as in `wiring_required`.
        unsafe { vm_map::set_wiring_required_raw(self.as_ptr(), required.into()) }
    }

    /// Wakes who waits for free space, if somebody does.
    pub(crate) fn wake_for_space(&self) {
        // SAFETY: as in `wiring_required`.
        if unsafe { vm_map::wait_for_space_raw(self.as_ptr()) } != 0 {
            // SAFETY: the event is an address, and nothing is done with it.
            unsafe {
                bindings::thread_wakeup_prim(
                    self.as_ptr().cast(),
                    0,
                    bindings::shim_THREAD_AWAKENED,
                );
            }
        }
    }

    /// `pmap_protect`: the protection of what the pmap has of the entry.
    pub(crate) fn pmap_protect(&self, entry: Entry<'_, WriteLocked>) {
        let (start, end) = (entry.start() as _, entry.end() as _);
        // SAFETY: the map has a pmap; the entry is one of the map's.
        unsafe { bindings::pmap_protect((*self.as_ptr()).pmap, start, end, entry.protection()) }
    }

    /// `pmap_remove`: takes the entry's pages out of the pmap.
    pub(crate) fn pmap_remove(&self, start: usize, end: usize) {
        // SAFETY: the map has a pmap.
        unsafe { bindings::pmap_remove((*self.as_ptr()).pmap, start as _, end as _) }
    }
}
