// SPDX-License-Identifier: GPL-2.0-or-later
//! The exit statuses of the programs, by name. Each program's --help says which
//! of them it has, and when.

/// Done, and nothing was found wrong.
pub const DONE: u8 = 0;
/// It failed and said why; of a program that compares: there is a difference.
pub const FAILED: u8 = 1;
/// The command line is wrong (clap's own status), or files do not fit together.
pub const USAGE: u8 = 2;
/// What ran found something wrong.
pub const NOT_PASSED: u8 = 10;
/// The kernel gave up.
pub const PANIC: u8 = 11;
/// The kernel, or what ran on it, stood still.
pub const HANG: u8 = 12;
/// Nothing ran before the time was over.
pub const NEVER_CAME_UP: u8 = 13;
/// All passed, but that our functions ran is not shown.
pub const PROVES_NOTHING: u8 = 14;
/// Only the stock kernel failed.
pub const STOCK_FAILED: u8 = 15;
/// The stock kernel and ours do not do the same.
pub const KERNELS_DIFFER: u8 = 16;
/// What was asked for could not be tried.
pub const NOT_TRIED: u8 = 17;
/// It cannot be tried here; automake's status for that.
pub const SKIPPED: u8 = 77;
