// SPDX-License-Identifier: GPL-2.0-or-later
//! Making a finding short, and telling it.

use anyhow::Result;

use super::fate::{Boot, Fate};
use super::shorten::{shorten, Keep, Pieces, Probe};
use super::subject::{Plan, Subject};

/// A finding, as short as it was made.
pub struct Narrowed {
    pub keep: Keep,
    /// The calls, as the kernels had them.
    pub calls: Vec<String>,
    /// The first call after which the kernels differ.
    pub differs_after: Option<String>,
    /// Known defects that the calls meet.
    pub known: Vec<String>,
    /// It comes alone, without the cases before it.
    pub alone: bool,
}

/// What one kernel does with a case.
pub fn failure(
    subject: &Subject,
    plan: &Plan,
    number: u32,
    what: &str,
    boots: u32,
) -> Result<Narrowed> {
    let all = Keep::all(plan.calls);
    let told = subject.tell(plan, number, all)?;
    let mut keep = all;
    let alone = last_group(&told).as_deref() == Some(what);
    if alone {
        keep = shorten(all, boots, &mut |keep, pieces| {
            let boot = subject.leave_out(plan, number, keep, pieces)?;
            Ok(probe_of_failure(&boot, what))
        })?;
    }
    let told = if keep == all { told } else { subject.tell(plan, number, keep)? };
    Ok(Narrowed {
        keep,
        known: known_in(&told),
        calls: calls_in(&told),
        differs_after: None,
        alone,
    })
}

/// Where two kernels are not alike.
pub fn difference(
    subjects: [&Subject; 2],
    plan: &Plan,
    number: u32,
    boots: u32,
) -> Result<Narrowed> {
    let tell = |keep| -> Result<[Boot; 2]> {
        Ok([subjects[0].tell(plan, number, keep)?, subjects[1].tell(plan, number, keep)?])
    };
    let all = Keep::all(plan.calls);
    let told = tell(all)?;
    let alone = differ(&told);
    let mut keep = all;
    if alone {
        keep = shorten(all, boots / 2, &mut |keep, pieces| {
            let one = subjects[0].leave_out(plan, number, keep, pieces)?;
            let other = subjects[1].leave_out(plan, number, keep, pieces)?;
            Ok(probe_of_difference(&one, &other, pieces))
        })?;
    }
    let told = if keep == all { told } else { tell(keep)? };
    let longer = &told[usize::from(told[1].told.len() > told[0].told.len())];
    Ok(Narrowed {
        keep,
        known: known_in(longer),
        calls: calls_in(longer),
        differs_after: first_difference(&told[0], &told[1]),
        alone,
    })
}

fn last_group(boot: &Boot) -> Option<String> {
    boot.cases.last().and_then(|case| case.fate.group())
}

fn differ(boots: &[Boot; 2]) -> bool {
    let fate = |boot: &Boot| boot.cases.last().map(|case| case.fate.clone());
    match (fate(&boots[0]), fate(&boots[1])) {
        (Some(Fate::Ended(one)), Some(Fate::Ended(other))) => one != other,
        _ => last_group(&boots[0]) != last_group(&boots[1]),
    }
}

/// The program stops at the first piece without which the case does not end well.
fn probe_of_failure(boot: &Boot, what: &str) -> Probe {
    match (last_group(boot), boot.pieces.last()) {
        (Some(group), Some(&piece)) if group == what => Probe::Spare(piece),
        (Some(_), Some(&piece)) => Probe::Otherwise(piece),
        _ => Probe::NoneSpare,
    }
}

fn probe_of_difference(one: &Boot, other: &Boot, pieces: Pieces) -> Probe {
    let tried = |boot: &Boot| -> Vec<(u32, Fate)> {
        boot.pieces.iter().copied().zip(boot.cases.iter().map(|case| case.fate.clone())).collect()
    };
    let (one, other) = (tried(one), tried(other));
    let spare = one.iter().zip(&other).find(|(one, other)| one != other);
    match spare {
        Some((&(piece, _), _)) => Probe::Spare(piece),
        // Both stopped alike at the last of them: those behind it are still to be tried.
        None => match one.last() {
            Some((piece, fate)) if fate.group().is_some() && *piece >= pieces.from => {
                Probe::Otherwise(*piece)
            }
            _ => Probe::NoneSpare,
        },
    }
}

