// SPDX-License-Identifier: GPL-2.0-or-later
//! Measures every row on one kernel.

use anyhow::{ensure, Context, Result};

use super::results::{Measured, Spread};
use super::rows::{callers_rows, pages_rows, rows, rows_with_pages, Row};
use super::stage::{Stage, Way};
use super::step::Tally;
use crate::low;
use crate::machine::Side;

/// Rows with no more entries than this are counted both ways.
const MOST_BY_BOTH: u32 = 16;

/// What to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub most_entries: u32,
    /// Rows with more entries are counted by the recorder, that is, without callees.
    pub most_by_traps: u32,
    pub times: bool,
    /// Whether nobody asks for the counts of what the kernel ships. Where there is no recorder, it is only
    /// run then.
    pub ours_alone: bool,
}

pub fn all(stage: &mut Stage, mut plan: Plan) -> Result<Vec<Measured>> {
    // The recorder and the timer are 32-bit code.
    if low::is_wide() {
        plan.most_entries = plan.most_entries.min(plan.most_by_traps.max(256));
        plan.times = false;
    }
    let mut rows = match stage.has_callers() {
        true => callers_rows(plan.most_entries),
        false => rows(plan.most_entries),
    };
    if stage.is_sound() {
        rows.extend(pages_rows(plan.most_entries));
    }
    if stage.has_callers() && !plan.ours_alone {
        rows.extend(rows_with_pages(plan.most_entries.min(plan.most_by_traps)));
    }
    let mut measured = Vec::new();
    let line = kit::progress::line();
    for (index, &row) in rows.iter().enumerate() {
        let what = || format!("{}, {} entries", row.what(), row.entries);
        line.set_message(format!("{} of {}: {}", index + 1, rows.len(), what()));
        let mut result = counts(stage, row, plan).with_context(what)?;
        if plan.times && !row.is_of_series() && !row.with_pages {
            result.time = Some(times(stage, row).with_context(what)?);
        }
        measured.push(result);
    }
    Ok(measured)
}

fn counts(stage: &mut Stage, row: Row, plan: Plan) -> Result<Measured> {
    stage.build(row)?;
    let shipped = match plan.ours_alone && low::is_wide() {
        true => stage.run(Side::Shipped).map(|()| Tally::default())?,
        false => count(stage, Side::Shipped, row, plan)?,
    };
    let after_shipped = stage.memory();
    let left = stage.entries_left();
    let ours = count(stage, Side::Ours, row, plan)?;
    // `oracle --sound` compares what that leaves.
    let alike = stage.is_sound() || after_shipped == stage.memory();
    ensure!(alike, "the two sides leave different memory behind");
    let entries = row.is_of_series().then(|| [left, stage.entries_left()]);
    Ok(Measured { left: entries, ..Measured::new(row, shipped, ours) })
}

fn count(stage: &mut Stage, side: Side, row: Row, plan: Plan) -> Result<Tally> {
    if low::is_wide() {
        return stage.count(side, Way::Trap);
    }
    if row.entries > plan.most_by_traps {
        return stage.count(side, Way::Record);
    }
    if row.entries <= MOST_BY_BOTH {
        let recorded = stage.count(side, Way::Record)?;
        let trapped = stage.count(side, Way::Trap)?;
        ensure!(
            Tally { whole: trapped.whole, ..recorded } == trapped,
            "the recorder's counts are not those of traps: {recorded:?}, {trapped:?}"
        );
    }
    stage.count(side, Way::Trap)
}

/// Pairs of runs, in alternation; what calling costs by itself is taken off.
fn times(stage: &mut Stage, row: Row) -> Result<Spread> {
    const WARM_UP: u32 = 4;
    let pairs = if row.entries < 1_000 { 200 } else { 30 };
    let mut ratios = Vec::new();
    for pair in 0..WARM_UP + pairs {
        let order = match pair % 2 {
            0 => [Side::Shipped, Side::Ours],
            _ => [Side::Ours, Side::Shipped],
        };
        let [first, second] = pair_of(stage, row, order)?;
        let [shipped, ours] = if pair % 2 == 0 { [first, second] } else { [second, first] };
        if pair >= WARM_UP && shipped > 0.0 && ours > 0.0 {
            ratios.push(ours / shipped);
        }
    }
    Ok(Spread::of(ratios))
}

/// Ticks of both sides. The clock is coarse, so short calls are made often: in a
/// row where the map stays as it is, else each from the map put back.
fn pair_of(stage: &mut Stage, row: Row, order: [Side; 2]) -> Result<[f64; 2]> {
    let (rounds, calls) = match (row.entries, row.changes_nothing()) {
        (256.., _) => (1, 1),
        (_, true) => (1, 64),
        (_, false) => (24, 1),
    };
    let mut ticks = [0.0; 2];
    for _ in 0..rounds {
        let empty = f64::from(stage.time_nothing(calls)?);
        for (sum, side) in ticks.iter_mut().zip(order) {
            *sum += f64::from(stage.time(side, calls)?) - empty;
        }
    }
    Ok(ticks)
}
