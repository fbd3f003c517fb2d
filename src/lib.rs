// SPDX-License-Identifier: GPL-2.0-or-later
//! GNU Mach's `vm_map_pageable_scan` and `vm_map_coalesce_entry` in Rust.
//!
//! The two exported functions do what the C in GNU Mach's vm/vm_map.c does,
//! assertions included. Where to read:
//!
//! - [`ffi`]: the C boundary, which converts and calls;
//! - [`scan`] and [`coalesce`]: the two functions;
//! - [`faulting`], [`walk`] and [`range`]: what a scan does with a range and the
//!   map's lock, in steps that each consume the one before;
//! - [`gap`] and [`unlink`]: an entry's way out of its map, which is one of steps
//!   too;
//! - [`map`]: the map, as a type per state of its lock;
//! - [`mark`]: an entry's in-transition mark;
//! - [`entry`]: an entry, and what may be touched of it under which lock;
//! - [`lock`]: the states of the lock, and how memory is read under each;
//! - [`layout`]: the record by which tools check the structures' layouts.
//! - `callers`, with the feature of that name: upstream's functions that call the
//!   two, above all of this;
//! - `sound`, with that feature: these in another form, whose wiring has no bad
//!   schedule (docs/sound.md).
//!
//! Each uses none but those below it (tests/layers.rs has it checked). Raw
//! pointers and `unsafe` stay out of `scan` and `coalesce`, which hold the logic.

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

#[cfg(feature = "callers")]
mod callers;
#[forbid(unsafe_code)]
mod coalesce;
mod counters;
pub mod entry;
pub mod faulting;
mod ffi;
mod gap;
mod kernel;
pub mod layout;
pub mod lock;
pub mod map;
pub mod mark;
#[cfg(any(target_os = "none", feature = "panic-handler"))]
mod panic;
pub mod range;
#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
mod scan;
mod signatures;
#[cfg(feature = "sound")]
pub mod sound;
pub mod unlink;
pub mod walk;

pub use ffi::{vm_map_coalesce_entry, vm_map_pageable_scan};

#[cfg(feature = "callers")]
pub use callers::ffi as callers_ffi;

/// The kernel's structures, for a model that defines what this crate calls.
#[cfg(feature = "schedule-points")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod model {
    pub use crate::bindings::*;
}
