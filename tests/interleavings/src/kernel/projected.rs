// SPDX-License-Identifier: GPL-2.0-or-later
//! The look for projected buffers, with which a task's calls begin.

use super::map::{header, lookup};
use super::operations::{note, Pages};
use super::{lock, point, reads_map, with};
use crate::bindings::vm_map_entry;

/// `projected_buffer_in_range`, which a task's calls ask before anything else: it
/// looks the range up, and follows it, without a lock.
pub fn looks_for_projected(map: usize, pages: Pages) {
    note("looks for projected buffers in", pages);
    let locks = with(|k| k.version.in_c.lock_to_look);
    if locks {
        lock::read(map);
    } else {
        point();
    }
    reads_map(map);
    let mut entry = match lookup(map, pages.start() as usize) {
        Ok(entry) => entry,
        Err(before) => follow(map, before, locks),
    };
    loop {
        if !locks {
            point();
            reads_map(map);
        }
        // SAFETY: an entry that was freed meanwhile shows as an access to one.
        let beyond = unsafe {
            entry == header(map)
                || !(*entry).projected_on.is_null()
                || (*entry).links.end > pages.end()
        };
        if beyond {
            break;
        }
        entry = follow(map, entry, locks);
    }
    if locks {
        lock::done(map);
    }
}

/// What is behind an entry, read with the lock or without.
fn follow(map: usize, entry: *mut vm_map_entry, locked: bool) -> *mut vm_map_entry {
    if !locked {
        point();
        reads_map(map);
    }
    // SAFETY: as in `looks_for_projected`.
    unsafe { (*entry).links.next }
}
