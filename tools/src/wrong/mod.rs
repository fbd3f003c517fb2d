// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool wrong`: versions of our functions that are wrong on purpose, and what catches them: the
//! hosted tests, or the storm in a kernel; and the object of one, for other judges.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{ensure, Context, Result};
use kit::progress::Line;
use kit::workshop::Workshop;
use kit::{together, workspace, wrong::Wrong};

mod catch;
mod hosted;
mod lend;
mod storms;

use hosted::{Outcome, Place, Tests};

/// Check that versions of our functions that are wrong on purpose are caught
///
/// tests/wrong/ lists them: a change to our sources, what it breaks, and the tests that must fail. Each that
/// has such tests is made in a copy of the workspace, all of them in one program, and these tests are run
/// there; of the unchanged version all must pass. Prints which tests caught which version.
///
/// With --storms they are booted in a kernel instead, each with the loads of the storm that must fail; with
/// --object one is compiled for a kernel, and that is all.
///
/// Exit status: 0 each was caught by every test, or every load, that it names; 1 one was not, or its text
/// is not in our sources exactly once any more, or the unchanged version fails, or the tests or boots
/// could not be run; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// Versions to try, by name; all if none is named
    names: Vec<String>,
    /// Print the names, what must catch each version (loads of the storm with a slash), and what it breaks
    #[arg(long)]
    list: bool,
    /// Write the object of the one version that is named there
    #[arg(long, value_name = "FILE", requires = "headers", conflicts_with_all = ["list", "storms"])]
    object: Option<PathBuf>,
    /// Folder with the structs.h of the kernel that versions are for, as `vmtool layout` makes it
    #[arg(long, value_name = "DIR")]
    headers: Option<PathBuf>,
    /// With --object: the crate's features, with commas between them
    #[arg(long, value_name = "LIST", requires = "object", default_value = "")]
    features: String,
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
    let all =
        kit::wrong::read(&args.root.join(kit::wrong::LISTS)).context("is --root the workspace?")?;
    for name in &args.names {
        ensure!(all.iter().any(|wrong| wrong.name == *name), "no wrong version {name}; see --list");
    }
    let chosen: Vec<&Wrong> = all
        .iter()
        .filter(|wrong| args.names.is_empty() || args.names.contains(&wrong.name))
        .collect();
    if args.list {
        for wrong in &chosen {
            println!("{:<34} {:<37} {}", wrong.name, judges(wrong), wrong.breaks);
        }
        return Ok(ExitCode::SUCCESS);
    }

    let scratch = kit::folder::ours_alone(&args.scratch)?;
    if let (Some(object), Some(headers)) = (&args.object, &args.headers) {
        ensure!(args.names.len() == 1, "--object is for one version: name it");
        let mut workshop = Workshop::open(&args.root, headers, scratch)?;
        workshop.features.clone_from(&args.features);
        return make_object(object, chosen[0], workshop);
    }
    let named = !args.names.is_empty();
    if let Some(plan) = args.storms.plan(args, &scratch)? {
        return plan.run(&chosen, named);
    }
    if let Some(wrong) = chosen.iter().find(|wrong| named && wrong.tests.is_empty()) {
        anyhow::bail!("{} lists no hosted test; see {}", wrong.name, kit::wrong::LISTS);
    }
    let chosen: Vec<&Wrong> = chosen.into_iter().filter(|wrong| !wrong.tests.is_empty()).collect();
    let bench = Bench { root: &args.root, scratch };
    lend::lend(&args.root.join("target/debug"), &bench.target().join("debug"), MEMBERS)?;
    let mut features: Vec<&str> = chosen.iter().map(|wrong| features_for(wrong)).collect();
    features.sort_unstable();
    features.dedup();
    let mut missed = 0;
    for features in features {
        let versions: Vec<&Wrong> =
            chosen.iter().copied().filter(|wrong| features_for(wrong) == features).collect();
        let tests = bench.make(features, &versions)?;
        for (index, wrong) in versions.iter().enumerate() {
            let start = Instant::now();
            let caught = match try_one(&tests, index, wrong) {
                Ok(outcome) => report(wrong, &outcome, start.elapsed().as_secs_f32()),
                Err(error) => {
                    println!("ERROR   {}: {error:#}", wrong.name);
                    false
                }
            };
            missed += usize::from(!caught);
        }
    }
    println!("{} of {} wrong versions are caught", chosen.len() - missed, chosen.len());
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Packages of the workspace: the copy has its own of the first, and the others would only take room.
const MEMBERS: &[&str] =
    &["gnumach-vm-map", "interleavings", "kit", "oracle", "oracle-play", "vmtool"];

