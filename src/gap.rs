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

use crate::bindings::{self, rbtree_node};
use crate::entry::Entry;
use crate::kernel::kassert;
use crate::map::{Map, WriteLocked};

mod list;

const LEFT: c_int = 0;
const RIGHT: c_int = 1;
/// What upstream passes for a node that becomes the root.
const NO_INDEX: c_int = -1;

type LockedEntry<'m> = Entry<'m, WriteLocked>;

/// Forgets the gap of `entry`, which is out of the ring, and computes anew that
/// of `prev`, which was before it and had none.
///
/// Upstream's `vm_map_gap_remove`.
pub(crate) fn entry_unlinked(
    map: &Map<WriteLocked>,
    prev: LockedEntry<'_>,
    entry: LockedEntry<'_>,
) {
    remove(map, entry);
    insert(map, prev);
}

/// Takes `entry` out of the tree or list in which it stands.
///
/// Upstream's `vm_map_gap_remove_single`.
fn remove(map: &Map<WriteLocked>, entry: LockedEntry<'_>) {
    if map.is_header(entry) || entry.gap_size() == 0 {
        return;
    }
    let others = entry.gap_list();
    // SAFETY: an entry with a gap is in the tree or on a list of this map, and
    // `in_gap_tree` tells which; both consist of parts of linked entries.
    unsafe {
        if !entry.in_gap_tree() {
            list::remove(others);
            return;
        }
        bindings::rbtree_remove(map.gap_tree(), entry.gap_node());
        if list::is_empty(others) {
            return;
        }
        let heir = Entry::of_gap_list(list::first(others));
        kassert!(
            heir.gap_size() == entry.gap_size(),
            "tmp->gap_size == entry->gap_size",
            "vm_map_gap_remove_single"
        );
        list::remove(heir.gap_list());
        list::set_head(heir.gap_list(), others);
        kassert!(!heir.in_gap_tree(), "!tmp->in_gap_tree", "vm_map_gap_remove_single");
        let Slot::Free { parent, index } = find(map, heir.gap_size(), NO_INDEX) else {
            kassert!(false, "___diff != 0", "vm_map_gap_remove_single");
            return;
        };
        bindings::rbtree_insert_rebalance(map.gap_tree(), parent, index, heir.gap_node());
        heir.set_in_gap_tree(true);
    }
}

/// Computes the gap behind `entry` and, if there is one, enters it.
///
/// Upstream's `vm_map_gap_insert_single`.
fn insert(map: &Map<WriteLocked>, entry: LockedEntry<'_>) {
    if map.is_header(entry) {
        return;
    }
    let next = entry.next();
    let limit = if map.is_header(next) { map.max_offset() } else { next.start() };
    let size = limit.wrapping_sub(entry.end());
    entry.set_gap_size(size);
    if size == 0 {
        return;
    }
    // SAFETY: the entry is linked and stands nowhere yet; what `find` returns is
    // part of this map's tree.
    unsafe {
        match find(map, size, LEFT) {
            Slot::Taken { by, parent } => {
                assert_aligned(parent);
                list::insert_tail(by.gap_list(), entry.gap_list());
                entry.set_in_gap_tree(false);
            }
            Slot::Free { parent, index } => {
                assert_aligned(parent);
                let node = entry.gap_node();
                bindings::rbtree_insert_rebalance(map.gap_tree(), parent, index, node);
                list::init(entry.gap_list());
                entry.set_in_gap_tree(true);
            }
        }
    }
}

/// Where a gap size belongs in the tree.
enum Slot<'m> {
    /// A node of that size is there, below `parent`.
    Taken { by: LockedEntry<'m>, parent: *mut rbtree_node },
    /// It would be child `index` of `parent`; without one, the root.
    Free { parent: *mut rbtree_node, index: c_int },
}

/// Looks for `size` bytes in the gap tree. `root_index` stands for the index in
/// an empty tree.
fn find(map: &Map<WriteLocked>, size: usize, root_index: c_int) -> Slot<'_> {
    let mut parent = null_mut();
    let mut index = root_index;
    // SAFETY: the tree's nodes are gap nodes of linked entries, or null.
    unsafe {
        let mut node = (*map.gap_tree()).root;
        while !node.is_null() {
            let at = Entry::of_gap_node(node);
            if size == at.gap_size() {
                return Slot::Taken { by: at, parent };
            }
            parent = node;
            index = if size < at.gap_size() { LEFT } else { RIGHT };
            node = (*node).children[index as usize & 1];
        }
    }
    Slot::Free { parent, index }
}

/// The low two bits of a node's address must be free for its colour.
fn assert_aligned(parent: *mut rbtree_node) {
    kassert!(parent as usize & 3 == 0, "rbtree_check_alignment(parent)", "rbtree_slot");
}
