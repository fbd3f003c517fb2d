// SPDX-License-Identifier: GPL-2.0-or-later
//! What our functions may cost, so that a later change cannot lose it unseen.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;

use super::measure::Plan;
use super::results::{self, Results};
use super::verdict::CALLED;
use super::Subject;

/// Check by count that our functions cost no more than a budget says
///
/// The budget holds, for each kernel by the version that it prints, the most instructions of every row (`instructions`),
/// the most bytes of code and of stack. Nothing is timed. More is a failure; so is a row that is
/// missing here or there. Another rustc may well compile the same code to more: for an object by
/// another one than the budget names, or for a kernel that it does not name, nothing is checked.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: Subject,
    /// The budget
    #[arg(long, value_name = "FILE")]
    budget: PathBuf,
    /// Instead of checking, make what is measured the budget of this kernel
    #[arg(long)]
    write: bool,
}

/// Enough entries to see what each further one costs. Callees are not budgeted.
const PLAN: Plan = Plan { most_entries: 256, most_by_traps: 16, times: false, ours_alone: true };

type Budgets = BTreeMap<String, Budget>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    compiler: String,
    text_bytes: u64,
    stack_bytes: BTreeMap<String, u64>,
    instructions: BTreeMap<String, u64>,
}

pub enum Verdict {
    Within,
    Over,
    /// By another compiler, or for another kernel, than those that have a budget.
    NotJudged,
}

pub fn run(args: &Args) -> Result<Verdict> {
    let results = args.subject.measure(PLAN)?;
    let found = Budget::of(&results);
    if args.write {
        let mut budgets: Budgets = match args.budget.exists() {
            true => results::read(&args.budget)?,
            false => Budgets::new(),
        };
        budgets.insert(results.version, found);
        results::write(&args.budget, &text(&budgets))?;
        return Ok(Verdict::Within);
    }
    let budgets: Budgets = results::read(&args.budget)?;
    let Some(budget) = budgets.get(&results.version) else {
        println!("SKIP: there is no budget for {}. {}", results.version, extend(args));
        return Ok(Verdict::NotJudged);
    };
    if budget.compiler != found.compiler {
        println!(
            "SKIP: {}: the budget is for {}, the object is by {}. {}",
            results.version,
            budget.compiler,
            found.compiler,
            extend(args)
        );
        return Ok(Verdict::NotJudged);
    }
    let complaints = budget.complaints(&found);
    for complaint in &complaints {
        println!("{}: {complaint}", results.version);
    }
    let rows = budget.instructions.len();
    if complaints.is_empty() {
        println!(
            "{}: {rows} rows, code and stack within {}",
            results.version,
            args.budget.display()
        );
    }
    Ok(if complaints.is_empty() { Verdict::Within } else { Verdict::Over })
}

/// How a kernel or a compiler gets into the list.
fn extend(args: &Args) -> String {
    format!(
        "To extend {}: compare what `oracle bench measure` prints with the budgets there, and if it is as it \
         should be, say `oracle bench budget` again with --write",
        args.budget.display()
    )
}

impl Budget {
    fn of(results: &Results) -> Self {
        let rows = results.rows.iter();
        let functions = if results.of_callers() { &CALLED[..] } else { &["coalesce", "scan"] };
        Budget {
            compiler: results.compiler.clone(),
            text_bytes: results.text.all_of_callers()[1].into(),
            stack_bytes: functions
                .iter()
                .map(|name| (name.to_string(), results.stacks(name)[1].into()))
                .collect(),
            instructions: rows
                .map(|row| (format!("{}, {}", row.what, row.entries), row.ours.own.instructions))
                .collect(),
        }
    }

    /// What of `found` is over, and what is missing.
    fn complaints(&self, found: &Budget) -> Vec<String> {
        let numbers = |budget: &Budget| {
            let mut all: BTreeMap<String, u64> = budget.instructions.clone();
            all.insert("bytes of code".to_string(), budget.text_bytes);
            let stacks = budget.stack_bytes.iter();
            all.extend(stacks.map(|(name, bytes)| (format!("bytes of stack, {name}"), *bytes)));
            all
        };
        let (allowed, found) = (numbers(self), numbers(found));
        let mut complaints = Vec::new();
        for (what, number) in &found {
            match allowed.get(what) {
                Some(most) if number <= most => {}
                Some(most) => complaints.push(format!("{what}: {number}, the budget is {most}")),
                None => {
                    complaints.push(format!("{what}: {number}, and the budget has no such row"))
                }
            }
        }
        let gone = allowed.keys().filter(|what| !found.contains_key(*what));
        complaints.extend(gone.map(|what| format!("{what}: in the budget, but not measured")));
        complaints
    }
}

fn text(budgets: &Budgets) -> String {
    let mut text = "# SPDX-License-Identifier: GPL-2.0-or-later\n\
        # The most that our functions may execute and take, by kernel; written by\n\
        # `oracle bench budget --write`, checked by `make check`.\n"
        .to_string();
    for (name, budget) in budgets {
        let Budget { compiler, text_bytes, stack_bytes, instructions } = budget;
        let _ =
            write!(text, "\n[{name:?}]\ncompiler = \"{compiler}\"\ntext_bytes = {text_bytes}\n");
        for (function, bytes) in stack_bytes {
            let _ = writeln!(text, "stack_bytes.{function} = {bytes}");
        }
        let _ = writeln!(text, "\n[{name:?}.instructions]");
        for (row, count) in instructions {
            let _ = writeln!(text, "\"{row}\" = {count}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget {
            compiler: "rustc version 1.96.0".to_string(),
            text_bytes: 100,
            stack_bytes: [("coalesce".to_string(), 40), ("scan".to_string(), 60)].into(),
            instructions: [("a".to_string(), 10), ("b".to_string(), 20)].into(),
        }
    }

    #[test]
    fn a_budget_holds_what_costs_no_more() {
        let mut found = budget();
        assert_eq!(budget().complaints(&found), [""; 0]);
        found.text_bytes -= 1;
        found.instructions.insert("a".to_string(), 9);
        assert_eq!(budget().complaints(&found), [""; 0]);
    }

    #[test]
    fn each_number_that_is_over_is_named() {
        let mut found = budget();
        found.instructions.insert("b".to_string(), 21);
        found.text_bytes += 1;
        found.stack_bytes.values_mut().for_each(|bytes| *bytes += 4);
        let complaints = budget().complaints(&found);
        assert_eq!(complaints.len(), 4);
        assert!(complaints.contains(&"b: 21, the budget is 20".to_string()));
    }

    #[test]
    fn a_row_must_stand_on_both_sides() {
        let mut found = budget();
        found.instructions.remove("a");
        found.instructions.insert("c".to_string(), 1);
        let complaints = budget().complaints(&found);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
    }

    #[test]
    fn what_is_written_reads_back() {
        let budgets: Budgets =
            [("GNU Mach 1.8+git20250702-smp-486-dbg".to_string(), budget())].into();
        let read: Budgets = toml::from_str(&text(&budgets)).expect("what `text` writes");
        assert_eq!(read, budgets);
    }
}
