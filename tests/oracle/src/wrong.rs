// SPDX-License-Identifier: GPL-2.0-or-later
//! Wrong versions of ours: each must be found out.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};
use kit::workshop::Workshop;
use kit::wrong::{Judge, Wrong};

use crate::callers::CALLERS;
use crate::campaign::{Campaign, Play};
use crate::low;
use crate::ours::{COALESCE, SCAN};
use crate::run::Bench;

pub struct Plan<'a> {
    /// A list of wrong versions, or a folder of lists.
    pub lists: &'a Path,
    pub headers: &'a Path,
    pub play: Play,
    pub kernel: &'a Path,
    /// A folder of ours.
    pub work: &'a Path,
    pub cases: u64,
    pub seed: u64,
    pub workers: usize,
}

/// Builds and runs every wrong version that the oracle must catch; false if one is not caught.
pub fn run(bench: &mut Bench, plan: &Plan) -> Result<bool> {
    let mut all = kit::wrong::read(plan.lists)?;
    let judge = match plan.play {
        Play::Two => Judge::Oracle,
        Play::Callers => Judge::Callers,
        Play::Sound => Judge::Ends,
    };
    all.retain(|wrong: &Wrong| wrong.is_for(judge));
    ensure!(!all.is_empty(), "no version in {} is for the oracle", plan.lists.display());
    let top = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut workshop = Workshop::open(&top, plan.headers, plan.work.into())?;
    if low::is_wide() {
        workshop.target = "x86_64-gnumach";
    }
    match plan.play {
        Play::Two => {}
        Play::Callers => workshop.features = features(&top, plan.kernel)?,
        Play::Sound => workshop.features = "sound".into(),
    }
    let (mut functions, versions) = (vec![SCAN, COALESCE], all.iter().collect::<Vec<_>>());
    if plan.play != Play::Two {
        functions.extend(CALLERS.map(|(_, name)| name));
    }
    let object = workshop.make_together(&versions, &functions)?;
    // What is made together with them, of the same sources, and is right.
    let unchanged = first_that_differs(bench, plan, &object, None, UNCHANGED_CASES)?;
    ensure!(unchanged.is_none(), "the unchanged version differs too, so this would prove nothing");
    let (mut caught, mut most) = (0, 0);
    for (index, wrong) in all.iter().enumerate() {
        match first_that_differs(bench, plan, &object, Some((index, wrong)), plan.cases)? {
            Some(index) => {
                println!("caught after {:>8} cases: {}", index + 1, wrong.name);
                caught += 1;
                most = most.max(index + 1);
            }
            None => println!("NOT CAUGHT in {} cases: {}", plan.cases, wrong.name),
        }
    }
    println!("{caught} of {} wrong versions caught, the last after {most} cases", all.len());
    Ok(caught == all.len())
}

/// Enough for most of the versions to be caught in.
const UNCHANGED_CASES: u64 = 50_000;

/// The first case in which a version of the object differs.
fn first_that_differs(
    bench: &mut Bench,
    plan: &Plan,
    object: &Path,
    version: Option<(usize, &Wrong)>,
    cases: u64,
) -> Result<Option<u64>> {
    bench.machine.load_object(object, version.map(|(index, _)| index))?;
    let campaign = Campaign {
        cases,
        seed: plan.seed,
        play: plan.play,
        workers: plan.workers,
        branches: &[],
        reach_cases: 0,
        label: version.map_or("unchanged", |(_, wrong)| &wrong.name),
    };
    Ok(campaign.run(bench)?.failed)
}

/// The features with which the crate has the callers as this kernel does.
fn features(top: &Path, kernel: &Path) -> Result<String> {
    let script = top.join("tools/callers-of.sh");
    let output = Command::new(&script).arg(kernel).output().context("tools/callers-of.sh")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
