// SPDX-License-Identifier: GPL-2.0-or-later
//! An entry of a map, and what may be touched of it under which lock.

use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr::{addr_of, addr_of_mut, NonNull};

use crate::bindings::{list, rbtree_node, vm_map_entry, vm_object};
use crate::layout::bits;
use crate::map::{LockState, WriteLocked};

/// An entry of a map, or the map's header, reached under lock state `S`.
///
/// # Invariants
/// For as long as `'m`, the map's lock is in state `S`, and `entry` is the map's
/// header or an entry that state keeps in place: any linked one under a lock,
/// and without one those that the current thread marked in transition.
///
/// Without a lock there is nothing to write:
///
/// ```compile_fail,E0599
/// use gnumach_vm_map::{entry::Entry, map::Unlocked};
/// fn marks(entry: Entry<'_, Unlocked>) {
///     entry.mark();
/// }
/// ```
/// ```
/// use gnumach_vm_map::{entry::Entry, map::WriteLocked};
/// fn marks(entry: Entry<'_, WriteLocked>) {
///     entry.mark();
/// }
/// ```
pub struct Entry<'m, S> {
    entry: NonNull<vm_map_entry>,
    state: PhantomData<(&'m (), S)>,
}

impl<S> Clone for Entry<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Entry<'_, S> {}

impl<S> Entry<'_, S> {
    /// # Safety
    /// The invariants of [`Entry`].
    pub(crate) unsafe fn new(entry: NonNull<vm_map_entry>) -> Self {
        Entry { entry, state: PhantomData }
    }

    /// The entry as C has it.
    pub fn as_ptr(&self) -> *mut vm_map_entry {
        self.entry.as_ptr()
    }

    /// The entry as C has it.
    pub(crate) fn as_non_null(&self) -> NonNull<vm_map_entry> {
        self.entry
    }

    /// Whether the two are the same entry.
    pub(crate) fn is(&self, other: Self) -> bool {
        self.entry == other.entry
    }
}

/// Reads a field of an entry, of whatever type the headers give it.
macro_rules! read {
    ($state:ty, $entry:expr, $($field:ident).+) => {
        // SAFETY: the entry is in place under the state, by `Entry`'s
        // invariants; the field lies inside it. The header has `links` alone,
        // and the walks ask a header for nothing else.
        unsafe { <$state>::read(addr_of!((*$entry.as_ptr()).$($field).+)) }
    };
}

/// Writes a field of an entry.
macro_rules! write {
    ($entry:expr, $($field:ident).+, $value:expr) => {
        // SAFETY: as in `read`, and the write lock makes this thread the only
        // one at the entry.
        unsafe { addr_of_mut!((*$entry.as_ptr()).$($field).+).write($value) }
    };
}

/// Reads or writes a bit of an entry through bindgen's accessor.
macro_rules! bit {
    ($accessor:ident, $entry:expr $(, $value:expr)?) => {
        // SAFETY: as in `read` and `write`; the accessor touches the bytes of
        // the bit-field alone.
        unsafe { vm_map_entry::$accessor($entry.as_ptr() $(, $value)?) }
    };
}

impl<'m, S: LockState> Entry<'m, S> {
    /// The first address, in bytes.
    pub fn start(&self) -> usize {
        read!(S, self, links.start) as usize
    }

    /// The address behind the last one, in bytes.
    pub fn end(&self) -> usize {
        read!(S, self, links.end) as usize
    }

    /// The entry after this one; the header after the last.
    pub fn next(&self) -> Entry<'m, S> {
        let next = read!(S, self, links.next);
        // SAFETY: the ring of entries has no null link, and a linked neighbour
        // is in place as this entry is. Unlocked, the neighbour of the last
        // marked entry may be freed at any time; upstream reads it all the
        // same, and only to see that its range is over.
        unsafe { Entry::new(NonNull::new_unchecked(next)) }
    }

    /// 0: not wired; 1: being wired by the scan, or wired once; 2: wired. Asked
    /// of entries within the range alone.
    pub fn wired_count(&self) -> u16 {
        // SAFETY: as in `read`; entries within the range are what `InTransition`
        // marked before it unlocked the map.
        unsafe { S::read_settled(addr_of!((*self.as_ptr()).wired_count)) }
    }
}

