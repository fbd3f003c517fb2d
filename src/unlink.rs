// SPDX-License-Identifier: GPL-2.0-or-later
//! An entry's way out of its map, in steps that each consume the one before: a
//! [`Pair`] of neighbours, the later one [`Unlinked`] from ring and tree, then
//! [`Detached`] from the gaps as well, then freed.
//!
//! No step can be left out or take another's place:
//!
//! ```compile_fail,E0308
//! use gnumach_vm_map::{lock::WriteLocked, map::Map, unlink::Pair};
//! fn frees_before_the_gap_is_forgotten(map: &mut Map<WriteLocked>, pair: Pair) {
//!     let unlinked = map.unlink(pair);
//!     map.free(unlinked);
//! }
//! ```
//! ```
//! use gnumach_vm_map::{lock::WriteLocked, map::Map, unlink::Pair};
//! fn forgets_the_gap_first(map: &mut Map<WriteLocked>, pair: Pair) {
//!     let unlinked = map.unlink(pair);
//!     let detached = map.forget_gap(unlinked);
//!     map.free(detached);
//! }
//! ```
//!
//! Nothing that was found in the map before outlives the unlinking:
//!
//! ```compile_fail,E0502
//! use gnumach_vm_map::{entry::Entry, lock::WriteLocked, map::{Given, Map}, unlink::Pair};
//! fn keeps_an_entry(map: &mut Map<WriteLocked>, given: &Given, pair: Pair) {
//!     let entry = map.entry(map.given(given));
//!     let _unlinked = map.unlink(pair);
//!     entry.map(|entry| entry.start());
//! }
//! ```
//! ```
//! use gnumach_vm_map::{entry::Entry, lock::WriteLocked, map::{Given, Map}, unlink::Pair};
//! fn finds_it_again(map: &mut Map<WriteLocked>, given: &Given, pair: Pair) {
//!     let _unlinked = map.unlink(pair);
//!     let entry = map.entry(map.given(given));
//!     entry.map(|entry| entry.start());
//! }
//! ```
//!
//! Nor does the name by which C passed the entry:
//!
//! ```compile_fail,E0382
//! use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}};
//! fn unlinks_twice(map: &mut Map<WriteLocked>, given: Given) {
//!     let pair = map.pair(given).unwrap();
//!     let _unlinked = map.unlink(pair);
//!     map.given(&given);
//! }
//! ```
//! ```
//! use gnumach_vm_map::{lock::WriteLocked, map::{Given, Map}};
//! fn unlinks_once(map: &mut Map<WriteLocked>, given: Given) {
//!     map.given(&given);
//!     let pair = map.pair(given).unwrap();
//!     let _unlinked = map.unlink(pair);
//! }
//! ```

use core::ptr::{addr_of_mut, NonNull};

use crate::bindings::{self, vm_map_entry};
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::{Given, Map};

/// The entry that C passed and the one before it.
///
/// # Invariants
/// Neither is the header, and the earlier one ends where the later one starts.
pub struct Pair(Given);

/// The entry that C passed, alone.
///
/// # Invariants
/// It is not the header.
#[cfg(feature = "callers")]
pub struct Single(Given);

/// An entry out of the ring and the tree, whose gap is still known.
///
/// # Invariants
/// `entry` is no entry of the map any more, and nothing but the gap tree and its
/// lists refers to it; there it stands where its gap puts it. `prev` stood before
/// it, and is an entry without a gap.
#[must_use = "its gap is to be forgotten"]
pub struct Unlinked(OutOfRing);

/// As [`Unlinked`], but `prev` may be the header, or an entry with a gap.
#[cfg(feature = "callers")]
#[must_use = "its gap is to be forgotten"]
pub struct UnlinkedSingle(OutOfRing);

/// What [`Unlinked`] is made of.
struct OutOfRing {
    entry: NonNull<vm_map_entry>,
    prev: NonNull<vm_map_entry>,
}

/// An entry that nothing refers to any more.
#[must_use = "it is to be freed"]
pub struct Detached(NonNull<vm_map_entry>);

