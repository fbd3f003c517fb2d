// SPDX-License-Identifier: GPL-2.0-or-later
//! Where everything is that the oracle reads and writes itself: members of the
//! kernel's structures, its functions, and what stands first in the arena.

use anyhow::{Context, Result};
use kit::dwarf::Place;

use crate::kernel::Kernel;
use crate::low;

/// What a field is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Map,
    Entry,
    Object,
    Page,
    Task,
    Thread,
}

macro_rules! fields {
    ($($owner:ident $structure:literal { $($field:ident = $member:literal,)* })*) => {
        /// A member of a structure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field { $($($field,)*)* }

        const FIELDS: &[(Field, Owner, &str, &str)] =
            &[$($((Field::$field, Owner::$owner, $structure, $member),)*)*];
    };
}

fields! {
    Map "vm_map" {
        LockThread = "lock.thread",
        ReadCount = "lock.read_count",
        WantUpgrade = "lock.want_upgrade",
        WantWrite = "lock.want_write",
        Waiting = "lock.waiting",
        RecursionDepth = "lock.recursion_depth",
        First = "hdr.links.next",
        Last = "hdr.links.prev",
        Min = "hdr.links.start",
        Max = "hdr.links.end",
        TreeRoot = "hdr.tree.root",
        GapRoot = "hdr.gap_tree.root",
        Entries = "hdr.nentries",
        Pmap = "pmap",
        Size = "size",
        SizeWired = "size_wired",
        Hint = "hint",
        FirstFree = "first_free",
        Timestamp = "timestamp",
        MapReferences = "ref_count",
        WaitForSpace = "wait_for_space",
        WiringRequired = "wiring_required",
    }
    Entry "vm_map_entry" {
        Prev = "links.prev",
        Next = "links.next",
        Start = "links.start",
        End = "links.end",
        GapSize = "gap_size",
        EntryObject = "object.vm_object",
        Offset = "offset",
        InGapTree = "in_gap_tree",
        IsShared = "is_shared",
        IsSubMap = "is_sub_map",
        InTransition = "in_transition",
        NeedsWakeup = "needs_wakeup",
        NeedsCopy = "needs_copy",
        Protection = "protection",
        MaxProtection = "max_protection",
        Inheritance = "inheritance",
        WiredCount = "wired_count",
        WiredAccess = "wired_access",
        ProjectedOn = "projected_on",
    }
    Object "vm_object" {
        ObjectSize = "size",
        Resident = "resident_page_count",
        RefCount = "ref_count",
        Copy = "copy",
        Shadow = "shadow",
        ShadowOffset = "shadow_offset",
        Pager = "pager",
        PagerCreated = "pager_created",
        UsedForPageout = "used_for_pageout",
        PagingInProgress = "paging_in_progress",
        Internal = "internal",
        AbsentCount = "absent_count",
    }
    Page "vm_page" {
        PageWireCount = "wire_count",
        PageBusy = "busy",
        PageObject = "object",
        PhysicalAddress = "phys_addr",
    }
    Task "task" {
        Faults = "faults",
    }
    Thread "thread" {
        Privilege = "vm_privilege",
        CurrentTask = "task",
    }
}

impl Field {
    pub(crate) fn owner(self) -> Owner {
        FIELDS[self as usize].1
    }

    /// As the kernel's source has it.
    pub fn name(self) -> &'static str {
        FIELDS[self as usize].3
    }
}

/// A member as it is read: so many bytes on, a word, and of that these bits.
#[derive(Clone, Copy, Default)]
struct Word {
    offset: u32,
    shift: u32,
    mask: u32,
    /// Of 64 bits: an address or a size of 64-bit code.
    wide: bool,
}

pub struct Layout {
    places: Vec<Place>,
    words: [Word; FIELDS.len()],
    pub percpu: u32,
    /// Where the current thread is found.
    pub active_thread: u32,
    pub kernel_pmap: u32,
    pub entry_cache: u32,
    pub thread: u32,
    pub other_thread: u32,
    pub user_pmap: u32,
    pub map: u32,
    /// What follows in the arena.
    pub free: u32,
    pub map_size: u32,
    /// Where a map has it, if it does.
    pub size_none: Option<u32>,
    pub header: u32,
    pub entry_size: u32,
    pub vm_object_size: u32,
    pub page_size: u32,
    pub tree_node: u32,
    gap_node: u32,
    gap_list: u32,
    /// The lock around the map's hint; UP kernels have no spin locks.
    pub hint_lock: Option<u32>,
    /// Where an object has its lock, and a map that of its reference count.
    pub object_lock: Option<u32>,
    pub map_ref_lock: Option<u32>,
    pub vm_map_lock: u32,
    pub vm_map_unlock: u32,
}

