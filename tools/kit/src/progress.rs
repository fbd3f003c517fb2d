// SPDX-License-Identifier: GPL-2.0-or-later
//! How far long work is: a line on the terminal that stderr is, and nothing elsewhere.

pub use indicatif::ProgressBar as Line;
use indicatif::{ProgressFinish, ProgressStyle};

/// A line to fill with `set_message`; it goes when it is dropped.
pub fn line() -> Line {
    let style = ProgressStyle::with_template("{wide_msg}").expect("indicatif knows the field");
    Line::new_spinner().with_style(style).with_finish(ProgressFinish::AndClear)
}
