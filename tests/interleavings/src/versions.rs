// SPDX-License-Identifier: GPL-2.0-or-later
//! The versions of the functions: the crate's own, and those that tests/wrong/
//! makes of its source.

use crate::bindings::{vm_map, vm_map_entry};
#[cfg(feature = "sound")]
use crate::bindings::{vm_map_header, vm_page};

pub struct Version {
    pub name: &'static str,
    pub about: &'static str,
    pub in_c: InC,
    /// Whether the suite lists what it shows; else something must catch it.
    pub listed: bool,
    pub functions: Functions,
}

/// What the scenarios call, and what the model's own C calls.
pub struct Functions {
    pub coalesce: unsafe extern "C" fn(*mut vm_map, *mut vm_map_entry) -> i32,
    pub pageable: unsafe extern "C" fn(*mut vm_map, u64, u64, i32, i32, i32) -> i32,
    pub pageable_all: unsafe extern "C" fn(*mut vm_map, i32) -> i32,
    pub protect: unsafe extern "C" fn(*mut vm_map, u64, u64, i32, i32) -> i32,
    pub inherit: unsafe extern "C" fn(*mut vm_map, u64, u64, i32) -> i32,
    pub remove: unsafe extern "C" fn(*mut vm_map, u64, u64) -> i32,
    /// `projected_buffer_in_range`, which is C without that feature.
    #[cfg(feature = "sound")]
    pub projected: unsafe extern "C" fn(*mut vm_map, u64, u64) -> i32,
    /// `vm_page_convert`, likewise.
    #[cfg(feature = "sound")]
    pub convert: unsafe extern "C" fn(*mut *mut vm_page) -> i32,
    /// `vm_map_entry_delete` and `_vm_map_clip_end`, for C that calls them.
    #[cfg(feature = "sound")]
    pub entry_delete: unsafe extern "C" fn(*mut vm_map, *mut vm_map_entry),
    /// `vm_map_delete`, for who has the last of a map.
    #[cfg(feature = "sound")]
    pub delete: unsafe extern "C" fn(*mut vm_map, u64, u64) -> i32,
    #[cfg(feature = "sound")]
    pub clip_end: unsafe extern "C" fn(*mut vm_map_header, *mut vm_map_entry, u64, i32),
}

/// Those of the crate, or of a version that is a module.
macro_rules! functions {
    ($($module:ident)::+) => {
        Functions {
            coalesce: $($module)::+::vm_map_coalesce_entry,
            pageable: $($module)::+::callers_ffi::vm_map_pageable,
            pageable_all: $($module)::+::callers_ffi::vm_map_pageable_all,
            protect: $($module)::+::callers_ffi::vm_map_protect,
            inherit: $($module)::+::callers_ffi::vm_map_inherit,
            remove: $($module)::+::callers_ffi::vm_map_remove,
            #[cfg(feature = "sound")]
            projected: $($module)::+::sound::projected::projected_buffer_in_range,
            #[cfg(feature = "sound")]
            convert: $($module)::+::sound::convert::vm_page_convert,
            #[cfg(feature = "sound")]
            entry_delete: $($module)::+::callers_ffi::vm_map_entry_delete,
            #[cfg(feature = "sound")]
            delete: $($module)::+::callers_ffi::vm_map_delete,
            #[cfg(feature = "sound")]
            clip_end: $($module)::+::callers_ffi::_vm_map_clip_end,
        }
    };
}

/// What C outside the module does otherwise in this version than upstream's after the
/// series. By the names in tests/wrong/, under `callers`.
#[derive(Clone, Copy)]
pub struct InC {
    /// Entering a mapping extends neighbours in transition.
    pub extend_marked: bool,
    /// Who looks for projected buffers locks the map for reading.
    #[cfg_attr(feature = "sound", allow(dead_code))]
    pub lock_to_look: bool,
    /// A fault does not wait for the map with a page busy: it lets go of the page, and starts over.
    pub try_to_verify: bool,
    /// Who puts a page with memory in the place of one without wakes who waits for that.
    #[cfg_attr(feature = "sound", allow(dead_code))]
    pub convert_wakes: bool,
}

/// As upstream's does after the series.
const UPSTREAM: InC =
    InC { extend_marked: false, lock_to_look: false, try_to_verify: false, convert_wakes: false };

include!(concat!(env!("OUT_DIR"), "/versions.rs"));

pub static FAITHFUL: Version = Version {
    name: "faithful",
    about: "the crate's functions, as after 1a4ce715",
    in_c: UPSTREAM,
    listed: true,
    functions: functions!(gnumach_vm_map),
};

/// Features that this program asks for by itself.
const ALWAYS: &[&str] = &["callers", "schedule-points"];

/// The features of the module that were chosen besides.
pub fn chosen() -> impl Iterator<Item = &'static str> {
    FEATURES.iter().copied().filter(|feature| !ALWAYS.contains(feature))
}

/// What the module was compiled with, in words.
pub fn features() -> String {
    format!("the module's features: {}", FEATURES.join(", "))
}

/// Every version, the crate's own first.
pub fn all() -> impl Iterator<Item = &'static Version> {
    std::iter::once(&FAITHFUL).chain(EDITED)
}
