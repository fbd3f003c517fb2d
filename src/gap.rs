// SPDX-License-Identifier: GPL-2.0-or-later
//! The gaps of a map: free space, found by its size.
//!
//! Every entry with free space behind it stands in exactly one place: one
//! entry of each size is a node of the gap tree, and the others of that size
//! hang on its `gap_list`, in the order in which they came. An entry without
//! free space stands nowhere. Which entry of a size is the node, and the order
//! of the others, decides where the next allocation goes, so both are kept as
//! upstream's C leaves them.

use core::ffi::c_int;
use core::ptr::null_mut;

use crate::bindings::{self, rbtree, rbtree_node};
use crate::entry::Entry;
use crate::kernel::kassert;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::unlink::{Detached, Unlinked};

mod fields;
mod list;
use fields::Fields;

const LEFT: c_int = 0;
const RIGHT: c_int = 1;
/// What upstream passes for a node that becomes the root.
const NO_INDEX: c_int = -1;

impl Map<WriteLocked> {
    /// Forgets the gap of an entry that is out of the ring, and computes anew that
    /// of the one that stood before it, and had none.
    ///
    /// Upstream's `vm_map_gap_remove`.
    pub fn forget_gap(&mut self, unlinked: Unlinked) -> Detached {
        // SAFETY: it is not freed yet, and the write lock keeps others away.
        let fields = unsafe { Fields::of(unlinked.as_non_null()) };
        // SAFETY: by the invariants of `Unlinked`, and nobody asks it again.
        unsafe { remove(self, fields) }
        // SAFETY: it had no gap, by the invariants of `Unlinked`, and so stands nowhere.
        unsafe { insert(self, unlinked.prev(self)) };
        // SAFETY: `remove` took it from where it stood.
        unsafe { unlinked.detach() }
    }
}

/// Takes an entry out of the tree or list in which it stands.
///
/// Upstream's `vm_map_gap_remove_single`.
///
/// # Safety
/// It stands where its gap puts it; from then on its fields mean nothing.
#[inline(always)]
unsafe fn remove(map: &Map<WriteLocked>, entry: Fields<'_>) {
    if entry.size() != 0 {
        // SAFETY: the caller's.
        unsafe { take_out(map.gap_tree(), entry) }
    }
}

/// Computes the gap behind `entry` and, if there is one, enters it.
///
/// Upstream's `vm_map_gap_insert_single`.
///
/// # Safety
/// It stands neither in the gap tree nor on a list.
#[inline(always)]
unsafe fn insert(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    let limit = map.entry(entry.next()).map_or_else(|| map.max_offset(), |next| next.start());
    let size = limit.wrapping_sub(entry.end());
    // SAFETY: an entry of the map, whose lock keeps others away.
    let entry = unsafe { Fields::of(entry.as_non_null()) };
    entry.set_size(size);
    if size != 0 {
        // SAFETY: the caller's.
        unsafe { put_in(map.gap_tree(), entry, size) }
    }
}

// Out of line, and without the map: most entries have no gap.

/// `remove` for an entry with a gap.
///
/// # Safety
/// As for `remove`; `tree` is the map's gap tree.
#[inline(never)]
unsafe fn take_out(tree: *mut rbtree, entry: Fields<'_>) {
    if !entry.in_tree() {
        // SAFETY: an entry with a gap that is not in the tree is on a list, by the
        // caller.
        unsafe { list::remove(entry.list()) }
        return;
    }
    // SAFETY: it is in this map's tree, by the caller.
    unsafe { bindings::rbtree_remove(tree, entry.node()) }
    // SAFETY: the list of a node is well formed.
    if unsafe { list::is_empty(entry.list()) } {
        return;
    }
    // SAFETY: a list that is not empty has a first.
    let first = unsafe { list::first(entry.list()) };
    // SAFETY: which is part of an entry of this map.
    let heir = unsafe { Fields::of_list(first) };
    kassert!(
        heir.size() == entry.size(),
        "tmp->gap_size == entry->gap_size",
        "vm_map_gap_remove_single"
    );
    // SAFETY: the heir is on that list.
    unsafe { list::remove(heir.list()) }
    // SAFETY: and now on none; the entry is a head that nobody asks any more.
    unsafe { list::set_head(heir.list(), entry.list()) }
    kassert!(!heir.in_tree(), "!tmp->in_gap_tree", "vm_map_gap_remove_single");
    // SAFETY: the caller's.
    let Slot::Free { parent, index } = (unsafe { find(tree, heir.size(), NO_INDEX) }) else {
        kassert!(false, "___diff != 0", "vm_map_gap_remove_single");
        return;
    };
    // SAFETY: the heir is in no tree, and the place is free in this map's.
    unsafe { bindings::rbtree_insert_rebalance(tree, parent, index, heir.node()) }
    heir.set_in_tree(true);
}

/// `insert` for an entry with `size` bytes of gap.
///
/// # Safety
/// As for `insert`; `tree` is the map's gap tree.
#[inline(never)]
unsafe fn put_in(tree: *mut rbtree, entry: Fields<'_>, size: usize) {
    // SAFETY: the caller's.
    match unsafe { find(tree, size, LEFT) } {
        Slot::Taken { by, parent } => {
            assert_aligned(parent);
            // SAFETY: `by` heads the list of its size; the entry is on none, by the
            // caller.
            unsafe { list::insert_tail(by.list(), entry.list()) }
            entry.set_in_tree(false);
        }
        Slot::Free { parent, index } => {
            assert_aligned(parent);
            let node = entry.node();
            // SAFETY: the entry is in no tree, by the caller; the place is free in this
            // map's.
            unsafe { bindings::rbtree_insert_rebalance(tree, parent, index, node) }
            // SAFETY: nor is it on a list.
            unsafe { list::init(entry.list()) }
            entry.set_in_tree(true);
        }
    }
}

/// Where a gap size belongs in the tree.
enum Slot<'m> {
    /// A node of that size is there, below `parent`.
    Taken { by: Fields<'m>, parent: *mut rbtree_node },
    /// It would be child `index` of `parent`; without one, the root.
    Free { parent: *mut rbtree_node, index: c_int },
}

/// Looks for `size` bytes in the gap tree. `root_index` stands for the index in
/// an empty tree.
///
/// # Safety
/// `tree` is the gap tree of a map that is locked for writing for as long as `'m`.
unsafe fn find<'m>(tree: *mut rbtree, size: usize, root_index: c_int) -> Slot<'m> {
    let mut parent = null_mut();
    let mut index = root_index;
    // SAFETY: a live map has the tree.
    let mut node = unsafe { (*tree).root };
    while !node.is_null() {
        // SAFETY: the tree's nodes are gap nodes of linked entries.
        let at = unsafe { Fields::of_node(node) };
        if size == at.size() {
            return Slot::Taken { by: at, parent };
        }
        parent = node;
        index = if size < at.size() { LEFT } else { RIGHT };
        // SAFETY: a node has two children.
        node = unsafe { (*node).children[index as usize & 1] };
    }
    Slot::Free { parent, index }
}

/// The low two bits of a node's address must be free for its colour.
fn assert_aligned(parent: *mut rbtree_node) {
    kassert!(parent as usize & 3 == 0, "rbtree_check_alignment(parent)", "rbtree_slot");
}

#[cfg(feature = "callers")]
mod callers;
