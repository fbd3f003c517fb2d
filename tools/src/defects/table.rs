// SPDX-License-Identifier: GPL-2.0-or-later
//! A row of the table, and what it proves.

use std::collections::BTreeMap;

use super::list::{Defect, Expected};
use super::outcome::Outcome;
use super::status::Status;

const NAME: usize = 26;
const TAKES: usize = 26;
const CELL: usize = 62;

/// A defect on one kernel or two, in some boots of each.
pub struct Row<'a> {
    pub defect: &'a Defect,
    pub suite: Option<&'a str>,
    /// Of the stock kernel, and of ours.
    pub outcomes: Vec<Vec<Outcome>>,
    /// Ours has the feature `sound`.
    pub sound: bool,
}

pub fn head(kernels: &[&str]) -> String {
    let cells: Vec<String> = kernels.iter().map(|name| format!("{name:<CELL$}")).collect();
    line(&format!("{:<NAME$} {:<TAKES$} {}", "defect", "takes", cells.join(" ")))
}

fn line(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

impl Row<'_> {
    pub fn text(&self) -> String {
        let mut cells: Vec<Vec<String>> =
            self.outcomes.iter().map(|boots| counted(boots)).collect();
        for n in 1..cells.len() {
            if cells[n] == cells[0] {
                cells[n] = vec!["the same".into()];
            }
        }
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        (0..height)
            .map(|n| {
                let (name, takes) = match n {
                    0 => (self.defect.name.as_str(), self.defect.takes.text()),
                    _ => ("", ""),
                };
                let cells: Vec<String> = cells
                    .iter()
                    .map(|cell| format!("{:<CELL$}", cell.get(n).map_or("", String::as_str)))
                    .collect();
                line(&format!("{name:<NAME$} {takes:<TAKES$} {}", cells.join(" ")))
            })
            .collect()
    }

    /// What is wrong with it, if anything is.
    pub fn judge(&self) -> (Status, Option<String>) {
        let all = || self.outcomes.iter().flatten();
        if let Some(Outcome::NotTried(why)) = all().find(|o| matches!(o, Outcome::NotTried(_))) {
            return (Status::NotTried, Some(format!("could not be tried: {why}")));
        }
        let stock = self.defect.expected(self.suite);
        let ours = if self.sound { self.defect.expected_of_sound(self.suite) } else { stock };
        let may_differ = self.sound && self.defect.stays_because().is_none();
        // A race comes out as it comes out; anything else must not depend on whose functions run.
        let racing = matches!(stock, Expected::Sometimes(_)) || self.defect.seconds.is_some();
        let differ = self.outcomes.windows(2).any(|two| !all_alike(&two[0], &two[1]));
        if !racing && !may_differ && differ {
            return (Status::KernelsDiffer, Some("the two kernels do not do the same".into()));
        }
        for (expected, boots) in [stock, ours].into_iter().zip(&self.outcomes) {
            if let Some(outcome) = boots.iter().find(|it| !allows(&expected, it)) {
                let why = format!("{outcome}; expected: {}", wanted(expected));
                return (Status::Unexpected, Some(why));
            }
        }
        (Status::AsExpected, None)
    }
}

fn wanted(expected: Expected) -> String {
    match expected {
        Expected::Always(text) => text.into(),
        Expected::Sometimes(texts) => format!("nothing, or {}", texts.join(", or ")),
        Expected::Unknown => "anything".into(),
    }
}

fn allows(expected: &Expected, outcome: &Outcome) -> bool {
    outcome.readings().iter().any(|reading| expected.allows(reading))
}

/// Whether what either did, the other did too.
fn all_alike(one: &[Outcome], other: &[Outcome]) -> bool {
    let in_other = |outcome: &Outcome| other.iter().any(|it| it.is_like(outcome));
    let in_one = |outcome: &Outcome| one.iter().any(|it| it.is_like(outcome));
    one.iter().all(in_other) && other.iter().all(in_one)
}

