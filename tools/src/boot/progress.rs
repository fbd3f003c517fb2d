// SPDX-License-Identifier: GPL-2.0-or-later
//! How far a boot is, in a line on the terminal.

use kit::progress::Line;

use super::session::Status;

pub struct Progress {
    label: String,
    line: Line,
}

impl Progress {
    pub fn new(label: impl Into<String>) -> Progress {
        Progress { label: label.into(), line: kit::progress::line() }
    }

    pub fn show(&self, status: &Status) {
        if self.line.is_hidden() {
            return;
        }
        let boot = if status.boot > 1 { format!(", boot {}", status.boot) } else { String::new() };
        let last = if status.started { status.last_line } else { "booting" };
        let last = last.replace(char::is_control, "");
        self.line.set_message(format!("{}: {} s{boot}  {last}", self.label, status.seconds));
    }
}
