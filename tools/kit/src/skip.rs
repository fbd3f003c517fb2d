// SPDX-License-Identifier: GPL-2.0-or-later
//! What a test leaves out here, told past the harness, which keeps what a
//! passing test prints.

use std::fs::File;
use std::io::{stderr, Write};

/// Names a file that such lines are added to: `vmtool check` reads it after
/// each step.
pub const FILE_VARIABLE: &str = "VM_MAP_SKIPS";

/// Says that the test of this thread leaves something out: what, and why.
pub fn tell(what: &str) {
    let thread = std::thread::current();
    let line = line(thread.name().unwrap_or("a test"), what);
    if let Some(file) = std::env::var_os(FILE_VARIABLE) {
        let written = File::options().append(true).open(file).and_then(|mut file| {
            // Of tests side by side: a line in one piece.
            file.write_all(line.as_bytes())
        });
        if written.is_ok() {
            return;
        }
    }
    // Where nobody hears it, the test can do no more.
    let _ = stderr().write_all(line.as_bytes());
}

fn line(test: &str, what: &str) -> String {
    format!("SKIP {test}: {}\n", what.trim_end().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_skip_is_one_line_with_the_tests_name() {
        assert_eq!(super::line("a::b", "no xz\nhere\n"), "SKIP a::b: no xz here\n");
    }
}
