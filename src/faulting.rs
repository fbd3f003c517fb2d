// SPDX-License-Identifier: GPL-2.0-or-later
//! A range in which pages must be faulted in, and how the lock is held
//! meanwhile.
//!
//! Which pmap a map has decides. A map of the kernel's pmap is unlocked, with the
//! range marked in transition: mark, unlock, fault, lock, unmark. Any other is
//! locked for reading: downgrade, fault, end the recursion. No step can be left
//! out or take another's place, as each has a type of its own, and the way back
//! to a [`Held`](crate::map::Held) lock leads through all of them:
//!
//! ```compile_fail,E0599
//! use gnumach_vm_map::{faulting::KernelRange, lock::WriteLocked, map::Held};
//! fn never_unmarks(range: KernelRange<'_>) -> Held<WriteLocked> {
//!     range.mark(|entry| entry.mark()).do_unlocked(|_| {}).held()
//! }
//! ```
//! ```
//! use gnumach_vm_map::{faulting::KernelRange, lock::WriteLocked, map::Held};
//! fn unmarks(range: KernelRange<'_>) -> Held<WriteLocked> {
//!     range.mark(|entry| entry.mark()).do_unlocked(|_| {}).unmark(|entry| entry.unmark()).held()
//! }
//! ```

use core::ptr::addr_of_mut;

use crate::bindings::{self, lock};
use crate::entry::Entry;
use crate::lock::{ReadLocked, ReadRecursive, Unlocked, WriteLocked};
use crate::map::Map;
use crate::mark::Marked;
use crate::range::MapRange;
use crate::walk::Passed;

/// A range to fault in, by the map's pmap.
#[must_use = "the claim on the map is in it"]
pub enum Faulting<'r> {
    /// In the kernel map or a submap of it.
    InKernelMap(KernelRange<'r>),
    /// In a map of any other pmap.
    InUserMap(UserRange<'r>),
}

impl<'r> Passed<'r> {
    /// The range that was walked, to be faulted in.
    pub fn faulting(self) -> Faulting<'r> {
        if self.map().has_kernel_pmap() {
            Faulting::InKernelMap(KernelRange(self))
        } else {
            Faulting::InUserMap(UserRange(self.into_range()))
        }
    }
}

/// A range of a map of the kernel's pmap, locked for writing. Faulting takes
/// kernel memory, so the lock must be let go first.
#[must_use = "the claim on the map is in it"]
pub struct KernelRange<'r>(Passed<'r>);

/// A range of a kernel map, marked in transition. Locked for writing.
///
/// # Invariants
/// This thread marked every entry of the range that ends within it.
#[must_use = "the range stays marked"]
pub struct InTransition<'r>(MapRange<'r, WriteLocked>);

impl<'r> KernelRange<'r> {
    /// Marks every entry that ends within the range, those that need no fault
    /// included: the walk through the range follows their links too. `begin` does
    /// it for one.
    ///
    /// Goes by the links from the first one on, as the walks that follow do, and nowhere
    /// else: `vm_map_protect` may have freed that entry before it called (docs/upstream.md,
    /// protect-freed-entry). What lies before the end of the range does not lead to it then.
    pub fn mark(
        self,
        begin: impl for<'m> Fn(Entry<'m, WriteLocked>) -> Marked<'m>,
    ) -> InTransition<'r> {
        let range = self.0.into_range();
        range.each_within(|entry| {
            let _marked = begin(entry);
        });
        // INVARIANT: `begin` has no `Marked` to return but that of its entry.
        InTransition(range)
    }
}

impl<'r> InTransition<'r> {
    /// Runs `work` with the map unlocked, and locks it again: nothing of the
    /// unlocked map outlives the work.
    ///
    /// ```compile_fail,E0521
    /// use gnumach_vm_map::faulting::InTransition;
    /// fn keeps_it_unlocked(range: InTransition<'_>) -> InTransition<'_> {
    ///     let mut kept = None;
    ///     range.do_unlocked(|unlocked| kept = Some(unlocked))
    /// }
    /// ```
    /// ```
    /// use gnumach_vm_map::faulting::InTransition;
    /// fn lets_it_go(range: InTransition<'_>) -> InTransition<'_> {
    ///     let mut counts = 0;
    ///     range.do_unlocked(|unlocked| unlocked.each_within(|entry| counts += entry.wired_count()))
    /// }
    /// ```
    ///
    /// `vm_map_unlock` ends the thread's VM privilege; `vm_map_lock` gives it again
    /// and counts up the map's timestamp.
    pub fn do_unlocked(self, work: impl FnOnce(&MapRange<'r, Unlocked>)) -> Self {
        let map = self.0.map().as_ptr();
        // SAFETY: the current thread holds the lock of this live map for writing.
        unsafe { bindings::vm_map_unlock(map) }
        // SAFETY: it has just let it go, and the range is marked.
        let range = unsafe { self.0.into_state() };
        work(&range);
        // SAFETY: the current thread does not hold the lock; the map is live.
        unsafe { bindings::vm_map_lock(map) }
        // SAFETY: now it does, for writing.
        InTransition(unsafe { range.into_state() })
    }

    /// Takes the marks off again; `end` does it for one entry. Nobody is woken:
    /// nobody may have waited.
    pub fn unmark(
        self,
        end: impl for<'m> Fn(Marked<'m>) -> Entry<'m, WriteLocked>,
    ) -> Map<WriteLocked> {
        self.0.each_within(|entry| {
            // SAFETY: `mark` marked it, if others left the range alone.
            let marked = unsafe { Marked::of(entry) };
            end(marked);
        });
        self.0.into_map()
    }
}

/// A range of a map of any other pmap, locked for writing.
#[must_use = "the claim on the map is in it"]
pub struct UserRange<'r>(MapRange<'r, WriteLocked>);

impl<'r> UserRange<'r> {
    /// Runs `work` with the map locked for reading, recursively: keeps others out
    /// as writers, and lets faults read. The lock stays held for reading.
    ///
    /// `lock_set_recursive`, then `lock_write_to_read`, which wakes who waits to
    /// read; `lock_clear_recursive` after the work.
    ///
    /// ```compile_fail,E0308
    /// use gnumach_vm_map::{faulting::UserRange, lock::{ReadLocked, ReadRecursive}, map::Held};
    /// fn stays_recursive(range: UserRange<'_>) -> Held<ReadRecursive> {
    ///     range.do_downgraded(|_| {}).held()
    /// }
    /// ```
    /// ```
    /// use gnumach_vm_map::{faulting::UserRange, lock::{ReadLocked, ReadRecursive}, map::Held};
    /// fn ends_the_recursion(range: UserRange<'_>) -> Held<ReadLocked> {
    ///     range.do_downgraded(|_| {}).held()
    /// }
    /// ```
    pub fn do_downgraded(self, work: impl FnOnce(&MapRange<'r, ReadRecursive>)) -> Map<ReadLocked> {
        // SAFETY: the address lies inside a live map.
        let lock: *mut lock = unsafe { addr_of_mut!((*self.0.map().as_ptr()).lock) };
        // SAFETY: the current thread holds this lock for writing.
        unsafe { bindings::lock_set_recursive(lock) }
        // SAFETY: it still does.
        unsafe { bindings::lock_write_to_read(lock) }
        // SAFETY: so it holds it for reading now, recursively.
        let range = unsafe { self.0.into_state() };
        work(&range);
        // SAFETY: it is the thread for which the lock is recursive.
        unsafe { bindings::lock_clear_recursive(lock) }
        // SAFETY: which leaves it held for reading.
        unsafe { range.into_map().into_state() }
    }
}
