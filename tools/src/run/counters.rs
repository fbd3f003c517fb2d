// SPDX-License-Identifier: GPL-2.0-or-later
//! The counters that the crate keeps when it is built with the feature `counters`.

use anyhow::{bail, Result};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub coalesce_calls: u64,
    pub merges: u64,
    pub refused_in_transition: u64,
    pub scan_calls: u64,
    pub unlocked_scans: u64,
    pub most_at_once: u64,
}

impl Counters {
    pub const WORDS: usize = 7;

    pub fn from_words(words: &[u32]) -> Result<Counters> {
        // The sixth is the number of scans that are unlocked now, which only the most is made from.
        let &[coalesce_calls, merges, refused_in_transition, scan_calls, unlocked_scans, _, most_at_once] =
            words
        else {
            bail!("{} counters instead of {}", words.len(), Counters::WORDS);
        };
        Ok(Counters {
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
        Counters {
            coalesce_calls: self.coalesce_calls + other.coalesce_calls,
            merges: self.merges + other.merges,
            refused_in_transition: self.refused_in_transition + other.refused_in_transition,
            scan_calls: self.scan_calls + other.scan_calls,
            unlocked_scans: self.unlocked_scans + other.unlocked_scans,
            most_at_once: self.most_at_once.max(other.most_at_once),
        }
    }

    /// Why these do not prove that both functions did their work; nothing if they do.
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
