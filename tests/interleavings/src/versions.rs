// SPDX-License-Identifier: GPL-2.0-or-later
//! The versions of the two functions: the crate's own, and those that
//! tests/wrong/ makes of its source.

use crate::bindings::{vm_map, vm_map_entry};

pub struct Version {
    pub name: &'static str,
    pub about: &'static str,
    pub callers: Callers,
    /// Whether the suite lists what it shows; else something must catch it.
    pub listed: bool,
    pub scan: unsafe fn(*mut vm_map, *mut vm_map_entry, u64),
    pub coalesce: unsafe fn(*mut vm_map, *mut vm_map_entry) -> i32,
}

/// What this version's callers do otherwise than upstream's after the series.
#[derive(Clone, Copy)]
pub struct Callers {
    /// Entering a mapping extends neighbours in transition.
    pub extend_marked: bool,
    /// Who changes a range waits first until nothing of it is in transition.
    pub wait: bool,
    /// `vm_map_protect` looks its first entry up again after merging.
    pub look_up_again: bool,
    /// Who looks for projected buffers locks the map for reading.
    pub lock_to_look: bool,
}

/// As upstream's do after the series.
const UPSTREAM: Callers =
    Callers { extend_marked: false, wait: false, look_up_again: false, lock_to_look: false };

include!(concat!(env!("OUT_DIR"), "/versions.rs"));

pub static FAITHFUL: Version = Version {
    name: "faithful",
    about: "the crate's functions, as after 1a4ce715",
    callers: UPSTREAM,
    listed: true,
    scan,
    coalesce,
};

unsafe fn scan(map: *mut vm_map, start: *mut vm_map_entry, end: u64) {
    // SAFETY: the caller's; the crate has the same structures from the same
    // headers.
    unsafe { gnumach_vm_map::vm_map_pageable_scan(map.cast(), start.cast(), end) }
}

unsafe fn coalesce(map: *mut vm_map, entry: *mut vm_map_entry) -> i32 {
    // SAFETY: as in `scan`.
    unsafe { gnumach_vm_map::vm_map_coalesce_entry(map.cast(), entry.cast()) }
}

/// Every version, the crate's own first.
pub fn all() -> impl Iterator<Item = &'static Version> {
    std::iter::once(&FAITHFUL).chain(EDITED)
}