fn judges(wrong: &Wrong) -> String {
    let mut names: Vec<&str> = wrong.caught_by.iter().map(|judge| judge.name()).collect();
    if !wrong.tests.is_empty() {
        names.insert(0, "hosted");
    }
    let loads = wrong.loads.iter().map(|load| format!("/{}", load.name()));
    names.into_iter().map(str::to_owned).chain(loads).collect::<Vec<_>>().join(" ")
}

fn make_object(object: &Path, wrong: &Wrong, mut workshop: Workshop) -> Result<ExitCode> {
    let made = kit::files::read(&workshop.make_wrong(wrong)?)?;
    kit::files::write_all(&[(object, &made)], &[])?;
    Ok(ExitCode::SUCCESS)
}

/// With what the hosted tests are compiled for it: those of a feature want that.
fn features_for(wrong: &Wrong) -> &'static str {
    let of =
        |feature: &&str| wrong.tests.iter().any(|test| test.starts_with(&format!("{feature}_")));
    hosted::FEATURES.into_iter().find(of).unwrap_or("")
}

/// Where versions are made and tested.
struct Bench<'a> {
    root: &'a Path,
    scratch: PathBuf,
}

impl Bench<'_> {
    /// The tests of these versions, which want these features; the unchanged version passes them.
    fn make(&self, features: &str, versions: &[&Wrong]) -> Result<Tests> {
        let what = if features.is_empty() { "" } else { ", with " };
        let line = saying(format!("compiling {} versions{what}{features}", versions.len()));
        let copy = self.scratch.join("sources");
        workspace::copy(self.root, &copy)?;
        together::add(&copy, self.root, &self.scratch.join("version"), versions)?;
        together::choose(&copy, versions.len())?;
        let place = Place { root: &copy, target: &self.target(), features };
        let tests = place.build().with_context(|| {
            let names = versions.iter().enumerate();
            let names = names.map(|(index, wrong)| format!("w{index} {}", wrong.name));
            format!("the versions are {}", names.collect::<Vec<_>>().join(", "))
        })?;
        line.set_message("the unchanged sources");
        let outcome = tests.run(None)?;
        drop(line);
        ensure!(
            outcome.failed.is_empty() && outcome.passed > 0,
            "the unchanged sources fail {} of the hosted tests, so failures of wrong versions would \
             prove nothing; mend these first: {}",
            outcome.failed.len(),
            outcome.failed.join(" ")
        );
        println!("unchanged: {} hosted tests pass", outcome.passed);
        Ok(tests)
    }

    fn target(&self) -> PathBuf {
        self.scratch.join("target")
    }
}

/// Of a version that is missed, all tests are run: those that fail may tell why.
fn try_one(tests: &Tests, index: usize, wrong: &Wrong) -> Result<Outcome> {
    let outcome = tests.run_these(index, &wrong.tests)?;
    match silent(wrong, &outcome).is_empty() {
        true => Ok(outcome),
        false => tests.run(Some(index)),
    }
}

/// Which tests did not fail that must.
fn silent<'a>(wrong: &'a Wrong, outcome: &Outcome) -> Vec<&'a String> {
    wrong.tests.iter().filter(|test| !outcome.failed.contains(test)).collect()
}

/// Returns whether every test failed that must.
fn report(wrong: &Wrong, outcome: &Outcome, seconds: f32) -> bool {
    let silent = silent(wrong, outcome);
    if !silent.is_empty() {
        println!("MISSED  {} ({}): these passed:", wrong.name, wrong.breaks);
        silent.iter().for_each(|test| println!("          {test}"));
        println!("        these failed: {}", outcome.failed.join(" "));
        return false;
    }
    println!("caught  {:<32} {:>4.1} s  {}", wrong.name, seconds, wrong.tests.join(" "));
    true
}

/// A line of progress with this text, while it lives.
fn saying(what: String) -> Line {
    let line = kit::progress::line();
    line.set_message(what);
    line
}
