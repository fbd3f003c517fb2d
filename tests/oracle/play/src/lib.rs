// SPDX-License-Identifier: GPL-2.0-or-later
//! What runs millions of times in the oracle: both sides, cases, what is seen of them, and steps that are
//! counted. It is compiled for speed; the rest of the oracle, its reports and messages, is not.

pub mod callers;
pub mod campaign;
pub mod case;
pub mod ends;
mod generate;
mod generate_callers;
mod generate_sound;
pub mod hooks;
mod interference;
pub mod kernel;
pub mod layout;
mod log;
pub mod low;
pub mod machine;
pub mod memory;
mod moved;
pub mod ours;
pub mod reach;
mod rng;
pub mod run;
pub mod script;
pub mod serve;
pub mod state;
pub mod steps;
pub mod watch;
