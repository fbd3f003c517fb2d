// SPDX-License-Identifier: GPL-2.0-or-later
//! What a search is expected to show.

use std::collections::BTreeSet;

use crate::explore::{Results, PASSES};

pub const DEADLOCK: &str = "deadlock";
pub const NEVER_ENDS: &str = "never ends";
pub const FREED: &str = "accesses a freed entry";
pub const FOLLOWS_FREED: &str = "follows a freed entry's links";
pub const NOT_THERE: &str = "a wired entry has a page that is not there";
pub const NOT_WIRED: &str = "a page of a wired entry is not wired";
pub const WIRED_TOO_OFTEN: &str = "a page is wired more often than it is due";
#[cfg(feature = "sound")]
pub const NOT_MAPPED: &str = "a wired page is not mapped";
pub const STAYS_MARKED: &str = "an entry stays in transition";
pub const IN_TRANSITION: &str = "vm_map_pageable_scan: assertion !entry->in_transition failed";
pub const NOT_IN_TRANSITION: &str = "vm_map_pageable_scan: assertion entry->in_transition failed";
pub const NEEDS_WAKEUP: &str = "vm_map_pageable_scan: assertion !entry->needs_wakeup failed";
pub const MUST_BE_RESIDENT: &str = "vm_fault_page: assertion !must_be_resident failed";
pub const UNWIRED: &str = "vm_page_unwire: assertion page->wire_count != 0 failed";

/// What the search shows and was not to show, and what it lacks.
pub fn differences(results: &Results, expected: &[&str]) -> Vec<String> {
    let shown: BTreeSet<&str> = results.findings.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    let mut differences: Vec<String> =
        shown.difference(&expected).map(|what| format!("not expected: {what}")).collect();
    differences.extend(expected.difference(&shown).map(|what| format!("not shown: {what}")));
    if !results.complete {
        differences.push("the search did not come to its end".into());
    }
    differences
}

/// The finding that a reader will want to see first.
pub fn worst(results: &Results) -> Option<&str> {
    let rank = |finding: &str| match finding {
        DEADLOCK => 0,
        _ if finding.contains("assertion") || finding.contains("panic") => 1,
        FREED | FOLLOWS_FREED => 2,
        _ => 3,
    };
    let findings = results.findings.keys().map(String::as_str).filter(|what| *what != PASSES);
    findings.min_by_key(|what| rank(what))
}
