// SPDX-License-Identifier: GPL-2.0-or-later
//! Random cases for the callers. What a seed gives must not change without need.

use crate::callers::{Caller, CALLERS};
use crate::case::{Case, Lock, Op, Place, Poke, HEADER};
use crate::generate::{interference, objects, set, wirings, OBJECTS};
use crate::interference::Act;
use crate::layout::Field;
use crate::rng::Rng;

const PAGE: i32 = 0x1000;

/// Fills in a case for a map of `entries` entries.
pub fn case(rng: &mut Rng, entries: u32, case: &mut Case) {
    case.clear();
    if rng.chance(2, 3) {
        alike(rng, entries, case);
    }
    if rng.chance(1, 2) {
        wirings(rng, entries, case);
    }
    if entries > 0 {
        for _ in 0..rng.below(4) {
            let poke = special(rng, entries);
            case.pokes.push(poke);
        }
    }
    if rng.chance(1, 6) {
        for _ in 0..=rng.below(2) {
            let poke = around(rng);
            case.pokes.push(poke);
        }
    }
    let object = 1 + rng.below(OBJECTS) as u8;
    case.pokes.push(Poke::Account { object, extra: u8::from(rng.chance(1, 8)) });
    // What counts as a submap here is one, with its own references.
    let sub_maps = |poke: &Poke| match *poke {
        Poke::Set { field: Field::IsSubMap, slot, value: 1 } | Poke::SubMap { slot } => Some(slot),
        _ => None,
    };
    let slots: Vec<u8> = case.pokes.iter().filter_map(sub_maps).collect();
    case.pokes.retain(|poke| sub_maps(poke).is_none());
    for slot in slots {
        let there_is_one = !rng.chance(1, 16);
        case.pokes.push(if there_is_one { Poke::SubMap { slot } } else { Poke::NoSubMap { slot } });
    }
    for _ in 0..1 + rng.below(8) / 6 {
        let op = op(rng, entries);
        case.ops.push(op);
    }
    let is_clip =
        |op: &Op| matches!(op, Op::Caller { caller: Caller::ClipStart | Caller::ClipEnd, .. });
    if case.ops.len() == 1 && is_clip(&case.ops[0]) && rng.chance(1, 64) {
        case.pokes.push(match rng.below(4) {
            0 => Poke::NoTree,
            way => Poke::Overlap { slot: rng.below(entries.max(1)) as u8, ends: way == 1 },
        });
    }
    // Both sides spin for a while. While a lock is timed, nothing else may depend on when.
    if rng.chance(1, 512) {
        held(rng, entries, case);
        return;
    }
    if rng.chance(1, 2) {
        for _ in 0..=rng.below(3) {
            let slot = rng.below(entries.max(1)) as u8;
            let mut act = interference(rng, slot);
            if rng.chance(1, 10) {
                act.act = Act::DeleteRest;
            }
            case.acts.push(act);
        }
    }
}

/// Makes entries agree, as a range that was protected or inherited and comes to merge.
pub fn alike(rng: &mut Rng, entries: u32, case: &mut Case) {
    use Field::*;
    let first = rng.below(entries.max(1));
    let last = first + rng.below(6);
    let (protection, inheritance) = (rng.below(8), rng.below(3));
    let count = rng.pick(&[0, 0, 0, 1, 2]);
    for slot in first..last.min(entries) {
        let slot = slot as u8;
        let pokes = &mut case.pokes;
        // Now and then an entry is as it was in one point or another.
        for (field, value) in [
            (Protection, protection),
            (MaxProtection, 7),
            (Inheritance, inheritance),
            (WiredCount, count),
            (NeedsCopy, 0),
        ] {
            if !rng.chance(1, 8) {
                pokes.push(set(field, slot, value));
            }
        }
        if rng.chance(2, 3) {
            pokes.push(Poke::Object { slot, object: 0 });
        } else if slot > 0 && rng.chance(1, 2) {
            objects(rng, slot - 1, slot, pokes);
        }
    }
    if entries > 0 && rng.chance(1, 4) {
        let field = rng.pick(&[Hint, FirstFree]);
        let to = if rng.chance(1, 6) { HEADER } else { rng.below(entries) as u8 };
        case.pokes.push(Poke::Point { field, to });
    }
}

/// A spin lock that another CPU has, and often a call that needs just that.
fn held(rng: &mut Rng, entries: u32, case: &mut Case) {
    let slot = rng.below(entries.max(1)) as u8;
    let calls = rng.below(8) as u8;
    let start = Place::Entry { slot, from_end: false, bytes: PAGE };
    let call = |caller| Op::Caller { caller, start, end: start, value: 0, flags: [true; 2] };
    let lock = match rng.below(6) {
        0 | 1 => Lock::Hint,
        2 => {
            case.pokes.push(Poke::SubMap { slot });
            case.ops = vec![call(rng.pick(&[Caller::ClipStart, Caller::ClipEnd]))];
            Lock::OfEntry(slot)
        }
        3 => {
            let object = 1 + rng.below(OBJECTS) as u8;
            let pokes = [
                set(Field::IsSubMap, slot, 0),
                Poke::Object { slot, object },
                Poke::KernelObject { object },
                Poke::Account { object, extra: 0 },
            ];
            case.pokes.extend(pokes);
            case.ops = vec![call(Caller::EntryDelete)];
            Lock::OfEntry(slot)
        }
        _ => Lock::OfEntry(slot),
    };
    case.pokes.push(Poke::Hold { lock, calls });
}

