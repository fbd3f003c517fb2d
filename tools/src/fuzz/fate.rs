// SPDX-License-Identifier: GPL-2.0-or-later
//! What became of each case, by the serial output of a boot.

use std::fmt;

use crate::boot::judge::{Verdict, TIME_WAS_UP};
use crate::defects::outcome::{self, Outcome};
use crate::defects::place::Place;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All calls returned what the model has; the digest of all that the kernel answered.
    Ended(u32),
    /// The kernel answered something else: after which call, and what.
    Wrong(String),
    /// Something is left in the kernel once the tasks are gone: of this case, or of one shortly before.
    Left(String),
    /// A call does not return, and others go on.
    Stuck(String),
    /// The kernel stopped.
    Stopped(String),
}

/// One case of a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub number: u32,
    pub fate: Fate,
    /// Calls that were made, so far as the program says so.
    pub made: u32,
}

/// What a boot showed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Boot {
    pub cases: Vec<Case>,
    /// Calls that were made, and that were left out for a known defect, by the cases that ended.
    pub calls: u64,
    pub steered: u64,
    /// In a boot that shortens: which piece was left out of each of `cases`.
    pub pieces: Vec<u32>,
    /// Each call of a case that is told whole, with what stood after it.
    pub told: Vec<Told>,
    /// What was called last, by each thread, where the kernel stopped.
    pub last: Vec<String>,
    /// Why the program could not go on, if it is the program that says so.
    pub broken: Option<String>,
    /// Why it was ended, if that was this program's doing: the kernel lived, and there is more to run.
    pub cut_off: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub call: String,
    /// The digest after it; none after the last.
    pub digest: Option<String>,
}

impl Fate {
    /// What findings are grouped by: where it stopped, without numbers of pages.
    pub fn group(&self) -> Option<String> {
        match self {
            Fate::Ended(_) => None,
            Fate::Wrong(text) => Some(match (text.split_once(", at "), text.rsplit_once(": ")) {
                (Some((what, _)), Some((_, values))) => format!("{what}: {values}"),
                _ => text.clone(),
            }),
            Fate::Left(text) => Some(format!("left: {}", what_is_left(text))),
            Fate::Stuck(text) => Some(format!("never returns: {text}")),
            Fate::Stopped(text) => Some(text.clone()),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fate::Ended(digest) => write!(to, "ended, digest {digest:08x}"),
            Fate::Wrong(text) => write!(to, "wrong: {text}"),
            Fate::Left(text) => write!(to, "left: {text}"),
            Fate::Stuck(text) => write!(to, "never returns: {text}"),
            Fate::Stopped(text) => write!(to, "the kernel stopped: {text}"),
        }
    }
}

/// Of `entries 9, 5 before; ports 50, 50; ...`, what there is more of than before, without numbers, or less of, if it is free.
/// How many pages there are depends on the caches, so that they are named where nothing else is.
fn what_is_left(text: &str) -> String {
    let parts = text.split("; ").filter_map(|part| {
        let (name, now, before) = part.split_once(", ").and_then(|(named, before)| {
            let (name, now) = named.rsplit_once(' ')?;
            Some((name, now.parse::<u32>().ok()?, before.split(' ').next()?.parse().ok()?))
        })?;
        let is_left = if name == "free pages" { now < before } else { now > before };
        is_left.then_some(name)
    });
    let (pages, others): (Vec<_>, Vec<_>) = parts.partition(|name| name.ends_with("pages"));
    if others.is_empty() { pages } else { others }.join(", ")
}

