// SPDX-License-Identifier: GPL-2.0-or-later
//! The fields of an entry that are about its gap.

use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr::{addr_of_mut, NonNull};

use crate::bindings::{list, rbtree_node, vm_map_entry};

/// An entry, for its gap alone.
///
/// # Invariants
/// For as long as `'m` the entry is not freed, and its map is locked for writing.
#[derive(Clone, Copy)]
pub(super) struct Fields<'m>(NonNull<vm_map_entry>, PhantomData<&'m ()>);

impl Fields<'_> {
    /// # Safety
    /// The invariants of [`Fields`].
    pub(super) unsafe fn of(entry: NonNull<vm_map_entry>) -> Self {
        Fields(entry, PhantomData)
    }

    /// The entry that `node` is the gap node of.
    ///
    /// # Safety
    /// `node` is in the gap tree of a map that is locked for writing for as long
    /// as the result is used.
    pub(super) unsafe fn of_node(node: *mut rbtree_node) -> Self {
        // SAFETY: such a node is a field of a linked entry.
        let entry = unsafe { node.byte_sub(offset_of!(vm_map_entry, gap_node)) };
        // SAFETY: no field of an entry lies at its offset from null.
        Fields(unsafe { NonNull::new_unchecked(entry.cast()) }, PhantomData)
    }

    /// The entry that `node` is the gap list of.
    ///
    /// # Safety
    /// As for `of_node`, of a node on a list.
    pub(super) unsafe fn of_list(node: *mut list) -> Self {
        // SAFETY: such a node is a field of a linked entry.
        let entry = unsafe { node.byte_sub(offset_of!(vm_map_entry, gap_list)) };
        // SAFETY: as in `of_node`.
        Fields(unsafe { NonNull::new_unchecked(entry.cast()) }, PhantomData)
    }

    /// The node in the gap tree, when it is there.
    pub(super) fn node(self) -> *mut rbtree_node {
        // SAFETY: the address lies inside an entry that is there.
        unsafe { addr_of_mut!((*self.0.as_ptr()).gap_node) }
    }

    /// The head of the list of entries with the same gap size, or a node of it.
    pub(super) fn list(self) -> *mut list {
        // SAFETY: the address lies inside an entry that is there.
        unsafe { addr_of_mut!((*self.0.as_ptr()).gap_list) }
    }

    /// Free bytes between this entry and the next, as last computed.
    pub(super) fn size(self) -> usize {
        // SAFETY: the entry is there, and the lock keeps others away.
        unsafe { (*self.0.as_ptr()).gap_size as usize }
    }

    /// See `size`.
    pub(super) fn set_size(self, bytes: usize) {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).gap_size = bytes as _ }
    }

    /// Whether the entry is a node of the gap tree, or else on the list of one
    /// that is. Means nothing while the gap size is 0.
    pub(super) fn in_tree(self) -> bool {
        // SAFETY: as in `size`; the accessor touches the bit-field's bytes alone.
        unsafe { vm_map_entry::in_gap_tree_raw(self.0.as_ptr()) != 0 }
    }

    /// See `in_tree`.
    pub(super) fn set_in_tree(self, in_tree: bool) {
        // SAFETY: as in `in_tree`.
        unsafe { vm_map_entry::set_in_gap_tree_raw(self.0.as_ptr(), in_tree.into()) }
    }
}
