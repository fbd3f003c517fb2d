// SPDX-License-Identifier: GPL-2.0-or-later
//! A range of a map in which pages must be faulted in, and the walks over it.

use core::ptr::{addr_of_mut, NonNull};

use super::{Given, InTransition, LockState, Map, MayFault, ReadLocked, WriteLocked};
use crate::bindings::{self, vm_map_entry};
use crate::entry::Entry;

/// The entries of a map from one of them up to an address in bytes.
pub struct Range {
    pub(crate) start: Given,
    pub(crate) end: usize,
}

impl Range {
    /// The first entry, for a walk after the first one.
    ///
    /// Comes from memory each time. A walk needs its entry, the map, the header
    /// and the end in registers that calls preserve, and i386 has just four.
    fn start_again(&self) -> Given {
        // SAFETY: what a reference refers to can be read.
        unsafe { (&raw const self.start).read_volatile() }
    }
}

/// What the first walk over a range has left to do.
pub enum Faults<'r> {
    /// Nothing: no page must be faulted in. The lock is held for writing.
    None,
    /// Faults in a map of `kernel_pmap`.
    InKernelMap(KernelMap<'r>),
    /// Faults in a map of any other pmap.
    InUserMap(UserMap<'r>),
}

/// A map of the kernel's pmap (the kernel map or a submap of it), locked for
/// writing. Faulting takes kernel memory, so its lock must be let go first.
pub struct KernelMap<'r> {
    wiring: Wiring<'r, WriteLocked>,
    /// Where the first walk stopped: at the header, or at the first entry that
    /// begins at the range's end or above.
    stop: NonNull<vm_map_entry>,
}

/// A map of any other pmap, locked for writing.
pub struct UserMap<'r>(Wiring<'r, WriteLocked>);

/// A map and a range of it in which pages must be faulted in.
///
/// # Invariants
/// The range has an entry that begins below its end: `range.start` is not the
/// header.
pub struct Wiring<'r, S> {
    pub(super) map: Map<S>,
    pub(super) range: &'r Range,
}

impl Map<WriteLocked> {
    /// Visits the entries of `range` that begin below its end, in order: first
    /// `update`, and then `begin` if that returned true, for an entry with pages
    /// to fault in.
    pub fn prepare_faults<'r>(
        self,
        range: &'r Range,
        update: impl Fn(&Self, Entry<'_, WriteLocked>) -> bool,
        begin: impl Fn(&Self, Entry<'_, WriteLocked>),
    ) -> Faults<'r> {
        let begins_within =
            |entry: Entry<'_, _>| !self.is_header(entry) && entry.start() < range.end;
        // Two loops, and where the first one is left tells whether there are
        // faults: most scans have none, and need neither a flag nor the second.
        let mut entry = self.given(range.start);
        loop {
            if !begins_within(entry) {
                return Faults::None;
            }
            if update(&self, entry) {
                break;
            }
            entry = entry.next();
        }
        begin(&self, entry);
        entry = entry.next();
        while begins_within(entry) {
            if update(&self, entry) {
                begin(&self, entry);
            }
            entry = entry.next();
        }

        let stop = entry.as_non_null();
        let in_kernel_map = self.has_kernel_pmap();
        let wiring = Wiring { map: self, range };
        if in_kernel_map {
            Faults::InKernelMap(KernelMap { wiring, stop })
        } else {
            Faults::InUserMap(UserMap(wiring))
        }
    }
}

impl<S> Wiring<'_, S> {
    /// The first entry of the range.
    pub(super) fn first(&self) -> Entry<'_, S> {
        self.map.given(self.range.start_again())
    }
}

impl<S: LockState> Wiring<'_, S> {
    /// Visits the entries from `range.start` that end at or before `range.end`:
    /// one that crosses it is left alone, as upstream does, though it counts as
    /// wired.
    pub(super) fn each_entry_within(&self, mut visit: impl FnMut(Entry<'_, S>)) {
        let mut entry = self.first();
        while entry.end() <= self.range.end {
            visit(entry);
            entry = entry.next();
            if self.map.is_header(entry) {
                break;
            }
        }
    }
}

impl<S: MayFault> Wiring<'_, S> {
    /// Pass 2: faults in the entries of the range that the scan has just begun
    /// to wire, which are those with `wired_count` 1.
    pub fn wire_faults(&self) {
        self.each_entry_within(|entry| {
            if entry.wired_count() == 1 {
                self.map.fault_wire(entry);
            }
        });
    }
}

impl<'r> KernelMap<'r> {
    /// Marks the entries within the range in transition, so that none of them
    /// is merged, extended or freed while the map is unlocked.
    pub fn mark(self) -> InTransition<'r, WriteLocked> {
        // SAFETY: the map has been locked for writing since the first walk.
        let stop = unsafe { Given::new(self.stop) };
        InTransition::mark(self.wiring, stop)
    }
}

impl<'r> UserMap<'r> {
    /// Keeps others out as writers, and lets faults read: set_recursive, then
    /// write_to_read, which wakes who waits to read.
    pub fn downgrade(self) -> Wiring<'r, ReadLocked> {
        let Wiring { map, range } = self.0;
        // SAFETY: the current thread holds this lock for writing, and then, set
        // recursive, for reading.
        unsafe {
            let lock = addr_of_mut!((*map.map.as_ptr()).lock);
            bindings::lock_set_recursive(lock);
            bindings::lock_write_to_read(lock);
        }
        Wiring { map: map.into_state(), range }
    }
}

impl Wiring<'_, ReadLocked> {
    /// Ends the recursion; the lock stays held for reading.
    pub fn clear_recursive(self) {
        // SAFETY: `downgrade` made this thread's lock recursive.
        unsafe { bindings::lock_clear_recursive(addr_of_mut!((*self.map.map.as_ptr()).lock)) }
    }
}
