// SPDX-License-Identifier: GPL-2.0-or-later
//! Random cases. What a seed gives must not change without need: reports name
//! cases by seed and number.

use crate::case::{Base, Case, Change, NewEntry, NewObject, Op, Poke, HEADER};
use crate::interference::{Act, Interference};
use crate::layout::Field;
use crate::rng::Rng;

const MOST_ENTRIES: u32 = 64;
pub const OBJECTS: u32 = 4;

pub fn base(rng: &mut Rng, base: &mut Base) {
    base.kernel_pmap = rng.chance(1, 2);
    base.objects.clear();
    base.entries.clear();
    base.changes.clear();
    for _ in 0..OBJECTS {
        base.objects.push(NewObject { pages: 1 + rng.below(16), shadowed: rng.chance(1, 4) });
    }
    let entries = match rng.below(40) {
        0 => 0,
        1..=23 => 1 + rng.below(6),
        24..=35 => 1 + rng.below(16),
        _ => 1 + rng.below(MOST_ENTRIES),
    };
    let most_gap = rng.pick(&[0, 1, 2, 3, 12]);
    let varied = rng.chance(3, 4);
    for number in 0..entries {
        let gap = if rng.chance(1, 2) { 0 } else { rng.below(most_gap + 1) };
        let object = if rng.chance(1, 2) { 0 } else { rng.below(OBJECTS + 1) };
        let max = rng.pick(&[7, 7, 7, 7, 3, 5, 1, 0]);
        // Neighbours that differ stay apart: vm_map_enter would merge them.
        let inheritance = if varied { number % 2 } else { rng.below(3) };
        base.entries.push(NewEntry {
            gap,
            pages: 1 + if rng.chance(1, 2) { 0 } else { rng.below(4) },
            object,
            offset: rng.below(8),
            needs_copy: rng.chance(1, 4),
            attributes: [rng.below(8) & max, max, inheritance],
        });
    }
    base.room = rng.pick(&[0, 0, 1, 2, 5]);
    if entries == 0 {
        base.room += 1;
    } else if rng.chance(1, 2) {
        let pages: u32 = base.entries.iter().map(|e| e.gap + e.pages).sum();
        for _ in 0..=rng.below(3) {
            let page = rng.below(pages);
            let pages = 1 + rng.below(4);
            base.changes.push(if rng.chance(1, 2) {
                Change::Protect { page, pages, protection: rng.below(8) }
            } else {
                Change::Inherit { page, pages, inheritance: rng.below(3) }
            });
        }
    }
}

/// Fills in a case for a map of `entries` entries.
pub fn case(rng: &mut Rng, entries: u32, case: &mut Case) {
    case.clear();
    match rng.below(16) {
        0..=5 => mergeable(rng, entries, case),
        6..=10 => wirable(rng, entries, case),
        11..=12 => {
            wirable(rng, entries, case);
            mergeable(rng, entries, case);
            for _ in 0..rng.below(3) {
                let op = if rng.chance(1, 2) { scan(rng) } else { coalesce(rng) };
                case.ops.push(op);
            }
        }
        13..=14 => {
            for _ in 0..=rng.below(4) {
                let poke = anything(rng);
                case.pokes.push(poke);
            }
            wirable(rng, entries, case);
            case.ops.push(coalesce(rng));
        }
        _ => {
            mergeable(rng, entries, case);
            hostile(rng, case);
        }
    }
    let object = 1 + rng.below(OBJECTS) as u8;
    case.pokes.push(Poke::Account { object, extra: (rng.below(8) / 7) as u8 });
    // While a lock is timed, nothing else may depend on when.
    if rng.chance(1, 2) && !case.pokes.contains(&Poke::HoldHint) {
        for _ in 0..=rng.below(3) {
            let slot = slot_near_a_range(rng, case);
            let interference = interference(rng, slot);
            case.acts.push(interference);
        }
    }
}

fn slot(rng: &mut Rng) -> u8 {
    if rng.chance(1, 40) {
        HEADER
    } else {
        rng.below(MOST_ENTRIES) as u8
    }
}

fn coalesce(rng: &mut Rng) -> Op {
    Op::Coalesce { slot: slot(rng) }
}

fn scan(rng: &mut Rng) -> Op {
    Op::Scan {
        slot: slot(rng),
        until: slot(rng),
        from_end: rng.chance(3, 4),
        pages: if rng.chance(3, 4) { 0 } else { rng.below(7) as i8 - 3 },
    }
}

pub fn set(field: Field, slot: u8, value: u32) -> Poke {
    Poke::Set { field, slot, value }
}