/// Bytes kept for a pmap: nothing here looks into one.
const PMAP_SIZE: u32 = 64;

impl Layout {
    pub fn read(kernel: &Kernel) -> Result<Self> {
        let structs = &kernel.structs;
        let mut places = Vec::new();
        let mut words = [Word::default(); FIELDS.len()];
        for (word, (_, _, structure, member)) in words.iter_mut().zip(FIELDS) {
            let place = structs.place(structure, member)?;
            let offset = place.bit / 32 * 4;
            *word = Word {
                offset,
                shift: place.bit % 32,
                mask: mask(place.bits),
                wide: place.bits > 32,
            };
            places.push(place);
        }
        let size = |name: &str| structs.size(name).with_context(|| format!("no struct {name}"));
        let percpu = kernel.symbol("percpu_array")?.address;
        let lock = |structure: &str, member: &str| -> Result<Option<u32>> {
            let place = structs.place(structure, member)?;
            Ok((place.bits != 0).then_some(place.byte()))
        };
        let align = |size: u32| (size + 15) & !15;
        let thread = low::ARENA;
        let other_thread = thread + align(size("thread")?);
        let user_pmap = other_thread + align(size("thread")?);
        let map = user_pmap + PMAP_SIZE;
        let map_size = size("vm_map")?;
        Ok(Layout {
            places,
            words,
            percpu,
            active_thread: percpu + structs.place("percpu", "active_thread")?.byte(),
            kernel_pmap: kernel.symbol("kernel_pmap")?.address,
            entry_cache: kernel.symbol("vm_map_entry_cache")?.address,
            thread,
            other_thread,
            user_pmap,
            map,
            // Who takes the header for an entry finds zeros behind the map.
            free: map + align(map_size + size("vm_map_entry")?),
            map_size,
            size_none: structs.find("vm_map", "size_none").map(|place| place.byte()),
            header: map + structs.place("vm_map", "hdr")?.byte(),
            entry_size: size("vm_map_entry")?,
            vm_object_size: size("vm_object")?,
            page_size: size("vm_page")?,
            tree_node: structs.place("vm_map_entry", "tree_node")?.byte(),
            gap_node: structs.place("vm_map_entry", "gap_node")?.byte(),
            hint_lock: lock("vm_map", "hint_lock")?.map(|offset| map + offset),
            object_lock: lock("vm_object", "Lock")?,
            map_ref_lock: lock("vm_map", "ref_lock")?,
            gap_list: structs.place("vm_map_entry", "gap_list")?.byte(),
            vm_map_lock: kernel.symbol("vm_map_lock")?.address,
            vm_map_unlock: kernel.symbol("vm_map_unlock")?.address,
        })
    }

    pub fn place(&self, field: Field) -> Place {
        self.places[field as usize]
    }

    #[inline]
    pub fn get(&self, base: u32, field: Field) -> u32 {
        let Word { offset, shift, mask, .. } = self.words[field as usize];
        low::read32(base + offset) >> shift & mask
    }

    #[inline]
    pub fn set(&self, base: u32, field: Field, value: u32) {
        let Word { offset, shift, mask, wide } = self.words[field as usize];
        let at = base + offset;
        if wide {
            low::write_word(at, value);
            return;
        }
        let mask = mask << shift;
        low::write32(at, low::read32(at) & !mask | value << shift & mask);
    }

    /// The word of a field that is aligned to one, and its bits there.
    pub(crate) fn word_of(&self, base: u32, field: Field) -> (u32, u32) {
        let Word { offset, shift, mask, .. } = self.words[field as usize];
        (base + offset, mask << shift)
    }

    /// Bytes of the objects in a slab cache.
    pub(crate) fn object_size(&self, cache: u32) -> u32 {
        if cache == self.entry_cache {
            self.entry_size
        } else {
            self.vm_object_size
        }
    }

    /// The entry at a place in the ring, counted from the first and around; none
    /// if there is none or the ring is broken.
    #[inline]
    pub(crate) fn entry_at(&self, slot: u32) -> Option<u32> {
        let mut count = 0;
        for entry in self.ring() {
            if count == slot {
                return Some(entry);
            }
            count += 1;
        }
        self.ring().nth(slot.checked_rem(count)? as usize)
    }

