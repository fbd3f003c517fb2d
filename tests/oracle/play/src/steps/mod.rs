// SPDX-License-Identifier: GPL-2.0-or-later
//! What the bench counts of a function: each step that it takes.

pub mod native;
mod recorder;
pub mod step;
