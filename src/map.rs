// SPDX-License-Identifier: GPL-2.0-or-later
//! The map, as a type per state of its lock.
//!
//! A [`Map<S>`] is the current thread's claim on a map whose lock is in state
//! `S`. Changing the lock consumes the claim and returns another, and entries
//! borrow from the claim they were reached through, so that nothing found under
//! one state can be used under the next:
//!
//! ```compile_fail,E0505
//! use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}, range::Range};
//! fn keeps_an_entry(map: Map<WriteLocked>, given: &Given, range: &Range) -> Option<u16> {
//!     let entry = map.entry(map.given(given));
//!     let _walk = map.walk(range);
//!     entry.map(|entry| entry.wired_count())
//! }
//! ```
//! ```
//! use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}, range::Range};
//! fn lets_it_go(map: Map<WriteLocked>, given: &Given, range: &Range) -> Option<u16> {
//!     let entry = map.entry(map.given(given));
//!     let count = entry.map(|entry| entry.wired_count());
//!     let _walk = map.walk(range);
//!     count
//! }
//! ```
//!
//! Nor can what was found before an entry left the map ([`unlink`](crate::unlink)).

use core::marker::PhantomData;
use core::ptr::{addr_of_mut, NonNull};

use crate::bindings::{self, vm_map, vm_map_entry};
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;

mod callees;
#[cfg(feature = "callers")]
mod callers;
mod hint_lock;
use hint_lock::HintLock;
#[cfg(feature = "callers")]
pub(crate) use hint_lock::ObjectLock;
#[cfg(feature = "sound")]
pub(crate) use hint_lock::QueueLock;

/// What C passed with its map to begin at: an entry, or the map's header.
///
/// Not `Copy`: who takes the entry out of the map consumes its name.
///
/// # Invariants
/// It is the map's header or an entry in its ring, for as long as this value is
/// there.
pub struct Given(NonNull<vm_map_entry>);

impl Given {
    /// # Safety
    /// The invariants of [`Given`]; and it meets no [`Map`] but the one that it
    /// was passed with.
    pub unsafe fn new(entry: NonNull<vm_map_entry>) -> Self {
        Given(entry)
    }

    /// As C has it; comes from memory each time.
    ///
    /// A walk needs its entry, the map, the header and the end in registers that
    /// calls preserve, and i386 has just four: not one for where it began.
    pub(crate) fn load(&self) -> NonNull<vm_map_entry> {
        // SAFETY: what a reference refers to can be read.
        unsafe { (&raw const self.0).read_volatile() }
    }
}

/// A map whose lock is in state `S`.
///
/// # Invariants
/// `map` is a live map, and its lock is in state `S`, by the current thread,
/// for as long as this value lives. There is no other claim on it in this thread,
/// and no entry of another map meets this one.
#[must_use = "the lock's state is in it: `held` says how the lock is left"]
pub struct Map<S> {
    map: NonNull<vm_map>,
    state: PhantomData<S>,
}

/// How a map's lock is left, for whoever made the claim.
///
/// Comes of nothing but a [`Map`] in that state.
#[must_use = "the lock is left as this says"]
pub struct Held<S>(PhantomData<S>);

impl<S> Held<S> {
    /// Gives the lock back to C, whose contract says how it is left.
    pub fn hand_back(self) {}
}

/// A claim that is lent to a function out of line. By value, as a reference would need
/// the claim to lie in memory.
///
/// # Invariants
/// For as long as `'m` the claim that it is of is borrowed.
#[cfg(feature = "callers")]
pub(crate) struct Shared<'m>(Map<WriteLocked>, PhantomData<&'m Map<WriteLocked>>);

#[cfg(feature = "callers")]
impl core::ops::Deref for Shared<'_> {
    type Target = Map<WriteLocked>;

    fn deref(&self) -> &Map<WriteLocked> {
        &self.0
    }
}

#[cfg(feature = "callers")]
impl Map<WriteLocked> {
    /// Lends the claim.
    pub(crate) fn share(&self) -> Shared<'_> {
        // INVARIANT: borrowed for as long as the result, which hands out no more than that.
        Shared(Map { map: self.map, state: PhantomData }, PhantomData)
    }
}

impl<S> Map<S> {
    /// The map as C has it.
    pub(crate) fn as_ptr(&self) -> *mut vm_map {
        self.map.as_ptr()
    }

    /// The map's header, which closes the ring of entries.
    fn header(&self) -> NonNull<vm_map_entry> {
        // SAFETY: the map is live, so the address lies inside it.
        unsafe { NonNull::new_unchecked(addr_of_mut!((*self.as_ptr()).hdr.links)) }.cast()
    }

