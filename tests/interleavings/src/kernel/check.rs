// SPDX-License-Identifier: GPL-2.0-or-later
//! What must hold when every thread has come to its end.

use std::mem::offset_of;

use super::map::entries;
use super::operations::WRITE;
use super::{found, slab, tree, with, Kernel, PAGE};
use crate::bindings::{vm_map, vm_map_entry};

/// Checks the execution that has just ended normally.
pub fn at_rest() {
    slab::watch_again();
    let broken = with(|k| {
        let mut broken = Vec::new();
        for map in 0..k.maps.len() {
            check_map(k, map, &mut broken);
        }
        check_wirings(k, &mut broken);
        #[cfg(feature = "sound")]
        check_access(k, &mut broken);
        if k.maps.iter().any(|map| map.gone && !entries(&map.raw).is_empty()) {
            broken.push("a map that is gone has entries");
        }
        if k.threads.iter().any(|thread| !thread.holds.is_empty() || thread.privilege != 0) {
            broken.push("a thread keeps a lock, or vm_privilege");
        }
        if k.objects.iter().any(|object| object.raw.paging_in_progress() != 0)
            || k.pages.iter().any(|page| page.busy)
        {
            broken.push("an object or a page is busy at rest");
        }
        broken
    });
    for what in broken {
        found(what);
    }
}

fn check_map(k: &Kernel, map: usize, broken: &mut Vec<&'static str>) {
    let raw = &k.maps[map].raw;
    let header = (&raw const raw.hdr.links).cast_mut().cast::<vm_map_entry>();
    let ring = entries(raw);
    let mut must = |holds: bool, what: &'static str| {
        if !holds {
            broken.push(what);
        }
    };
    must(ring.len() == raw.hdr.nentries as usize, "nentries is not the ring's length");
    let tree: Vec<usize> = tree::in_order(&raw.hdr.tree).into_iter().map(|n| n as usize).collect();
    let nodes: Vec<usize> =
        ring.iter().map(|e| *e as usize + offset_of!(vm_map_entry, tree_node)).collect();
    must(tree == nodes, "the tree is not the ring");
    let named = |entry: *mut vm_map_entry| entry == header || ring.contains(&entry);
    must(named(raw.hint), "hint is not an entry");
    must(named(raw.first_free), "first_free is not an entry");
    let mut last_end = 0;
    let (mut size, mut size_wired) = (0, 0);
    for &entry in &ring {
        // SAFETY: `entries` gives live entries alone.
        let entry = unsafe { &*entry };
        let length = entry.links.end.wrapping_sub(entry.links.start);
        must(entry.links.start < entry.links.end, "an entry is empty");
        must(last_end <= entry.links.start, "entries overlap");
        must(entry.in_transition() == 0, "an entry stays in transition");
        must(entry.wired_count <= 2, "a wired_count is above 2");
        last_end = entry.links.end;
        size += length;
        if entry.wired_count != 0 {
            size_wired += length;
        }
    }
    must(size == raw.size, "size is not the sum of the entries");
    must(size_wired == raw.size_wired, "size_wired is not the sum of the wired entries");
    must(gaps_are_right(raw, &ring), "the gaps are not those between the entries");
    let lock = &raw.lock;
    must(
        lock.read_count() == 0
            && lock.want_write() == 0
            && lock.want_upgrade() == 0
            && lock.recursion_depth() == 0
            && lock.thread == super::map::NO_THREAD,
        "a lock is held at rest",
    );
}

/// Whether each entry knows the gap behind it, and the tree of gaps has each that is not empty
/// once: one of a size as a node, the others of that size on its list.
fn gaps_are_right(raw: &vm_map, ring: &[*mut vm_map_entry]) -> bool {
    let mut due = Vec::new();
    for (at, &entry) in ring.iter().enumerate() {
        // SAFETY: `entries` gives live entries alone.
        let limit =
            ring.get(at + 1).map_or(raw.hdr.links.end, |next| unsafe { (**next).links.start });
        // SAFETY: as above.
        let (end, size) = unsafe { ((*entry).links.end, (*entry).gap_size) };
        if size != limit.wrapping_sub(end) {
            return false;
        }
        if size != 0 {
            due.push(entry);
        }
    }
    let mut found = Vec::new();
    let mut last_size = 0;
    for node in tree::in_order(&raw.hdr.gap_tree) {
        let entry =
            node.wrapping_byte_sub(offset_of!(vm_map_entry, gap_node)).cast::<vm_map_entry>();
        if !due.contains(&entry) {
            return false;
        }
        // SAFETY: it is one of the entries.
        let (size, head) = unsafe { ((*entry).gap_size, &raw const (*entry).gap_list) };
        if size <= last_size {
            return false;
        }
        last_size = size;
        found.push(entry);
        // SAFETY: as above.
        let mut link = unsafe { (*head).next };
        while !std::ptr::eq(link, head) && found.len() <= due.len() {
            let entry = link.wrapping_byte_sub(offset_of!(vm_map_entry, gap_list)).cast();
            // SAFETY: where it is one of the entries, it is live.
            if !due.contains(&entry) || unsafe { (*entry).gap_size } != size {
                return false;
            }
            found.push(entry);
            // SAFETY: part of a live entry.
            link = unsafe { (*link).next };
        }
    }
    due.sort();
    found.sort();
    due == found
}

/// Each page is wired once for each wired entry that shows it.
fn check_wirings(k: &Kernel, broken: &mut Vec<&'static str>) {
    let mut due = vec![0; k.pages.len()];
    for map in &k.maps {
        for entry in entries(&map.raw) {
            // SAFETY: `entries` gives live entries alone.
            let entry = unsafe { &*entry };
            if entry.wired_count == 0 {
                continue;
            }
            // SAFETY: no scenario has submaps, so this is what the union holds.
            let Some(object) = k.object_at(unsafe { entry.object.vm_object }) else {
                broken.push("a wired entry has no object");
                continue;
            };
            let pages = (entry.links.end - entry.links.start) as usize / PAGE;
            for index in entry.offset as usize / PAGE..entry.offset as usize / PAGE + pages {
                match k.seen_at(object, index) {
                    Some(page) => due[page] += 1,
                    None => broken.push("a wired entry has a page that is not there"),
                }
            }
            if entry.needs_copy() != 0 && entry.protection & WRITE != 0 {
                broken.push("the next store would replace a wired page");
            }
        }
    }
    for (page, due) in k.pages.iter().zip(due).filter(|(page, _)| !page.freed) {
        match page.wire_count.cmp(&due) {
            std::cmp::Ordering::Greater => broken.push("a page is wired more often than it is due"),
            std::cmp::Ordering::Less => broken.push("a page of a wired entry is not wired"),
            std::cmp::Ordering::Equal => {}
        }
    }
}

/// A wired page is in the pmap, and may be used in all ways that its entry allows.
#[cfg(feature = "sound")]
fn check_access(k: &Kernel, broken: &mut Vec<&'static str>) {
    for map in &k.maps {
        for entry in entries(&map.raw) {
            // SAFETY: `entries` gives live entries alone.
            let entry = unsafe { &*entry };
            let pages = entry.links.start as usize / PAGE..entry.links.end as usize / PAGE;
            for page in pages.filter(|_| entry.wired_count != 0) {
                match map.mapped.get(&page) {
                    None => broken.push("a wired page is not mapped"),
                    Some(mapped) if entry.protection & WRITE != 0 && !mapped.writable => {
                        broken.push("a store to a wired page would fault");
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
