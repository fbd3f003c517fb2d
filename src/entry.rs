// SPDX-License-Identifier: GPL-2.0-or-later
//! An entry of a map, what a link leads to, and what may be touched of either
//! under which lock.

use core::marker::PhantomData;
use core::ptr::{addr_of, addr_of_mut, NonNull};

use crate::bindings::{vm_map_entry, vm_object, vm_offset_t};
use crate::lock::{LockState, WriteLocked};

/// An entry of a map, reached under lock state `S`. Never the map's header.
///
/// # Invariants
/// For as long as `'m` the map's lock is in state `S`, and `entry` is an entry
/// that stands in the map's ring: under a lock any, and without one those that
/// this thread marked in transition.
///
/// Without a lock there is nothing to write, and little to read:
///
/// ```compile_fail,E0599
/// use gnumach_vm_map::{entry::Entry, lock::Unlocked};
/// fn marks(entry: Entry<'_, Unlocked>) {
///     let _ = entry.mark();
/// }
/// ```
/// ```
/// use gnumach_vm_map::{entry::Entry, lock::WriteLocked};
/// fn marks(entry: Entry<'_, WriteLocked>) {
///     let _ = entry.mark();
/// }
/// ```
pub struct Entry<'m, S> {
    // Not `NonNull`: without a niche an `Option` of this is a test that compilers
    // fold, and with one it is a null that they make, and then look for.
    entry: *mut vm_map_entry,
    state: PhantomData<(&'m (), S)>,
}

/// What a link of the ring leads to: an entry, or the map's header, which closes
/// the ring and has links alone. `Map::entry` tells which.
///
/// Without a lock it is a look at memory that others may have freed: the entry
/// behind the last marked one is not this thread's. Nothing can be asked of it
/// but whether the range is over (`MapRange::each_within`).
///
/// # Invariants
/// For as long as `'m`: under a lock, `to` is the map's header or an entry in its
/// ring. Without one it was so when the link was read.
///
/// ```compile_fail,E0599
/// use gnumach_vm_map::{entry::Entry, lock::Unlocked};
/// fn asks_what_is_behind(entry: Entry<'_, Unlocked>) -> u16 {
///     entry.next().wired_count()
/// }
/// ```
/// ```
/// use gnumach_vm_map::{entry::Entry, lock::Unlocked};
/// fn asks_what_is_marked(entry: Entry<'_, Unlocked>) -> u16 {
///     entry.wired_count()
/// }
/// ```
pub struct Link<'m, S> {
    to: NonNull<vm_map_entry>,
    state: PhantomData<(&'m (), S)>,
}

impl<S> Clone for Entry<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Entry<'_, S> {}

impl<S> Clone for Link<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Link<'_, S> {}

impl<S> Entry<'_, S> {
    /// # Safety
    /// The invariants of [`Entry`].
    pub(crate) unsafe fn new(entry: NonNull<vm_map_entry>) -> Self {
        Entry { entry: entry.as_ptr(), state: PhantomData }
    }

    /// The entry as C has it.
    pub fn as_ptr(&self) -> *mut vm_map_entry {
        self.entry
    }

    /// The entry as C has it.
    pub(crate) fn as_non_null(&self) -> NonNull<vm_map_entry> {
        // SAFETY: `new` took it from a pointer that is not null.
        unsafe { NonNull::new_unchecked(self.entry) }
    }
}

impl<S> Link<'_, S> {
    /// # Safety
    /// The invariants of [`Link`].
    pub(crate) unsafe fn new(to: NonNull<vm_map_entry>) -> Self {
        Link { to, state: PhantomData }
    }

    /// Where it leads.
    pub(crate) fn as_non_null(&self) -> NonNull<vm_map_entry> {
        self.to
    }
}

/// Reads a field of an entry that no other thread can reach.
macro_rules! read {
    ($entry:expr, $($field:ident).+) => {
        // SAFETY: the entry is in place, by `Entry`'s invariants, and the field
        // lies inside it; the write lock keeps everybody else away.
        unsafe { addr_of!((*$entry.as_ptr()).$($field).+).read() }
    };
}

/// Writes a field of an entry.
macro_rules! write {
    ($entry:expr, $($field:ident).+, $value:expr) => {
        // SAFETY: as in `read`.
        unsafe { addr_of_mut!((*$entry.as_ptr()).$($field).+).write($value) }
    };
}

/// Reads or writes a bit of an entry through bindgen's accessor.
macro_rules! bit {
    ($accessor:ident, $entry:expr $(, $value:expr)?) => {
        // SAFETY: as in `read`; the accessor touches the bytes of the bit-field
        // alone.
        unsafe { vm_map_entry::$accessor($entry.as_ptr() $(, $value)?) }
    };
}