impl<'m> Entry<'m, WriteLocked> {
    /// The entry before this one; the header before the first.
    pub fn prev(&self) -> Entry<'m, WriteLocked> {
        let prev = read!(WriteLocked, self, links.prev);
        // SAFETY: as in `next`, under the lock.
        unsafe { Entry::new(NonNull::new_unchecked(prev)) }
    }

    /// Bytes that the entry covers.
    pub fn size(&self) -> usize {
        self.end().wrapping_sub(self.start())
    }

    /// Protection bits (`VM_PROT_*`).
    pub fn protection(&self) -> i32 {
        read!(WriteLocked, self, protection)
    }

    /// The most that protection may become.
    pub fn max_protection(&self) -> i32 {
        read!(WriteLocked, self, max_protection)
    }

    /// What a child of the task gets (`VM_INHERIT_*`).
    pub fn inheritance(&self) -> i32 {
        read!(WriteLocked, self, inheritance)
    }

    /// The access to wire for; `VM_PROT_NONE` asks for unwired pages.
    pub fn wired_access(&self) -> i32 {
        read!(WriteLocked, self, wired_access)
    }

    /// Whether this is one of the two mappings of a projected buffer.
    pub fn is_projected(&self) -> bool {
        !read!(WriteLocked, self, projected_on).is_null()
    }

    /// Whether the region is shared through a sharing map.
    pub fn is_shared(&self) -> bool {
        bit!(is_shared_raw, self) != 0
    }

    /// Whether the object is a submap.
    pub fn is_sub_map(&self) -> bool {
        bit!(is_sub_map_raw, self) != 0
    }

    /// Whether a thread relies on the entry while the map may be unlocked.
    pub fn in_transition(&self) -> bool {
        bit!(in_transition_raw, self) != 0
    }

    /// Whether a thread waits for the end of the transition.
    pub fn needs_wakeup(&self) -> bool {
        bit!(needs_wakeup_raw, self) != 0
    }

    /// Whether the object must be copied before the first write.
    pub fn needs_copy(&self) -> bool {
        bit!(needs_copy_raw, self) != 0
    }

    /// Begins a transition that nobody waits for yet.
    pub fn mark(&self) {
        bit!(set_in_transition_raw, self, 1);
        bit!(set_needs_wakeup_raw, self, 0);
    }

    /// Ends a transition.
    pub fn unmark(&self) {
        bit!(set_in_transition_raw, self, 0);
    }

    /// Like `mark`, for an entry with neither bit set. False: it has one set, and
    /// nothing has changed.
    pub(crate) fn try_mark(&self) -> bool {
        let marks = Marks::read(*self);
        if marks.are_clear() {
            marks.flipped().write(*self);
        }
        marks.are_clear()
    }

    /// Like `unmark`, for a marked entry that nobody waits for. False: it is not
    /// such a one, and nothing has changed.
    pub(crate) fn try_unmark(&self) -> bool {
        let marks = Marks::read(*self).flipped();
        if marks.are_clear() {
            marks.write(*self);
        }
        marks.are_clear()
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
    pub(crate) fn set_end(&self, end: usize) {
        write!(self, links.end, end as _);
    }

    /// The object that backs the entry; null if there is none yet.
    pub(crate) fn object(&self) -> *mut vm_object {
        read!(WriteLocked, self, object.vm_object)
    }

    /// See [`Entry::object`].
    pub(crate) fn set_object(&self, object: *mut vm_object) {
        write!(self, object.vm_object, object);
    }

    /// Where in its object the entry begins, in bytes.
    pub(crate) fn offset(&self) -> usize {
        read!(WriteLocked, self, offset) as usize
    }

    /// See [`Entry::offset`].
    pub(crate) fn set_offset(&self, offset: usize) {
        write!(self, offset, offset as _);
    }

    /// Where C stores another object and offset for this entry.
    pub(crate) fn object_and_offset_ptrs(&self) -> (*mut *mut vm_object, *mut usize) {
        // SAFETY: the addresses lie inside a live entry.
        unsafe {
            let entry = self.as_ptr();
            (addr_of_mut!((*entry).object.vm_object), addr_of_mut!((*entry).offset).cast())
        }
    }

    /// Takes the entry out of the ring; its own links stay as they are.
    pub(crate) fn unlink_from_ring(&self) {
        let (prev, next) = (self.prev(), self.next());
        write!(next, links.prev, prev.as_ptr());
        write!(prev, links.next, next.as_ptr());
    }

    /// The entry's node in the tree of entries.
    pub(crate) fn tree_node(&self) -> *mut rbtree_node {
        // SAFETY: the address lies inside a live entry.
        unsafe { addr_of_mut!((*self.as_ptr()).tree_node) }
    }

    /// The entry's node in the gap tree, when it is there.
    pub(crate) fn gap_node(&self) -> *mut rbtree_node {
        // SAFETY: the address lies inside a live entry.
        unsafe { addr_of_mut!((*self.as_ptr()).gap_node) }
    }

    /// The list of entries with the same gap size.
    pub(crate) fn gap_list(&self) -> *mut list {
        // SAFETY: the address lies inside a live entry.
        unsafe { addr_of_mut!((*self.as_ptr()).gap_list) }
    }

    /// The entry that `node` is the gap node of.
    ///
    /// # Safety
    /// `node` is an entry's gap node, in this map's gap tree.
    pub(crate) unsafe fn of_gap_node(node: *mut rbtree_node) -> Self {
        // SAFETY: a node in the gap tree lies inside a linked entry.
        unsafe {
            let entry = node.byte_sub(offset_of!(vm_map_entry, gap_node));
            Entry::new(NonNull::new_unchecked(entry.cast()))
        }
    }

    /// The entry that `node` is the gap list of.
    ///
    /// # Safety
    /// `node` is an entry's gap list, in one of this map's lists.
    pub(crate) unsafe fn of_gap_list(node: *mut list) -> Self {
        // SAFETY: a node in a gap list lies inside a linked entry.
        unsafe {
            let entry = node.byte_sub(offset_of!(vm_map_entry, gap_list));
            Entry::new(NonNull::new_unchecked(entry.cast()))
        }
    }

    /// Free bytes between this entry and the next, as last computed.
    pub(crate) fn gap_size(&self) -> usize {
        read!(WriteLocked, self, gap_size) as usize
    }

    /// See [`Entry::gap_size`].
    pub(crate) fn set_gap_size(&self, bytes: usize) {
        write!(self, gap_size, bytes as _);
    }

    /// Whether the entry is a node of the gap tree, or else on the list of one
    /// that is. Means nothing while the gap size is 0.
    pub(crate) fn in_gap_tree(&self) -> bool {
        bit!(in_gap_tree_raw, self) != 0
    }

    /// See [`Entry::in_gap_tree`].
    pub(crate) fn set_in_gap_tree(&self, in_tree: bool) {
        bit!(set_in_gap_tree_raw, self, in_tree.into());
    }
}

