// SPDX-License-Identifier: GPL-2.0-or-later
//! The table, stock kernel beside ours, and what is wrong with it.

use std::path::PathBuf;

use super::known::{self, Known};
use super::session::{rows, Fault, Outcome, Session};
use super::steps::Step;
use crate::run::counters::Counters;

/// All sessions on one kernel.
pub struct Column {
    pub name: &'static str,
    pub sessions: Vec<(Session, u32, PathBuf)>,
    pub counters: Option<Counters>,
}

impl Column {
    pub fn new(name: &'static str) -> Column {
        Column { name, sessions: Vec::new(), counters: None }
    }

    /// A session, after how many boots, and where its log is.
    pub fn add(&mut self, session: Session, boots: u32, log: PathBuf) -> anyhow::Result<()> {
        if let Some(words) = &session.words {
            let counters = Counters::from_words(words)?;
            self.counters = Some(self.counters.map_or(counters, |sum| sum.and(counters)));
        }
        self.sessions.push((session, boots, log));
        Ok(())
    }

    /// The first fault of each session that had one.
    pub fn faults(&self) -> Vec<(Fault, String)> {
        self.sessions
            .iter()
            .filter_map(|(session, _, log)| {
                let (fault, text) = session.fault.as_ref()?;
                let end: String = session.end.lines().map(|line| format!("    {line}\n")).collect();
                let name = self.name;
                let log = log.display();
                Some((
                    *fault,
                    format!("{name}: {text}\n  the console's end:\n{end}  whole log: {log}"),
                ))
            })
            .collect()
    }

    fn passed(&self) -> usize {
        self.sessions.iter().filter(|(session, ..)| session.fault.is_none()).count()
    }

    /// `ok 1.2 s` (the mean), `ok 3 of 4`, `SKIP`, or `-` where no session came that far.
    fn step(&self, row: usize) -> String {
        let reached: Vec<&Outcome> =
            self.sessions.iter().filter_map(|(session, ..)| session.outcomes.get(row)).collect();
        let times: Vec<f64> = reached
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Passed { seconds, .. } => Some(*seconds),
                _ => None,
            })
            .collect();
        if reached.is_empty() {
            return "-".into();
        }
        if reached.iter().all(|outcome| matches!(outcome, Outcome::Skipped(_))) {
            return "SKIP".into();
        }
        if times.len() == self.sessions.len() {
            return format!("ok {:.1} s", times.iter().sum::<f64>() / times.len() as f64);
        }
        format!("FAIL, ok {} of {}", times.len(), self.sessions.len())
    }

    /// Why steps were skipped.
    pub fn skips(&self, rows: &[&str]) -> Vec<String> {
        let Some((session, ..)) = self.sessions.first() else { return Vec::new() };
        rows.iter()
            .zip(&session.outcomes)
            .filter_map(|(row, outcome)| match outcome {
                Outcome::Skipped(reason) => Some(format!("SKIP {row} ({}): {reason}", self.name)),
                _ => None,
            })
            .collect()
    }

    fn other_cpus(&self) -> String {
        let mut all: Vec<usize> =
            self.sessions.iter().flat_map(|(session, ..)| session.other_cpus.clone()).collect();
        all.sort_unstable();
        all.dedup();
        let words: Vec<String> = all.iter().map(|cpu| cpu.to_string()).collect();
        if words.is_empty() {
            "-".into()
        } else {
            words.join(" ")
        }
    }

    /// The fewest and the most entries that a file system's map was seen with.
    fn entries(&self, steps: &[Step]) -> String {
        let mut counts = Vec::new();
        for (row, step) in (1..).zip(steps) {
            for (session, ..) in
                self.sessions.iter().filter(|_| matches!(step.known, Known::Entries))
            {
                if let Some(Outcome::Passed { result, .. }) = session.outcomes.get(row) {
                    counts.extend(known::entries(result).unwrap_or_default());
                }
            }
        }
        match (counts.iter().min(), counts.iter().max()) {
            (Some(fewest), Some(most)) => format!("{fewest} to {most}"),
            _ => "-".into(),
        }
    }

    fn counter(&self, of: impl Fn(&Counters) -> u64) -> String {
        self.counters.as_ref().map_or("-".into(), |counters| of(counters).to_string())
    }

    fn cells(&self, steps: &[Step]) -> Vec<String> {
        let boots: u32 = self.sessions.iter().map(|(_, boots, _)| boots).sum();
        let mut cells = vec![
            self.name.to_string(),
            format!("{} of {}", self.passed(), self.sessions.len()),
            boots.to_string(),
        ];
        cells.extend((0..rows(steps).len()).map(|row| self.step(row)));
        cells.extend([
            self.other_cpus(),
            self.entries(steps),
            self.counter(|counters| counters.coalesce_calls),
            self.counter(|counters| counters.merges),
            self.counter(|counters| counters.refused_in_transition),
            self.counter(|counters| counters.scan_calls),
            self.counter(|counters| counters.unlocked_scans),
            self.counter(|counters| counters.most_at_once),
        ]);
        cells
    }
}

/// Where the results of a step did not agree in all sessions on all kernels.
pub fn differences(columns: &[Column], steps: &[Step]) -> Vec<String> {
    let mut found = Vec::new();
    for (row, step) in (1..).zip(steps) {
        let mut results: Vec<(&str, &str)> = Vec::new();
        for column in columns {
            for (session, ..) in &column.sessions {
                let Some(Outcome::Passed { result, .. }) = session.outcomes.get(row) else {
                    continue;
                };
                if !results.iter().any(|(_, other)| step.known.alike(result, other)) {
                    results.push((column.name, result));
                }
            }
        }
        if results.len() > 1 {
            let told: Vec<String> =
                results.iter().map(|(kernel, result)| format!("{kernel} '{result}'")).collect();
            found.push(format!("results differ at '{}': {}", step.name, told.join(", ")));
        }
    }
    found
}

/// The exit status, and what the rest of the report does not say of it. The last column is ours.
pub fn verdict(columns: &[Column], differences: &[String]) -> (u8, String) {
    let Some((ours, stock)) = columns.split_last() else { return (1, "no session".into()) };
    if let Some((fault, _)) = ours.faults().first() {
        return (*fault as u8, String::new());
    }
    if !differences.is_empty() {
        return (Fault::Step as u8, String::new());
    }
    if stock.iter().any(|column| column.passed() < column.sessions.len()) {
        return (15, "only the stock kernel failed".into());
    }
    let Some(counters) = &ours.counters else {
        let why =
            "this kernel has no vm_map_rust_counters, so nothing shows that our code ran in it";
        return (14, why.into());
    };
    let doubts = counters.doubts();
    if doubts.is_empty() {
        return (0, String::new());
    }
    (14, format!("the counters do not prove that our code ran: {}", doubts.join("; ")))
}

pub fn text(columns: &[Column], steps: &[Step]) -> String {
    let mut names = vec!["", "sessions passed", "boots, those that never came up too"];
    names.extend(rows(steps));
    names.extend([
        "CPUs seen at work besides the first",
        "entries of the file system's map",
        "vm_map_coalesce_entry: calls",
        "  merges",
        "  refused as in transition",
        "vm_map_pageable_scan: calls",
        "  with the map unlocked",
        "  of these at one time, at most",
    ]);
    let cells: Vec<Vec<String>> = columns.iter().map(|column| column.cells(steps)).collect();
    let label = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let width = cells.iter().flatten().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (n, name) in names.iter().enumerate() {
        text += &format!("{name:label$}");
        cells.iter().for_each(|column| text += &format!("  {:>width$}", column[n]));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