/// Makes an entry and the one before it agree, and perhaps spoils one point.
fn mergeable(rng: &mut Rng, entries: u32, case: &mut Case) {
    use Field::*;
    if entries < 2 {
        case.ops.push(coalesce(rng));
        return;
    }
    let second = 1 + rng.below(entries - 1) as u8;
    let first = second - 1;
    let pokes = &mut case.pokes;
    let count = rng.pick(&[0, 0, 1, 2]);
    let both = [
        (Protection, rng.below(8)),
        (MaxProtection, 7),
        (Inheritance, rng.below(3)),
        (WiredCount, count),
        (NeedsCopy, rng.below(2)),
        (IsShared, 0),
        (IsSubMap, 0),
        (InTransition, 0),
        (ProjectedOn, 0),
    ];
    for (field, value) in both {
        pokes.push(set(field, first, value));
        pokes.push(set(field, second, value));
    }
    objects(rng, first, second, pokes);
    for field in [Hint, FirstFree] {
        if rng.chance(3, 4) {
            let to = rng.pick(&[first, second, second, HEADER, second + 1]);
            pokes.push(Poke::Point { field, to });
        }
    }
    if rng.chance(2, 5) {
        let spoilt = rng.pick(&[first, second]);
        pokes.push(match rng.below(11) {
            0 => set(Protection, spoilt, rng.below(8)),
            1 => set(MaxProtection, spoilt, rng.below(8)),
            2 => set(Inheritance, spoilt, rng.below(3)),
            3 => set(WiredCount, spoilt, rng.below(3)),
            4 => set(NeedsCopy, spoilt, rng.below(2)),
            5 => set(IsShared, spoilt, 1),
            6 => set(IsSubMap, spoilt, 1),
            7 => set(InTransition, spoilt, 1),
            8 => Poke::Project { slot: spoilt },
            9 => set(WiredAccess, spoilt, rng.below(8)),
            _ => set(NeedsWakeup, spoilt, 1),
        });
    }
    if rng.chance(1, 1024) {
        pokes.push(Poke::HoldHint);
    }
    let slot = if rng.chance(1, 8) { slot(rng) } else { second };
    case.ops.push(Op::Coalesce { slot });
    if rng.chance(1, 4) {
        case.ops.push(Op::Coalesce { slot: rng.pick(&[first, second]) });
    }
}

/// Objects of two neighbours: none, one of either, the same, different ones.
pub fn objects(rng: &mut Rng, first: u8, second: u8, pokes: &mut Vec<Poke>) {
    use Field::*;
    let one = 1 + rng.below(OBJECTS) as u8;
    let (a, b) = rng.pick(&[(0, 0), (0, 0), (one, 0), (0, one), (one, one), (one, one % 4 + 1)]);
    pokes.push(Poke::Object { slot: first, object: a });
    pokes.push(Poke::Object { slot: second, object: b });
    if a == b && rng.chance(3, 4) {
        pokes.push(Poke::Continue { slot: second });
    } else if rng.chance(1, 2) {
        pokes.push(set(Offset, second, 0x1000 * rng.below(8)));
    }
    if a | b == 0 {
        return;
    }
    if rng.chance(3, 4) {
        pokes.push(Poke::Unshare { object: one, keep: [first, second] });
    }
    if rng.chance(1, 2) {
        pokes.push(Poke::Link { field: Shadow, slot: one, object: 0 });
    }
    if rng.chance(1, 4) {
        pokes.push(match rng.below(8) {
            0 => set(PagerCreated, one, 1),
            1 => set(UsedForPageout, one, 1),
            2 => set(PagingInProgress, one, 1),
            3 => Poke::Link { field: Copy, slot: one, object: one % 4 + 1 },
            4 => set(AbsentCount, one, 1),
            5 => set(Internal, one, 0),
            6 => set(Pager, one, 0x00ab_cd00),
            _ => set(ObjectSize, one, 0x1000 * rng.below(32)),
        });
    }
}

/// Asks for wirings, as vm_map_pageable and vm_map_protect do before a scan.
pub(crate) fn wirings(rng: &mut Rng, entries: u32, case: &mut Case) {
    use Field::*;
    let uniform = rng.chance(1, 3);
    let access = rng.below(8);
    for slot in 0..entries as u8 {
        if !rng.chance(7, 8) {
            continue;
        }
        let pokes = &mut case.pokes;
        let wanted = if uniform { access } else { rng.pick(&[0, 1, 3, 5, 7]) };
        pokes.push(set(WiredAccess, slot, wanted));
        pokes.push(set(WiredCount, slot, rng.pick(&[0, 0, 0, 1, 2])));
        if rng.chance(1, 2) {
            pokes.push(set(Protection, slot, rng.pick(&[0, 1, 3, 7, 5, 2])));
        }
        if rng.chance(1, 4) {
            pokes.push(set(NeedsCopy, slot, rng.below(2)));
        }
        if rng.chance(1, 4) {
            pokes.push(Poke::Object { slot, object: rng.below(OBJECTS + 1) as u8 });
        }
        if rng.chance(1, 30) {
            let field = rng.pick(&[InTransition, NeedsWakeup, NeedsWakeup, IsShared, IsSubMap]);
            pokes.push(set(field, slot, 1));
        }
        if rng.chance(1, 30) {
            pokes.push(Poke::Project { slot });
        }
    }
}

