// SPDX-License-Identifier: GPL-2.0-or-later
//! What is printed: KTAP, with a line for each finding that replays it.

use kit::exit;

use super::findings::{Difference, Group};
use super::narrow::Narrowed;
use super::subject::Run;

pub struct Report<'a> {
    seed: u32,
    replay: &'a str,
    known: bool,
    points: Vec<Point>,
    differ: bool,
    untried: bool,
}

struct Point {
    ok: bool,
    name: String,
    notes: Vec<String>,
}

impl Report<'_> {
    /// `replay` begins a line that replays a case; `known`: calls that meet known defects were made.
    pub fn new(seed: u32, replay: &str, known: bool) -> Report<'_> {
        Report { seed, replay, known, points: Vec::new(), differ: false, untried: false }
    }

    fn point(&mut self, ok: bool, name: String, notes: Vec<String>) {
        self.points.push(Point { ok, name, notes });
    }

    pub fn run(&mut self, name: &str, cases: u32, run: &Run) {
        let mut notes = Vec::new();
        if let Some(untried) = run.untried {
            self.untried = true;
            notes.push(format!(
                "stopped too often: case {untried} and those behind it were not tried"
            ));
        }
        let text = format!(
            "{name}: {} of {cases} cases, {} calls, {} left out for known defects, {} boots",
            run.fates.len(),
            run.calls,
            run.steered,
            run.boots
        );
        self.point(run.untried.is_none(), text, notes);
    }

    pub fn alike(&mut self, differences: &[Difference]) {
        self.differ = !differences.is_empty();
        let cases = match differences.len() {
            0 => String::new(),
            1 => ": not in 1 case".into(),
            count => format!(": not in {count} cases"),
        };
        self.point(
            !self.differ,
            format!("both kernels answer alike, call by call{cases}"),
            Vec::new(),
        );
    }

    pub fn difference(&mut self, difference: &Difference, narrowed: &Narrowed) {
        let [stock, ours] = &difference.fates;
        let mut notes = vec![format!("stock: {stock}"), format!("ours: {ours}")];
        notes.extend(
            narrowed.differs_after.as_ref().map(|call| format!("they differ from call {call}")),
        );
        notes.extend(self.notes(difference.number, narrowed));
        self.point(false, format!("case {} differs", difference.number), notes);
    }

    pub fn finding(&mut self, group: &Group, narrowed: &Narrowed) {
        let cases =
            if group.cases == 1 { "1 case".into() } else { format!("{} cases", group.cases) };
        let known = self.known && !narrowed.known.is_empty();
        let mark =
            if known { format!(", known: {}", narrowed.known.join(" ")) } else { String::new() };
        let notes = self.notes(group.first.1, narrowed);
        self.point(known, format!("{}: {cases}{mark}", group.what), notes);
    }

    /// What several threads did cannot be made short, and may not come again.
    pub fn of_threads(&mut self, group: &Group, threads: u32, last: &[String]) {
        let (number, seed) = (group.first.1, self.seed);
        let known = if self.known { " KNOWN=1" } else { "" };
        let line = format!("{} THREADS={threads} SEED={seed} FIRST={number}{known}", self.replay);
        let notes = last.iter().map(|text| format!("  {text}")).chain([line]).collect();
        self.point(false, format!("{}: {} of the cases", group.what, group.cases), notes);
    }

    fn notes(&self, number: u32, narrowed: &Narrowed) -> Vec<String> {
        let known = if self.known { " KNOWN=1" } else { "" };
        let mut notes: Vec<String> =
            narrowed.calls.iter().map(|call| format!("  {call}")).collect();
        notes.push(format!(
            "{} SEED={} CASE={number} KEEP={}{known}",
            self.replay, self.seed, narrowed.keep
        ));
        if !narrowed.alone {
            notes.push("alone it does not come: it takes cases before it".into());
        }
        notes
    }

    pub fn text(&self) -> String {
        let mut text = format!("KTAP version 1\n1..{}\n", self.points.len());
        for (n, point) in self.points.iter().enumerate() {
            let ok = if point.ok { "ok" } else { "not ok" };
            text += &format!("{ok} {} - {}\n", n + 1, point.name);
            for note in &point.notes {
                text += &format!("# {note}\n");
            }
        }
        text
    }

    pub fn status(&self) -> u8 {
        match (self.differ, self.untried, self.points.iter().all(|point| point.ok)) {
            (true, ..) => exit::KERNELS_DIFFER,
            (_, true, _) => exit::NOT_TRIED,
            (_, _, false) => exit::NOT_PASSED,
            _ => exit::DONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::fate::Fate;
    use crate::fuzz::shorten::Keep;

    fn narrowed(known: &[&str]) -> Narrowed {
        Narrowed {
            keep: "0,3-4".parse::<Keep>().unwrap(),
            calls: vec!["0: vm_read".into()],
            differs_after: Some("3: vm_copy".into()),
            known: known.iter().map(|name| name.to_string()).collect(),
            alone: true,
        }
    }

    fn group() -> Group {
        Group { what: "assertion x in f".into(), first: (0, 17), cases: 2 }
    }

    #[test]
    fn a_finding_has_the_line_that_replays_it() {
        let mut report = Report::new(5, "make fuzz SUITE=sid", false);
        report.run("stock", 20, &Run::default());
        report.finding(&group(), &narrowed(&[]));
        let text = report.text();
        assert!(text.contains("not ok 2 - assertion x in f: 2 cases\n#   0: vm_read\n"), "{text}");
        assert!(text.contains("# make fuzz SUITE=sid SEED=5 CASE=17 KEEP=0,3-4\n"), "{text}");
        assert_eq!(report.status(), exit::NOT_PASSED);
    }

    #[test]
    fn what_is_known_passes_only_where_it_was_asked_for() {
        for (known, status) in [(true, exit::DONE), (false, exit::NOT_PASSED)] {
            let mut report = Report::new(5, "x", known);
            report.finding(&group(), &narrowed(&["crossing-end"]));
            assert_eq!(report.status(), status);
        }
        let mut report = Report::new(5, "x", true);
        report.finding(&group(), &narrowed(&[]));
        assert_eq!(report.status(), exit::NOT_PASSED);
    }

    #[test]
    fn of_threads_what_each_called_is_told() {
        let mut report = Report::new(5, "make fuzz", false);
        report.of_threads(&group(), 3, &["case 17, call 4: vm_copy".into()]);
        let text = report.text();
        assert!(
            text.contains("#   case 17, call 4: vm_copy\n# make fuzz THREADS=3 SEED=5 FIRST=17\n"),
            "{text}"
        );
    }

    #[test]
    fn a_difference_is_the_gravest() {
        let difference = Difference { number: 3, fates: [Fate::Ended(1), Fate::Ended(2)] };
        let mut report = Report::new(5, "x", true);
        report.run("stock", 20, &Run { untried: Some(4), ..Run::default() });
        assert_eq!(report.status(), exit::NOT_TRIED);
        report.alike(std::slice::from_ref(&difference));
        report.difference(&difference, &narrowed(&["crossing-end"]));
        assert_eq!(report.status(), exit::KERNELS_DIFFER);
        assert!(report.text().contains("they differ from call 3: vm_copy"));
    }
}
