// SPDX-License-Identifier: GPL-2.0-or-later
//! Entries in words, for reports.

use super::map::entries;
use super::{Kernel, PAGE};
use crate::bindings::vm_map_entry;

/// An entry as a report shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    pub map: &'static str,
    /// Where it lives: the same number is the same structure.
    pub id: usize,
    pub covers: String,
    pub first: usize,
    pub pages: usize,
    pub wired: u16,
    pub in_transition: bool,
}

impl Kernel {
    /// What a range of addresses is called.
    pub fn label_range(&self, start: usize, end: usize) -> String {
        if start >= end || (end - start) / PAGE > 64 {
            return "nothing".to_string();
        }
        (start..end).step_by(PAGE).map(|at| self.label(at)).collect::<Vec<_>>().join(" ")
    }

    /// All entries of all maps.
    pub fn describe_entries(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        for map in &self.maps {
            for entry in entries(&map.raw) {
                shown.push(self.describe_entry(map.name, entry));
            }
        }
        shown
    }

    fn describe_entry(&self, map: &'static str, at: *mut vm_map_entry) -> Shown {
        // SAFETY: `entries` gives live entries alone.
        let entry = unsafe { &*at };
        let (start, end) = (entry.links.start as usize, entry.links.end as usize);
        Shown {
            map,
            id: (at as usize / 4096) % 4096,
            covers: self.label_range(start, end),
            first: start / PAGE,
            pages: end.saturating_sub(start) / PAGE,
            wired: entry.wired_count,
            in_transition: entry.in_transition() != 0,
        }
    }
}

impl Shown {
    /// `[RB RC]·1 in transition`
    pub fn text(&self) -> String {
        let mark = if self.in_transition { "*" } else { "" };
        format!("[{}]{}{mark}", self.covers, self.wired)
    }
}
