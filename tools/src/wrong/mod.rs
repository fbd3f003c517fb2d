// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool wrong`: versions of our functions that are wrong on purpose, and what catches them: the
//! hosted tests, or the storm in a kernel.

use std::io::{stderr, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{ensure, Result};

mod catch;
mod grafted;
mod hosted;
mod lend;
mod list;
mod sources;
mod storms;

use hosted::Outcome;
use list::Wrong;

/// Check that versions of our functions that are wrong on purpose are caught
///
/// tests/wrong.toml lists them: a change to our sources, what it breaks, and the tests that must fail.
/// Each is made in a copy of the workspace, and the hosted tests are run there; on the unchanged copy
/// they must pass. Prints which tests caught which version.
///
/// With --storms they are booted in a kernel instead, each with the loads of the storm that must fail.
///
/// Exit status: 0 each was caught by every test, or every load, that it names; 1 one was not, or its text
/// is not in our sources exactly once any more, or the unchanged version fails, or the tests or boots
/// could not be run; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// Versions to try, by name; all if none is named
    names: Vec<String>,
    /// Print the names, the loads of the storm that must fail, and what each version breaks
    #[arg(long)]
    list: bool,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Where to copy and build: a new folder, or one that vmtool made; kept, so that the next time takes less
    #[arg(long, value_name = "DIR", default_value = "target/wrong-versions")]
    scratch: PathBuf,
    #[command(flatten)]
    storms: storms::StormArgs,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let all = list::read(&args.root)?;
    for name in &args.names {
        ensure!(all.iter().any(|wrong| wrong.name == *name), "no wrong version {name}; see --list");
    }
    let chosen: Vec<&Wrong> = all
        .iter()
        .filter(|wrong| args.names.is_empty() || args.names.contains(&wrong.name))
        .collect();
    if args.list {
        for wrong in &chosen {
            println!("{:<32} {:<14} {}", wrong.name, loads(wrong), wrong.breaks);
        }
        return Ok(ExitCode::SUCCESS);
    }

    let scratch = kit::folder::ours(&args.scratch)?;
    if let Some(plan) = args.storms.plan(&args.root, scratch.clone()) {
        return plan.run(&chosen, !args.names.is_empty());
    }
    let bench =
        Bench { root: &args.root, copy: scratch.join("sources"), target: scratch.join("target") };
    lend::lend(&args.root.join("target/debug"), &bench.target.join("debug"), MEMBERS)?;
    bench.check_unchanged()?;
    let mut missed = 0;
    for (index, wrong) in chosen.iter().enumerate() {
        show(&format!("{} of {}: {}", index + 1, chosen.len(), wrong.name));
        let start = Instant::now();
        let outcome = bench.try_one(wrong);
        show("");
        let caught = match outcome {
            Ok(outcome) => report(wrong, &outcome, start.elapsed().as_secs_f32()),
            Err(error) => {
                println!("ERROR   {}: {error:#}", wrong.name);
                false
            }
        };
        missed += usize::from(!caught);
    }
    println!("{} of {} wrong versions are caught", chosen.len() - missed, chosen.len());
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Packages of the workspace: the copy has its own of the first, and the others would only take room.
const MEMBERS: &[&str] = &["gnumach-vm-map", "interleavings", "kit", "oracle", "vmtool"];

fn loads(wrong: &Wrong) -> String {
    let names: Vec<&str> = wrong.storm.iter().map(|load| load.name()).collect();
    names.join(",")
}

/// Where versions are made and tested.
struct Bench<'a> {
    root: &'a Path,
    copy: PathBuf,
    target: PathBuf,
}

impl Bench<'_> {
    fn check_unchanged(&self) -> Result<()> {
        show("the unchanged sources");
        sources::copy(self.root, &self.copy)?;
        let outcome = hosted::run(&self.copy, &self.target)?;
        show("");
        ensure!(
            outcome.failed.is_empty() && outcome.passed > 0,
            "the unchanged sources fail {} of the hosted tests, so failures of wrong versions would \
             prove nothing; mend these first: {}",
            outcome.failed.len(),
            outcome.failed.join(" ")
        );
        println!("unchanged: {} hosted tests pass", outcome.passed);
        Ok(())
    }

    fn try_one(&self, wrong: &Wrong) -> Result<Outcome> {
        sources::copy(self.root, &self.copy)?;
        wrong.apply(&self.copy)?;
        hosted::run(&self.copy, &self.target)
    }
}

/// Returns whether every test failed that must.
fn report(wrong: &Wrong, outcome: &Outcome, seconds: f32) -> bool {
    let silent: Vec<&String> =
        wrong.caught_by.iter().filter(|test| !outcome.failed.contains(test)).collect();
    if !silent.is_empty() {
        println!("MISSED  {} ({}): these passed:", wrong.name, wrong.breaks);
        silent.iter().for_each(|test| println!("          {test}"));
        println!("        these failed: {}", outcome.failed.join(" "));
        return false;
    }
    let others = outcome.failed.len() - wrong.caught_by.len();
    let others = if others > 0 { format!(" and {others} more") } else { String::new() };
    println!(
        "caught  {:<32} {:>4.1} s  {}{others}",
        wrong.name,
        seconds,
        wrong.caught_by.join(" ")
    );
    true
}

/// On a terminal, one line that says what is being done; empty to clear it.
fn show(what: &str) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr, "\r\x1b[K{what}");
        let _ = stderr.flush();
    }
}
