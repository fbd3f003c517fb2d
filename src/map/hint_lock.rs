// SPDX-License-Identifier: GPL-2.0-or-later
//! Spin locks: the one around a map's `hint`, those of objects, and that of the lists of
//! pages.

pub(super) use lock::HintLock;
#[cfg(feature = "callers")]
pub(crate) use lock::ObjectLock;
#[cfg(feature = "sound")]
pub(crate) use lock::QueueLock;

/// In an image that was built without us: its spin lock is known by its size. UP
/// kernels have one without a size, and then there is nothing to take.
#[cfg(not(feature = "kernel-spin-locks"))]
mod lock {
    use core::ptr::addr_of_mut;
    use core::sync::atomic::{AtomicU32, Ordering};

    use crate::bindings::vm_map;
    use crate::layout;

    /// Gives the lock back when dropped.
    #[must_use = "dropped, it gives the lock back"]
    pub(crate) struct SpinLock<'m>(Option<&'m AtomicU32>);

    /// The one around a map's hint.
    pub(crate) type HintLock<'m> = SpinLock<'m>;

    impl HintLock<'_> {
        /// # Safety
        /// The map is live for as long as the result; this thread does not hold
        /// the spin lock.
        pub(crate) unsafe fn take_of(map: *mut vm_map) -> Self {
            // SAFETY: the caller's.
            unsafe { Self::take(addr_of_mut!((*map).hint_lock).cast()) }
        }
    }

    /// An object's.
    #[cfg(feature = "callers")]
    pub(crate) type ObjectLock<'m> = SpinLock<'m>;

    #[cfg(feature = "callers")]
    impl ObjectLock<'_> {
        /// # Safety
        /// The object is live for as long as the result; this thread does not hold the
        /// spin lock.
        pub(crate) unsafe fn take_of_object(object: *mut crate::bindings::vm_object) -> Self {
            // SAFETY: the caller's.
            unsafe { Self::take(addr_of_mut!((*object).Lock).cast()) }
        }
    }

    /// That of the lists of pages.
    #[cfg(feature = "sound")]
    pub(crate) type QueueLock = SpinLock<'static>;

    #[cfg(feature = "sound")]
    impl QueueLock {
        /// # Safety
        /// This thread does not hold it.
        pub(crate) unsafe fn take_of_queues() -> Self {
            // SAFETY: the caller's; it is there for ever.
            unsafe { Self::take((&raw mut crate::bindings::vm_page_queue_lock).cast()) }
        }
    }

    impl SpinLock<'_> {
        /// # Safety
        /// A spin lock of the kernel's, live for as long as the result; this thread does
        /// not hold it.
        unsafe fn take(lock: *mut u32) -> Self {
            if !layout::HAS_SIMPLE_LOCKS {
                return SpinLock(None);
            }
            // SAFETY: `HAS_SIMPLE_LOCKS` says that such a lock is one aligned 32-bit
            // word; every thread touches it by atomic instructions only.
            let lock = unsafe { AtomicU32::from_ptr(lock) };
            while lock.swap(1, Ordering::Acquire) != 0 {
                while lock.load(Ordering::Relaxed) != 0 {
                    core::hint::spin_loop();
                }
            }
            SpinLock(Some(lock))
        }
    }

    impl Drop for SpinLock<'_> {
        fn drop(&mut self) {
            if let Some(lock) = self.0 {
                lock.swap(0, Ordering::Release);
            }
        }
    }
}

/// In a kernel built from its source: whatever that kernel's macros make of it.
#[cfg(feature = "kernel-spin-locks")]
mod lock {
    use core::marker::PhantomData;

    use crate::bindings::{self, vm_map};

    /// Gives the lock back when dropped.
    #[must_use = "dropped, it gives the lock back"]
    pub(crate) struct HintLock<'m>(*mut vm_map, PhantomData<&'m ()>);

    impl HintLock<'_> {
        /// # Safety
        /// The map is live for as long as the result; this thread does not hold
        /// the spin lock.
        pub(crate) unsafe fn take_of(map: *mut vm_map) -> Self {
            // SAFETY: the caller's.
            unsafe { bindings::shim_hint_lock(map) }
            HintLock(map, PhantomData)
        }
    }

    impl Drop for HintLock<'_> {
        fn drop(&mut self) {
            // SAFETY: `take_of` took the lock of this live map.
            unsafe { bindings::shim_hint_unlock(self.0) }
        }
    }

    /// An object's.
    #[cfg(feature = "callers")]
    #[must_use = "dropped, it gives the lock back"]
    pub(crate) struct ObjectLock<'m>(*mut bindings::vm_object, PhantomData<&'m ()>);

    #[cfg(feature = "callers")]
    impl ObjectLock<'_> {
        /// # Safety
        /// The object is live for as long as the result; this thread does not hold the
        /// spin lock.
        pub(crate) unsafe fn take_of_object(object: *mut bindings::vm_object) -> Self {
            // SAFETY: the caller's.
            unsafe { bindings::shim_object_lock(object) }
            ObjectLock(object, PhantomData)
        }
    }

    #[cfg(feature = "callers")]
    impl Drop for ObjectLock<'_> {
        fn drop(&mut self) {
            // SAFETY: `take_of_object` took the lock of this live object.
            unsafe { bindings::shim_object_unlock(self.0) }
        }
    }

    /// That of the lists of pages.
    #[cfg(feature = "sound")]
    #[must_use = "dropped, it gives the lock back"]
    pub(crate) struct QueueLock(());

    #[cfg(feature = "sound")]
    impl QueueLock {
        /// # Safety
        /// This thread does not hold it.
        pub(crate) unsafe fn take_of_queues() -> Self {
            // SAFETY: the caller's; it is there for ever.
            unsafe { bindings::shim_page_queues_lock() }
            QueueLock(())
        }
    }

    #[cfg(feature = "sound")]
    impl Drop for QueueLock {
        fn drop(&mut self) {
            // SAFETY: `take_of_queues` took it.
            unsafe { bindings::shim_page_queues_unlock() }
        }
    }
}
