// SPDX-License-Identifier: GPL-2.0-or-later
//! A map's ring, trees, gaps and hints, as the callers of the two functions keep
//! them.

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::ptr::{addr_of_mut, null_mut};

use super::tree::rbtree_insert_rebalance;
use super::{me, with, Kernel, PAGE};
use crate::bindings::{list, pmap, rbtree, rbtree_node, thread, vm_map, vm_map_entry};

/// A page in a pmap.
pub struct Mapped {
    pub page: usize,
    /// It may be stored to.
    pub writable: bool,
}

pub struct Map {
    pub raw: vm_map,
    /// What its pmap has: pages, by the number of the page in the map.
    pub mapped: BTreeMap<usize, Mapped>,
    /// The last reference is gone, and all that was in it.
    pub gone: bool,
    pub name: &'static str,
}

/// What a lock names when it names no thread.
pub const NO_THREAD: *mut thread = std::ptr::without_provenance_mut(usize::MAX);
const KERNEL_PMAP: *mut pmap = std::ptr::without_provenance_mut(0x100);
const USER_PMAP: *mut pmap = std::ptr::without_provenance_mut(0x200);
const LIMIT: u64 = 64 * PAGE as u64;

#[no_mangle]
static mut kernel_pmap: *mut pmap = KERNEL_PMAP;

impl Kernel {
    /// Adds an empty map, of the kernel's pmap or of another.
    pub fn new_map(&mut self, name: &'static str, of_kernel: bool) -> usize {
        let mut map = Box::new(Map {
            // SAFETY: zero is a value for each of the structure's fields.
            raw: unsafe { std::mem::zeroed() },
            mapped: BTreeMap::new(),
            gone: false,
            name,
        });
        let header = addr_of_mut!(map.raw.hdr.links).cast::<vm_map_entry>();
        map.raw.hdr.links.prev = header;
        map.raw.hdr.links.next = header;
        map.raw.hdr.links.start = PAGE as u64;
        map.raw.hdr.links.end = LIMIT;
        map.raw.hint = header;
        map.raw.first_free = header;
        map.raw.pmap = if of_kernel { KERNEL_PMAP } else { USER_PMAP };
        map.raw.ref_count = 1;
        map.raw.lock.thread = NO_THREAD;
        map.raw.lock.set_can_sleep(1);
        self.maps.push(map);
        self.maps.len() - 1
    }

    /// What a pmap has, by the maps with it that this thread has locked: addresses are theirs.
    #[cfg(feature = "callers")]
    pub fn mapped_by(
        &mut self,
        pmap: *mut pmap,
    ) -> impl Iterator<Item = &mut BTreeMap<usize, Mapped>> {
        let holds = &self.threads[me()].holds;
        let is_held = |map: usize| holds.iter().any(|(held, _)| *held == map);
        self.maps
            .iter_mut()
            .enumerate()
            .filter(move |(number, map)| std::ptr::eq(map.raw.pmap, pmap) && is_held(*number))
            .map(|(_, map)| &mut map.mapped)
    }

    /// The map whose header lies at an address.
    pub fn map_of_header(&self, header: usize) -> Option<usize> {
        self.maps.iter().position(|map| &raw const map.raw.hdr as usize == header)
    }

    /// Where C finds a map.
    pub fn raw(&mut self, map: usize) -> *mut vm_map {
        &mut self.maps[map].raw
    }
}

/// Which map C speaks of.
pub fn index_of(raw: *mut vm_map) -> usize {
    let map = with(|k| k.maps.iter().position(|map| std::ptr::eq(&map.raw, raw)));
    let map = map.expect("the functions pass the map on that they got");
    if with(|k| k.maps[map].gone) {
        super::stop("uses a map that is gone");
    }
    map
}

pub fn raw(map: usize) -> *mut vm_map {
    with(|k| k.raw(map))
}

pub fn header(map: usize) -> *mut vm_map_entry {
    // SAFETY: the map is live; the header begins with the links of an entry.
    unsafe { addr_of_mut!((*raw(map)).hdr.links).cast() }
}