impl<'m, S: LockState> Link<'m, S> {
    /// The address behind the last one of the entry, in bytes; where it leads to
    /// the header, the end of the map's addresses.
    pub(crate) fn end(&self) -> usize {
        // SAFETY: header and entries have it. Without a lock this may be a freed
        // entry, whose memory stays the kernel's: upstream reads it too.
        unsafe { S::load(addr_of!((*self.to.as_ptr()).links.end)) as usize }
    }
}

impl<'m, S: LockState> Entry<'m, S> {
    /// What stands behind the entry.
    pub fn next(&self) -> Link<'m, S> {
        // SAFETY: an entry in place has the field, and no link of the ring is
        // null. It leads to an entry or the header at this moment, and under a
        // lock for as long as that is held.
        unsafe {
            let next = S::load(addr_of!((*self.as_ptr()).links.next));
            Link::new(NonNull::new_unchecked(next))
        }
    }

    /// 0: not wired; 1: being wired by the scan, or wired once; 2: wired.
    pub fn wired_count(&self) -> u16 {
        // SAFETY: an entry in place has the field.
        unsafe { S::load(addr_of!((*self.as_ptr()).wired_count)) }
    }
}

impl<'m> Entry<'m, WriteLocked> {
    /// What stands before the entry.
    pub fn prev(&self) -> Link<'m, WriteLocked> {
        let prev = read!(self, links.prev);
        // SAFETY: no link of the ring is null, and under the lock it stays.
        unsafe { Link::new(NonNull::new_unchecked(prev)) }
    }

    /// The first address, in bytes.
    pub fn start(&self) -> usize {
        read!(self, links.start) as usize
    }

    /// The address behind the last one, in bytes.
    pub fn end(&self) -> usize {
        read!(self, links.end) as usize
    }

    /// Bytes that the entry covers.
    pub fn size(&self) -> usize {
        self.end().wrapping_sub(self.start())
    }

    /// Protection bits (`VM_PROT_*`).
    pub fn protection(&self) -> i32 {
        read!(self, protection)
    }

    /// The most that protection may become.
    pub fn max_protection(&self) -> i32 {
        read!(self, max_protection)
    }

    /// What a child of the task gets (`VM_INHERIT_*`).
    pub fn inheritance(&self) -> i32 {
        read!(self, inheritance)
    }

    /// The access to wire for; `VM_PROT_NONE` asks for unwired pages.
    pub fn wired_access(&self) -> i32 {
        read!(self, wired_access)
    }

    /// Whether this is one of the two mappings of a projected buffer.
    pub fn is_projected(&self) -> bool {
        !read!(self, projected_on).is_null()
    }

    /// Whether the region is shared through a sharing map.
    pub fn is_shared(&self) -> bool {
        bit!(is_shared_raw, self) != 0
    }

    /// Whether the object is a submap.
    pub fn is_sub_map(&self) -> bool {
        bit!(is_sub_map_raw, self) != 0
    }

    /// Whether the object must be copied before the first write.
    pub fn needs_copy(&self) -> bool {
        bit!(needs_copy_raw, self) != 0
    }

    /// See [`Entry::needs_copy`].
    pub(crate) fn clear_needs_copy(&self) {
        bit!(set_needs_copy_raw, self, 0);
    }

    /// See [`Entry::wired_count`].
    pub(crate) fn set_wired_count(&self, count: u16) {
        write!(self, wired_count, count);
    }

    /// See [`Entry::end`].
    ///
    /// # Safety
    /// What the entry comes to cover is no other entry's, or is that of the entry
    /// behind, which leaves the map next.
    pub(crate) unsafe fn set_end(&self, end: usize) {
        write!(self, links.end, end as _);
    }

    /// Free bytes between this entry and the next, as last computed.
    pub(crate) fn gap_size(&self) -> usize {
        read!(self, gap_size) as usize
    }

    /// The object that backs the entry; null if there is none yet.
    pub(crate) fn object(&self) -> *mut vm_object {
        read!(self, object.vm_object)
    }

    /// See [`Entry::object`].
    ///
    /// # Safety
    /// The entry had none; `object` is live, and the entry gets one reference.
    pub(crate) unsafe fn set_object(&self, object: *mut vm_object) {
        write!(self, object.vm_object, object);
    }

    /// Where in its object the entry begins, in bytes.
    pub(crate) fn offset(&self) -> usize {
        read!(self, offset) as usize
    }

    /// See [`Entry::offset`].
    pub(crate) fn set_offset(&self, offset: usize) {
        write!(self, offset, offset as _);
    }

    /// Where C stores another object and offset for this entry.
    pub(crate) fn object_and_offset_ptrs(&self) -> (*mut *mut vm_object, *mut vm_offset_t) {
        // SAFETY: the addresses lie inside an entry in place.
        unsafe {
            let entry = self.as_ptr();
            (addr_of_mut!((*entry).object.vm_object), addr_of_mut!((*entry).offset))
        }
    }
}

#[cfg(feature = "callers")]
mod callers;
