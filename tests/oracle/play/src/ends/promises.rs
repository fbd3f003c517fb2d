// SPDX-License-Identifier: GPL-2.0-or-later
//! What `sound` promises (docs/sound.md), as far as an end state tells of it, whatever the
//! shipped code did.

use crate::callers::Caller::*;
use crate::ends::conditions::{is_physical, wires_now, within};
use crate::ends::state::{Entry, Outcome, State};
use crate::ends::Start;
use crate::machine::Stop;

const WRITE: u32 = 2;
/// The bits of a protection.
const ACCESS: u32 = 0x1f;

/// Why it is not kept, if it is not.
pub fn kept(start: &Start, ours: &State, outcome: &Outcome) -> Result<(), &'static str> {
    let result = match outcome {
        Err(Stop::Assertion { .. }) => return Err("an assertion"),
        Err(Stop::Panic { .. }) => return Err("a panic"),
        Err(_) => return Err("it does not come back"),
        Ok(result) => *result,
    };
    ours.is_in_order()?;
    let check = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
    let privilege = start.state.privilege.wrapping_sub(1);
    check(!ours.is_locked && ours.privilege == privilege, "the lock, or the thread's privilege")?;
    ours.entries.iter().try_for_each(|entry| kept_of(start, entry))?;
    let drifts = start.state.size_wired != start.state.sum_wired();
    check(drifts || ours.size_wired == ours.sum_wired(), "size_wired is not the sum")?;
    let most = start.state.size_wired.max(ours.size);
    check(ours.size_wired <= most, "size_wired is more than all that is mapped")?;
    ours.wires_what_it_counts()?;
    check(ours.waits != 0 || !must_wait(start), "it did not wait for an entry in transition")?;
    check(result != 0 || !is_physical(start), "what is no virtual memory was taken")?;
    if result == 0 && wires_now(start) && !is_hidden(start) {
        check(all_is_wired(start, ours), "success, and not all is wired")?;
    }
    let merges = result == 0 && !leaves_all(start, ours);
    check(!merges || !could_merge(start, ours), "entries that are alike stay apart")
}

fn kept_of(start: &Start, entry: &Entry) -> Result<(), &'static str> {
    let before = start.state.at(entry.start);
    let was_marked = before.is_some_and(|before| before.in_transition);
    if entry.in_transition && !was_marked || entry.needs_wakeup && !entry.in_transition {
        return Err("a mark that nobody takes off");
    }
    if entry.access & !ACCESS != 0 {
        return Err("a ticket is left in wired_access");
    }
    if entry.is_wired() && entry.needs_copy && entry.protection & WRITE != 0 {
        return Err("a wired page would be replaced by the next store");
    }
    Ok(())
}

fn must_wait(start: &Start) -> bool {
    let looks = match start.call.caller {
        Protect | Inherit | Pageable => true,
        PageableAll => matches!(start.call.value, 0 | 1 | 3),
        _ => false,
    };
    looks && within(start).any(|entry| entry.in_transition)
}

/// Whether the caller is not told what cannot be had, as it has just put memory into a map that it
/// locked: vm_map_copyout would have that given back once more.
fn is_hidden(start: &Start) -> bool {
    matches!(start.call.caller, Pageable)
        && start.call.flags == [false, false]
        && start.failing.is_some()
}

fn all_is_wired(start: &Start, ours: &State) -> bool {
    let wired = |entry: &Entry| entry.is_wired() || entry.is_sub_map || entry.protection == 0;
    let of_range =
        |entry: &&Entry| within(start).any(|part| part.start < entry.end && entry.start < part.end);
    ours.entries.iter().filter(of_range).all(wired)
}

/// Whether the call changed no entry, but for how often one is counted as wired; others took their
/// marks off. Then nothing need be merged either.
fn leaves_all(start: &Start, ours: &State) -> bool {
    let at_rest = |entry: &Entry| Entry {
        count: entry.count.min(1),
        in_transition: false,
        needs_wakeup: false,
        ..*entry
    };
    start.state.entries.iter().map(at_rest).eq(ours.entries.iter().map(at_rest))
}

/// Whether two entries of the range, or at its ends, differ in nothing.
fn could_merge(start: &Start, ours: &State) -> bool {
    let call = &start.call;
    if !matches!(call.caller, Protect | Inherit | Pageable) || call.start >= call.end {
        return false;
    }
    let pairs = ours.entries.iter().zip(ours.entries.iter().skip(1));
    let alone = |e: &Entry| e.is_shared || e.is_sub_map || e.in_transition || e.projected_on != 0;
    let attributes = |e: &Entry| {
        let wiring = (e.is_wired(), e.access);
        (e.protection, e.max_protection, e.inheritance, e.needs_copy, wiring, e.object)
    };
    let follows =
        |a: &Entry, b: &Entry| a.object == 0 || a.offset.wrapping_add(a.size()) == b.offset;
    pairs
        .filter(|(a, b)| a.end == b.start && (call.start..=call.end).contains(&b.start))
        .any(|(a, b)| !alone(a) && !alone(b) && attributes(a) == attributes(b) && follows(a, b))
}
