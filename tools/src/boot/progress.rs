// SPDX-License-Identifier: GPL-2.0-or-later
//! One line on a terminal that tells how far a boot is; nothing where there is no terminal.

use std::io::{stderr, IsTerminal, Write};

use super::session::Status;

pub struct Progress {
    label: String,
    on_terminal: bool,
}

impl Progress {
    pub fn new(label: impl Into<String>) -> Progress {
        Progress { label: label.into(), on_terminal: stderr().is_terminal() }
    }

    pub fn show(&self, status: &Status) {
        if !self.on_terminal {
            return;
        }
        let boot = if status.boot > 1 { format!(", boot {}", status.boot) } else { String::new() };
        let last = if status.started { status.last_line } else { "booting" };
        let line: String = format!("{}: {} s{boot}  {last}", self.label, status.seconds)
            .chars()
            .filter(|c| !c.is_control())
            .take(99)
            .collect();
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr(), "\r{line}\x1b[K");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
