// SPDX-License-Identifier: GPL-2.0-or-later
//! The map, as a type per state of its lock.
//!
//! A [`Map<S>`] is the current thread's claim on a map whose lock is in state
//! `S`. Changing the lock consumes the claim and returns another, and entries
//! borrow from the claim they were reached through, so that nothing found under
//! one state can be used under the next:
//!
//! ```compile_fail,E0505
//! use gnumach_vm_map::map::{Given, Map, Range, WriteLocked};
//! fn keeps_an_entry(map: Map<WriteLocked>, given: Given, range: &Range) {
//!     let entry = map.given(given);
//!     map.prepare_faults(range, |_, _| true, |_, _| {});
//!     entry.wired_count(); // found under the write lock
//! }
//! ```
//! ```
//! use gnumach_vm_map::map::{Given, Map, Range, WriteLocked};
//! fn lets_it_go(map: Map<WriteLocked>, given: Given, range: &Range) {
//!     let entry = map.given(given);
//!     entry.wired_count();
//!     map.prepare_faults(range, |_, _| true, |_, _| {});
//! }
//! ```
//!
//! Which pmap a map has decides how the scan may fault. [`Map::prepare_faults`]
//! gives a [`KernelMap`], which can only be marked and unlocked, or a
//! [`UserMap`], which can only be downgraded. Wire faults exist for the results
//! of these alone:
//!
//! ```compile_fail,E0599
//! use gnumach_vm_map::map::KernelMap;
//! fn faults_in_a_locked_kernel_map(map: KernelMap<'_>) {
//!     map.mark().wire_faults(); // marked, and still locked
//! }
//! ```
//! ```
//! use gnumach_vm_map::map::KernelMap;
//! fn unlocks_first(map: KernelMap<'_>) {
//!     map.mark().unlock().wire_faults();
//! }
//! ```

use core::marker::PhantomData;
use core::ptr::{addr_of_mut, NonNull};

use crate::bindings::{self, vm_map, vm_map_entry};
use crate::entry::Entry;

mod callees;
mod hint_lock;
mod transition;
mod wiring;
use hint_lock::HintLock;
pub use transition::InTransition;
pub use wiring::{Faults, KernelMap, Range, UserMap, Wiring};

/// The lock is held for writing: nothing else reads or changes the map.
pub enum WriteLocked {}
/// The lock is held for reading, recursively: the map does not change, and the
/// fault code may take the lock again.
pub enum ReadLocked {}
/// The lock is not held. Only entries that this thread marked in transition
/// stay as they are.
pub enum Unlocked {}

/// A state of a map's lock, and how memory of the map is read under it.
pub trait LockState {
    /// Reads a field of the map or of one of its entries.
    ///
    /// # Safety
    /// `field` is readable memory of the map or entry.
    unsafe fn read<T>(field: *const T) -> T;

