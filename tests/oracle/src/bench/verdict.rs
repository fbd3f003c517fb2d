// SPDX-License-Identifier: GPL-2.0-or-later
//! What is wanted, and whether it is so.

use super::results::{Measured, Results, Text};
use super::step::Counts;

pub struct Goal {
    pub what: String,
    pub found: String,
    pub met: bool,
}

const MOST: f64 = 1.00;
const MOST_WIRING_A_KERNEL_MAP: f64 = 0.75;
const MOST_MEAN: f64 = 0.85;
pub const KERNEL_MAP: &str = "scan, wire, kernel pmap";

/// The functions that the callers' rows call, as those begin.
pub const CALLED: [&str; 9] = [
    "pageable",
    "pageable_all",
    "protect",
    "inherit",
    "remove",
    "delete",
    "entry_delete",
    "clip_start",
    "clip_end",
];
const MOST_MEAN_OF_CALLERS: f64 = 0.75;
const MOST_MEAN_OF_SOUND: f64 = 1.00;
/// `sound` by the callers, which do what upstream does.
pub const MOST_BY_CALLERS: f64 = 1.10;
const MOST_TIME_OF_CALLERS: f64 = 0.90;

fn goals_of_callers(results: &Results) -> Vec<Goal> {
    let mean = results.geometric_mean();
    let what = "geometric mean of all rows";
    let mut goals = vec![
        every_row(results, "instructions", |counts| counts.instructions),
        at_most(&format!("{what}, instructions"), mean, MOST_MEAN_OF_CALLERS),
    ];
    // Of the machine at hand, and a goal for all that: instructions are not what long walks cost.
    let time = results.mean_time();
    goals.extend(time.map(|time| at_most(&format!("{what}, time"), time, MOST_TIME_OF_CALLERS)));
    for function in CALLED {
        let [shipped, ours] = results.stacks(function);
        goals.push(stack(function, shipped, ours));
    }
    goals.extend(slope(results));
    goals
}

fn stack(function: &str, shipped: u32, ours: u32) -> Goal {
    Goal {
        what: format!("deepest stack of the {function} at most the shipped one's"),
        found: format!("{ours} of {shipped} bytes"),
        met: ours <= shipped,
    }
}

fn goals_of_sound(results: &Results) -> Vec<Goal> {
    let mean = results.geometric_mean();
    let mut goals =
        vec![at_most("geometric mean of all rows, instructions", mean, MOST_MEAN_OF_SOUND)];
    for row in &results.rows {
        if let Some([shipped, ours]) = row.left {
            goals.push(Goal {
                what: format!("{} calls leave one entry: {}", row.entries, row.what),
                found: format!("{ours}, shipped {shipped}"),
                met: ours == 1,
            });
        }
    }
    let series: Vec<_> = results.rows.iter().filter(|row| row.left.is_some()).collect();
    if let [first, .., last] = series[..] {
        let [few, many] = [first, last].map(|row| row.ours.own.instructions);
        goals.push(Goal {
            what: format!("call {} costs no more than call {}", last.entries, first.entries),
            found: format!("{many} instructions, {few}"),
            // What looks an address up in a tree may look a little longer.
            met: many <= few + few / 10,
        });
    }
    goals
}

/// Rows that are held against the callers'.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// Of the functions alone.
    Alone,
    /// Of these but those that are measured with pages too: such a row has a loop on one side
    /// that is in a callee, and is not counted, on the other.
    Alike,
    WithPages,
}

impl Rows {
    fn have(self, row: &Measured, results: &Results) -> bool {
        let has_pages_too = |row: &Measured| {
            let same =
                |it: &Measured| it.what.strip_suffix(", with pages") == Some(row.what.as_str());
            results.rows.iter().any(|it| it.with_pages && same(it))
        };
        match self {
            Rows::Alone => !row.with_pages,
            Rows::Alike => !row.with_pages && !has_pages_too(row),
            Rows::WithPages => row.with_pages,
        }
    }
}