    /// The entries of the map, in order; ends where the ring leaves the arena.
    #[inline]
    pub fn ring(&self) -> impl Iterator<Item = u32> + '_ {
        const MOST: usize = 400;
        let mut at = self.get(self.map, Field::First);
        std::iter::from_fn(move || {
            let entry = at;
            if entry == self.header || !self.may_be_entry(entry) {
                return None;
            }
            at = self.get(entry, Field::Next);
            Some(entry)
        })
        .take(MOST)
    }

    #[inline]
    pub(crate) fn may_be_entry(&self, address: u32) -> bool {
        address.wrapping_sub(low::ARENA) < low::ARENA_SIZE - self.entry_size
    }

    /// Takes back of an entry's wiring what no kernel leaves; returns the bytes that are
    /// wired.
    pub(crate) fn be_likely(&self, entry: u32) -> u32 {
        use Field::*;
        let get = |field| self.get(entry, field);
        if get(IsSubMap) != 0 {
            self.set(entry, NeedsCopy, 0);
            self.set(entry, WiredCount, 0);
        }
        if get(EntryObject) == 0 || get(Protection) == 0 || get(ProjectedOn) != 0 {
            self.set(entry, WiredCount, 0);
        }
        if get(WiredCount) == 0 {
            return 0;
        }
        self.set(entry, WiredCount, get(WiredCount).min(2));
        if get(Protection) & 2 != 0 {
            self.set(entry, NeedsCopy, 0);
        }
        get(End) - get(Start)
    }

    /// Makes `entry`, unused memory, an entry whose gap node is the gap tree's root
    /// with the real tree at its right, and an empty gap list.
    pub(crate) fn forge_gap_root(&self, entry: u32, gap: u32) {
        let right_child = 2 * low::word_size();
        let root = self.get(self.map, Field::GapRoot);
        let list = entry + self.gap_list;
        low::write_word(list, list);
        low::write_word(list + low::word_size(), list);
        self.set(entry, Field::GapSize, gap);
        low::write_word(entry + self.gap_node + right_child, root);
        self.set(self.map, Field::GapRoot, entry + self.gap_node);
    }

    /// The entry whose gap node is at the root of the gap tree.
    pub(crate) fn gap_root_entry(&self) -> Option<u32> {
        match self.get(self.map, Field::GapRoot) {
            0 => None,
            node => Some(node - self.gap_node),
        }
    }

    /// The first entry that hangs on an entry's gap list.
    pub(crate) fn first_of_gap_list(&self, entry: u32) -> Option<u32> {
        let head = entry + self.gap_list;
        let next = low::read32(head + low::word_size());
        (next != head && self.may_be_entry(next)).then(|| next - self.gap_list)
    }

    /// Sums up the map, every entry or object that is an argument, and the
    /// thread's privilege: what a callee may look at.
    #[inline]
    pub(crate) fn fingerprint(&self, arguments: &[u64]) -> u64 {
        let mut hash = mix(0, u64::from(self.get(self.thread, Field::Privilege)));
        hash = digest(hash, low::bytes(self.map, self.map_size));
        for &argument in arguments {
            let Ok(argument) = u32::try_from(argument) else { continue };
            if argument != self.map && self.may_be_entry(argument) {
                hash = digest(hash, low::bytes(argument, self.entry_size));
            }
        }
        hash
    }

    /// Sums up everything in the arena.
    pub(crate) fn digest_arena(&self, end: u32) -> u64 {
        digest(0, low::bytes(low::ARENA, end - low::ARENA))
    }
}

fn mask(bits: u32) -> u32 {
    if bits >= 32 {
        u32::MAX
    } else {
        (1 << bits) - 1
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    product as u64 ^ (product >> 64) as u64
}

/// Of whole words; the structures here consist of such. In four sums, so that one need not
/// wait for another.
fn digest(hash: u64, bytes: &[u8]) -> u64 {
    let mut sums = [hash, 1, 2, 3];
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let mut blocks = bytes.chunks_exact(32);
    for block in &mut blocks {
        for (sum, bytes) in sums.iter_mut().zip(block.chunks_exact(8)) {
            *sum = mix(*sum, word(bytes));
        }
    }
    let mut words = blocks.remainder().chunks_exact(8);
    for (sum, bytes) in sums.iter_mut().zip(&mut words) {
        *sum = mix(*sum, word(bytes));
    }
    if let Ok(rest) = words.remainder().try_into() {
        sums[3] = mix(sums[3], u64::from(u32::from_le_bytes(rest)));
    }
    sums.into_iter().fold(0, mix)
}