    /// Reads a field of an entry that the lock keeps as it is, or without one its
    /// mark: plainly, as nothing changes the field meanwhile.
    ///
    /// # Safety
    /// As for `read`; and the entry is marked by this thread, if the state is
    /// [`Unlocked`].
    unsafe fn read_settled<T>(field: *const T) -> T {
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

/// Lock states under which pages may be faulted in: any but [`WriteLocked`],
/// under which a page's busy bit and the map's lock would wait for each other.
pub trait MayFault: LockState {}

impl LockState for WriteLocked {
    unsafe fn read<T>(field: *const T) -> T {
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

impl LockState for ReadLocked {
    unsafe fn read<T>(field: *const T) -> T {
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

/// Another thread may change what lies outside the marked range meanwhile, and
/// the walk looks at the entry behind its last one: each such read happens once
/// and as written.
impl LockState for Unlocked {
    unsafe fn read<T>(field: *const T) -> T {
        schedule_point();
        // SAFETY: the caller's.
        unsafe { field.read_volatile() }
    }

    unsafe fn read_settled<T>(field: *const T) -> T {
        schedule_point();
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

/// Where a model of the kernel may let another thread run: before each read of
/// an entry while the map is unlocked. Nothing, without the feature.
#[inline(always)]
fn schedule_point() {
    #[cfg(feature = "schedule-points")]
    {
        extern "C" {
            fn vm_map_rust_schedule_point();
        }
        // SAFETY: the model's function takes and returns nothing, and may change
        // what other threads may change at this point.
        unsafe { vm_map_rust_schedule_point() }
    }
}

impl MayFault for ReadLocked {}
impl MayFault for Unlocked {}

/// An entry that C passed with its map, not yet tied to a state of the lock.
///
/// # Invariants
/// It is the map's header or a linked entry of it, and stays so until the call
/// that it was passed to frees it or returns.
#[derive(Clone, Copy)]
pub struct Given(NonNull<vm_map_entry>);

impl Given {
    /// # Safety
    /// The invariants of [`Given`]; and it meets no [`Map`] but the one that it
    /// was passed with.
    pub unsafe fn new(entry: NonNull<vm_map_entry>) -> Self {
        Given(entry)
    }
}

/// A map whose lock is in state `S`.
///
/// # Invariants
/// `map` is a live map, and its lock is in state `S`, by the current thread,
/// for as long as this value lives.
pub struct Map<S> {
    map: NonNull<vm_map>,
    state: PhantomData<S>,
}

impl<S> Map<S> {
    /// The map's header, which stands in the ring of entries as one of them.
    fn header(&self) -> NonNull<vm_map_entry> {
        // SAFETY: the map is live, so the address lies inside it.
        unsafe { NonNull::new_unchecked(addr_of_mut!((*self.map.as_ptr()).hdr.links)) }.cast()
    }

    /// Whether `entry` is no entry but the header, at either end of the ring.
    pub fn is_header(&self, entry: Entry<'_, S>) -> bool {
        entry.as_ptr() == self.header().as_ptr()
    }

    /// An entry that came with this map, under the lock as it is now.
    pub fn given(&self, entry: Given) -> Entry<'_, S> {
        // SAFETY: C vouches for the entry, and from the call on the lock, or the
        // marks where there is none, keep it in place.
        unsafe { Entry::new(entry.0) }
    }

    /// The same map under another lock state.
    fn into_state<T>(self) -> Map<T> {
        Map { map: self.map, state: PhantomData }
    }
}

impl<S: MayFault> Map<S> {
    /// `vm_fault_wire`: faults in and wires every page of `entry`. What it
    /// cannot fault in stays absent, and nothing says so.
    fn fault_wire(&self, entry: Entry<'_, S>) {
        // SAFETY: both are live by their invariants, and the lock state allows
        // the fault code to take the lock for reading.
        unsafe { bindings::vm_fault_wire(self.map.as_ptr(), entry.as_ptr()) }
    }
}

impl Map<WriteLocked> {
    /// # Safety
    /// The map is live, the current thread holds its lock for writing, and
    /// nothing in this thread changes that lock but through the result.
    pub unsafe fn from_raw(map: NonNull<vm_map>) -> Self {
        Map { map, state: PhantomData }
    }

    /// Whether this is the kernel map or a submap of it.
    fn has_kernel_pmap(&self) -> bool {
        // SAFETY: the map is live and locked; `kernel_pmap` is set when the
        // kernel starts and never changes.
        unsafe { (*self.map.as_ptr()).pmap == bindings::kernel_pmap }
    }

    /// Adds `bytes` (modulo the address size) to `size_wired`.
    pub(crate) fn grow_size_wired(&self, bytes: usize) {
        // SAFETY: the write lock makes this thread the only one at this field.
        unsafe {
            let size = addr_of_mut!((*self.map.as_ptr()).size_wired);
            *size = (*size as usize).wrapping_add(bytes) as _;
        }
    }

    /// One entry fewer.
    fn decrement_nentries(&self) {
        // SAFETY: as in `grow_size_wired`.
        unsafe {
            let nentries = addr_of_mut!((*self.map.as_ptr()).hdr.nentries);
            *nentries = (*nentries).wrapping_sub(1);
        }
    }

    /// Points `hint` and `first_free` to `to` where they point to `from`.
    pub(crate) fn move_hints(&self, from: Entry<'_, WriteLocked>, to: Entry<'_, WriteLocked>) {
        let map = self.map.as_ptr();
        // SAFETY: the write lock covers `first_free`. Lookups under a read lock
        // store `hint` too, but none runs beside a write lock, so it can be
        // read; the store takes the hint's own lock as every other one does.
        unsafe {
            if (*map).hint == from.as_ptr() {
                let _lock = HintLock::take(self);
                (*map).hint = to.as_ptr();
            }
            if (*map).first_free == from.as_ptr() {
                (*map).first_free = to.as_ptr();
            }
        }
    }

    /// The red-black tree of entries by address.
    fn tree(&self) -> *mut bindings::rbtree {
        // SAFETY: the address lies inside a live map.
        unsafe { addr_of_mut!((*self.map.as_ptr()).hdr.tree) }
    }

    /// The red-black tree of entries by the free space behind them.
    pub(crate) fn gap_tree(&self) -> *mut bindings::rbtree {
        // SAFETY: the address lies inside a live map.
        unsafe { addr_of_mut!((*self.map.as_ptr()).hdr.gap_tree) }
    }

    /// Where the map's addresses end, in bytes.
    pub(crate) fn max_offset(&self) -> usize {
        // SAFETY: the map is live and locked.
        unsafe { (*self.map.as_ptr()).hdr.links.end as usize }
    }
}