/// How much more each row takes than the callers do: the worst, and how many take more than
/// they may.
pub fn by_callers(sound: &Results, callers: &Results, of: Rows) -> Option<Goal> {
    let rows = sound.rows.iter().filter(|row| of.have(row, sound));
    let pairs = rows.filter_map(|row| {
        let same =
            callers.rows.iter().find(|it| it.what == row.what && it.entries == row.entries)?;
        let [ours, theirs] = [row, same].map(|row| row.judged()[1].instructions as f64);
        Some((row, ours / theirs))
    });
    let pairs: Vec<_> = pairs.collect();
    let over = pairs.iter().filter(|(_, ratio)| *ratio > MOST_BY_CALLERS).count();
    let (row, worst) = pairs.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Goal {
        what: format!(
            "every row{} at most {MOST_BY_CALLERS:.2} of the callers', instructions",
            match of {
                Rows::Alone => "",
                Rows::Alike => " that is not measured with pages too",
                Rows::WithPages => " with pages",
            }
        ),
        found: format!(
            "{over} of {} rows over; worst {worst:.3}, {} ({} entries)",
            pairs.len(),
            row.what,
            row.entries
        ),
        met: over == 0,
    })
}

/// By counts; for the callers by time too, which only tells of the machine at hand.
pub fn goals(results: &Results) -> Vec<Goal> {
    if results.sound {
        return goals_of_sound(results);
    }
    if results.of_callers() {
        return goals_of_callers(results);
    }
    let mut goals = vec![
        every_row(results, "instructions", |counts| counts.instructions),
        every_row(results, "reads", |counts| counts.reads),
        every_row(results, "writes", |counts| counts.writes),
        every_row(results, "cache lines", |counts| counts.lines),
    ];
    let rows = results.rows.iter().filter(|row| row.what == KERNEL_MAP);
    let worst = rows.map(|row| row.instructions()).fold(0.0, f64::max);
    goals.push(at_most("wiring in a kernel map, instructions", worst, MOST_WIRING_A_KERNEL_MAP));
    let mean = results.geometric_mean();
    goals.push(at_most("geometric mean of all rows, instructions", mean, MOST_MEAN));
    goals.push(text(&results.text));
    for function in ["coalesce", "scan"] {
        let [shipped, ours] = results.stacks(function);
        goals.push(stack(function, shipped, ours));
    }
    goals.extend(slope(results));
    goals
}

fn every_row(results: &Results, what: &str, of: fn(&Counts) -> u64) -> Goal {
    let over: Vec<_> = results.alone().filter(|row| row.ratio(of) > MOST).collect();
    let worst = over.iter().max_by(|a, b| a.ratio(of).total_cmp(&b.ratio(of)));
    Goal {
        what: format!("every row at most {MOST:.2}, {what}"),
        found: match worst {
            None => format!("all {} rows", results.alone().count()),
            Some(row) => format!(
                "{} of {} rows over; worst {:.3}, {} ({} entries)",
                over.len(),
                results.alone().count(),
                row.ratio(of),
                row.what,
                row.entries
            ),
        },
        met: over.is_empty(),
    }
}

fn at_most(what: &str, found: f64, most: f64) -> Goal {
    Goal {
        what: format!("{what} at most {most:.2}"),
        found: format!("{found:.3}"),
        met: found <= most,
    }
}

fn text(text: &Text) -> Goal {
    let (ours, shipped) = (text.ours(), text.shipped());
    Goal {
        what: "bytes of both functions at most the shipped ones'".to_string(),
        found: format!(
            "{ours} of {shipped}; of {} with the gap helpers, which ours has inside",
            shipped + text.shipped_helpers
        ),
        met: ours <= shipped,
    }
}

/// From 16 entries on; nothing to say of fewer sizes than three.
fn slope(results: &Results) -> Option<Goal> {
    let mut worst = 0.0_f64;
    let mut most_entries = 0;
    for kind in results.kinds().iter().filter(|kind| !kind.starts_with("coalesce")) {
        let slopes = results.slopes(kind);
        let from_16 = slopes.iter().filter(|(entries, _)| *entries > 16);
        let ours: Vec<f64> = from_16.map(|(_, [_, ours])| *ours).collect();
        let (least, most) =
            ours.iter().fold((f64::MAX, 0.0_f64), |(a, b), &s| (a.min(s), b.max(s)));
        if ours.len() >= 2 {
            worst = worst.max(most - least);
            most_entries = slopes.last().map_or(0, |(entries, _)| *entries);
        }
    }
    (most_entries != 0).then(|| Goal {
        what: format!("instructions per entry constant from 16 to {most_entries} entries"),
        found: format!("they differ by at most {worst:.4}"),
        met: worst < 0.01,
    })
}