    /// Whether `link` leads to no entry but the header, at either end of the ring.
    pub(crate) fn is_header(&self, link: Link<'_, S>) -> bool {
        link.as_non_null() == self.header()
    }

    /// The same map under another lock state.
    ///
    /// # Safety
    /// The lock is in state `T` by now, by the current thread.
    pub(crate) unsafe fn into_state<T>(self) -> Map<T> {
        Map { map: self.map, state: PhantomData }
    }

    /// Ends the claim, with the lock as it is.
    pub fn held(self) -> Held<S> {
        Held(PhantomData)
    }
}

impl Map<WriteLocked> {
    /// # Safety
    /// The map is live, the current thread holds its lock for writing, and
    /// nothing in this thread changes that lock but through the result. Entries
    /// reached through another map's claim do not meet this one.
    pub unsafe fn from_raw(map: NonNull<vm_map>) -> Self {
        Map { map, state: PhantomData }
    }

    /// What came with this map.
    pub fn given<'m>(&'m self, given: &'m Given) -> Link<'m, WriteLocked> {
        // SAFETY: by the invariants of `Given`, whose value this borrows.
        unsafe { Link::new(given.0) }
    }

    /// The entry that `link` leads to. None: it leads to the header.
    ///
    /// ```compile_fail,E0599
    /// use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}};
    /// fn asks_the_header(map: &Map<WriteLocked>, given: &Given) -> u16 {
    ///     map.given(given).wired_count()
    /// }
    /// ```
    /// ```
    /// use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}};
    /// fn asks_an_entry(map: &Map<WriteLocked>, given: &Given) -> Option<u16> {
    ///     map.entry(map.given(given)).map(|entry| entry.wired_count())
    /// }
    /// ```
    pub fn entry<'m>(&self, link: Link<'m, WriteLocked>) -> Option<Entry<'m, WriteLocked>> {
        if self.is_header(link) {
            return None;
        }
        // SAFETY: what is linked under a lock and is no header is an entry.
        Some(unsafe { Entry::new(link.as_non_null()) })
    }

    /// Whether this is the kernel map or a submap of it.
    pub(crate) fn has_kernel_pmap(&self) -> bool {
        // SAFETY: the map is live and locked; `kernel_pmap` is set when the
        // kernel starts and never changes.
        unsafe { (*self.as_ptr()).pmap == bindings::kernel_pmap }
    }

    /// Adds `bytes` (modulo the address size) to `size_wired`.
    pub(crate) fn grow_size_wired(&self, bytes: usize) {
        // SAFETY: the write lock makes this thread the only one at this field.
        unsafe {
            let size = addr_of_mut!((*self.as_ptr()).size_wired);
            *size = (*size as usize).wrapping_add(bytes) as _;
        }
    }

    /// One entry fewer.
    pub(crate) fn decrement_nentries(&mut self) {
        // SAFETY: as in `grow_size_wired`.
        unsafe {
            let nentries = addr_of_mut!((*self.as_ptr()).hdr.nentries);
            *nentries = (*nentries).wrapping_sub(1);
        }
    }

    /// Points `hint` and `first_free` to `to` where they point to `from`.
    pub(crate) fn move_hints(&self, from: Entry<'_, WriteLocked>, to: Entry<'_, WriteLocked>) {
        let map = self.as_ptr();
        // SAFETY: lookups under a read lock store `hint` too, but none runs
        // beside a write lock, so it can be read.
        if unsafe { (*map).hint } == from.as_ptr() {
            // SAFETY: the map is live, and this thread does not hold that lock.
            let _lock = unsafe { HintLock::take_of(map) };
            // SAFETY: each store to `hint` is made under its own lock.
            unsafe { (*map).hint = to.as_ptr() }
        }
        // SAFETY: the write lock covers `first_free`.
        unsafe {
            if (*map).first_free == from.as_ptr() {
                (*map).first_free = to.as_ptr();
            }
        }
    }

    /// The red-black tree of entries by address.
    pub(crate) fn tree(&self) -> *mut bindings::rbtree {
        // SAFETY: the address lies inside a live map.
        unsafe { addr_of_mut!((*self.as_ptr()).hdr.tree) }
    }

    /// The red-black tree of entries by the free space behind them.
    pub(crate) fn gap_tree(&self) -> *mut bindings::rbtree {
        // SAFETY: the address lies inside a live map.
        unsafe { addr_of_mut!((*self.as_ptr()).hdr.gap_tree) }
    }

    /// Where the map's addresses end, in bytes.
    pub(crate) fn max_offset(&self) -> usize {
        // SAFETY: the map is live and locked.
        unsafe { (*self.as_ptr()).hdr.links.end as usize }
    }
}