impl Pair {
    /// The two, the earlier one first.
    pub fn entries<'m>(
        &'m self,
        map: &'m Map<WriteLocked>,
    ) -> (Entry<'m, WriteLocked>, Entry<'m, WriteLocked>) {
        // SAFETY: by the invariants this is an entry of the map.
        let entry: Entry<'m, _> = unsafe { Entry::new(map.given(&self.0).as_non_null()) };
        // SAFETY: and so is what stands before it.
        let prev = unsafe { Entry::new(entry.prev().as_non_null()) };
        (prev, entry)
    }
}

impl Map<WriteLocked> {
    /// The given entry and the one before it. None: either is the header, or there is
    /// a hole between the two.
    pub fn pair(&self, given: Given) -> Option<Pair> {
        let entry = self.entry(self.given(&given))?;
        let prev = self.entry(entry.prev())?;
        if prev.end() != entry.start() {
            return None;
        }
        // INVARIANT: just seen.
        Some(Pair(given))
    }

    /// `vm_object_coalesce`: makes the objects of the two one, and stores it in the
    /// earlier one. False: it cannot, and nothing has changed.
    pub(crate) fn coalesce_objects(&self, pair: &Pair) -> bool {
        let (prev, entry) = pair.entries(self);
        let (object, offset) = prev.object_and_offset_ptrs();
        // SAFETY: the objects are the entries', and the last two arguments point
        // into `prev`; the map is locked for writing.
        unsafe {
            bindings::vm_object_coalesce(
                prev.object(),
                entry.object(),
                prev.offset() as _,
                entry.offset() as _,
                prev.size() as _,
                entry.size() as _,
                object,
                offset,
            ) != 0
        }
    }

    /// Lets the earlier entry cover the later one too, and takes that out of the ring
    /// and the tree; its own links stay as they are.
    pub fn unlink(&mut self, pair: Pair) -> Unlinked {
        let (prev, entry) = pair.entries(self);
        // SAFETY: the addresses are those of the entry behind, which leaves.
        unsafe { prev.set_end(entry.end()) }
        // INVARIANT: what stands before it touched it, so there was no gap.
        // SAFETY: by the invariants of `Pair` it is no header.
        Unlinked(unsafe { self.take_out(pair.0) })
    }

    /// # Safety
    /// What is given is not the header.
    unsafe fn take_out(&mut self, given: Given) -> OutOfRing {
        self.decrement_nentries();
        let entry = self.given(&given).as_non_null();
        // SAFETY: an entry of this map, whose lock keeps others away.
        let links = unsafe { addr_of_mut!((*entry.as_ptr()).links) };
        // SAFETY: as before; the links of a ring lead to its entries and header.
        let (prev, next) = unsafe { ((*links).prev, (*links).next) };
        // SAFETY: header and entries have links.
        unsafe { (*next).links.prev = prev }
        // SAFETY: as before.
        unsafe { (*prev).links.next = next }
        // SAFETY: every entry in the ring has its node in the tree.
        unsafe { bindings::rbtree_remove(self.tree(), addr_of_mut!((*entry.as_ptr()).tree_node)) }
        // SAFETY: no link of the ring is null.
        OutOfRing { entry, prev: unsafe { NonNull::new_unchecked(prev) } }
    }

    /// Frees the entry.
    pub fn free(&mut self, entry: Detached) {
        // SAFETY: entries come from this cache, and nothing refers to this one.
        unsafe {
            let cache = addr_of_mut!(bindings::vm_map_entry_cache);
            bindings::kmem_cache_free(cache, entry.0.as_ptr() as _);
        }
    }
}

impl Unlinked {
    /// The entry as C has it.
    pub(crate) fn as_non_null(&self) -> NonNull<vm_map_entry> {
        self.0.entry
    }

    /// What it stood behind.
    pub(crate) fn prev<'m>(&self, _map: &'m Map<WriteLocked>) -> Entry<'m, WriteLocked> {
        // SAFETY: it is still in the ring, and stays while the claim is borrowed.
        unsafe { Entry::new(self.0.prev) }
    }

    /// # Safety
    /// The entry stands neither in the gap tree nor on a list any more.
    pub(crate) unsafe fn detach(self) -> Detached {
        Detached(self.0.entry)
    }
}

#[cfg(feature = "callers")]
mod callers;
