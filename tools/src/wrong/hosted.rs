// SPDX-License-Identifier: GPL-2.0-or-later
//! Running the hosted tests of a copy of the workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

/// What the tests said.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub passed: usize,
    pub failed: Vec<String>,
}

/// The features with which there are other tests, whose names begin so.
pub const FEATURES: [&str; 2] = ["callers", "sound"];

/// Where the hosted tests are built and run.
pub struct Tests<'a> {
    /// The workspace.
    pub root: &'a Path,
    pub target: &'a Path,
    /// Features that they are built with.
    pub features: &'a str,
}

impl Tests<'_> {
    /// Builds and runs them all.
    pub fn run(&self) -> Result<Outcome> {
        self.cargo_test(&[])
    }

    /// The same of these alone, by their names.
    pub fn run_these(&self, names: &[String]) -> Result<Outcome> {
        let mut all = Outcome { passed: 0, failed: Vec::new() };
        for name in names {
            let Outcome { passed, failed } = self.cargo_test(&["--", "--exact", name])?;
            ensure!(passed + failed.len() == 1, "there is no hosted test {name}");
            all.passed += passed;
            all.failed.extend(failed);
        }
        Ok(all)
    }

    fn cargo_test(&self, arguments: &[&str]) -> Result<Outcome> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(&cargo)
            .current_dir(self.root)
            .args(["test", "--test", "hosted", "--features", self.features])
            .args(arguments)
            .env("CARGO_TARGET_DIR", self.target)
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
