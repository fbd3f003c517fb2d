// SPDX-License-Identifier: GPL-2.0-or-later
//! What the two functions did, for a host that reads the kernel's memory.
//!
//! With the feature `counters`, `vm_map_rust_counters` is an array of 32-bit
//! words: calls of the coalesce, merges, merges refused for in-transition,
//! calls of the scan, scans that took the unlocked path, unlocked scans at
//! present, and the most of them at one time; with the feature `callers`, then
//! the calls that C made of each of those. Without it, nothing is there.

#[cfg(feature = "counters")]
mod on {
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

    #[repr(C)]
    pub struct Counters {
        pub coalesce_calls: AtomicU32,
        pub merges: AtomicU32,
        pub refused_in_transition: AtomicU32,
        pub scan_calls: AtomicU32,
        pub unlocked_scans: AtomicU32,
        pub unlocked_now: AtomicU32,
        pub unlocked_most: AtomicU32,
        #[cfg(feature = "callers")]
        pub calls: [AtomicU32; super::Caller::Remove as usize + 1],
    }

    #[no_mangle]
    pub static vm_map_rust_counters: Counters = Counters {
        coalesce_calls: AtomicU32::new(0),
        merges: AtomicU32::new(0),
        refused_in_transition: AtomicU32::new(0),
        scan_calls: AtomicU32::new(0),
        unlocked_scans: AtomicU32::new(0),
        unlocked_now: AtomicU32::new(0),
        unlocked_most: AtomicU32::new(0),
        #[cfg(feature = "callers")]
        calls: [const { AtomicU32::new(0) }; super::Caller::Remove as usize + 1],
    };

    pub fn add(counter: &AtomicU32) {
        counter.fetch_add(1, Relaxed);
    }

    pub fn enter_unlocked() {
        let counters = &vm_map_rust_counters;
        add(&counters.unlocked_scans);
        let now = counters.unlocked_now.fetch_add(1, Relaxed) + 1;
        counters.unlocked_most.fetch_max(now, Relaxed);
    }

    pub fn leave_unlocked() {
        vm_map_rust_counters.unlocked_now.fetch_sub(1, Relaxed);
    }
}

/// A function that C calls with the feature `callers`, in the order of its count.
#[cfg(feature = "callers")]
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    ClipEnd,
    ClipStart,
    Delete,
    EntryDelete,
    Inherit,
    Pageable,
    PageableAll,
    Protect,
    Remove,
}

/// C called one of them.
#[cfg(feature = "callers")]
#[inline(always)]
pub(crate) fn called(caller: Caller) {
    #[cfg(feature = "counters")]
    on::add(&on::vm_map_rust_counters.calls[caller as usize]);
    let _ = caller;
}

/// A counting function that does nothing without the feature.
macro_rules! counting {
    ($($(#[$doc:meta])* $name:ident => $count:expr;)+) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name() {
            #[cfg(feature = "counters")]
            {
                #[allow(unused_imports)]
                use on::{add, enter_unlocked, leave_unlocked, vm_map_rust_counters as counters};
                $count;
            }
        }
    )+};
}

counting! {
    coalesce_called => add(&counters.coalesce_calls);
    merged => add(&counters.merges);
    merge_refused_in_transition => add(&counters.refused_in_transition);
    scan_called => add(&counters.scan_calls);
    unlocked_scan_begins => enter_unlocked();
    unlocked_scan_ends => leave_unlocked();
}