/// What a map has now and then.
fn special(rng: &mut Rng, entries: u32) -> Poke {
    use Field::*;
    let slot = rng.below(entries) as u8;
    let object = 1 + rng.below(OBJECTS) as u8;
    match rng.below(18) {
        0 | 1 => Poke::SubMap { slot },
        2 | 3 => Poke::Project { slot },
        4 => Poke::ProjectBack { slot },
        5..=8 => set(InTransition, slot, 1),
        9 => set(NeedsWakeup, slot, 1),
        10 => set(IsShared, slot, 1),
        11 => set(MaxProtection, slot, rng.pick(&[0, 0, 1, 3, 0x10])),
        12 => set(PagerCreated, object, 1),
        13 => set(PagingInProgress, object, 1),
        14 => Poke::KernelObject { object },
        15 => set(WiredCount, slot, rng.pick(&[1, 2, 3])),
        16 => set(WiredAccess, slot, rng.below(8)),
        _ => set(Protection, slot, rng.below(8)),
    }
}

/// What is around a map now and then.
fn around(rng: &mut Rng) -> Poke {
    use Field::*;
    match rng.below(15) {
        0..=2 => set(WiringRequired, 0, 1),
        3..=5 => set(WaitForSpace, 0, 1),
        6 => Poke::KernelMap,
        7 => Poke::Virtual { from: rng.below(12), pages: rng.below(40) },
        8 => set(MapReferences, 0, rng.pick(&[0, 0, 1, u32::MAX, 0x8000_0000])),
        9 | 10 => Poke::NoMemory { after: rng.below(3) as u8 },
        11 => Poke::NoThread,
        12 => set(Min, 0, 0x10_0000 + 0x1000 * rng.below(12)),
        13 => set(Max, 0, 0x10_0000 + 0x1000 * rng.below(40)),
        _ => set(Privilege, 0, rng.pick(&[0, 2, 1000])),
    }
}

pub fn op(rng: &mut Rng, entries: u32) -> Op {
    let (caller, _) = CALLERS[rng.below(CALLERS.len() as u32) as usize];
    let (start, end) = range(rng, entries);
    let value = match caller {
        Caller::Protect => rng.pick(&[0, 0, 1, 3, 3, 7, 5, 2, 0x10, 0x11]),
        Caller::Inherit => rng.below(4),
        Caller::Pageable => rng.pick(&[0, 0, 1, 3, 3, 7]),
        Caller::PageableAll => match rng.below(12) {
            0 => rng.next() as u32,
            _ => rng.below(4),
        },
        _ => 0,
    };
    let flags = match caller {
        Caller::Protect => [rng.chance(1, 3), false],
        Caller::ClipStart | Caller::ClipEnd => [rng.chance(7, 8), false],
        _ => [rng.chance(1, 2), rng.chance(1, 2)],
    };
    Op::Caller { caller, start, end, value, flags }
}

/// Two places in the map: mostly the ends of a few entries, in order.
fn range(rng: &mut Rng, entries: u32) -> (Place, Place) {
    if rng.chance(1, 12) {
        let ends = [0, u32::MAX, 0x10_0000, 0xffff_f000];
        return (Place::At(rng.pick(&ends)), Place::At(rng.pick(&ends)));
    }
    let first = rng.below(entries.max(1));
    let behind = if rng.chance(1, 16) { rng.below(entries.max(1)) } else { first + rng.below(5) };
    let last = if rng.chance(1, 8) { entries.saturating_sub(1) } else { behind.min(entries) };
    let slot = |slot: u32, rng: &mut Rng| if rng.chance(1, 60) { HEADER } else { slot as u8 };
    let start =
        Place::Entry { slot: slot(first, rng), from_end: rng.chance(1, 12), bytes: bytes(rng) };
    let end =
        Place::Entry { slot: slot(last, rng), from_end: rng.chance(11, 12), bytes: bytes(rng) };
    (start, end)
}

/// How far from the end of an entry: not at all, some pages, or some bytes.
fn bytes(rng: &mut Rng) -> i32 {
    match rng.below(16) {
        0..=8 => 0,
        9..=11 => PAGE,
        12 | 13 => -PAGE,
        14 => PAGE * (rng.below(7) as i32 - 3),
        _ => rng.below(0x6000) as i32 - 0x3000,
    }
}
