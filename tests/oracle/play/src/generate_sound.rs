// SPDX-License-Identifier: GPL-2.0-or-later
//! Random cases whose end states are compared: maps as a kernel can have them, nobody who
//! interferes, and one call. What a seed gives must not change without need.

use crate::callers::Caller;
use crate::case::{Case, Op, Place, Poke};
use crate::generate::{objects, set, OBJECTS};
use crate::generate_callers::{alike, op as op_of};
use crate::layout::Field;
use crate::rng::Rng;
use crate::state::PAGE;

/// Fills in a case for a map of `entries` entries.
pub fn case(rng: &mut Rng, entries: u32, case: &mut Case) {
    case.clear();
    if rng.chance(2, 3) {
        alike(rng, entries, case);
    }
    if rng.chance(2, 3) {
        wirings(rng, entries, case);
    }
    if entries > 0 && rng.chance(1, 4) {
        let poke = special(rng, entries);
        case.pokes.push(poke);
    }
    let edge = entries > 0 && rng.chance(1, 6);
    if edge {
        edges(rng, entries, case);
    }
    if rng.chance(1, 12) {
        case.pokes.push(around(rng));
    }
    let object = 1 + rng.below(OBJECTS) as u8;
    case.pokes.push(Poke::BeLikely { missing: if rng.chance(1, 16) { rng.below(5) } else { 0 } });
    case.pokes.push(Poke::Account { object, extra: u8::from(rng.chance(1, 8)) });
    if rng.chance(1, 2) {
        case.pokes.push(Poke::Absent { pages: rng.next() as u32 });
    }
    let mut op = op_of(rng, entries);
    if edge {
        if let Some(Op::Caller { start, end, .. }) = case.ops.pop() {
            op = Op::Caller { caller: Caller::Protect, start, end, value: 3, flags: [false; 2] };
        }
    }
    while matches!(op, Op::Caller { caller: Caller::ClipStart | Caller::ClipEnd, .. }) {
        op = op_of(rng, entries);
    }
    if let Op::Caller { start, end, .. } = &mut op {
        for place in [start, end] {
            // Whole pages, by which wirings are counted here.
            if let Place::Entry { bytes, .. } = place {
                *bytes &= !(PAGE as i32 - 1);
            }
        }
    }
    if entries > 0 && rng.chance(1, 32) {
        case.pokes.push(Poke::Failing { slot: rng.below(entries) as u8, page: rng.below(3) });
    }
    if rng.chance(1, 2) {
        case.pokes.push(Poke::Plenty);
    }
    if rng.chance(1, 2) {
        let (pages, stored) = (rng.next() as u32, rng.next() as u32);
        case.pokes.push(Poke::Mapped { pages, stored });
    }
    case.ops.push(op);
}

/// Neighbours that a change of protection makes alike, at the ends of its range and in it, and
/// that range.
fn edges(rng: &mut Rng, entries: u32, case: &mut Case) {
    use Field::*;
    let first = rng.below(entries);
    let last = (first + rng.below(3)).min(entries - 1);
    let access = rng.pick(&[0, 3]);
    for slot in first.saturating_sub(1)..=(last + 1).min(entries - 1) {
        let is_within = (first..=last).contains(&slot);
        let slot = slot as u8;
        let protection = if is_within && rng.chance(2, 3) { rng.pick(&[0, 1]) } else { 3 };
        let asks = if rng.chance(1, 4) { 3 - access } else { access };
        for (field, value) in [
            (Protection, protection),
            (MaxProtection, 7),
            (Inheritance, 1),
            (WiredAccess, asks),
            (WiredCount, if rng.chance(1, 2) { u32::from(asks != 0) } else { 0 }),
        ] {
            case.pokes.push(set(field, slot, value));
        }
        if rng.chance(1, 2) {
            case.pokes.push(Poke::Object { slot, object: 0 });
        } else if slot > 0 {
            objects(rng, slot - 1, slot, &mut case.pokes);
        }
    }
    let place = |slot: u32, from_end| Place::Entry { slot: slot as u8, from_end, bytes: 0 };
    let (start, end) = (place(first, false), place(last, true));
    case.ops.push(Op::Caller { caller: Caller::Protect, start, end, value: 3, flags: [false; 2] });
}

/// What is wired, and what asks for it.
fn wirings(rng: &mut Rng, entries: u32, case: &mut Case) {
    use Field::*;
    let uniform = rng.chance(1, 2);
    let (access, count) = (rng.pick(&[1, 3, 3, 7]), rng.below(3));
    for slot in 0..entries as u8 {
        if !rng.chance(7, 8) {
            continue;
        }
        let pokes = &mut case.pokes;
        pokes.push(set(WiredAccess, slot, if uniform { access } else { rng.pick(&[0, 1, 3, 7]) }));
        pokes.push(set(WiredCount, slot, if uniform { count } else { rng.below(3) }));
        if rng.chance(1, 2) {
            pokes.push(set(Protection, slot, rng.pick(&[0, 1, 3, 7, 5, 2])));
        }
        if rng.chance(1, 4) {
            pokes.push(Poke::Object { slot, object: rng.below(OBJECTS + 1) as u8 });
        }
        if slot > 0 && rng.chance(1, 4) {
            objects(rng, slot - 1, slot, pokes);
        }
    }
}

/// What a map has now and then.
fn special(rng: &mut Rng, entries: u32) -> Poke {
    use Field::*;
    let slot = rng.below(entries) as u8;
    let object = 1 + rng.below(OBJECTS) as u8;
    match rng.below(12) {
        0 => Poke::SubMap { slot },
        1 => Poke::Project { slot },
        2 => set(InTransition, slot, 1),
        3 | 4 => set(IsShared, slot, 1),
        5 => set(MaxProtection, slot, rng.pick(&[0, 1, 3])),
        6 => set(PagerCreated, object, 1),
        7 => Poke::KernelObject { object },
        _ => set(NeedsCopy, slot, 1),
    }
}

/// What is around a map now and then.
fn around(rng: &mut Rng) -> Poke {
    use Field::*;
    match rng.below(6) {
        0..=2 => set(WiringRequired, 0, 1),
        3 => set(WaitForSpace, 0, 1),
        4 => Poke::KernelMap,
        _ => Poke::Virtual { from: rng.below(12), pages: rng.below(40) },
    }
}