/// `2 of 3: text`, the most frequent first.
fn counted(boots: &[Outcome]) -> Vec<String> {
    let mut counts = BTreeMap::<&Outcome, usize>::new();
    boots.iter().for_each(|outcome| *counts.entry(outcome).or_default() += 1);
    let mut counts: Vec<(&Outcome, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts.iter().map(|(outcome, count)| format!("{count} of {}: {outcome}", boots.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::list::Takes;

    fn defect(does: &str) -> Defect {
        with_sound(does, "'nothing'")
    }

    fn with_sound(does: &str, sound: &str) -> Defect {
        let text =
            format!("name = 'd'\ntitle = 't'\ntakes = 'task'\ndoes = {does}\nsound = {sound}");
        toml::from_str(&text).unwrap()
    }

    fn did(text: &str) -> Outcome {
        Outcome::Did(text.into())
    }

    fn judge(does: &str, suite: Option<&str>, stock: &[Outcome], ours: &[Outcome]) -> Status {
        let outcomes = vec![stock.to_vec(), ours.to_vec()];
        Row { defect: &defect(does), suite, outcomes, sound: false }.judge().0
    }

    #[test]
    fn what_a_defect_does_is_a_result() {
        let sid = Some("sid");
        assert_eq!(judge("'x'", sid, &[did("x")], &[did("x")]), Status::AsExpected);
        assert_eq!(
            judge("'nothing'", sid, &[Outcome::Nothing], &[Outcome::Nothing]),
            Status::AsExpected
        );
        assert_eq!(judge("'x'", sid, &[did("y")], &[did("y")]), Status::Unexpected);
        assert_eq!(judge("'x'", sid, &[Outcome::Nothing], &[Outcome::Nothing]), Status::Unexpected);
        assert_eq!(judge("'x'", None, &[did("y")], &[did("y")]), Status::AsExpected);
    }

    #[test]
    fn a_difference_between_the_kernels_is_ours() {
        for suite in [None, Some("sid")] {
            assert_eq!(
                judge("'x'", suite, &[did("x")], &[Outcome::Nothing]),
                Status::KernelsDiffer
            );
            assert_eq!(judge("'x'", suite, &[did("x")], &[did("y")]), Status::KernelsDiffer);
        }
        assert_eq!(
            judge("'x'", Some("sid"), &[did("x"), did("x")], &[did("x"), did("y")]),
            Status::KernelsDiffer
        );
    }

    #[test]
    fn a_piece_of_ours_may_stand_for_several_functions() {
        let part = |of: &[&str]| Outcome::DidInPart {
            what: "page fault".into(),
            part: "gap::insert".into(),
            of: of.iter().map(|name| name.to_string()).collect(),
        };
        let (expected, stock) = ("'page fault in f'", did("page fault in f"));
        let judge = |ours| judge(expected, Some("sid"), std::slice::from_ref(&stock), &[ours]);
        assert_eq!(judge(part(&["e", "f"])), Status::AsExpected);
        assert_eq!(judge(part(&["e", "g"])), Status::KernelsDiffer);
    }

    #[test]
    fn a_race_may_come_to_nothing_but_not_to_something_new() {
        let (sid, does) = (Some("sid"), "['x', 'y']");
        assert_eq!(
            judge(does, sid, &[did("x"), did("y")], &[Outcome::Nothing]),
            Status::AsExpected
        );
        assert_eq!(judge(does, sid, &[did("x")], &[did("z")]), Status::Unexpected);
    }

    #[test]
    fn with_sound_ours_is_to_hold_where_the_list_says_so() {
        let judge = |sound: &str, stock: &str, ours: Outcome| {
            let defect = with_sound("'x'", sound);
            let outcomes = vec![vec![did(stock)], vec![ours]];
            Row { defect: &defect, suite: Some("sid"), outcomes, sound: true }.judge().0
        };
        assert_eq!(judge("'nothing'", "x", Outcome::Nothing), Status::AsExpected);
        assert_eq!(judge("'nothing'", "x", did("x")), Status::Unexpected);
        assert_eq!(judge("'nothing'", "y", Outcome::Nothing), Status::Unexpected);
        assert_eq!(judge("'an error'", "x", did("an error")), Status::AsExpected);
        let stays = "{ as_upstream = 'why' }";
        assert_eq!(judge(stays, "x", did("x")), Status::AsExpected);
        assert_eq!(judge(stays, "x", Outcome::Nothing), Status::KernelsDiffer);
    }

    #[test]
    fn what_could_not_be_tried_proves_nothing() {
        let not = Outcome::NotTried("vm_allocate".into());
        assert_eq!(judge("'x'", Some("sid"), &[did("x")], &[not]), Status::NotTried);
    }

    #[test]
    fn a_row_shows_each_outcome_with_its_count() {
        let defect = defect("'x'");
        let boots = vec![Outcome::Nothing, did("x"), did("x")];
        let row = Row {
            defect: &defect,
            suite: None,
            outcomes: vec![boots, vec![did("y")]],
            sound: false,
        };
        let text = row.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("d ") && lines[0].contains(Takes::Task.text()), "{text}");
        assert!(lines[0].contains("2 of 3: x ") && lines[0].ends_with("1 of 1: y"), "{text}");
        assert_eq!(lines[1].trim(), "1 of 3: nothing");
        let outcomes = vec![vec![did("x")]; 2];
        let alike = Row { defect: &defect, suite: None, outcomes, sound: false };
        assert!(alike.text().trim_end().ends_with("the same"), "{}", alike.text());
    }

    #[test]
    fn the_gravest_status_is_the_runs() {
        let order =
            [Status::AsExpected, Status::NotTried, Status::Unexpected, Status::KernelsDiffer];
        assert!(order.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(order.map(Status::exit_code), [0, 17, 10, 16]);
    }
}
