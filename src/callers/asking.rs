// SPDX-License-Identifier: GPL-2.0-or-later
//! Asking the entries of a range for an access, and the scan's first pass, in one walk.
//!
//! Upstream asks all and then scans. Under the lock nobody sees the difference, as
//! that pass looks at one entry at a time. But it may need memory, for want of which
//! the kernel stops: before that, the entries that are still to come are asked.

use crate::bindings::shim_VM_PROT_NONE as NONE;
use crate::counters;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::range::Range;
use crate::scan::{prepare_object, update_count, wire, Left};
use crate::walk::{At, Passed};

/// Gives each entry of the range the access in `wired_access`, then does what
/// `pageable_scan` does.
///
/// Lock: held for writing; left as the scan leaves it.
#[inline(always)]
pub(crate) fn ask_and_scan(map: Map<WriteLocked>, range: &Range, access: i32) -> Left {
    counters::scan_called();
    let mut all_are_asked = false;
    let mut walk = map.walk(range);
    let at = loop {
        walk = match walk.go_on() {
            Ok(at) if ask(&at, access) => break at,
            Ok(at) => at.pass().into(),
            Err(walk) => return Left::Written(walk.into_map().held()),
        };
    };
    let mut passed = begin_wiring(at, range, access, &mut all_are_asked);
    let passed = loop {
        passed = match passed.go_on() {
            Ok(at) if ask(&at, access) => begin_wiring(at, range, access, &mut all_are_asked),
            Ok(at) => at.pass(),
            Err(passed) => break passed,
        };
    };
    wire(passed)
}

/// Whether the entry is to be wired, with faults.
#[inline(always)]
fn ask(at: &At<'_>, access: i32) -> bool {
    at.entry().set_wired_access(access);
    update_count(at.map(), at.entry()) && access != NONE
}

#[inline(always)]
fn begin_wiring<'r>(
    mut at: At<'r>,
    range: &Range,
    access: i32,
    all_are_asked: &mut bool,
) -> Passed<'r> {
    if at.entry().needs_copy() || at.entry().object().is_null() {
        at = make_object(at, range, access, all_are_asked);
    }
    at.map().grow_size_wired(at.entry().size());
    at.entry().set_wired_count(1);
    at.pass()
}

/// Takes the place of the walk and gives it back: lent, it would have to lie in
/// memory.
#[cold]
#[inline(never)]
fn make_object<'r>(at: At<'r>, range: &Range, access: i32, all_are_asked: &mut bool) -> At<'r> {
    if !*all_are_asked {
        *all_are_asked = true;
        let mut link = at.entry().next();
        while let Some(entry) = at.map().entry(link).filter(|next| next.start() < range.end()) {
            entry.set_wired_access(access);
            link = entry.next();
        }
    }
    prepare_object(at.map(), at.entry());
    at
}
