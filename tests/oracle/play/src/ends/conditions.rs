// SPDX-License-Identifier: GPL-2.0-or-later
//! The defects of upstream's that `sound` does not have, each as what can be told before a
//! call is made: where one is met, the end states may differ, in what it says. The names are
//! those of the sections of docs/upstream.md.

use crate::callers::Caller::*;
use crate::ends::aspects::*;
use crate::ends::state::Entry;
use crate::ends::{Call, Start};

pub struct Condition {
    pub name: &'static str,
    pub holds: fn(&Start) -> bool,
    pub allows: Aspects,
}

/// What is wired, and so copied before, and how often, and what follows from that.
const WIRINGS: Aspects = WIRED.and(TWICE).and(ACCESS).and(COPY).and(SIZE_WIRED).and(PAGES);
/// Which neighbours are one entry, and so one object.
const MERGES: Aspects = CLIPPED.and(MERGED).and(OBJECT).and(SHARING);

pub const CONDITIONS: &[Condition] = &[
    Condition {
        name: "crossing-end",
        holds: |start| {
            let call = &start.call;
            call.caller == Protect
                && pairs(start).any(|(a, b)| b.start >= call.end && agree(start, a, b))
                && within(start).any(|entry| entry.is_wired() || asks(start, entry))
        },
        allows: WIRINGS.and(MERGES).and(STOPPED),
    },
    Condition {
        name: "wired-needs-copy",
        holds: |start| start.call.wires() && within(start).any(|e| e.is_wired() && e.needs_copy),
        allows: WIRINGS.and(MERGES).and(STOPPED),
    },
    Condition {
        name: "silent-wire-failure",
        holds: |start| {
            start.call.wires()
                && start
                    .failing
                    .is_some_and(|page| within(start).any(|e| e.start <= page && page < e.end))
        },
        allows: WIRINGS.and(MERGES).and(RESULT).and(FLAGS).and(STOPPED),
    },
    Condition {
        name: "protect-freed-entry",
        holds: |start| {
            let call = &start.call;
            call.caller == Protect
                && pairs(start).any(|(a, b)| a.end <= call.start && agree(start, a, b))
        },
        allows: WIRINGS.and(MERGES).and(STOPPED),
    },
    Condition {
        name: "merge-loses-access",
        holds: |start| {
            let call = &start.call;
            matches!(call.caller, Protect | Inherit)
                && pairs(start)
                    .any(|(a, b)| agree(start, a, b) && access(start, a) != access(start, b))
        },
        allows: WIRINGS.and(MERGES).and(STOPPED),
    },
    Condition {
        name: "unmerged-wirings",
        holds: |start| {
            (start.call.wires() || start.call.caller == Inherit)
                && pairs(start).any(|(a, b)| agree(start, a, b))
        },
        allows: MERGED.and(OBJECT).and(SHARING).and(TWICE),
    },
    Condition {
        // An entry that is clipped is given its object before, which both parts share.
        name: "unmerged-wirings.clip",
        holds: |start| {
            start.call.wires()
                && pairs(start).any(|(a, b)| a.at == b.at && a.object == 0 && !a.is_wired())
        },
        allows: CLIPPED.and(MERGED).and(OBJECT).and(SHARING),
    },
    Condition {
        name: "refused-clips",
        holds: |start| {
            pairs(start).any(|(a, b)| a.at == b.at)
                && (is_refused(start) || denies(start) || start.call.start >= start.call.end)
        },
        allows: MERGED,
    },
    Condition {
        name: "wire-all-empty",
        holds: |start| start.call.caller == PageableAll && start.state.entries.is_empty(),
        allows: STOPPED,
    },
    Condition {
        name: "overlapping-wires",
        holds: |start| touched(start).any(|entry| entry.in_transition),
        allows: Aspects::ALL,
    },
    Condition {
        name: "submap-wired",
        holds: |start| start.call.wires() && within(start).any(|entry| entry.is_sub_map),
        allows: WIRINGS.and(STOPPED),
    },
    Condition { name: "physical-memory", holds: is_physical, allows: STOPPED },
    Condition {
        name: "hint-left",
        holds: |Start { state, call, .. }| {
            let deleted = state.at(call.start).map(|entry| entry.at);
            call.caller == EntryDelete && state.hints.iter().any(|&hint| Some(hint) == deleted)
        },
        allows: HINTS,
    },
    Condition {
        name: "size-wired-drift",
        holds: |start| start.state.size_wired != start.state.sum_wired(),
        allows: SIZE_WIRED,
    },
];

impl Call {
    fn wires(&self) -> bool {
        matches!(self.caller, Protect | Pageable | PageableAll)
    }
}

