// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's circular lists, in which head and node are of one type.
//!
//! Every function requires lists that are well formed, in memory that the
//! map's write lock covers, and leaves them so.

use crate::bindings::list;

/// Makes `head` an empty list.
///
/// # Safety
/// `head` is writable.
pub(super) unsafe fn init(head: *mut list) {
    // SAFETY: the caller's.
    unsafe {
        (*head).prev = head;
        (*head).next = head;
    }
}

/// Whether the list has no node.
///
/// # Safety
/// See the module.
pub(super) unsafe fn is_empty(head: *mut list) -> bool {
    // SAFETY: the caller's.
    unsafe { (*head).next == head }
}

/// The first node of a list that is not empty.
///
/// # Safety
/// See the module.
pub(super) unsafe fn first(head: *mut list) -> *mut list {
    // SAFETY: the caller's.
    unsafe { (*head).next }
}

/// Takes `node` out of its list; its own links stay as they are.
///
/// # Safety
/// `node` is in a list; see the module.
pub(super) unsafe fn remove(node: *mut list) {
    // SAFETY: a node's neighbours are part of its list.
    unsafe {
        let list { prev, next } = node.read();
        (*prev).next = next;
        (*next).prev = prev;
    }
}

/// Puts `node` behind the last node of the list.
///
/// # Safety
/// `node` is writable and in no list; see the module.
pub(super) unsafe fn insert_tail(head: *mut list, node: *mut list) {
    // SAFETY: the last node is part of the list, or its head.
    unsafe {
        let last = (*head).prev;
        (*head).prev = node;
        (*node).next = head;
        (*last).next = node;
        (*node).prev = last;
    }
}

/// Gives the nodes of `old` to `new`, which is in no list; `old` goes stale.
///
/// # Safety
/// `new` is writable; see the module.
pub(super) unsafe fn set_head(new: *mut list, old: *mut list) {
    // SAFETY: the first and last nodes are part of the list.
    unsafe {
        if is_empty(old) {
            init(new);
            return;
        }
        let list { prev, next } = old.read();
        new.write(list { prev, next });
        (*next).prev = new;
        (*prev).next = new;
    }
}
