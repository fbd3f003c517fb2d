// SPDX-License-Identifier: GPL-2.0-or-later
//! GNU Mach's `vm_map_pageable_scan` and `vm_map_coalesce_entry` in Rust.
//!
//! The two exported functions do what the C in GNU Mach's vm/vm_map.c does,
//! assertions included. Where to read:
//!
//! - [`ffi`]: the C boundary, which converts and calls;
//! - [`map`]: the map, as a type per state of its lock;
//! - [`entry`]: an entry, and what may be touched under which lock;
//! - [`scan`] and [`coalesce`]: the two functions;
//! - [`gap`]: the gap tree and its lists;
//! - [`layout`]: the record by which tools check the structures' layouts.
//!
//! Raw pointers and `unsafe` stay in `ffi`, `map`, `entry`, `gap` and `kernel`;
//! `scan` and `coalesce`, which hold the logic, have none.

#![cfg_attr(not(test), no_std)]

#[allow(
    dead_code,
    improper_ctypes, // upstream's spin locks hold a struct without members
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

#[forbid(unsafe_code)]
mod coalesce;
mod counters;
pub mod entry;
mod ffi;
mod gap;
mod kernel;
pub mod layout;
pub mod map;
#[cfg(any(target_os = "none", feature = "panic-handler"))]
mod panic;
#[forbid(unsafe_code)]
mod scan;

pub use ffi::{vm_map_coalesce_entry, vm_map_pageable_scan};
