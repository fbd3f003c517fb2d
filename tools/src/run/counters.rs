// SPDX-License-Identifier: GPL-2.0-or-later
//! The counters that the crate keeps when it is built with the feature `counters`.

use anyhow::{bail, Result};

use crate::object_check::CALLERS;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that C made of each of the callers, if those are ours too.
    pub callers: Option<[u64; CALLERS.len()]>,
    pub coalesce_calls: u64,
    pub merges: u64,
    pub refused_in_transition: u64,
    pub scan_calls: u64,
    pub unlocked_scans: u64,
    pub most_at_once: u64,
}

/// Those that C has to call in every storm.
const STORMS_CALL: [&str; 4] =
    ["vm_map_inherit", "vm_map_pageable", "vm_map_protect", "vm_map_remove"];

impl Counters {
    const WORDS: usize = 7;

    /// How many there are.
    pub fn words(with_callers: bool) -> usize {
        Counters::WORDS + if with_callers { CALLERS.len() } else { 0 }
    }

    pub fn from_words(words: &[u32]) -> Result<Counters> {
        let (words, callers) = words.split_at(words.len().min(Counters::WORDS));
        let callers: Vec<u64> = callers.iter().map(|count| (*count).into()).collect();
        if !callers.is_empty() && callers.len() != CALLERS.len() {
            bail!("{} counters of callers instead of {}", callers.len(), CALLERS.len());
        }
        // The sixth is the number of scans that are unlocked now, which only the most is made from.
        let &[coalesce_calls, merges, refused_in_transition, scan_calls, unlocked_scans, _, most_at_once] =
            words
        else {
            bail!("{} counters instead of {}", words.len(), Counters::WORDS);
        };
        Ok(Counters {
            callers: callers.try_into().ok(),
            coalesce_calls: coalesce_calls.into(),
            merges: merges.into(),
            refused_in_transition: refused_in_transition.into(),
            scan_calls: scan_calls.into(),
            unlocked_scans: unlocked_scans.into(),
            most_at_once: most_at_once.into(),
        })
    }

    /// Of two boots.
    pub fn and(self, other: Counters) -> Counters {
        let sum = |one: [u64; CALLERS.len()], two| {
            let mut pairs = one.into_iter().zip(two).map(|(a, b): (u64, u64)| a + b);
            std::array::from_fn(|_| pairs.next().unwrap_or_default())
        };
        Counters {
            callers: self.callers.zip(other.callers).map(|(one, two)| sum(one, two)),
            coalesce_calls: self.coalesce_calls + other.coalesce_calls,
            merges: self.merges + other.merges,
            refused_in_transition: self.refused_in_transition + other.refused_in_transition,
            scan_calls: self.scan_calls + other.scan_calls,
            unlocked_scans: self.unlocked_scans + other.unlocked_scans,
            most_at_once: self.most_at_once.max(other.most_at_once),
        }
    }

    /// Why these do not prove that our functions did their work; nothing if they do.
    pub fn doubts(&self) -> Vec<String> {
        let needed = [
            (self.coalesce_calls, "vm_map_coalesce_entry was never called"),
            (self.merges, "no entries were merged"),
            (self.scan_calls, "vm_map_pageable_scan was never called"),
            (self.unlocked_scans, "no scan dropped the lock"),
        ];
        let mut doubts: Vec<String> = needed
            .iter()
            .filter(|(count, _)| *count == 0)
            .map(|(_, text)| text.to_string())
            .collect();
        if self.merges + self.refused_in_transition > self.coalesce_calls
            || self.unlocked_scans > self.scan_calls
        {
            doubts.push("the counters contradict each other".into());
        }
        for (name, count) in self.callers.iter().flat_map(|counts| CALLERS.iter().zip(counts)) {
            if *count == 0 && STORMS_CALL.contains(name) {
                doubts.push(format!("C never called {name}"));
            }
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [u32; 7] = [9, 4, 1, 8, 3, 0, 2];

    #[test]
    fn each_counter_that_must_have_moved_is_missed() {
        assert!(Counters::from_words(&GOOD).unwrap().doubts().is_empty());
        for (place, text) in
            [(0, "coalesce"), (1, "merged"), (3, "pageable_scan"), (4, "dropped the lock")]
        {
            let mut words = GOOD;
            words[place] = 0;
            let doubts = Counters::from_words(&words).unwrap().doubts();
            assert!(doubts.iter().any(|doubt| doubt.contains(text)), "{place}: {doubts:?}");
        }
    }

    #[test]
    fn callers_that_c_did_not_call_are_missed() {
        let words: Vec<u32> = GOOD.into_iter().chain([1; 9]).collect();
        assert_eq!(words.len(), Counters::words(true));
        assert!(Counters::from_words(&words).unwrap().doubts().is_empty());
        for (place, name) in CALLERS.iter().enumerate() {
            let mut words = words.clone();
            words[7 + place] = 0;
            let doubts = Counters::from_words(&words).unwrap().doubts();
            assert_eq!(doubts.len(), usize::from(STORMS_CALL.contains(name)), "{name}: {doubts:?}");
        }
        assert!(Counters::from_words(&words[..words.len() - 1]).is_err());
        let one = Counters::from_words(&words).unwrap();
        assert_eq!(one.and(one).callers, Some([2; 9]));
    }

    #[test]
    fn random_memory_is_not_taken_for_counters() {
        let doubts =
            Counters::from_words(&[1, 0x9090_9090, 7, 5, 0xc100_0000, 1, 1]).unwrap().doubts();
        assert_eq!(doubts, ["the counters contradict each other"]);
        assert!(Counters::from_words(&GOOD[1..]).is_err());
    }

    #[test]
    fn boots_add_up_but_the_most_is_of_one_boot() {
        let one = Counters::from_words(&GOOD).unwrap();
        let two = one.and(one);
        assert_eq!((two.merges, two.most_at_once), (8, 2));
    }
}
