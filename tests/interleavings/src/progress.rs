// SPDX-License-Identifier: GPL-2.0-or-later
//! How far a search is, on a terminal only.

use std::io::{stderr, IsTerminal, Write};

/// Called with the number of each schedule; rewrites one line now and then.
pub fn shown(label: String) -> Box<dyn FnMut(u64)> {
    if !stderr().is_terminal() {
        return Box::new(|_| ());
    }
    Box::new(move |schedule| {
        if schedule % 10_000 == 0 {
            // A line that cannot be written is not worth an error.
            let _ = write!(stderr(), "\r\x1b[K{label}: {schedule} schedules\r");
        }
    })
}

/// Clears the line.
pub fn clear() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}