/// Reads the last boot in a log. `first` is the first case that was to run.
pub fn read<'a>(
    verdict: &Verdict,
    log: &str,
    first: u32,
    place_at: &dyn Fn(u64) -> Option<Place<'a>>,
) -> Boot {
    let mut boot = Boot::default();
    let log = log.rsplit("# storm: start").next().unwrap_or_default();
    let mut next = first;
    let mut shortens = false;
    for line in log.lines().map(|line| line.trim_matches('\r').trim_end()) {
        let Some(line) = line.strip_prefix("# ") else { continue };
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "case" => {
                let Some((case, made, steered)) = ended(rest) else { continue };
                boot.calls += made;
                boot.steered += steered;
                next = case.number + u32::from(!shortens);
                boot.cases.push(case);
            }
            "ended" => next = boot.take_ended(rest).unwrap_or(next),
            "wrong" | "stuck" => {
                let Some(case) = ill(word, rest) else { continue };
                next = case.number + u32::from(!shortens);
                boot.cases.push(case);
            }
            "without" => {
                shortens = true;
                boot.pieces.extend(rest.parse::<u32>());
            }
            "left:" => {
                let fate = Fate::Left(rest.into());
                boot.cases.push(Case { number: next.saturating_sub(1), fate, made: 0 });
            }
            "call" => boot.told.push(Told { call: rest.into(), digest: None }),
            "after" => {
                if let (Some(last), Some((_, digest))) =
                    (boot.told.last_mut(), rest.split_once(": "))
                {
                    last.digest = Some(digest.into());
                }
            }
            _ => {}
        }
    }
    match verdict {
        Verdict::Panic(said) | Verdict::Hang(said) => {
            for text in said.lines().filter_map(|line| line.strip_prefix("last: ")) {
                match text.strip_prefix("ended ") {
                    Some(rest) => next = boot.take_ended(rest).unwrap_or(next),
                    None => boot.last.push(text.into()),
                }
            }
            // How long a boot may last says nothing of the kernel.
            if said.starts_with(TIME_WAS_UP) {
                boot.cut_off = said.lines().next().map(Into::into);
                boot.last.clear();
                return boot;
            }
            let text = match outcome::of(verdict, log, place_at) {
                Outcome::Did(text) | Outcome::NotTried(text) => text,
                Outcome::Nothing => verdict.text().into(),
                part => part.to_string(),
            };
            boot.cases.push(Case { number: next, fate: Fate::Stopped(text), made: 0 });
        }
        Verdict::Fail(_) | Verdict::NeverCameUp(_) => {
            let found = |case: &Case| matches!(case.fate, Fate::Left(_) | Fate::Stuck(_));
            if !boot.cases.last().is_some_and(found) {
                boot.broken = Some(why(log).unwrap_or_else(|| verdict.text().into()));
            }
        }
        Verdict::Pass => {}
    }
    boot
}

impl Boot {
    /// Takes `7 9a2b 41 11c3 40 2`: the number of the first of several cases, then the digest and the calls made of
    /// each, and the calls that were left out, unless the line was still being made. Returns the next case.
    fn take_ended(&mut self, text: &str) -> Option<u32> {
        let (first, cases) = text.split_once(' ')?;
        let mut number = first.parse().ok()?;
        // The kernel may have stopped while it told the same line.
        while self.cases.last().is_some_and(|case| case.number >= number) {
            self.calls -= self.cases.pop().map_or(0, |case| u64::from(case.made));
        }
        for case in cases.split(' ').collect::<Vec<_>>().chunks(2) {
            match case {
                [digest, made] => {
                    let fate = Fate::Ended(u32::from_str_radix(digest, 16).ok()?);
                    let made = made.parse().ok()?;
                    self.calls += u64::from(made);
                    self.cases.push(Case { number, fate, made });
                    number += 1;
                }
                steered => self.steered += steered.concat().parse::<u64>().ok()?,
            }
        }
        Some(number)
    }
}

/// `7 9a2b 41 2`: number, digest, calls made, calls left out.
fn ended(text: &str) -> Option<(Case, u64, u64)> {
    let words: Vec<&str> = text.split(' ').collect();
    let [number, digest, made, steered] = words[..] else { return None };
    let fate = Fate::Ended(u32::from_str_radix(digest, 16).ok()?);
    let made = made.parse().ok()?;
    let case = Case { number: number.parse().ok()?, fate, made };
    Some((case, made.into(), steered.parse().ok()?))
}

/// `7, call 12: vm_copy: ...`
fn ill(word: &str, text: &str) -> Option<Case> {
    let (number, rest) = text.split_once(", call ")?;
    let (call, what) = rest.split_once(": ")?;
    let fate = match word {
        "wrong" => Fate::Wrong(what.into()),
        _ => Fate::Stuck(what.into()),
    };
    Some(Case { number: number.parse().ok()?, fate, made: call.parse().ok()? })
}

