// SPDX-License-Identifier: GPL-2.0-or-later
//! The states of a map's lock, and how memory of the map is read under each.

use core::ffi::c_ulong;
use core::sync::atomic::{AtomicPtr, AtomicU16, AtomicUsize, Ordering::Relaxed};

use crate::bindings::vm_map_entry;

/// Held for writing: nothing else reads or changes the map.
pub enum WriteLocked {}
/// Held for reading, recursively: the map does not change, and the fault code
/// may take the lock again, past a writer that waits.
pub enum ReadRecursive {}
/// Held for reading: the map does not change.
pub enum ReadLocked {}
/// Not held. What this thread marked in transition stays in place; what lies
/// beside it may be changed or freed at any time.
pub enum Unlocked {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::WriteLocked {}
    impl Sealed for super::ReadRecursive {}
    impl Sealed for super::Unlocked {}

    impl Sealed for u16 {}
    impl Sealed for core::ffi::c_ulong {}
    impl Sealed for usize {}
    impl Sealed for *mut crate::bindings::vm_map_entry {}
}

/// A state of a map's lock under which entries are walked.
///
/// # Safety
/// `load` returns what is in memory, as one read, whatever other threads do that
/// the state allows them.
pub unsafe trait LockState: sealed::Sealed {
    /// Reads a field of an entry.
    ///
    /// # Safety
    /// `field` is an aligned field of the map's header or of an entry that the state
    /// keeps in place; or, without a lock, of what was one when it was found, whose
    /// memory is still the kernel's.
    unsafe fn load<T: Word>(field: *const T) -> T;
}

/// Lock states under which pages may be faulted in: any but [`WriteLocked`],
/// under which a page's busy bit and the map's lock would wait for each other,
/// and [`ReadLocked`], under which the fault code would wait for a writer that
/// waits for this thread.
///
/// # Safety
/// The fault code may take the map's lock for reading.
pub unsafe trait MayFault: LockState {}

// SAFETY: nobody else writes, so a plain read is one.
unsafe impl LockState for WriteLocked {
    unsafe fn load<T: Word>(field: *const T) -> T {
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

// SAFETY: nobody writes at all.
unsafe impl LockState for ReadRecursive {
    unsafe fn load<T: Word>(field: *const T) -> T {
        // SAFETY: the caller's.
        unsafe { field.read() }
    }
}

// SAFETY: a relaxed load is one read, and may meet others' writes. Even a marked
// entry's fields are written meanwhile: upstream lets others unwire, protect and
// clip it (docs/interleavings.md, 6b to 6d).
unsafe impl LockState for Unlocked {
    unsafe fn load<T: Word>(field: *const T) -> T {
        schedule_point();
        // SAFETY: the caller's.
        unsafe { T::load_relaxed(field) }
    }
}

// SAFETY: a recursive lock is taken again by its thread without waiting.
unsafe impl MayFault for ReadRecursive {}
// SAFETY: this thread does not hold it.
unsafe impl MayFault for Unlocked {}

/// What a walk without a lock may read.
///
/// # Safety
/// `load_relaxed` returns what is in memory, as one read that may meet others'
/// writes.
pub unsafe trait Word: Copy + sealed::Sealed {
    /// # Safety
    /// `field` is aligned and readable.
    #[doc(hidden)]
    unsafe fn load_relaxed(field: *const Self) -> Self;
}

// SAFETY: an atomic load is such a read.
unsafe impl Word for u16 {
    unsafe fn load_relaxed(field: *const Self) -> Self {
        // SAFETY: the caller's; nothing is written through the result.
        unsafe { AtomicU16::from_ptr(field.cast_mut()) }.load(Relaxed)
    }
}

// SAFETY: as for `u16`.
unsafe impl Word for c_ulong {
    unsafe fn load_relaxed(field: *const Self) -> Self {
        // SAFETY: as for `u16`; layout.rs asserts that the types are of one size.
        unsafe { AtomicUsize::from_ptr(field.cast_mut().cast()) }.load(Relaxed) as _
    }
}

/// What bindgen makes of `uintptr_t`, the address type of trees from 2026 on.
// SAFETY: as for `u16`.
unsafe impl Word for usize {
    unsafe fn load_relaxed(field: *const Self) -> Self {
        // SAFETY: as for `u16`.
        unsafe { AtomicUsize::from_ptr(field.cast_mut()) }.load(Relaxed)
    }
}

// SAFETY: as for `u16`.
unsafe impl Word for *mut vm_map_entry {
    unsafe fn load_relaxed(field: *const Self) -> Self {
        // SAFETY: as for `u16`.
        unsafe { AtomicPtr::from_ptr(field.cast_mut()) }.load(Relaxed)
    }
}

/// Where a model of the kernel may let another thread run: before each read of
/// an entry while the map is unlocked, and before an object is locked whose pages
/// others may change. Nothing, without the feature.
#[inline(always)]
pub(crate) fn schedule_point() {
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
