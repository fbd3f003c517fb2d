// SPDX-License-Identifier: GPL-2.0-or-later
//! What a case is: a map to build, what to change in it, what to call.
//!
//! All of it is plain data, so that a failing case can be printed and made
//! smaller.

use crate::callers::{Caller, MOST_ARGUMENTS};
use crate::interference::Interference;
use crate::layout::Field;

/// How a map is built, with the kernel's own functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    pub kernel_pmap: bool,
    pub objects: Vec<NewObject>,
    pub entries: Vec<NewEntry>,
    /// Free pages behind the last entry.
    pub room: u32,
    pub changes: Vec<Change>,
}

/// An object that entries may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewObject {
    pub pages: u32,
    /// Whether vm_object_shadow puts another in front of it.
    pub shadowed: bool,
}

/// A call of vm_map_enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Free pages before it.
    pub gap: u32,
    pub pages: u32,
    /// 0: no object; else one of the objects.
    pub object: u32,
    pub offset: u32,
    pub needs_copy: bool,
    /// Protection, most protection, inheritance.
    pub attributes: [u32; 3],
}

/// A call that changes the map further. Pages count from the map's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Protect { page: u32, pages: u32, protection: u32 },
    Inherit { page: u32, pages: u32, inheritance: u32 },
}

/// A value written into a structure, which no function of the kernel made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poke {
    /// `slot`: which entry or object; for a map or thread it means nothing.
    Set { field: Field, slot: u8, value: u32 },
    /// An entry's object: 0 for none, else one of the objects.
    Object { slot: u8, object: u8 },
    /// Another object of an object: 0 for none, else one of the objects.
    Link { field: Field, slot: u8, object: u8 },
    /// Only these two entries keep the object; others that have it have none.
    Unshare { object: u8, keep: [u8; 2] },
    /// Every object's reference count is what the entries and shadows make it;
    /// one of the objects has `extra` more.
    Account { object: u8, extra: u8 },
    /// The entry's offset goes on where the one before it ends.
    Continue { slot: u8 },
    /// `hint` or `first_free`.
    Point { field: Field, to: u8 },
    /// Another entry is the other mapping of a projected buffer.
    Project { slot: u8 },
    /// There is no current thread, as before the first one.
    NoThread,
    /// The map's lock is recursive for the current thread already.
    OwnLock,
    /// A node with this gap size, at a misaligned address, is the gap tree's root,
    /// and the real tree is its right child.
    ForgeGapRoot { gap: u32 },
    /// The header's start is the last entry's end, or its end the first's start, as
    /// if it were an entry that touches them; it touches itself in an empty map.
    Meet { last: bool },
    /// Another CPU holds the hint's spin lock, and lets it go after a while.
    HoldHint,
    /// Another CPU takes a spin lock when so many calls were made, and lets it go after a
    /// while.
    Hold { lock: Lock, calls: u8 },
    /// The map's tree of entries is empty, though its ring is not.
    NoTree,
    /// An entry ends (or begins) beyond its neighbours.
    Overlap { slot: u8, ends: bool },
    /// The entry is one of a submap.
    SubMap { slot: u8 },
    /// The same, but there is no map.
    NoSubMap { slot: u8 },
    /// Two entries name each other as the mappings of a projected buffer.
    ProjectBack { slot: u8 },
    /// One of the objects is the kernel's own.
    KernelObject { object: u8 },
    /// The map is the kernel's own.
    KernelMap,
    /// The kernel's virtual memory is that many pages, from one of those that maps begin
    /// with.
    Virtual { from: u32, pages: u32 },
    /// There is no memory for entries, after some.
    NoMemory { after: u8 },
    /// What no kernel leaves of wirings is put right, and `size_wired` is the sum and so
    /// many pages less.
    BeLikely { missing: u32 },
    /// These pages, by number modulo 32, nobody has brought in.
    Absent { pages: u32 },
    /// Of these pages of the map, by number modulo 32, the pmap has those that are there; and
    /// has these of them to be stored to.
    Mapped { pages: u32, stored: u32 },
    /// So much memory is free that what nobody has touched needs no fault.
    Plenty,
    /// A page of an entry cannot be brought in.
    Failing { slot: u8, page: u32 },
    /// gap_size or in_gap_tree of the first on the gap list at the root of the gap
    /// tree, unless that is the entry at `but`.
    SpoilGapList { field: Field, value: u32, but: u8 },
}

/// A spin lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Hint,
    /// Of the object that the entry maps, or of its submap.
    OfEntry(u8),
}

/// A slot that means the map's header.
pub const HEADER: u8 = 255;

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// That many bytes behind the end (or start) of an entry.
    Entry {
        slot: u8,
        from_end: bool,
        bytes: i32,
    },
    At(u32),
}

/// A call of one of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// From an entry to `pages` behind the end (or start) of another.
    Scan {
        slot: u8,
        until: u8,
        from_end: bool,
        pages: i8,
    },
    Coalesce {
        slot: u8,
    },
    /// One of their callers, with what it takes of this.
    Caller {
        caller: Caller,
        start: Place,
        end: Place,
        value: u32,
        flags: [bool; 2],
    },
    /// One of them as a given state has it: addresses of its own.
    Exact {
        scan: bool,
        entry: u32,
        end: u32,
    },
    /// One of their callers, likewise.
    Given {
        caller: Caller,
        arguments: [u32; MOST_ARGUMENTS],
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub pokes: Vec<Poke>,
    pub ops: Vec<Op>,
    pub acts: Vec<Interference>,
}

impl Case {
    pub(crate) fn clear(&mut self) {
        self.pokes.clear();
        self.ops.clear();
        self.acts.clear();
    }
}