/// Whether it is to delete what is no virtual memory of the kernel's.
pub(crate) fn is_physical(Start { state, call, .. }: &Start) -> bool {
    let [first, end] = state.kernel_virtual;
    matches!(call.caller, Remove | Delete)
        && state.is_kernels
        && !(call.start >= first && call.end <= end)
}

/// Whether the call is to leave all that is in the range wired.
pub(crate) fn wires_now(start: &Start) -> bool {
    match start.call.caller {
        Pageable => start.call.value != 0,
        PageableAll => start.call.value & 1 != 0,
        _ => false,
    }
}

/// The entries that are, or that an empty range lies in.
fn touched(Start { state, call, .. }: &Start) -> impl Iterator<Item = &Entry> {
    let end = call.end.max(call.start.saturating_add(1));
    state.entries.iter().filter(move |entry| entry.end > call.start && entry.start < end)
}

/// What of the entries is in the range.
pub fn within(start: &Start) -> impl Iterator<Item = &Entry> {
    start.parts.iter().filter(|entry| is_within(start, entry))
}

fn is_within(Start { call, .. }: &Start, entry: &Entry) -> bool {
    entry.end > call.start && entry.start < call.end
}

/// Neighbours that touch, of which one at least is of the range, or at its ends.
fn pairs(start: &Start) -> impl Iterator<Item = (&Entry, &Entry)> {
    let Start { parts, call, .. } = start;
    let pairs = parts.iter().zip(parts.iter().skip(1));
    pairs.filter(|(a, b)| a.end == b.start && b.end > call.start && a.start < call.end)
}

/// Whether the call changes nothing, as an entry of the range does not allow it.
fn is_refused(start: &Start) -> bool {
    const NOTIFY: u32 = 0x10;
    let refuses = |entry: &Entry| {
        entry.is_sub_map || start.call.value & !(NOTIFY | entry.max_protection) != 0
    };
    start.call.caller == Protect && within(start).any(refuses)
}

/// Whether it is a wiring or unwiring that is refused, as the range has a hole, or an entry does
/// not allow the access.
fn denies(start: &Start) -> bool {
    let Call { caller, value, flags: [_, checked], end, .. } = start.call;
    if caller != Pageable {
        return false;
    }
    let mut reached = start.call.start;
    let fits = within(start).all(|entry| {
        let fits = entry.start <= reached && value & !entry.protection == 0;
        reached = entry.end;
        fits
    });
    let covered = start.parts.iter().any(|entry| entry.start == start.call.start);
    !covered || checked && (!fits || reached < end)
}

/// Whether two neighbours are alike after the call, but for their wirings and objects.
fn agree(start: &Start, a: &Entry, b: &Entry) -> bool {
    let call = &start.call;
    let attributes = |entry: &Entry| {
        let of_range = is_within(start, entry) && !is_refused(start);
        let inheritance = match call.caller {
            Inherit if of_range => call.value,
            _ => entry.inheritance,
        };
        let max = match call.caller {
            Protect if of_range && call.flags[0] => call.value,
            _ => entry.max_protection,
        };
        (inheritance, max, protection(start, entry))
    };
    let alone = |entry: &Entry| entry.is_shared || entry.is_sub_map || entry.projected_on != 0;
    attributes(a) == attributes(b) && !alone(a) && !alone(b)
}

/// An entry's protection after the call.
fn protection(start: &Start, entry: &Entry) -> u32 {
    let call = &start.call;
    let of_range = is_within(start, entry) && !is_refused(start);
    match (call.caller, call.flags[0]) {
        (Protect, true) if of_range => call.value & entry.protection,
        (Protect, false) if of_range => call.value,
        _ => entry.protection,
    }
}

/// What it is asked to be wired for then.
fn access(start: &Start, entry: &Entry) -> u32 {
    let call = &start.call;
    let of_range = is_within(start, entry) && !is_refused(start);
    let now = protection(start, entry);
    match call.caller {
        Protect if of_range && now != 0 && (entry.access != 0 || start.state.wiring_required) => {
            now
        }
        _ => entry.access,
    }
}

/// Whether it is to be wired then.
fn asks(start: &Start, entry: &Entry) -> bool {
    access(start, entry) != 0 && protection(start, entry) != 0
}

#[cfg(test)]
mod tests {
    use super::CONDITIONS;

    #[test]
    fn each_is_a_defect_that_the_docs_tell_of() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let page = std::fs::read_to_string(root.join("docs/upstream.md")).expect("the page");
        for condition in CONDITIONS {
            let name = condition.name.split('.').next().expect("a first part");
            let told = |line: &str| {
                line == format!("## {name}") || line.starts_with(&format!("- `{name}`: "))
            };
            assert!(page.lines().any(told), "docs/upstream.md tells nothing of {name}");
        }
    }
}
