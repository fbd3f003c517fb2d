// SPDX-License-Identifier: GPL-2.0-or-later
//! Running the hosted tests of a copy of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};
use kit::together::CHOSEN;
use serde_json::Value;

/// What the tests said.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub passed: usize,
    pub failed: Vec<String>,
}

/// The features with which there are other tests, whose names begin so.
pub const FEATURES: [&str; 2] = ["callers", "sound"];

/// Where the hosted tests are built.
pub struct Place<'a> {
    /// The workspace.
    pub root: &'a Path,
    pub target: &'a Path,
    /// Features that they are built with.
    pub features: &'a str,
}

impl Place<'_> {
    /// Builds them.
    pub fn build(&self) -> Result<Tests> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(&cargo)
            .current_dir(self.root)
            .args(["test", "--test", "hosted", "--features", self.features, "--no-run"])
            .arg("--message-format=json-render-diagnostics")
            .env("CARGO_TARGET_DIR", self.target)
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .with_context(|| format!("cannot run {}", Path::new(&cargo).display()))?;
        ensure!(
            output.status.success(),
            "the hosted tests were not built ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let program = program(&String::from_utf8_lossy(&output.stdout));
        let program = program.context("cargo names no hosted tests")?;
        Ok(Tests { root: self.root.into(), program })
    }
}

/// The hosted tests of several versions in one program.
pub struct Tests {
    root: PathBuf,
    program: PathBuf,
}

impl Tests {
    /// Runs them all, of the unchanged version or of the one with this place in the list.
    pub fn run(&self, version: Option<usize>) -> Result<Outcome> {
        self.run_program(version, &[])
    }

    /// The same of these alone, by their names.
    pub fn run_these(&self, version: usize, names: &[String]) -> Result<Outcome> {
        let mut all = Outcome { passed: 0, failed: Vec::new() };
        for name in names {
            let Outcome { passed, failed } = self.run_program(Some(version), &["--exact", name])?;
            ensure!(passed + failed.len() == 1, "there is no hosted test {name}");
            all.passed += passed;
            all.failed.extend(failed);
        }
        Ok(all)
    }

    fn run_program(&self, version: Option<usize>, arguments: &[&str]) -> Result<Outcome> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root).args(arguments).env_remove("SEED").env_remove(CHOSEN);
        if let Some(index) = version {
            command.env(CHOSEN, (index + 1).to_string());
        }
        let output =
            command.output().with_context(|| format!("cannot run {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match parse(&text) {
            Some(outcome) if outcome.failed.is_empty() == output.status.success() => Ok(outcome),
            _ => bail!(
                "the hosted tests did not run to their end ({}):\n{}{text}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

/// The one program that cargo says it has made.
fn program(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
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
    fn cargo_names_the_program() {
        let lib = r#"{"reason":"compiler-artifact","executable":null}"#;
        let test = r#"{"reason":"compiler-artifact","executable":"/a/deps/hosted-1"}"#;
        let end = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(program(&[lib, test, end].join("\n")), Some("/a/deps/hosted-1".into()));
        assert_eq!(program(&[lib, end].join("\n")), None);
    }

    #[test]
    fn output_that_breaks_off_is_no_outcome() {
        assert_eq!(parse("test a ... ok\n"), None);
    }
}
