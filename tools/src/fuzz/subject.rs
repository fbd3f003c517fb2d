// SPDX-License-Identifier: GPL-2.0-or-later
//! A kernel that cases run on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

use super::fate::{self, Boot, Fate};
use super::shorten::{Keep, Pieces};
use crate::boot::{MachineArgs, Mark, Module, Progress};
use crate::defects::place::Names;
use crate::run::PORTS;

/// How the page of the program begins that has what each thread is about to call.
const MARK: Mark = *b"fuzzlastcalles:\n";

/// Times the calls of a case that each of several threads makes: they are to meet.
const ROUNDS: u32 = 8;

pub struct Subject {
    pub name: String,
    path: PathBuf,
    names: Names,
}

/// What all boots of a run have in common.
pub struct Plan<'a> {
    pub program: &'a Path,
    pub machine: &'a MachineArgs,
    pub logs: &'a Path,
    pub seed: u32,
    /// Calls of a case.
    pub calls: u32,
    pub threads: u32,
    /// Calls that meet known defects are made.
    pub known: bool,
    /// So are those that meet defects which `sound` keeps away.
    pub sound: bool,
    /// And those that meet defects which the C fixes keep away.
    pub fixed: bool,
    /// The privileged host port is used.
    pub privileged: bool,
    /// The most times that a kernel may stop.
    pub stops: u32,
}

/// All cases on one kernel.
#[derive(Debug, Default)]
pub struct Run {
    pub fates: BTreeMap<u32, Fate>,
    /// Calls that each case made.
    pub made: BTreeMap<u32, u32>,
    /// After which cases something was left in the kernel.
    pub left: Vec<(u32, Fate)>,
    /// What each thread called last in cases that stopped the kernel.
    pub last: BTreeMap<u32, Vec<String>>,
    pub calls: u64,
    pub steered: u64,
    pub boots: u32,
    /// Boots that were ended for their length.
    pub cut_off: u32,
    /// The first case that was not tried, as the kernel had stopped too often.
    pub untried: Option<u32>,
}

impl Plan<'_> {
    /// How many times that number of calls all threads make in a case.
    pub fn rounds(&self) -> u32 {
        if self.threads > 1 {
            self.threads * ROUNDS
        } else {
            1
        }
    }
}

impl Subject {
    pub fn new(name: &str, path: &Path) -> Result<Subject> {
        Ok(Subject { name: name.into(), path: path.into(), names: Names::read(path)? })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs cases, and goes on behind each that stops the kernel.
    pub fn run(&self, plan: &Plan, first: u32, cases: u32) -> Result<Run> {
        let mut run = Run::default();
        let (mut next, end) = (first, first + cases);
        while next < end {
            if run.boots - run.cut_off > plan.stops {
                run.untried = Some(next);
                break;
            }
            let words = format!("first={next} cases={}", end - next);
            let boot = self.boot(plan, &words, next, &format!("{}-{next}", self.name))?;
            run.boots += 1;
            next = run.take(boot, next).with_context(|| format!("on the {} kernel", self.name))?;
        }
        Ok(run)
    }

    /// One case, each call told.
    pub fn tell(&self, plan: &Plan, number: u32, keep: Keep) -> Result<Boot> {
        let words = format!("first={number} cases=1 tell=1 {}", keep.words());
        self.boot(plan, &words, number, &format!("{}-case-{number}", self.name))
    }

    /// One case without one piece after the other.
    pub fn leave_out(&self, plan: &Plan, number: u32, keep: Keep, pieces: Pieces) -> Result<Boot> {
        let Pieces { chunk, from } = pieces;
        let words = format!("first={number} chunk={chunk} from={from} {}", keep.words());
        self.boot(plan, &words, number, &format!("{}-short-{number}", self.name))
    }

    fn boot(&self, plan: &Plan, words: &str, first: u32, log: &str) -> Result<Boot> {
        let [known, sound, fixed, privileged] =
            [plan.known, plan.sound, plan.fixed, plan.privileged].map(u32::from);
        let threads = match plan.threads {
            1 => "patience=40".into(),
            threads => format!("threads={threads} rounds={ROUNDS} patience=60"),
        };
        let (seed, calls) = (plan.seed, plan.calls);
        let words = format!(
            "{PORTS} seed={seed} calls={calls} known={known} sound={sound} fixed={fixed} privileged={privileged} {threads} {words}"
        );
        let module = Module { path: plan.program.into(), args: words };
        let mut boot = plan.machine.boot(self.path.clone(), vec![module]);
        let log = plan.logs.join(format!("{log}.log"));
        boot.log = Some(log.clone());
        boot.last_words = Some(MARK);
        let progress = Progress::new(&self.name);
        let report = boot
            .run(&mut |status| progress.show(status))
            .with_context(|| format!("cannot boot the {} kernel", self.name))?;
        let said = std::fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let place_at = |address| self.names.at(address);
        Ok(fate::read(&report.verdict, &String::from_utf8_lossy(&said), first, &place_at))
    }
}

impl Run {
    /// Takes the cases of a boot; returns the first that is still to run.
    fn take(&mut self, boot: Boot, first: u32) -> Result<u32> {
        if let Some(broken) = boot.broken {
            bail!("the program could not go on: {broken}");
        }
        self.calls += boot.calls;
        self.steered += boot.steered;
        let last = boot.cases.last().map(|case| case.number);
        let Some(last) = last.filter(|&last| last >= first) else {
            match boot.cut_off {
                Some(why) => bail!("case {first} did not end (--timeout): {why}"),
                None => bail!("no case from {first} on ran"),
            }
        };
        self.cut_off += u32::from(boot.cut_off.is_some());
        if !boot.last.is_empty() {
            self.last.insert(last, boot.last);
        }
        for case in boot.cases {
            *self.made.entry(case.number).or_default() += case.made;
            match case.fate {
                Fate::Left(_) => self.left.push((case.number, case.fate)),
                fate => {
                    self.fates.insert(case.number, fate);
                }
            }
        }
        Ok(last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::fate::Case;

    #[test]
    fn a_run_goes_on_behind_the_last_case_of_a_boot() {
        let case = |number, fate| Case { number, fate, made: 0 };
        let mut run = Run::default();
        let cases = vec![case(5, Fate::Ended(1)), case(5, Fate::Left("entries: 9".into()))];
        assert_eq!(run.take(Boot { cases, calls: 3, ..Boot::default() }, 5).unwrap(), 6);
        let cases = vec![case(6, Fate::Stopped("x".into()))];
        assert_eq!(run.take(Boot { cases, calls: 3, ..Boot::default() }, 6).unwrap(), 7);
        assert_eq!((run.calls, run.fates.len(), run.left.len()), (6, 2, 1));
        let cases = vec![case(7, Fate::Ended(1))];
        let cut_off = Boot { cases, cut_off: Some("x".into()), ..Boot::default() };
        assert_eq!((run.take(cut_off, 7).unwrap(), run.cut_off), (8, 1));
        let cut_off = Boot { cut_off: Some("x".into()), ..Boot::default() };
        assert_eq!(
            run.take(cut_off, 8).unwrap_err().to_string(),
            "case 8 did not end (--timeout): x"
        );
        assert!(run.take(Boot::default(), 7).is_err(), "no case at all");
        assert!(run.take(Boot { broken: Some("x".into()), ..Boot::default() }, 7).is_err());
    }
}
