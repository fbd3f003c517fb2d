// SPDX-License-Identifier: GPL-2.0-or-later
//! In what two end states differ. Entries are compared address by address, so that one which
//! only one side has clipped or merged differs in its bounds alone.

use std::fmt;

use crate::ends::pages::Place;
use crate::ends::state::{Entry, Outcome, State};

/// A set of aspects.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Aspects(u32);

macro_rules! aspects {
    ($($number:literal $name:ident $text:literal,)*) => {
        $(pub const $name: Aspects = Aspects(1 << $number);)*
        const NAMES: &[(Aspects, &str)] = &[$(($name, $text),)*];
    };
}

aspects! {
    0 STOPPED "the shipped stopped",
    1 RESULT "the result",
    2 MAPPED "what is mapped",
    3 ATTRIBUTES "protection, inheritance or another attribute",
    4 WIRED "what is counted as wired",
    5 TWICE "what is counted as wired twice",
    6 ACCESS "what is asked to be wired",
    7 MARKS "marks",
    8 COPY "needs_copy",
    9 OBJECT "which object, and where in it",
    10 SHARING "new objects: what shares one",
    11 CLIPPED "entries of ours that are one of the shipped's",
    12 MERGED "entries of the shipped's that are one of ours",
    13 SIZES "the map's size",
    14 SIZE_WIRED "size_wired",
    15 PAGES "how often pages are wired",
    16 HINTS "a hint that leads to no entry",
    17 FLAGS "wiring_required, the lock or another field of the map or thread",
}

impl Aspects {
    pub const NONE: Aspects = Aspects(0);
    pub const ALL: Aspects = Aspects(u32::MAX);

    pub const fn and(self, other: Aspects) -> Aspects {
        Aspects(self.0 | other.0)
    }

    pub fn without(self, other: Aspects) -> Aspects {
        Aspects(self.0 & !other.0)
    }

    fn note(&mut self, differs: bool, aspect: Aspects) {
        if differs {
            self.0 |= aspect.0;
        }
    }
}

impl fmt::Display for Aspects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.iter().filter(|(aspect, _)| self.0 & aspect.0 != 0);
        let names: Vec<_> = names.map(|(_, name)| *name).collect();
        f.write_str(&names.join("; "))
    }
}

/// An object that one side made is another's of the other side, if what maps the one maps
/// the other.
#[derive(Default)]
struct Made(Vec<[u32; 3]>);

impl Made {
    /// Whether two new objects may be the same so far; `shift`: of the offsets in them.
    fn are_one(&mut self, shipped: u32, ours: u32, shift: u32) -> bool {
        let knows = |pair: &&[u32; 3]| pair[0] == shipped || pair[1] == ours;
        match self.0.iter().find(knows) {
            Some(&pair) => pair == [shipped, ours, shift],
            None => {
                self.0.push([shipped, ours, shift]);
                true
            }
        }
    }
}

/// In what `ours` differs. Objects from `first_new` on were made by the calls.
pub(crate) fn differing(
    (shipped, ours): (&State, &State),
    [left, right]: [&Outcome; 2],
    first_new: u32,
) -> Aspects {
    let mut all = Aspects::NONE;
    let (Ok(a), Ok(b)) = (left, right) else {
        all.note(left.is_err() != right.is_err() || left != right, STOPPED);
        return all;
    };
    all.note(a != b, RESULT);
    let mut made = Made::default();
    let pages = |state: &State, place: Place| {
        state.pages.iter().find(|(at, _)| *at == place).map_or(0, |(_, count)| *count)
    };
    let counts = !(shipped.pages.is_empty() && ours.pages.is_empty());
    let (mut i, mut j) = (0, 0);
    let mut at = 0;
    loop {
        let (a, b) = (shipped.entries.get(i), ours.entries.get(j));
        let (Some(a), Some(b)) = (a, b) else {
            all.note(a.is_some() || b.is_some(), MAPPED);
            break;
        };
        let (from, to) = (a.start.max(b.start).max(at), a.end.min(b.end));
        all.note(a.start.max(at) != b.start.max(at), MAPPED);
        if from < to {
            all.note(a.start < from && from == b.start, CLIPPED);
            all.note(b.start < from && from == a.start, MERGED);
            compare(&mut all, a, b);
            compare_objects(&mut all, &mut made, (a, b), from, first_new);
            if counts && (a.is_wired() || b.is_wired()) {
                let place = |e: &Entry, at| (e.object, e.offset.wrapping_add(at - e.start));
                all.note(
                    (from..to)
                        .step_by(crate::state::PAGE as usize)
                        .any(|at| pages(shipped, place(a, at)) != pages(ours, place(b, at))),
                    PAGES,
                );
            }
        }
        at = at.max(to);
        if a.end <= at {
            i += 1;
        }
        if b.end <= at {
            j += 1;
        }
    }
    // Of ours it is looked at whatever the shipped did.
    all.note(shipped.wires_what_it_counts().is_err(), PAGES);
    all.note((shipped.size, shipped.size_none) != (ours.size, ours.size_none), SIZES);
    all.note(shipped.size_wired != ours.size_wired, SIZE_WIRED);
    all.note(shipped.hints_are_live != ours.hints_are_live, HINTS);
    let flags = |state: &State| {
        (state.wiring_required, state.wait_for_space, state.is_locked, state.privilege)
    };
    all.note(flags(shipped) != flags(ours), FLAGS);
    all
}

fn compare(all: &mut Aspects, a: &Entry, b: &Entry) {
    let attributes = |e: &Entry| {
        let bits = (e.is_shared, e.is_sub_map, e.projected_on);
        (e.protection, e.max_protection, e.inheritance, bits)
    };
    all.note(attributes(a) != attributes(b), ATTRIBUTES);
    all.note(a.is_wired() != b.is_wired(), WIRED);
    all.note(a.is_wired() && b.is_wired() && a.count != b.count, TWICE);
    all.note(a.access != b.access, ACCESS);
    let marks = |e: &Entry| (e.in_transition, e.needs_wakeup);
    all.note(marks(a) != marks(b), MARKS);
    all.note(a.needs_copy != b.needs_copy, COPY);
}

fn compare_objects(
    all: &mut Aspects,
    made: &mut Made,
    (a, b): (&Entry, &Entry),
    at: u32,
    first_new: u32,
) {
    let offset = |e: &Entry| e.offset.wrapping_add(at - e.start);
    if a.object >= first_new && b.object >= first_new {
        let shift = offset(a).wrapping_sub(offset(b));
        all.note(!made.are_one(a.object, b.object, shift), SHARING);
    } else {
        let differs = a.object != b.object || (a.object != 0 && offset(a) != offset(b));
        all.note(differs, OBJECT);
    }
}
