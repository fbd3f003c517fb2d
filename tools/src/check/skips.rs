// SPDX-License-Identifier: GPL-2.0-or-later
//! What was skipped and why, and which skips are permitted where none should be.

use std::fs;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};

/// The skips that a step's output tells of, each once.
///
/// They are lines that start with SKIP, KTAP's points with the directive SKIP, and what Rust's test
/// harnesses say of an ignored test.
pub fn told(output: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in output.lines().map(|line| line.trim_end_matches('\r')) {
        if let Some(skip) = told_by(line) {
            if !all.contains(&skip) {
                all.push(skip);
            }
        }
    }
    all
}

fn told_by(line: &str) -> Option<String> {
    // A harness with one thread has begun the line with the test's name.
    let line =
        line.rsplit_once(" ... SKIP").map_or(line.to_owned(), |(_, rest)| format!("SKIP{rest}"));
    if let Some(text) = line.strip_prefix("SKIP") {
        let text = text.trim_start_matches(':').trim();
        return Some(if text.is_empty() { "no reason given".into() } else { text.into() });
    }
    if let Some((point, reason)) = line.split_once("# SKIP") {
        let (number, name) = point.strip_prefix("ok ")?.split_once(" - ")?;
        number.parse::<u32>().ok()?;
        return Some(format!("{}: {}", name.trim(), reason.trim()));
    }
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let reason = result.strip_prefix("ignored")?.trim_start_matches(',').trim();
    let reason = if reason.is_empty() { "ignored" } else { reason };
    Some(format!("{}: {reason}", name.trim_end()))
}

/// The exit status of the recipe that make stopped at, by the last lines that make prints, those of its
/// parents included; none if make did not print any. Make itself only says 2.
pub fn recipe_status(output: &str) -> Option<i32> {
    let mut errors = output.lines().rev().map_while(make_error);
    let (mut level, mut status) = errors.next()?;
    for (inner, code) in errors {
        if status != 2 || inner != level + 1 {
            break;
        }
        (level, status) = (inner, code);
    }
    Some(status)
}

/// `make: *** [Makefile:3: all] Error 77`, of a make at level 1 `make[1]: ***`.
fn make_error(line: &str) -> Option<(u32, i32)> {
    let (who, what) = line.split_once(": *** [")?;
    let program = who.rsplit('/').next()?;
    let level = match program.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((_, level)) => level.parse().ok()?,
        None => 0,
    };
    let (_, code) = what.rsplit_once("] Error ")?;
    Some((level, code.trim().parse().ok()?))
}

/// A skip that does not fail a check in CI.
#[derive(Debug)]
pub struct Permitted {
    step: String,
    /// On every machine, and not by what a machine or an archive holds.
    always: bool,
    /// A part of what the skip says.
    text: String,
    pub reason: String,
}

impl Permitted {
    pub fn read(path: &Path) -> Result<Vec<Permitted>> {
        let what = || path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", what()))?;
        Self::parse(&text).with_context(what)
    }

    fn parse(text: &str) -> Result<Vec<Permitted>> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                let mut columns = line.splitn(4, '|').map(|column| column.trim().to_owned());
                let mut next = || columns.next().unwrap_or_default();
                let (step, when, text, reason) = (next(), next(), next(), next());
                ensure!(
                    !step.is_empty() && !text.is_empty() && !reason.is_empty(),
                    "line {number}: not `step | always or perhaps | text | reason`"
                );
                let always = match &*when {
                    "always" => true,
                    "perhaps" => false,
                    _ => bail!("line {number}: '{when}' is neither `always` nor `perhaps`"),
                };
                Ok(Permitted { step, always, text, reason })
            })
            .collect()
    }

    pub fn is_for(&self, step: &str) -> bool {
        self.step == step
    }

    /// Whether it is always there, if its step has run at all.
    pub fn is_always(&self) -> bool {
        self.always
    }

    pub fn permits(&self, step: &str, skip: &str) -> bool {
        self.is_for(step) && skip.contains(&self.text)
    }

    /// As the list has it.
    pub fn line(&self) -> String {
        format!("{} | {}", self.step, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_tell_of_a_skip_is_read() {
        let output =
            "SKIP: no kernel\r\nSKIP disk images: no xz\nSKIP disk images: no xz\nok 1 - a\n\
                      ok 2 - b::c # SKIP one CPU\ntest d     ... ignored, not here\n\
                      test e ... ignored\ntest f ... ok\ntest g ... SKIP boots: no QEMU\nSKIP\n";
        assert_eq!(
            told(output),
            [
                "no kernel",
                "disk images: no xz",
                "b::c: one CPU",
                "d: not here",
                "e: ignored",
                "boots: no QEMU",
                "no reason given",
            ]
        );
    }

    #[test]
    fn what_only_speaks_of_skips_is_none() {
        let output = "    SKIP in the middle\nnot ok 3 - a # SKIP but it failed\n0 skipped\n\
                      test tells_of_a_skip ... ok\nok x - y # SKIP no number\n";
        assert!(told(output).is_empty(), "{:?}", told(output));
    }

    #[test]
    fn the_recipe_that_make_stopped_at_is_found() {
        let found = |output| recipe_status(output);
        assert_eq!(found("x\nmake: *** [Makefile:1: a] Error 77\n"), Some(77));
        assert_eq!(found("/usr/bin/make: *** [b.mk:10: a/b] Error 101\n"), Some(101));
        let nested =
            "make[2]: *** [Makefile:1: a] Error 77\nmake[1]: *** [Makefile:2: b] Error 2\n\
                      make: *** [Makefile:3: c] Error 2\n";
        assert_eq!(found(nested), Some(77));
        assert_eq!(found("all is well\n"), None);
    }

    #[test]
    fn a_failure_after_a_skip_is_no_skip() {
        // A make inside skipped, but what the outer one stopped at is something else.
        let later =
            "make[1]: *** [Makefile:1: a] Error 77\nfailed\nmake: *** [Makefile:3: c] Error 2\n";
        assert_eq!(recipe_status(later), Some(2));
        let beside = "make: *** [Makefile:1: a] Error 77\nmake: *** [Makefile:2: b] Error 2\n";
        assert_eq!(recipe_status(beside), Some(2));
        let other = "make[1]: *** [Makefile:1: a] Error 77\nmake: *** [Makefile:3: c] Error 1\n";
        assert_eq!(recipe_status(other), Some(1));
        assert_eq!(recipe_status("make: *** [Makefile:3: c] Error 77\nmore\n"), None);
    }

    #[test]
    fn a_permitted_skip_has_step_text_and_reason() {
        let list = "# why\n\nhosted | always | debug checks | a | b\nhosted | perhaps | x | y";
        let list = Permitted::parse(list).unwrap();
        assert_eq!(list[0].reason, "a | b");
        assert_eq!([list[0].is_always(), list[1].is_always()], [true, false]);
        assert!(list[0].permits("hosted", "x: Rust's debug checks stop it"));
        assert!(!list[0].permits("harness", "x: Rust's debug checks stop it"));
        assert!(!list[0].permits("hosted", "no compiler"));
        for bad in [
            "hosted",
            "hosted | always | text",
            "hosted | always | | reason",
            "| perhaps | text | reason",
            "hosted | never | text | reason",
            "hosted | text | reason | more",
        ] {
            let error = Permitted::parse(&format!("\n{bad}")).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{bad}: {error}");
        }
    }
}