/// The line above a `not ok`.
fn why(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(|line| line.trim_matches('\r').trim_end()).collect();
    let at = lines.iter().position(|line| line.starts_with("not ok "))?;
    Some(lines[..at].iter().rev().find_map(|line| line.strip_prefix("# "))?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(verdict: Verdict, log: &str) -> Boot {
        read(&verdict, log, 5, &|_| None)
    }

    fn fates(boot: &Boot) -> Vec<(u32, String)> {
        boot.cases.iter().map(|case| (case.number, case.fate.to_string())).collect()
    }

    #[test]
    fn each_case_has_its_fate() {
        let log = "# case 4 1 1 1\n# storm: start\n\r# case 5 9a2b 41 2\n\r# wrong 6, call 12: vm_copy: result, at 0: 0 \
                   instead of 1\n\r# case 7 0 3 0\n\r# stuck 8, call 3: vm_copy\n\r";
        let boot = read_all(Verdict::Pass, log);
        let wanted = [
            (5, "ended, digest 00009a2b"),
            (6, "wrong: vm_copy: result, at 0: 0 instead of 1"),
            (7, "ended, digest 00000000"),
            (8, "never returns: vm_copy"),
        ];
        assert_eq!(fates(&boot), wanted.map(|(n, text)| (n, text.to_string())));
        assert_eq!((boot.calls, boot.steered, boot.cases[1].made), (44, 2, 12));
    }

    #[test]
    fn a_kernel_that_stopped_did_so_in_the_case_behind_the_last() {
        let panic = Verdict::Panic(
            "{cpu0} ../vm/a.c:1: f: Assertion `x' failed.\nlast: case 6, call 3: vm_copy".into(),
        );
        let boot = read_all(panic.clone(), "# storm: start\n# case 5 1 1 0\n# cas");
        assert_eq!(fates(&boot)[1], (6, "the kernel stopped: assertion x in f".into()));
        assert_eq!(boot.last, ["case 6, call 3: vm_copy"]);
        assert_eq!(read_all(panic, "# storm: start\n").cases[0].number, 5);
        let hang = read_all(Verdict::Hang("x".into()), "# storm: start\n# case 5 1 1 0\n");
        assert_eq!(fates(&hang)[1], (6, "the kernel stopped: the kernel stands still".into()));
    }

    #[test]
    fn a_boot_that_was_ended_for_its_length_did_not_stop() {
        let long = format!(
            "{TIME_WAS_UP} 9 s; last line: x\nlast: ended 6 7 3 0\nlast: case 7, call 1: x"
        );
        let boot = read_all(Verdict::Hang(long), "# storm: start\n# case 5 1 1 0\n# cas");
        assert_eq!(fates(&boot).len(), 2, "{boot:?}");
        assert_eq!(fates(&boot)[1], (6, "ended, digest 00000007".into()));
        assert!(boot.last.is_empty());
        assert_eq!(boot.cut_off, Some(format!("{TIME_WAS_UP} 9 s; last line: x")));
    }

    #[test]
    fn cases_are_told_together_and_those_not_told_yet_are_in_the_page() {
        let log = "# storm: start\n# ended 5 9a2b 41 7 40 2\n# ended 7 1 3";
        let panic = Verdict::Panic(
            "panic x\nlast: case 9, call 3: vm_copy\nlast: ended 7 1 39 2 38".into(),
        );
        let boot = read_all(panic, log);
        let fates: Vec<_> = boot
            .cases
            .iter()
            .map(|case| (case.number, case.made, case.fate.group().is_some()))
            .collect();
        assert_eq!(
            fates,
            [(5, 41, false), (6, 40, false), (7, 39, false), (8, 38, false), (9, 0, true)]
        );
        assert_eq!((boot.calls, boot.steered), (158, 2));
        assert_eq!(boot.last, ["case 9, call 3: vm_copy"]);
    }

    #[test]
    fn groups_have_no_numbers_of_pages() {
        let group = |text: &str| Fate::Wrong(text.into()).group().unwrap();
        assert_eq!(
            group("vm_copy: result, at 3: 0 instead of 1"),
            group("vm_copy: result, at 4: 0 instead of 1")
        );
        assert_ne!(
            group("vm_copy: result, at 3: 0 instead of 1"),
            group("vm_copy: result, at 3: 2 instead of 1")
        );
        assert_eq!(Fate::Ended(1).group(), None);
    }

    #[test]
    fn a_shortening_boot_names_the_piece_of_each_case() {
        let log = "# storm: start\n# without 0\n# case 5 1 1 0\n# without 2\n";
        let boot = read_all(Verdict::Panic("panic x".into()), log);
        assert_eq!(boot.pieces, [0, 2]);
        assert_eq!(boot.cases.iter().map(|case| case.number).collect::<Vec<_>>(), [5, 5]);
    }

    #[test]
    fn a_told_case_has_its_calls() {
        let log = "# storm: start\n# call 0: vm_read, page 3\n# after 0: 7b\n# call 2: vm_wire\n";
        let boot = read_all(Verdict::Panic("panic x".into()), log);
        let told: Vec<_> =
            boot.told.iter().map(|t| (t.call.as_str(), t.digest.as_deref())).collect();
        assert_eq!(told, [("0: vm_read, page 3", Some("7b")), ("2: vm_wire", None)]);
    }

    #[test]
    fn what_is_left_belongs_to_the_last_case_and_a_broken_program_to_none() {
        let fail = || Verdict::Fail("not ok 2 - cases".into());
        let left =
            "# storm: start\n# case 5 1 1 0\n# left: entries 9, 5 before; maps 1, 1; free pages 7, 9\nnot ok 2 - cases\n";
        let boot = read_all(fail(), left);
        assert_eq!((boot.cases[1].number, &boot.broken), (5, &None));
        assert_eq!(boot.cases[1].fate.group().unwrap(), "left: entries");
        let pages = Fate::Left("objects 3, 5 before; maps 1, 1; free pages 7, 900".into());
        assert_eq!(pages.group().unwrap(), "left: free pages");
        let broken = "# storm: start\n# vm_statistics: at 0: got -303\nnot ok 2 - cases\n";
        assert_eq!(read_all(fail(), broken).broken.unwrap(), "vm_statistics: at 0: got -303");
        assert!(read_all(Verdict::NeverCameUp("x".into()), "").broken.is_some());
    }
}
