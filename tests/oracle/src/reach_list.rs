// SPDX-License-Identifier: GPL-2.0-or-later
//! The branches that cannot go both ways, with the reason, and the table.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::reach::{Branch, NOT_TAKEN, TAKEN};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    #[serde(default)]
    unreachable: Vec<Unreachable>,
}

/// A way that a branch of one kernel's function cannot go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unreachable {
    /// The kernels' versions as they print them.
    kernels: Vec<String>,
    function: String,
    offset: u32,
    taken: bool,
    reason: String,
}

/// What the list says of what was seen.
pub enum Verdict {
    AsListed,
    NotAsListed,
    /// The list does not know this kernel.
    NotJudged,
}

impl List {
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

/// Tells the branches which ways they cannot go.
pub fn mark(list: &List, version: &str, branches: &mut [Branch]) {
    for entry in list.unreachable.iter().filter(|u| u.kernels.iter().any(|k| k == version)) {
        let way = if entry.taken { TAKEN } else { NOT_TAKEN };
        let is_it = |b: &&mut Branch| b.function == entry.function && b.offset == entry.offset;
        if let Some(branch) = branches.iter_mut().find(is_it) {
            branch.expected &= !way;
        }
    }
}

/// Prints the table of branches. Not as listed is a branch that did not go both
/// ways without being there, or went a way that is.
pub fn judge(
    list: &List,
    version: &str,
    branches: &[Branch],
    ways: &[[Option<u64>; 2]],
) -> Verdict {
    let listed: Vec<&Unreachable> =
        list.unreachable.iter().filter(|u| u.kernels.iter().any(|k| k == version)).collect();
    let known = !listed.is_empty();
    let reason = |branch: &Branch, taken: bool| {
        let same = |u: &&&Unreachable| {
            u.function == branch.function && u.offset == branch.offset && u.taken == taken
        };
        listed.iter().find(same).map(|u| u.reason.as_str())
    };

    println!("{:<34} {:>6} {:>12} {:>12}", "branch", "", "first taken", "first not");
    let (mut both, mut one_way, mut wrong) = (0, 0, 0);
    for (branch, seen) in branches.iter().zip(ways) {
        let case = |seen: Option<u64>| seen.map_or("never".to_string(), |case| case.to_string());
        println!(
            "{:<34} {:>6} {:>12} {:>12}",
            format!("{}+{:#x}", branch.function, branch.offset),
            branch.text,
            case(seen[0]),
            case(seen[1])
        );
        for (way, taken) in [(seen[0], true), (seen[1], false)] {
            let word = if taken { "taken" } else { "not taken" };
            match (way, reason(branch, taken)) {
                (None, Some(reason)) => println!("    never {word}: {reason}"),
                (None, None) if !known => println!("    never {word}"),
                (None, None) => {
                    println!("    NEVER {word}, and the list has no reason for it");
                    wrong += 1;
                }
                (Some(case), Some(_)) => {
                    println!("    {word} in case {case}, though the list says never");
                    wrong += 1;
                }
                (Some(_), None) => {}
            }
        }
        match seen {
            [Some(_), Some(_)] => both += 1,
            _ => one_way += 1,
        }
    }
    for entry in &listed {
        let is_there = |b: &Branch| b.function == entry.function && b.offset == entry.offset;
        if !branches.iter().any(is_there) {
            println!("no branch at {}+{:#x}, which is listed", entry.function, entry.offset);
            wrong += 1;
        }
    }
    println!(
        "{} branches: {both} went both ways, {one_way} one way; {wrong} not as listed",
        branches.len()
    );
    if !known {
        println!(
            "SKIP: the list does not name the kernel {version}, so nothing was judged. To extend it \
             (tests/oracle/unreachable.toml): see in the code why each way that is `never` above cannot \
             be gone, and name the kernel in the entry with that place and reason, or in a new one"
        );
    }
    match (known, wrong) {
        (false, _) => Verdict::NotJudged,
        (true, 0) => Verdict::AsListed,
        (true, _) => Verdict::NotAsListed,
    }
}