/// The same, and a scan.
fn wirable(rng: &mut Rng, entries: u32, case: &mut Case) {
    wirings(rng, entries, case);
    let op = match rng.below(4) {
        0 | 1 => {
            Op::Scan { slot: 0, until: (entries as u8).saturating_sub(1), from_end: true, pages: 0 }
        }
        _ => scan(rng),
    };
    case.ops.push(op);
    if rng.chance(1, 6) {
        let op = scan(rng);
        case.ops.push(op);
    }
}

/// Any field, any value of those that lead somewhere.
fn anything(rng: &mut Rng) -> Poke {
    use Field::*;
    let slot = rng.below(MOST_ENTRIES) as u8;
    match rng.below(17) {
        0 => set(WiredCount, slot, rng.pick(&[3, 0x7fff, 0x8000, 0xffff])),
        1 => set(SizeWired, 0, rng.next() as u32),
        2 => set(Timestamp, 0, u32::MAX),
        3 => set(Waiting, 0, 1),
        4 => set(WiredAccess, slot, rng.next() as u32),
        5 => set(Protection, slot, rng.next() as u32),
        6 => Poke::NoThread,
        7 => set(Privilege, 0, rng.pick(&[0, 2, 1000])),
        8 => set(Offset, slot, rng.next() as u32 & !0xfff),
        9 => set(Inheritance, slot, rng.below(5)),
        10 => set(InTransition, slot, 1),
        11 => set(RecursionDepth, 0, 1),
        12 => set(NeedsWakeup, slot, 1),
        13 => set(ReadCount, 0, 1),
        14 => set(WantUpgrade, 0, 1),
        15 => Poke::OwnLock,
        _ => Poke::Point { field: rng.pick(&[Hint, FirstFree]), to: slot },
    }
}

/// Maps that break the kernel's own rules, for its assertions; one coalesce only,
/// as what comes after the broken place may be anything.
fn hostile(rng: &mut Rng, case: &mut Case) {
    use Field::*;
    let Some(&Op::Coalesce { slot }) = case.ops.first() else { return };
    case.ops.truncate(1);
    case.pokes.push(match rng.below(7) {
        0 => set(GapSize, slot.wrapping_sub(1), 0x1000 * rng.below(4)),
        1 => Poke::ForgeGapRoot { gap: rng.pick(&[1, 1, 0x1000, 0x2000, 0x3000]) },
        2 => Poke::SpoilGapList { field: GapSize, value: 0x1000 * rng.below(13), but: slot },
        3 => Poke::SpoilGapList { field: InGapTree, value: 1, but: slot },
        4 => set(Max, 0, 0xffff_f000),
        5 => Poke::Meet { last: rng.chance(1, 2) },
        _ => set(Entries, 0, rng.pick(&[0, 1, u32::MAX])),
    });
}

/// An entry that others would disturb: often one at the end of a scanned range,
/// or beside it.
fn slot_near_a_range(rng: &mut Rng, case: &Case) -> u8 {
    let scans = |op: &Op| match *op {
        Op::Scan { slot, until, .. } => Some((slot, until)),
        Op::Coalesce { .. } | Op::Exact { .. } | Op::Caller { .. } | Op::Given { .. } => None,
    };
    match case.ops.iter().find_map(scans) {
        Some((slot, until)) if rng.chance(2, 3) => {
            rng.pick(&[slot, slot.wrapping_sub(1), until, until, until.wrapping_add(1)])
        }
        _ => rng.below(MOST_ENTRIES) as u8,
    }
}

pub(crate) fn interference(rng: &mut Rng, slot: u8) -> Interference {
    use Act::*;
    let act = match rng.below(40) {
        0..=5 => Extend,
        6..=9 => ExtendDown,
        10..=15 => Coalesce,
        16..=18 => ClipEnd,
        19..=21 => ClipStart,
        22..=24 => DeleteBehind,
        25..=27 => Protect,
        28..=30 => MoveHint,
        31..=32 => Read,
        33..=34 => Hold,
        35..=37 => SetCount,
        38 => SetNeedsWakeup,
        _ => ClearInTransition,
    };
    Interference {
        fault: if rng.chance(1, 2) { 0 } else { rng.below(5) as u8 },
        act,
        slot,
        value: rng.below(16),
    }
}