fn first_difference(one: &Boot, other: &Boot) -> Option<String> {
    let pairs = one.told.iter().zip(&other.told);
    let differs = pairs.clone().find(|(one, other)| one != other).map(|(one, _)| one.call.clone());
    differs.or_else(|| {
        let longer = if one.told.len() > other.told.len() { one } else { other };
        longer.told.get(pairs.count()).map(|told| told.call.clone())
    })
}

fn calls_in(boot: &Boot) -> Vec<String> {
    boot.told.iter().map(|told| told.call.clone()).collect()
}

fn known_in(boot: &Boot) -> Vec<String> {
    let mut names: Vec<String> = boot
        .told
        .iter()
        .filter_map(|told| told.call.split_once(", known: "))
        .map(|(_, name)| name.to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::fate::{Case, Told};

    fn boot(pieces: &[u32], fates: &[Fate]) -> Boot {
        let case = |fate: &Fate| Case { number: 1, fate: fate.clone(), made: 0 };
        Boot { pieces: pieces.into(), cases: fates.iter().map(case).collect(), ..Boot::default() }
    }

    fn stopped(text: &str) -> Fate {
        Fate::Stopped(text.into())
    }

    #[test]
    fn the_piece_at_which_it_stops_as_before_is_spare() {
        let ended = Fate::Ended(1);
        let probe = |fates: &[Fate]| probe_of_failure(&boot(&[0, 3], fates), "x");
        assert_eq!(probe(&[ended.clone(), stopped("x")]), Probe::Spare(3));
        assert_eq!(probe(&[ended.clone(), stopped("y")]), Probe::Otherwise(3));
        assert_eq!(probe(&[ended.clone(), ended]), Probe::NoneSpare);
    }

    #[test]
    fn the_piece_without_which_two_kernels_differ_still_is_spare() {
        let pieces = Pieces { chunk: 1, from: 0 };
        let (same, other) = (Fate::Ended(1), Fate::Ended(2));
        let probe = |one: &[Fate], two: &[Fate]| {
            probe_of_difference(&boot(&[0, 1], one), &boot(&[0, 1], two), pieces)
        };
        assert_eq!(probe(&[same.clone(), same.clone()], &[same.clone(), other]), Probe::Spare(1));
        assert_eq!(
            probe(&[same.clone(), same.clone()], &[same.clone(), same.clone()]),
            Probe::NoneSpare
        );
        let stops = [same.clone(), stopped("x")];
        assert_eq!(probe(&stops, &stops), Probe::Otherwise(1));
        assert_eq!(probe(&[same.clone(), same.clone()], &[same, stopped("x")]), Probe::Spare(1));
    }

    #[test]
    fn the_first_call_that_differs_is_named() {
        let told = |digests: &[Option<&str>]| Boot {
            told: digests
                .iter()
                .enumerate()
                .map(|(n, digest)| Told {
                    call: format!("{n}: c"),
                    digest: digest.map(String::from),
                })
                .collect(),
            ..Boot::default()
        };
        let one = told(&[Some("1"), Some("2"), None]);
        assert_eq!(first_difference(&one, &told(&[Some("1"), Some("3"), None])).unwrap(), "1: c");
        assert_eq!(
            first_difference(&one, &told(&[Some("1"), Some("2"), Some("4"), None])).unwrap(),
            "2: c"
        );
        assert_eq!(first_difference(&one, &one), None);
        assert_eq!(
            first_difference(&told(&[Some("1")]), &told(&[Some("1"), Some("2")])).unwrap(),
            "1: c"
        );
    }

    #[test]
    fn known_defects_are_told_by_the_program() {
        let call = |call: &str| Told { call: call.into(), digest: None };
        let told = vec![
            call("3: vm_copy, known: b"),
            call("4: vm_copy, known: a"),
            call("5: vm_read, known: b"),
        ];
        assert_eq!(known_in(&Boot { told, ..Boot::default() }), ["a", "b"]);
    }
}
