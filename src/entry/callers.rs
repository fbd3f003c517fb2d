// SPDX-License-Identifier: GPL-2.0-or-later
//! What the callers touch of an entry besides.

use core::ptr::{addr_of, addr_of_mut, NonNull};

use super::{Entry, Link};
use crate::bindings::{vm_map, vm_map_entry};
use crate::lock::WriteLocked;

impl<'m> Link<'m, WriteLocked> {
    /// What stands behind the entry, or is the first in the ring.
    pub(crate) fn next(&self) -> Link<'m, WriteLocked> {
        // SAFETY: header and entries have it, and it leads to one of them.
        unsafe { Link::new(NonNull::new_unchecked((*self.to.as_ptr()).links.next)) }
    }

    /// What stands before the entry, or is the last in the ring.
    pub(crate) fn prev(&self) -> Self {
        // SAFETY: header and entries have it, and it leads to one of them.
        unsafe { Link::new(NonNull::new_unchecked((*self.to.as_ptr()).links.prev)) }
    }

    /// The first address of the entry; where it leads to the header, that of the
    /// map's addresses.
    pub(crate) fn start(&self) -> usize {
        // SAFETY: header and entries have it.
        unsafe { addr_of!((*self.to.as_ptr()).links.start).read() as usize }
    }
}

impl Entry<'_, WriteLocked> {
    /// See [`Entry::start`].
    ///
    /// # Safety
    /// What the entry no longer covers is an entry's that enters the map next, before
    /// it.
    pub(crate) unsafe fn set_start(&self, start: usize) {
        write!(self, links.start, start as _);
    }

    /// See [`Entry::protection`].
    pub(crate) fn set_protection(&self, protection: i32) {
        write!(self, protection, protection);
    }

    /// See [`Entry::max_protection`].
    pub(crate) fn set_max_protection(&self, protection: i32) {
        write!(self, max_protection, protection);
    }

    /// See [`Entry::inheritance`].
    pub(crate) fn set_inheritance(&self, inheritance: i32) {
        write!(self, inheritance, inheritance as _);
    }

    /// See [`Entry::wired_access`].
    pub(crate) fn set_wired_access(&self, access: i32) {
        write!(self, wired_access, access);
    }

    /// See [`Entry::needs_wakeup`].
    pub(crate) fn set_needs_wakeup(&self) {
        bit!(set_needs_wakeup_raw, self, 1);
    }

    /// Whether the other mapping of a projected buffer names this one in turn: the
    /// kernel's then goes away first.
    pub(crate) fn is_projected_back(&self) -> bool {
        let other: *mut vm_map_entry = read!(self, projected_on);
        // SAFETY: the caller found it set, and the kernel keeps an entry that another
        // is projected on for as long as it is named.
        unsafe { !addr_of!((*other).projected_on).read().is_null() }
    }

    /// The submap; the entry is one.
    pub(crate) fn sub_map(&self) -> *mut vm_map {
        read!(self, object.sub_map)
    }
}
