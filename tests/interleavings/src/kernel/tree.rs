// SPDX-License-Identifier: GPL-2.0-or-later
//! A binary search tree in the nodes of the kernel's red-black tree.
//!
//! The model keeps it in order but does not balance it: nothing here depends on
//! the tree's shape.

use std::ptr::null_mut;

use crate::bindings::{rbtree, rbtree_node};

fn parent(node: *mut rbtree_node) -> *mut rbtree_node {
    // SAFETY: nodes in a tree are parts of live entries.
    unsafe { ((*node).parent & !3) as *mut rbtree_node }
}

/// Puts `new`, or nothing, where `old` hangs.
fn replace(tree: *mut rbtree, old: *mut rbtree_node, new: *mut rbtree_node) {
    let above = parent(old);
    // SAFETY: as in `parent`; the tree is part of a live map.
    unsafe {
        if above.is_null() {
            (*tree).root = new;
        } else {
            let side = usize::from((*above).children[1] == old);
            (*above).children[side] = new;
        }
        if !new.is_null() {
            (*new).parent = above as u64;
        }
    }
}

#[no_mangle]
pub extern "C" fn rbtree_insert_rebalance(
    tree: *mut rbtree,
    parent: *mut rbtree_node,
    index: i32,
    node: *mut rbtree_node,
) {
    // SAFETY: the caller passes parts of a live map and of live entries.
    unsafe {
        node.write(rbtree_node { parent: parent as u64, children: [null_mut(); 2] });
        if parent.is_null() {
            (*tree).root = node;
        } else {
            (*parent).children[index as usize] = node;
        }
    }
}

#[no_mangle]
pub extern "C" fn rbtree_remove(tree: *mut rbtree, node: *mut rbtree_node) {
    // SAFETY: as above.
    unsafe {
        let [left, right] = (*node).children;
        if left.is_null() || right.is_null() {
            replace(tree, node, if left.is_null() { right } else { left });
            return;
        }
        let mut heir = right;
        while !(*heir).children[0].is_null() {
            heir = (*heir).children[0];
        }
        if heir != right {
            replace(tree, heir, (*heir).children[1]);
            (*heir).children[1] = right;
            (*right).parent = heir as u64;
        }
        replace(tree, node, heir);
        (*heir).children[0] = left;
        (*left).parent = heir as u64;
    }
}

/// The nodes in order.
pub fn in_order(tree: &rbtree) -> Vec<*mut rbtree_node> {
    fn walk(node: *mut rbtree_node, nodes: &mut Vec<*mut rbtree_node>) {
        if !node.is_null() {
            // SAFETY: as in `parent`.
            let [left, right] = unsafe { (*node).children };
            walk(left, nodes);
            nodes.push(node);
            walk(right, nodes);
        }
    }
    let mut nodes = Vec::new();
    walk(tree.root, &mut nodes);
    nodes
}
