// SPDX-License-Identifier: GPL-2.0-or-later
//! What became of a step, by how its command ended and what it said.

use kit::exit;

use super::skips::{self, Permitted};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Status(i32),
    Signal(i32),
    /// It was stopped after so many minutes.
    TooLong(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// All of it was.
    Skipped,
    Failed(String),
}

/// What may be skipped.
#[derive(Default)]
pub struct Rules {
    /// Only what is permitted.
    pub strict: bool,
    pub permitted: Vec<Permitted>,
}

/// The status of a command that skips.
const SKIPPED: i32 = exit::SKIPPED as i32;
/// The status of make, whatever a recipe's was.
const MAKE_FAILED: i32 = 2;

/// The verdict, by the command's output and by the skips that its tests wrote down.
pub fn judge(step: &str, end: End, output: &str, skips: &[String], rules: &Rules) -> Verdict {
    let status = match end {
        End::Status(MAKE_FAILED) => skips::recipe_status(output).unwrap_or(MAKE_FAILED),
        End::Status(status) => status,
        End::Signal(signal) => return Verdict::Failed(format!("ended by signal {signal}")),
        End::TooLong(minutes) => {
            return Verdict::Failed(format!("stopped, as it did not end in {minutes} minutes"))
        }
    };
    let verdict = match status {
        0 => Verdict::Passed,
        SKIPPED if skips.is_empty() => {
            return Verdict::Failed(
                "status 77, but no line SKIP says what is skipped and why".into(),
            )
        }
        SKIPPED => Verdict::Skipped,
        status => return Verdict::Failed(format!("status {status}")),
    };
    match skips.iter().filter(|skip| rules.strict && rules.reason(step, skip).is_none()).count() {
        0 => verdict,
        1 => Verdict::Failed("a skip that is not permitted".into()),
        count => Verdict::Failed(format!("{count} skips that are not permitted")),
    }
}

impl Rules {
    /// Why a step may skip this.
    pub fn reason(&self, step: &str, skip: &str) -> Option<&str> {
        let found = self.permitted.iter().find(|permitted| permitted.permits(step, skip));
        found.map(|permitted| permitted.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(end: End, output: &str, skips: &[&str]) -> Verdict {
        let skips: Vec<String> = skips.iter().map(|skip| skip.to_string()).collect();
        judge("a", end, output, &skips, &Rules::default())
    }

    fn why(verdict: Verdict) -> String {
        match verdict {
            Verdict::Failed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_77_with_a_reason_is_a_skip() {
        assert_eq!(plain(End::Status(0), "", &[]), Verdict::Passed);
        assert_eq!(plain(End::Status(0), "", &["one test"]), Verdict::Passed);
        assert_eq!(plain(End::Status(77), "", &["no kernel"]), Verdict::Skipped);
        assert!(why(plain(End::Status(77), "", &[])).contains("no line SKIP"));
        for status in [1, 2, 76, 78, 101, 127] {
            assert_eq!(
                why(plain(End::Status(status), "", &["no kernel"])),
                format!("status {status}")
            );
        }
        assert_eq!(why(plain(End::Signal(9), "", &["x"])), "ended by signal 9");
        assert!(why(plain(End::TooLong(3), "", &[])).contains("in 3 minutes"));
    }

    #[test]
    fn a_skip_survives_make() {
        let stopped = |status| format!("SKIP: x\nmake: *** [Makefile:1: a] Error {status}\n");
        assert_eq!(plain(End::Status(2), &stopped(77), &["x"]), Verdict::Skipped);
        assert_eq!(why(plain(End::Status(2), &stopped(1), &["x"])), "status 1");
        // Something other than make, or make without a recipe that failed.
        assert_eq!(why(plain(End::Status(2), "SKIP: x\n", &["x"])), "status 2");
        assert_eq!(why(plain(End::Status(1), &stopped(77), &["x"])), "status 1");
    }

    #[test]
    fn a_skip_must_be_permitted_if_the_rules_are_strict() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("skips");
        std::fs::write(&file, "a | perhaps | no kernel | this machine has none\n").unwrap();
        let permitted = Permitted::read(&file).unwrap();
        let rules = Rules { strict: true, permitted };
        let judge_it = |status, skips: &[&str]| {
            let skips: Vec<String> = skips.iter().map(|skip| skip.to_string()).collect();
            judge("a", End::Status(status), "", &skips, &rules)
        };
        assert_eq!(judge_it(77, &["no kernel here"]), Verdict::Skipped);
        assert_eq!(judge_it(0, &["no kernel here"]), Verdict::Passed);
        assert!(why(judge_it(77, &["no compiler"])).contains("not permitted"));
        assert!(why(judge_it(0, &["no kernel here", "no compiler"])).contains("a skip that"));
        assert!(why(judge_it(0, &["x", "no compiler"])).contains("2 skips"));
        assert_eq!(why(judge_it(1, &["no kernel here"])), "status 1");
        assert_eq!(judge_it(0, &[]), Verdict::Passed);
    }
}
