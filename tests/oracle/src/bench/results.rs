// SPDX-License-Identifier: GPL-2.0-or-later
//! What was measured, as it is kept in files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{de::DeserializeOwned, Deserialize, Serialize};

use super::rows::Row;
use super::step::{Counts, Tally};

/// Everything measured on one kernel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// As budgets and charts name the kernel.
    pub name: String,
    /// As it names itself.
    pub version: String,
    /// What our object was compiled by.
    pub compiler: String,
    pub text: Text,
    /// It is the feature `sound` that was measured.
    #[serde(default)]
    pub sound: bool,
    pub graft: Option<Graft>,
    pub rows: Vec<Measured>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub what: String,
    pub entries: u32,
    pub shipped: Tally,
    pub ours: Tally,
    pub time: Option<Spread>,
    /// Entries that a series of calls leaves: shipped, ours.
    #[serde(default)]
    pub left: Option<[u32; 2]>,
    /// The kernel's functions for pages ran, and count on both sides.
    #[serde(default)]
    pub with_pages: bool,
}

/// Ratios ours / shipped of paired runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub pairs: u32,
    /// A quarter of the pairs lies below the first, a quarter above the last.
    pub quartiles: [f64; 3],
}

/// Bytes of machine code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub shipped_coalesce: u32,
    pub shipped_scan: u32,
    pub shipped_helpers: u32,
    pub ours_coalesce: u32,
    pub ours_scan: u32,
    /// Functions of ours that the two call.
    pub ours_helpers: u32,
    /// With the callers in the object: bytes of each, shipped and ours, without what it calls.
    #[serde(default)]
    pub callers: BTreeMap<String, [u32; 2]>,
}

/// What the jump and the thunk of the grafted kernel add to each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graft {
    pub coalesce: Added,
    pub scan: Added,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    pub instructions: u32,
    pub reads: u32,
    pub writes: u32,
    pub stack: u32,
}

/// Calls a second of the storms' loads, in paired boots.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Storms {
    pub name: String,
    pub loads: Vec<Load>,
    pub failed: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Load {
    pub what: String,
    /// Calls a second: stock and grafted, of one pair of boots.
    pub pairs: Vec<[f64; 2]>,
}

impl Text {
    pub fn shipped(&self) -> u32 {
        self.shipped_coalesce + self.shipped_scan
    }

    /// Of the two, their callers and the helpers of either side: shipped and ours.
    pub fn all_of_callers(&self) -> [u32; 2] {
        let sum = |side: usize| self.callers.values().map(|sizes| sizes[side]).sum::<u32>();
        [self.shipped() + self.shipped_helpers + sum(0), self.ours() + sum(1)]
    }

    pub fn ours(&self) -> u32 {
        self.ours_coalesce + self.ours_scan + self.ours_helpers
    }
}

impl Measured {
    pub fn new(row: Row, shipped: Tally, ours: Tally) -> Self {
        let what = row.what().to_string();
        let (entries, with_pages) = (row.entries, row.with_pages);
        Measured { what, entries, shipped, ours, time: None, left: None, with_pages }
    }

    /// What goals and budgets go by: ours has the gap code inside, so the shipped
    /// side's helpers count.
    pub fn ratio(&self, of: fn(&Counts) -> u64) -> f64 {
        let [shipped, ours] = self.judged();
        of(&ours) as f64 / of(&shipped) as f64
    }

    /// What is held against each other: shipped and ours.
    pub fn judged(&self) -> [Counts; 2] {
        match self.with_pages {
            true => [self.shipped.whole, self.ours.whole],
            false => [self.shipped.with_helpers, self.ours.own],
        }
    }

    pub fn instructions(&self) -> f64 {
        self.ratio(|counts| counts.instructions)
    }
}

impl Results {
    /// A row's neighbours with fewer entries give what each further entry costs:
    /// shipped and ours.
    pub fn slopes(&self, what: &str) -> Vec<(u32, [f64; 2])> {
        let rows: Vec<_> = self.rows.iter().filter(|row| row.what == what).collect();
        rows.windows(2)
            .map(|pair| {
                let more = f64::from(pair[1].entries - pair[0].entries);
                let [a, b] = [pair[0], pair[1]]
                    .map(|row| row.judged().map(|counts| counts.instructions as f64));
                (pair[1].entries, [(b[0] - a[0]) / more, (b[1] - a[1]) / more])
            })
            .collect()
    }

    /// The kinds of rows, in order.
    pub fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = Vec::new();
        for row in &self.rows {
            if kinds.last() != Some(&row.what.as_str()) {
                kinds.push(&row.what);
            }
        }
        kinds
    }

    /// The rows that count the functions alone.
    pub fn alone(&self) -> impl Iterator<Item = &Measured> {
        self.rows.iter().filter(|row| !row.with_pages)
    }

    /// Of the instructions' ratios.
    pub fn geometric_mean(&self) -> f64 {
        let sum: f64 = self.alone().map(|row| row.instructions().ln()).sum();
        (sum / self.alone().count() as f64).exp()
    }

    /// The same of the medians of the times; none, if a row has no time.
    pub fn mean_time(&self) -> Option<f64> {
        let logs = self.alone().map(|row| Some(row.time?.quartiles[1].ln()));
        let sum: Option<f64> = logs.sum();
        let rows = self.alone().count();
        sum.filter(|_| rows != 0).map(|sum| (sum / rows as f64).exp())
    }

    /// Whether it is the callers that were measured.
    pub fn of_callers(&self) -> bool {
        !self.text.callers.is_empty()
    }

    /// The deepest stack of any row: shipped and ours.
    pub fn stacks(&self, what: &str) -> [u32; 2] {
        let is_of = |row: &Measured| row.what.split(',').next() == Some(what);
        let rows = || self.rows.iter().filter(|row| is_of(row));
        let most = |of: fn(&Measured) -> u32| rows().map(of).max().unwrap_or(0);
        [most(|row| row.shipped.stack), most(|row| row.ours.stack)]
    }
}

impl Load {
    pub fn spread(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|[stock, grafted]| grafted / stock).collect())
    }

    /// Stock, and grafted.
    pub fn medians(&self) -> [f64; 2] {
        [0, 1].map(|side| {
            let values = self.pairs.iter().map(|pair| pair[side]).collect();
            Spread::of(values).quartiles[1]
        })
    }
}

impl Spread {
    pub fn of(mut ratios: Vec<f64>) -> Self {
        ratios.sort_by(f64::total_cmp);
        // Between two ratios, in proportion.
        let at = |part: f64| {
            let place = ratios.len().saturating_sub(1) as f64 * part;
            let around = [place.floor(), place.ceil()].map(|index| ratios.get(index as usize));
            match around {
                [Some(below), Some(above)] => below + (above - below) * place.fract(),
                _ => f64::NAN,
            }
        };
        Spread { pairs: ratios.len() as u32, quartiles: [at(0.25), at(0.5), at(0.75)] }
    }
}

pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not what it should be", path.display()))
}

/// Writes beside and renames.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(what)?;
    }
    kit::files::write_all(&[(path, text.as_bytes())], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_ratios() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Spread { pairs: 4, quartiles: [1.75, 2.5, 3.25] });
        assert_eq!(Spread::of(vec![1.5]).quartiles, [1.5; 3]);
        assert!(Spread::of(Vec::new()).quartiles[1].is_nan());
    }
}
