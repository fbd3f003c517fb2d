// SPDX-License-Identifier: GPL-2.0-or-later
//! Upstream's functions that call the two, with the feature `callers`.
//!
//! What each may rely on of the others is prose in C; here it is types:
//!
//! - [`ffi`]: the C boundary, and who takes the lock;
//! - [`pageable`], [`protect`], [`inherit`], [`delete`] and [`entry_delete`]: the
//!   functions;
//! - [`asking`]: what is wired, and the scan's first walk, in one;
//! - [`slip`]: where upstream goes on with an entry that it may have freed;
//! - [`cursor`]: a walk that merges as it goes: what a merge may have freed cannot
//!   be named behind it;
//! - [`locking`]: a claim on a map taken, lent to one of the two, and let go;
//! - [`clip`]: splitting entries;
//! - [`object`]: what an entry maps, on its way out;
//! - [`bounds`] and [`stop`]: ranges of addresses, and the kernel's panic.
//!
//! Raw pointers and `unsafe` stay out of the functions.

#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
mod asking;
#[forbid(unsafe_code)]
pub(crate) mod bounds;
mod clip;
pub(crate) mod cursor;
#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
pub(crate) mod delete;
#[forbid(unsafe_code)]
pub(crate) mod entry_delete;
pub mod ffi;
#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
pub(crate) mod inherit;
pub(crate) mod locking;
mod object;
#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
pub(crate) mod pageable;
#[forbid(unsafe_code)]
#[cfg_attr(feature = "sound", allow(dead_code))]
pub(crate) mod protect;
#[cfg(not(feature = "protect-looks-again"))]
#[cfg_attr(feature = "sound", allow(dead_code))]
mod slip;
mod stop;
mod whole;
