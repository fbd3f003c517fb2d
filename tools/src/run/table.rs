// SPDX-License-Identifier: GPL-2.0-or-later
//! The table, stock beside Rust.

use std::path::PathBuf;

use super::counters::Counters;
use crate::boot::judge::Verdict;
use crate::boot::Report;
use crate::object_check::CALLERS;

/// All storms on one kernel.
pub struct Column {
    name: &'static str,
    storms: Vec<(Report, PathBuf)>,
    pub counters: Option<Counters>,
}

impl Column {
    pub fn new(name: &'static str) -> Column {
        Column { name, storms: Vec::new(), counters: None }
    }

    pub fn add(&mut self, report: Report, log: PathBuf) {
        self.storms.push((report, log));
    }

    pub fn add_counters(&mut self, counters: Counters) {
        self.counters = Some(self.counters.map_or(counters, |sum| sum.and(counters)));
    }

    /// One text for each storm that did not pass.
    pub fn failures(&self) -> Vec<String> {
        self.storms
            .iter()
            .filter(|(report, _)| report.verdict != Verdict::Pass)
            .map(|(report, log)| {
                let (name, verdict) = (self.name, &report.verdict);
                format!("{name}: {}: {} (log: {})", verdict.name(), verdict.text(), log.display())
            })
            .collect()
    }

    fn passed(&self) -> String {
        let passed =
            self.storms.iter().filter(|(report, _)| report.verdict == Verdict::Pass).count();
        format!("{passed} of {}", self.storms.len())
    }

    fn sum(&self, of: impl Fn(&Report) -> u64) -> String {
        self.storms.iter().map(|(report, _)| of(report)).sum::<u64>().to_string()
    }

    fn counter(&self, of: impl Fn(&Counters) -> u64) -> String {
        self.counters.as_ref().map_or("-".into(), |counters| of(counters).to_string())
    }

    fn cells(&self) -> Vec<String> {
        let seconds: f64 = self.storms.iter().map(|(report, _)| report.seconds).sum();
        vec![
            self.name.into(),
            self.passed(),
            self.sum(|report| report.boots.into()),
            self.sum(|report| report.tests.0),
            self.sum(|report| report.tests.1),
            self.sum(|report| report.calls),
            format!("{seconds:.1}"),
            self.counter(|counters| counters.coalesce_calls),
            self.counter(|counters| counters.merges),
            self.counter(|counters| counters.refused_in_transition),
            self.counter(|counters| counters.scan_calls),
            self.counter(|counters| counters.unlocked_scans),
            self.counter(|counters| counters.most_at_once),
        ]
    }

    /// Calls of the callers; nothing, if they are not ours.
    fn callers(&self) -> Vec<String> {
        let counts = self.counters.and_then(|counters| counters.callers);
        counts.iter().flatten().map(u64::to_string).collect()
    }
}

const ROWS: [&str; 13] = [
    "",
    "storms passed",
    "boots, those that never came up too",
    "tests passed",
    "tests skipped",
    "calls made",
    "seconds",
    "vm_map_coalesce_entry: calls",
    "  merges",
    "  refused as in transition",
    "vm_map_pageable_scan: calls",
    "  with the map unlocked",
    "  of these at one time, at most",
];

pub fn text(left: &Column, right: &Column) -> String {
    let mut rows: Vec<(String, String, String)> = ROWS
        .iter()
        .zip(left.cells().into_iter().zip(right.cells()))
        .map(|(row, (left, right))| (row.to_string(), left, right))
        .collect();
    rows.extend(
        CALLERS
            .iter()
            .zip(right.callers())
            .map(|(name, count)| (format!("{name}: calls from C"), "-".into(), count)),
    );
    let label = rows.iter().map(|(row, ..)| row.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(row, left, right)| format!("{row:label$}  {left:>10}  {right:>10}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hurd::testing::cells_of;

    fn report(verdict: Verdict, boots: u32) -> Report {
        Report { verdict, boots, seconds: 2.25, calls: 100, tests: (3, 1), words: Vec::new() }
    }

    #[test]
    fn columns_add_up_and_stand_side_by_side() {
        let mut stock = Column::new("stock");
        stock.add(report(Verdict::Pass, 1), "a".into());
        let mut rust = Column::new("rust");
        rust.add(report(Verdict::Pass, 2), "a".into());
        rust.add(report(Verdict::Hang("stuck".into()), 1), "b.log".into());
        rust.add_counters(Counters { merges: 7, ..Counters::default() });
        let text = super::text(&stock, &rust);
        let row = |name| cells_of(&text, name);
        assert_eq!(row("storms passed"), ["1 of 1", "1 of 2"]);
        assert_eq!(row("boots, those that never came up too"), ["1", "3"]);
        assert_eq!(row("calls made"), ["100", "200"]);
        assert_eq!(row("seconds"), ["2.2", "4.5"]);
        assert_eq!(row("  merges"), ["-", "7"]);
        assert!(!text.contains("from C"), "{text}");
        assert!(stock.failures().is_empty());
        assert_eq!(rust.failures(), ["rust: HANG: stuck (log: b.log)"]);
    }

    #[test]
    fn callers_have_rows_if_they_are_ours() {
        let mut rust = Column::new("rust");
        rust.add_counters(Counters { callers: Some([5; 9]), ..Counters::default() });
        let text = text(&Column::new("stock"), &rust);
        for name in CALLERS {
            assert_eq!(cells_of(&text, &format!("{name}: calls from C")), ["-", "5"]);
        }
    }
}
