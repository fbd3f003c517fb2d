// SPDX-License-Identifier: GPL-2.0-or-later
//! The range of all that is in a map.

use core::mem::offset_of;

use crate::bindings::{self, rbtree_node, vm_map_entry, vm_map_links};
use crate::callers::bounds::Bounds;
use crate::lock::WriteLocked;
use crate::map::Map;

const FIRST: i32 = 0;
const LAST: i32 = 1;

impl Map<WriteLocked> {
    /// From where the first entry begins to where the last one ends. An empty map has
    /// neither, and upstream does not look (docs/upstream.md, wire-all-empty): it reads
    /// below address 0, and so does this.
    pub(crate) fn whole(&self) -> Bounds {
        Bounds {
            start: self.read_outermost(FIRST, offset_of!(vm_map_links, start)),
            end: self.read_outermost(LAST, offset_of!(vm_map_links, end)),
        }
    }

    /// A word of the links of the first or last entry.
    fn read_outermost(&self, side: i32, offset: usize) -> usize {
        // SAFETY: the tree is that of a live map, which is locked.
        let node: *mut rbtree_node = unsafe { bindings::rbtree_firstlast(self.tree(), side) };
        let links = node.wrapping_byte_sub(offset_of!(vm_map_entry, tree_node));
        // SAFETY: the tree's nodes are those of entries, whose links stand first. Null is
        // none: upstream's slip, on purpose; the kernel stops at it.
        unsafe { links.wrapping_byte_add(offset).cast::<usize>().read_volatile() }
    }
}
