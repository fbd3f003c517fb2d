// SPDX-License-Identifier: GPL-2.0-or-later
//! What the host programs share: vmtool, the oracle and the interleavings are
//! thin programs over it.
//!
//! - [`elf`]: opening an ELF file;
//! - [`files`]: reading files, and writing results whole or not at all;
//! - [`folder`]: folders that a tool may clean;
//! - [`graft`]: the record beside a grafted kernel, and which stock kernel it belongs to;
//! - [`dwarf`]: a kernel's structures, from its DWARF;
//! - [`link`](mod@link): our object, linked for a fixed address;
//! - [`wrong`]: versions of our functions that are wrong on purpose;
//! - [`workspace`]: a copy of the workspace to change, and [`workshop`]: the object compiled from one;
//! - [`progress`]: how far long work is;
//! - [`exit`]: the exit statuses, by name;
//! - [`skip`]: what a test leaves out, told past its harness.

pub mod dwarf;
pub mod elf;
pub mod exit;
pub mod files;
pub mod folder;
pub mod graft;
pub mod link;
pub mod progress;
pub mod skip;
pub mod together;
pub mod workshop;
pub mod workspace;
pub mod wrong;
