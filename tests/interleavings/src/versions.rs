// SPDX-License-Identifier: GPL-2.0-or-later
//! The versions of the two functions: the crate's own, and those that
//! versions.toml makes of its source.

use crate::bindings::{vm_map, vm_map_entry};

pub struct Version {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether entering a mapping extends neighbours in transition.
    pub extends_in_transition: bool,
    pub scan: unsafe fn(*mut vm_map, *mut vm_map_entry, u64),
    pub coalesce: unsafe fn(*mut vm_map, *mut vm_map_entry) -> i32,
}

include!(concat!(env!("OUT_DIR"), "/versions.rs"));

pub static FAITHFUL: Version = Version {
    name: "faithful",
    about: "the crate's functions, as after 1a4ce715",
    extends_in_transition: false,
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
