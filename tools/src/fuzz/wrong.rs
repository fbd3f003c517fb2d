// SPDX-License-Identifier: GPL-2.0-or-later
//! Wrong versions of our functions: which of them random calls tell from the stock kernel, and after how
//! many calls.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use kit::workshop::Workshop;
use kit::wrong::{Judge, Wrong, LISTS};

use super::fate::Fate;
use super::findings::differences;
use super::subject::{Plan, Run, Subject};
use crate::graft;

const UNCHANGED: &str = "unchanged";

#[derive(clap::Args)]
#[command(next_help_heading = "With --wrong")]
pub struct WrongArgs {
    /// Try versions of our functions that are wrong on purpose (tests/wrong/) beside the stock kernel
    ///
    /// Prints after how many calls each was told from the stock kernel. The unchanged version must not be.
    /// Exit status: 0 those were that list the random calls among what catches them, or that were named;
    /// 1 one was not.
    #[arg(long, requires = "headers")]
    wrong: bool,
    /// Versions to try, by name; all if none is named
    #[arg(requires = "wrong", value_name = "NAME")]
    names: Vec<String>,
    /// Folder with that kernel's structs.h, as `vmtool layout` makes it
    #[arg(long, value_name = "DIR", requires = "wrong")]
    headers: Option<PathBuf>,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".", requires = "wrong")]
    root: PathBuf,
    /// Where to copy and build: a new folder, or one that vmtool made
    #[arg(
        long,
        value_name = "DIR",
        default_value = "target/wrong-versions/fuzz",
        requires = "wrong"
    )]
    scratch: PathBuf,
}

/// How a version was told from the stock kernel.
#[derive(Debug, PartialEq, Eq)]
struct Caught {
    calls: u32,
    by: String,
}

pub struct WrongPlan<'a> {
    args: &'a WrongArgs,
    headers: &'a Path,
}

impl WrongArgs {
    /// If wrong versions are asked for.
    pub fn plan(&self) -> Option<WrongPlan<'_>> {
        self.headers
            .as_ref()
            .filter(|_| self.wrong)
            .map(|headers| WrongPlan { args: self, headers })
    }
}