/// The entries of a map in the order of its ring.
pub fn entries(map: &vm_map) -> Vec<*mut vm_map_entry> {
    let header = (&raw const map.hdr.links).cast_mut().cast::<vm_map_entry>();
    let mut entries = Vec::new();
    let mut entry = map.hdr.links.next;
    while entry != header && entries.len() < 64 && super::slab::is_live(entry) {
        entries.push(entry);
        // SAFETY: a live entry.
        entry = unsafe { (*entry).links.next };
    }
    entries
}

/// Puts an entry into the ring behind `prev`, and into the tree.
pub fn link(map: usize, prev: *mut vm_map_entry, entry: *mut vm_map_entry) {
    // SAFETY: the caller holds the write lock, and all three are live.
    unsafe {
        let raw = raw(map);
        let next = (*prev).links.next;
        (*entry).links.prev = prev;
        (*entry).links.next = next;
        (*prev).links.next = entry;
        (*next).links.prev = entry;
        (*raw).hdr.nentries += 1;
        let key = (*entry).links.start;
        let node = addr_of_mut!((*entry).tree_node);
        insert(addr_of_mut!((*raw).hdr.tree), node, |other| {
            let other = other.byte_sub(offset_of!(vm_map_entry, tree_node)).cast::<vm_map_entry>();
            key < (*other).links.start
        });
    }
    rebuild_gaps(map);
}

/// Enters a node into a tree.
///
/// # Safety
/// Tree and nodes are parts of live structures.
unsafe fn insert(
    tree: *mut rbtree,
    node: *mut rbtree_node,
    is_left_of: impl Fn(*mut rbtree_node) -> bool,
) {
    let mut parent = null_mut();
    let mut side = 0;
    // SAFETY: the caller's.
    unsafe {
        let mut at = (*tree).root;
        while !at.is_null() {
            parent = at;
            side = usize::from(!is_left_of(at));
            at = (*at).children[side];
        }
    }
    rbtree_insert_rebalance(tree, parent, side as i32, node);
}

/// Computes every gap of a map anew.
pub fn rebuild_gaps(map: usize) {
    let raw = raw(map);
    // SAFETY: the caller holds the write lock, and the ring is well formed.
    unsafe {
        (*raw).hdr.gap_tree.root = null_mut();
        let mut of_size: Vec<(u64, *mut vm_map_entry)> = Vec::new();
        for entry in entries(&*raw) {
            let next = (*entry).links.next;
            // The header's limit stands where an entry has its start.
            let limit = if next == header(map) { LIMIT } else { (*next).links.start };
            let size = limit - (*entry).links.end;
            (*entry).gap_size = size;
            if size == 0 {
                continue;
            }
            let own = addr_of_mut!((*entry).gap_list);
            if let Some((_, holder)) = of_size.iter().find(|(other, _)| *other == size) {
                let head = addr_of_mut!((**holder).gap_list);
                let last = (*head).prev;
                own.write(list { prev: last, next: head });
                (*last).next = own;
                (*head).prev = own;
                (*entry).set_in_gap_tree(0);
            } else {
                of_size.push((size, entry));
                own.write(list { prev: own, next: own });
                (*entry).set_in_gap_tree(1);
                let node = addr_of_mut!((*entry).gap_node);
                insert(addr_of_mut!((*raw).hdr.gap_tree), node, |other| {
                    let other =
                        other.byte_sub(offset_of!(vm_map_entry, gap_node)).cast::<vm_map_entry>();
                    size < (*other).gap_size
                });
            }
        }
    }
}

/// `vm_map_lookup_entry`: the entry that holds an address, or, as an error, the
/// one before it.
pub fn lookup(map: usize, address: usize) -> Result<*mut vm_map_entry, *mut vm_map_entry> {
    let header = header(map);
    let address = address as u64;
    let raw = raw(map);
    // SAFETY: the caller holds the lock; a hint that is no live entry shows as an
    // access to a freed one.
    unsafe {
        let hint = (*raw).hint;
        if hint != header && address >= (*hint).links.start && address < (*hint).links.end {
            return Ok(hint);
        }
        let before = entries(&*raw).into_iter().take_while(|e| (**e).links.start <= address).last();
        let found = before.unwrap_or(header);
        (*raw).hint = found;
        if found != header && address < (*found).links.end {
            Ok(found)
        } else {
            Err(found)
        }
    }
}

/// The entry that holds an address, if one does.
pub fn entry_at(map: usize, address: usize) -> Option<*mut vm_map_entry> {
    lookup(map, address).ok()
}
