// SPDX-License-Identifier: GPL-2.0-or-later
//! A wiring protocol that has no bad schedule, with the feature `sound`: the functions of
//! `callers` in another form (docs/sound.md).
//!
//! A thread marks what it wires, lets the lock go whenever it has to wait for a page, and
//! goes by addresses from then on. Where to read:
//!
//! - [`settle`]: waiting for others' marks, which nobody does who has set some;
//! - [`wiring`]: a range between its marking and its unmarking;
//! - [`ticket`]: whose a mark is;
//! - [`pages`]: wiring and unwiring one page, without waiting for anything;
//! - [`fresh`]: a page of zeros, for what nobody has touched;
//! - [`entries`]: what is to be done with one entry; [`alike`]: whether two can be one;
//! - [`pageable`], [`protect`], [`edit`]: the functions;
//! - [`projected`]: one more, which looked into a map without its lock;
//! - [`convert`]: and one that left who waits for a page asleep.
//!
//! Raw pointers and `unsafe` stay out of the functions, and of the protocol.

#[forbid(unsafe_code)]
pub(crate) mod alike;
pub mod convert;
#[forbid(unsafe_code)]
pub(crate) mod edit;
#[forbid(unsafe_code)]
mod entries;
mod fresh;
#[forbid(unsafe_code)]
mod merge;
#[forbid(unsafe_code)]
pub(crate) mod pageable;
pub(crate) mod pages;
pub mod projected;
#[forbid(unsafe_code)]
pub(crate) mod protect;
#[forbid(unsafe_code)]
pub mod settle;
pub mod ticket;
#[forbid(unsafe_code)]
pub mod wiring;

/// By this tools know an object that has it.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static vm_map_rust_sound: u8 = 1;