impl WrongPlan<'_> {
    pub fn run(&self, stock: &Subject, plan: &Plan, first: u32, cases: u32) -> Result<ExitCode> {
        let all =
            kit::wrong::read(&self.args.root.join(LISTS)).context("is --root the workspace?")?;
        for name in &self.args.names {
            ensure!(
                all.iter().any(|wrong| wrong.name == *name),
                "no wrong version {name}; see vmtool wrong --list"
            );
        }
        let named = |wrong: &Wrong| self.args.names.contains(&wrong.name);
        // Versions without a change to our sources are of other checks' models.
        let chosen: Vec<&Wrong> = all
            .iter()
            .filter(|wrong| {
                if self.args.names.is_empty() {
                    !wrong.change.is_empty()
                } else {
                    named(wrong)
                }
            })
            .collect();
        let scratch = kit::folder::ours_alone(&self.args.scratch)?;
        let mut workshop = Workshop::open(&self.args.root, self.headers, scratch)?;
        // What a wrong version does is seen in its first boot, or not at all.
        let once = Plan { stops: 0, ..*plan };
        let stock_run = stock.run(plan, first, cases)?;
        let attempt = |name: &str, object: PathBuf| -> Result<Option<Caught>> {
            let kernel = grafted(stock.path(), object)?;
            let run = Subject::new(name, &kernel)?.run(&once, first, cases)?;
            Ok(caught(&stock_run, &run))
        };
        let unchanged = workshop.make_unchanged(UNCHANGED)?;
        if let Some(Caught { by, .. }) = attempt(UNCHANGED, unchanged)? {
            anyhow::bail!("the unchanged version differs from the stock kernel, so that others prove nothing: {by}");
        }
        let (mut seen, mut failed) = (0, false);
        println!("{:<34} {:>7}  told from the stock kernel by", "version", "calls");
        for wrong in &chosen {
            let must = named(wrong) || wrong.is_for(Judge::Fuzz);
            let outcome =
                workshop.make_wrong(wrong).and_then(|object| attempt(&wrong.name, object));
            failed |= must && !matches!(outcome, Ok(Some(_)));
            seen += u32::from(matches!(outcome, Ok(Some(_))));
            println!("{}", row(&wrong.name, &outcome, must));
        }
        println!("{seen} of {} wrong versions, of {} calls each", chosen.len(), stock_run.calls);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn row(name: &str, outcome: &Result<Option<Caught>>, must: bool) -> String {
    match outcome {
        Ok(Some(Caught { calls, by })) => format!("{name:<34} {calls:>7}  {by}"),
        Ok(None) if must => format!("{name:<34} {:>7}  NOTHING, and it should have been", "-"),
        Ok(None) => format!("{name:<34} {:>7}  nothing", "-"),
        Err(error) => format!("{name:<34} {:>7}  ERROR: {error:#}", "-"),
    }
}

/// The kernel with a version's object in it, beside the object.
fn grafted(kernel: &Path, object: PathBuf) -> Result<PathBuf> {
    let output = object.with_file_name("gnumach");
    let kernel = kernel.into();
    graft::graft(&graft::Args { kernel, object, output: output.clone(), dump: None, keep: false })?;
    Ok(output)
}

/// What first tells one run from the other.
fn caught(stock: &Run, run: &Run) -> Option<Caught> {
    let first = differences(stock, run)
        .into_iter()
        .next()
        .map(|first| (first.number, first.fates[1].clone()));
    // What is left is told after the case.
    let left = run.left.first().filter(|_| stock.left.is_empty()).cloned();
    let (number, fate) = match (first, left) {
        (Some(first), Some(left)) if left.0 < first.0 => left,
        (Some(first), _) => first,
        (None, left) => left?,
    };
    let calls = run.made.range(..=number).map(|(_, made)| made).sum();
    let by = match fate {
        Fate::Ended(_) => "another answer than the stock kernel's".into(),
        fate => fate.to_string(),
    };
    Some(Caught { calls, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fates: &[Fate]) -> Run {
        let numbered = || fates.iter().cloned().zip(0..);
        Run {
            fates: numbered().map(|(fate, number)| (number, fate)).collect(),
            made: numbered().map(|(_, number)| (number, 10)).collect(),
            ..Run::default()
        }
    }

    #[test]
    fn the_first_difference_catches() {
        let ended = Fate::Ended;
        let stock = run(&[ended(1), ended(2), ended(3)]);
        assert_eq!(caught(&stock, &stock), None);
        let by_digest =
            caught(&stock, &run(&[ended(1), ended(9), Fate::Stopped("x".into())])).unwrap();
        assert_eq!(
            (by_digest.calls, by_digest.by.as_str()),
            (20, "another answer than the stock kernel's")
        );
        let stopped =
            caught(&stock, &run(&[ended(1), ended(2), Fate::Stopped("x".into())])).unwrap();
        assert_eq!((stopped.calls, stopped.by.as_str()), (30, "the kernel stopped: x"));
        let mut leaks = run(&[ended(1), ended(2)]);
        leaks.left.push((1, Fate::Left("entries: 9".into())));
        assert_eq!(caught(&stock, &leaks).unwrap().by, "left: entries: 9");
    }

    #[test]
    fn who_lists_the_random_calls_must_be_caught() {
        assert!(row("a", &Ok(None), true).contains("NOTHING"));
        assert!(row("a", &Ok(None), false).ends_with(" nothing"));
        let caught = Caught { calls: 7, by: "x".into() };
        assert!(row("a", &Ok(Some(caught)), true).ends_with("      7  x"));
    }
}