/// The byte of an entry that holds `in_transition` and `needs_wakeup`: a test of
/// both costs as much as one of either.
#[derive(Clone, Copy)]
struct Marks(u8);

impl Marks {
    const IN_TRANSITION: u8 = 1 << (bits::IN_TRANSITION.0 % 8);
    const NEEDS_WAKEUP: u8 = 1 << (bits::NEEDS_WAKEUP.0 % 8);

    fn place(entry: Entry<'_, WriteLocked>) -> *mut u8 {
        // SAFETY: the unit of a live entry's bits holds the byte of each bit.
        unsafe {
            let unit = addr_of_mut!((*entry.as_ptr())._bitfield_1).cast::<u8>();
            unit.add(bits::IN_TRANSITION.0 as usize / 8)
        }
    }

    fn read(entry: Entry<'_, WriteLocked>) -> Self {
        // SAFETY: as for the macro `read`.
        Marks(unsafe { Self::place(entry).read() })
    }

    fn write(self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: as for the macro `write`.
        unsafe { Self::place(entry).write(self.0) }
    }

    /// Whether neither bit is set.
    fn are_clear(self) -> bool {
        self.0 & (Self::IN_TRANSITION | Self::NEEDS_WAKEUP) == 0
    }

    /// With the other value of `in_transition`.
    fn flipped(self) -> Self {
        Marks(self.0 ^ Self::IN_TRANSITION)
    }
}
