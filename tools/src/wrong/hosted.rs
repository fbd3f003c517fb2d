// SPDX-License-Identifier: GPL-2.0-or-later
//! Running the hosted tests of a copy of the workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{bail, Context, Result};

/// What the tests said.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub passed: usize,
    pub failed: Vec<String>,
}

/// The features with which there are other tests, whose names begin so.
pub const FEATURES: [&str; 2] = ["callers", "sound"];

/// Builds and runs the hosted tests of the workspace at `root`, with these features.
pub fn run(root: &Path, target: &Path, features: &str) -> Result<Outcome> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .current_dir(root)
        .args(["test", "--test", "hosted", "--features", features])
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_TERM_COLOR", "never")
        .env_remove("SEED")
        .output()
        .with_context(|| format!("cannot run {}", Path::new(&cargo).display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match parse(&text) {
        Some(outcome) if outcome.failed.is_empty() == output.status.success() => Ok(outcome),
        _ => bail!(
            "the hosted tests were not built or did not run to their end ({}):\n{}{text}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// None if the tests' last line is not there.
fn parse(text: &str) -> Option<Outcome> {
    let mut outcome = Outcome { passed: 0, failed: Vec::new() };
    for line in text.lines() {
        let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        else {
            continue;
        };
        match result {
            "ok" => outcome.passed += 1,
            "FAILED" => outcome.failed.push(name.trim_end().to_owned()),
            _ => {}
        }
    }
    text.lines().any(|line| line.starts_with("test result: ")).then_some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_tests_print() {
        let text = "\nrunning 3 tests\ntest a::b   ... ok\ntest a::long ... FAILED\n\
                    test c      ... ignored (why)\n\ntest result: FAILED. 1 passed\n";
        let expected = Outcome { passed: 1, failed: vec!["a::long".into()] };
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn output_that_breaks_off_is_no_outcome() {
        assert_eq!(parse("test a ... ok\n"), None);
    }
}
