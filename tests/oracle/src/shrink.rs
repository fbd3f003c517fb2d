// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes a failing case smaller: takes away what it does not need to fail.

use std::time::{Duration, Instant};

use crate::case::{Base, Case};
use crate::run::{Bench, Difference};

/// Enough for what has a cause; the rest may stay.
const MOST_TIME: Duration = Duration::from_secs(10);

/// How a case fails: a smaller one must fail alike.
type Kind = (Difference, [bool; 2]);

/// How the case fails on a map of `base`, if it does.
pub fn kind(bench: &mut Bench, base: &Base, case: &Case) -> Option<Kind> {
    bench.build(base).ok()?;
    let difference = bench.run(case)?;
    Some((difference, bench.broken()))
}

/// Returns the smallest case that was found to fail in the same way.
pub fn shrink(bench: &mut Bench, base: &Base, case: &Case) -> (Base, Case) {
    let mut best = (base.clone(), case.clone());
    let Some(wanted) = kind(bench, base, case) else { return best };
    let started = Instant::now();
    let mut attempt = |candidate: &(Base, Case)| {
        started.elapsed() < MOST_TIME && kind(bench, &candidate.0, &candidate.1) == Some(wanted)
    };
    loop {
        let before = best.clone();
        remove(&mut best, |c| &mut c.1.ops, &mut attempt);
        remove(&mut best, |c| &mut c.1.acts, &mut attempt);
        remove(&mut best, |c| &mut c.1.pokes, &mut attempt);
        remove(&mut best, |c| &mut c.0.changes, &mut attempt);
        remove(&mut best, |c| &mut c.0.entries, &mut attempt);
        for index in 0..best.0.entries.len() {
            for simpler in SIMPLER {
                let mut candidate = best.clone();
                simpler(&mut candidate.0, index);
                if candidate != best && attempt(&candidate) {
                    best = candidate;
                }
            }
        }
        if best == before {
            return best;
        }
    }
}

/// What may be simplified of an entry.
const SIMPLER: &[fn(&mut Base, usize)] = &[
    |base, index| base.entries[index].gap = 0,
    |base, index| base.entries[index].pages = 1,
    |base, index| base.entries[index].object = 0,
    |base, index| base.entries[index].offset = 0,
    |base, index| base.entries[index].needs_copy = false,
    |base, _| base.room = 0,
];

/// Takes runs of items out of a list, long runs first.
fn remove<T: Clone>(
    best: &mut (Base, Case),
    list: impl Fn(&mut (Base, Case)) -> &mut Vec<T>,
    attempt: &mut impl FnMut(&(Base, Case)) -> bool,
) {
    let mut run = list(best).len();
    while run > 0 {
        let mut at = 0;
        while at < list(best).len() {
            let mut candidate = best.clone();
            let items = list(&mut candidate);
            let end = (at + run).min(items.len());
            items.drain(at..end);
            if attempt(&candidate) {
                *best = candidate;
            } else {
                at += run;
            }
        }
        run /= 2;
    }
}
