// SPDX-License-Identifier: GPL-2.0-or-later
//! When a load of the storm has caught a wrong version.

use anyhow::Result;
use kit::wrong::Load;

use crate::boot::judge::Verdict;
use crate::boot::Report;

/// Which version to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Wrong,
    Unchanged,
}

/// One load on one version, repeated until it is caught.
pub struct Trial {
    /// Boots of it, those that never came up too.
    pub boots: u32,
    pub seconds: f64,
    pub outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Caught(Verdict),
    /// What became of each storm instead.
    Missed(Vec<String>),
}

/// Storms until one catches the version, `repeats` at most.
pub fn catch(
    repeats: u32,
    load: Load,
    boot: &mut dyn FnMut(Subject) -> Result<Report>,
) -> Result<Trial> {
    let (mut boots, mut seconds, mut missed) = (0, 0.0, Vec::new());
    for _ in 0..repeats {
        let report = boot(Subject::Wrong)?;
        boots += report.boots;
        seconds += report.seconds;
        match doubt(load, &report.verdict, boot)? {
            None => {
                return Ok(Trial { boots, seconds, outcome: Outcome::Caught(report.verdict) });
            }
            Some(why) => missed.push(why),
        }
    }
    Ok(Trial { boots, seconds, outcome: Outcome::Missed(missed) })
}

/// Why a verdict does not prove that the version is wrong; nothing if it does.
fn doubt(
    load: Load,
    verdict: &Verdict,
    boot: &mut dyn FnMut(Subject) -> Result<Report>,
) -> Result<Option<String>> {
    Ok(match verdict {
        Verdict::Panic(_) => None,
        Verdict::Pass => Some("PASS".into()),
        Verdict::NeverCameUp(_) => Some("NEVER CAME UP".into()),
        // Others depend on the machine too: a slow one may leave a CPU without a thread.
        Verdict::Fail(text) => (!is_result_of(load, text))
            .then(|| format!("FAIL, but not by the load's own test: {text}")),
        Verdict::Hang(_) => {
            // The machine may have been too busy.
            let control = boot(Subject::Unchanged)?.verdict;
            (control != Verdict::Pass)
                .then(|| format!("HANG, but the unchanged version: {}", control.name()))
        }
    })
}

/// `not ok 2 - load b: ...`, `not ok 3 - maps: ...`
fn is_result_of(load: Load, text: &str) -> bool {
    let test = match load {
        Load::A | Load::B => format!("load {}: ", load.name()),
        Load::Maps | Load::Wired => format!("{}: ", load.name()),
    };
    text.strip_prefix("not ok ")
        .and_then(|rest| rest.split_once(" - "))
        .is_some_and(|(_, name)| name.starts_with(&test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Subject::{Unchanged, Wrong};

    const OWN_TEST: &str = "not ok 2 - load b: wire and inherit";

    fn hang() -> Verdict {
        Verdict::Hang("no output".into())
    }

    fn panic() -> Verdict {
        Verdict::Panic("Assertion".into())
    }

    /// Runs three storms of load b at most; these must be booted, in this order, and no others.
    fn trial(script: &[(Subject, Verdict)]) -> Trial {
        let mut script = script.iter().cloned();
        let trial = catch(3, Load::B, &mut |subject| {
            let (expected, verdict) = script.next().expect("no more boots");
            assert_eq!(subject, expected);
            let seconds = 2.0;
            Ok(Report { verdict, boots: 1, seconds, calls: 0, tests: (0, 0), words: vec![] })
        })
        .unwrap();
        assert_eq!(script.next(), None);
        trial
    }

    #[test]
    fn the_first_catch_ends_it() {
        let own = Verdict::Fail(OWN_TEST.into());
        for catch in [panic(), own] {
            let trial = trial(&[(Wrong, Verdict::Pass), (Wrong, catch.clone())]);
            assert_eq!(trial.outcome, Outcome::Caught(catch));
            assert_eq!((trial.boots, trial.seconds), (2, 4.0));
        }
    }

    #[test]
    fn a_version_that_passes_is_missed() {
        let trial =
            trial(&[(Wrong, Verdict::Pass), (Wrong, Verdict::Pass), (Wrong, Verdict::Pass)]);
        assert_eq!(trial.outcome, Outcome::Missed(vec!["PASS".into(); 3]));
    }

    #[test]
    fn a_boot_that_never_came_up_is_no_catch() {
        let never = || (Wrong, Verdict::NeverCameUp("the kernel gave up".into()));
        let trial = trial(&[never(), never(), never()]);
        assert_eq!(trial.outcome, Outcome::Missed(vec!["NEVER CAME UP".into(); 3]));
    }

    #[test]
    fn a_hang_counts_if_the_unchanged_version_passes_after_it() {
        let trial = trial(&[(Wrong, hang()), (Unchanged, Verdict::Pass)]);
        assert_eq!(trial.outcome, Outcome::Caught(hang()));
        assert_eq!(trial.boots, 1);
    }

    #[test]
    fn a_hang_of_the_unchanged_version_too_is_no_catch() {
        let trial = trial(&[
            (Wrong, hang()),
            (Unchanged, hang()),
            (Wrong, Verdict::Pass),
            (Wrong, panic()),
        ]);
        assert_eq!((trial.outcome, trial.boots), (Outcome::Caught(panic()), 3));
    }

    #[test]
    fn another_test_than_the_load_is_no_catch() {
        for text in [
            "not ok 3 - the loads' threads ran on every CPU but the boot CPU",
            "not ok 1 - arguments and processor sets",
            "not ok 2 - load a: mach_port_names by all threads",
            "verdict PASS but of 3 tests these reported nothing: 2",
        ] {
            let fail = || (Wrong, Verdict::Fail(text.into()));
            let trial = trial(&[fail(), fail(), fail()]);
            let Outcome::Missed(each) = trial.outcome else { panic!("caught by {text}") };
            assert!(each[0].contains(text), "{each:?}");
        }
        assert!(is_result_of(Load::Maps, "not ok 2 - maps: lookups"));
        assert!(is_result_of(Load::A, "not ok 2 - load a: mach_port_names"));
        assert!(is_result_of(Load::Wired, "not ok 6 - wired: the sum"));
        assert!(is_result_of(Load::B, OWN_TEST));
    }
}
