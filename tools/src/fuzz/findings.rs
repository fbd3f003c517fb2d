// SPDX-License-Identifier: GPL-2.0-or-later
//! What two runs of the same cases show: what went wrong, grouped, and where they are not alike.

use std::collections::BTreeMap;

use super::fate::Fate;
use super::subject::Run;

/// What went wrong in one way.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    pub what: String,
    /// Index of the run, number of the case.
    pub first: (usize, u32),
    pub cases: usize,
}

/// A case that came out differently.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    pub number: u32,
    pub fates: [Fate; 2],
}

/// Of all runs; each case counts once.
pub fn groups(runs: &[Run]) -> Vec<Group> {
    let mut groups = BTreeMap::<String, Vec<(u32, usize)>>::new();
    for (at, run) in runs.iter().enumerate() {
        let left = run.left.iter().map(|(number, fate)| (number, fate));
        for (&number, fate) in run.fates.iter().chain(left) {
            if let Some(what) = fate.group() {
                groups.entry(what).or_default().push((number, at));
            }
        }
    }
    groups
        .into_iter()
        .map(|(what, mut cases)| {
            cases.sort();
            let (number, run) = cases[0];
            cases.dedup_by_key(|case| case.0);
            Group { what, first: (run, number), cases: cases.len() }
        })
        .collect()
}

/// Of those cases that both ran.
pub fn differences(one: &Run, other: &Run) -> Vec<Difference> {
    let alike = |a: &Fate, b: &Fate| match (a, b) {
        (Fate::Ended(_), Fate::Ended(_)) => a == b,
        _ => a.group() == b.group(),
    };
    one.fates
        .iter()
        .filter_map(|(&number, fate)| Some((number, fate, other.fates.get(&number)?)))
        .filter(|(_, fate, other)| !alike(fate, other))
        .map(|(number, fate, other)| Difference { number, fates: [fate.clone(), other.clone()] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fates: &[(u32, Fate)]) -> Run {
        Run { fates: fates.iter().cloned().collect(), ..Run::default() }
    }

    fn wrong(page: u32) -> Fate {
        Fate::Wrong(format!("vm_copy: result, at {page}: 0 instead of 1"))
    }

    #[test]
    fn what_stops_in_one_place_is_one_finding() {
        let stock = run(&[
            (1, Fate::Ended(7)),
            (2, wrong(3)),
            (3, wrong(4)),
            (4, Fate::Stopped("x".into())),
        ]);
        let ours = run(&[(1, wrong(3)), (2, wrong(3))]);
        let groups = groups(&[stock, ours]);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].first, groups[0].cases), ((1, 1), 3));
        assert_eq!((groups[1].what.as_str(), groups[1].first), ("x", (0, 4)));
    }

    #[test]
    fn what_is_left_is_a_finding() {
        let mut stock = run(&[(64, Fate::Ended(7))]);
        stock.left.push((64, Fate::Left("entries 9, 5 before; x".into())));
        assert_eq!(groups(&[stock])[0].first, (0, 64));
    }

    #[test]
    fn digests_and_fates_are_compared_case_by_case() {
        let stock = run(&[
            (1, Fate::Ended(7)),
            (2, Fate::Ended(8)),
            (3, wrong(3)),
            (4, wrong(3)),
            (9, Fate::Ended(1)),
        ]);
        let ours =
            run(&[(1, Fate::Ended(7)), (2, Fate::Ended(9)), (3, wrong(3)), (4, Fate::Ended(1))]);
        let numbers: Vec<u32> = differences(&stock, &ours).iter().map(|d| d.number).collect();
        assert_eq!(numbers, [2, 4], "a case that one of them did not try says nothing");
    }
}
