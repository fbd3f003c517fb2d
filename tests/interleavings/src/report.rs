// SPDX-License-Identifier: GPL-2.0-or-later
//! A failure as a timeline: a column for each thread, and the map's entries
//! whenever they change.

use std::fmt::Write as _;

use crate::explore::{to_text, Choices};
use crate::kernel::entry::Shown;
use crate::scenarios::Scenario;
use crate::trace::{Record, Step, Trace};
use crate::versions::{chosen, features, Version};

/// The names of a scenario's threads, in the order of their numbers.
pub fn names(scenario: &Scenario) -> Vec<char> {
    scenario.threads.iter().map(|(name, _)| *name).collect()
}

/// The command that runs just this schedule.
pub fn command(scenario: &Scenario, version: &Version, choices: &Choices) -> String {
    let features: String = chosen().map(|feature| format!(" --features {feature}")).collect();
    format!(
        "cargo run -p interleavings --release{features} -- --scenario {} --version {} --replay {}",
        scenario.id,
        version.name,
        to_text(choices, &names(scenario))
    )
}

/// A map's entries in a line each: `K: [RA]1 [RB RC]0*`.
pub fn entries_text(entries: &[Shown]) -> Vec<String> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for entry in entries {
        if lines.last().is_none_or(|(map, _)| *map != entry.map) {
            lines.push((entry.map, format!("{}:", entry.map)));
        }
        let (_, line) = lines.last_mut().expect("just pushed");
        write!(line, " {}", entry.text()).expect("strings take text");
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What each thread waits for at the end, if it does.
pub fn waits(trace: &Trace, threads: usize) -> Vec<Option<String>> {
    let mut waits = vec![None; threads];
    for Record { thread, step, text, .. } in &trace.records {
        match step {
            // What is said of a thread changes nothing for it.
            Step::Deadlock | Step::Found(_) => {}
            Step::Waits(_) => waits[*thread] = Some(text.clone()),
            _ if *thread < threads => waits[*thread] = None,
            _ => {}
        }
    }
    waits
}

/// The whole report of a replayed schedule.
pub fn timeline(
    scenario: &Scenario,
    version: &Version,
    choices: &Choices,
    trace: &Trace,
) -> String {
    let names = names(scenario);
    let width = if names.len() > 3 { 30 } else { 38 };
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(format!("scenario {}: {}", scenario.id, scenario.title));
    line(format!("version {}: {}", version.name, version.about));
    line(features());
    line(format!("schedule {}", to_text(choices, &names)));
    line("An entry: [what it covers] wired_count, * while it is in transition.".into());
    line(String::new());
    let heads: String =
        names.iter().map(|name| format!("{:width$}", format!("thread {name}"))).collect();
    line(format!("     {heads}"));
    let mut shown: Vec<String> = Vec::new();
    let mut number = 0;
    for record in &trace.records {
        if matches!(record.step, Step::Wakes) {
            continue;
        }
        match (&record.step, names.get(record.thread)) {
            (Step::Deadlock, _) | (_, None) => {}
            _ => {
                number += 1;
                let column = record.thread * width;
                line(format!("{number:4} {:column$}{}", "", record.text));
            }
        }
        let now = entries_text(&record.entries);
        if now != shown {
            for text in &now {
                line(format!("     · {text}"));
            }
            shown = now;
        }
    }
    line(String::new());
    let waits = waits(trace, names.len());
    let holds = trace.records.last().map(|record| record.holds.clone()).unwrap_or_default();
    for (thread, name) in names.iter().enumerate() {
        let mut state = Vec::new();
        if let Some(holds) = holds.get(thread).filter(|holds| !holds.is_empty()) {
            state.push(format!("holds {}", holds.join(" and ")));
        }
        state.extend(waits[thread].clone());
        if !state.is_empty() {
            line(format!("At the end, {name} {}.", state.join(", and ")));
        }
    }
    for record in &trace.records {
        match &record.step {
            Step::Found(what) => line(format!("Found: {what}.")),
            Step::Deadlock => line("Every thread that is left waits: deadlock.".into()),
            _ => {}
        }
    }
    line(format!("Again: {}", command(scenario, version, choices)));
    out
}
