// SPDX-License-Identifier: GPL-2.0-or-later
//! Others at the very region that A wires, and at its edges.

use super::{
    bad_page, kernel_map, load, one, pages, unwire, wire, Scenario, DEFAULT, K, RA, RB, RC, RL, RS,
};
use crate::expect::{
    DEADLOCK, IN_TRANSITION, MUST_BE_RESIDENT, NEEDS_WAKEUP, NOT_IN_TRANSITION, NOT_THERE,
    STAYS_MARKED, WIRED_TOO_OFTEN,
};
use crate::explore::PASSES;
use crate::kernel::fault::shadow;
use crate::kernel::map::entry_at;
use crate::kernel::object::vm_object_allocate;
use crate::kernel::operations::{
    enter, inherit, pageable, pageable_unchecked, protect, remove, wire_all, ABSENT, COPY, NONE,
    READ, READ_WRITE,
};
use crate::kernel::{with, PAGE};

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "5",
        title: "A and B wire the same page",
        outcome: "nobody wires it, as upstream does: A finds the count at 2",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[('A', || wire(RA)), ('B', || wire(RA))],
        expect: &[PASSES, NOT_THERE],
        ..DEFAULT
    },
    Scenario {
        id: "5b",
        title: "A wires RA; B wires RA and RB",
        outcome: "stops: !entry->in_transition, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[('A', || wire(RA)), ('B', || pageable(K, pages(RA, 2), READ_WRITE))],
        expect: &[PASSES, IN_TRANSITION, WIRED_TOO_OFTEN, NOT_THERE],
        ..DEFAULT
    },
    Scenario {
        id: "5c",
        title: "A wires RA and RB; B wires RB and RC",
        outcome: "stops: !entry->in_transition, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || pageable(K, pages(RB, 2), READ_WRITE)),
        ],
        expect: &[PASSES, IN_TRANSITION],
        replays: &[("A15B2", IN_TRANSITION)],
        ..DEFAULT
    },
    Scenario {
        id: "5d",
        title: "A wires RA; B wires all that there is",
        outcome: "stops, or wires RA twice or not at all, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[('A', || wire(RA)), ('B', || wire_all(K))],
        expect: &[PASSES, IN_TRANSITION, WIRED_TOO_OFTEN, NOT_THERE],
        replays: &[("A11B2", IN_TRANSITION), ("A1B13A1B8", WIRED_TOO_OFTEN), ("A1B3A1B11", NOT_THERE)],
        ..DEFAULT
    },
    Scenario {
        id: "5e",
        title: "User map: A and B wire the same page",
        outcome: "passes",
        set_up: || {
            with(|k| k.new_map("U", false));
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[('A', || wire(RA)), ('B', || wire(RA))],
        ..DEFAULT
    },
    Scenario {
        id: "6",
        title: "A wires RA and RB; B deletes RB",
        outcome: "stops: !entry->needs_wakeup, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[('A', || pageable(K, pages(RA, 2), READ_WRITE)), ('B', || remove(K, one(RB)))],
        expect: &[PASSES, NEEDS_WAKEUP],
        ..DEFAULT
    },
    Scenario {
        id: "6b",
        title: "A wires RA and RB; B unwires RB",
        outcome: "stops or deadlocks, or leaves RA in transition for ever, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[('A', || pageable(K, pages(RA, 2), READ_WRITE)), ('B', || unwire(RB))],
        expect: &[PASSES, DEADLOCK, MUST_BE_RESIDENT, STAYS_MARKED],
        ..DEFAULT
    },
    Scenario {
        id: "6c",
        title: "A wires RA and RB; B changes RB, and so clips RA off in front",
        outcome: "leaves RA in transition for ever, maybe not wired, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || inherit(K, one(RB), ABSENT)),
        ],
        expect: &[PASSES, NOT_THERE, STAYS_MARKED],
        ..DEFAULT
    },
    Scenario {
        id: "6d",
        title: "A wires RA and RB; B changes RA, and so clips RB off behind",
        outcome: "wires RB twice, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || inherit(K, one(RA), ABSENT)),
        ],
        expect: &[PASSES, WIRED_TOO_OFTEN],
        ..DEFAULT
    },
    Scenario {
        id: "6e",
        title: "A wires RA and RB; B makes RB readable only, and so clips RA off in front",
        outcome: "leaves RA in transition for ever, maybe not wired, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || protect(K, one(RB), READ)),
        ],
        expect: &[PASSES, NOT_THERE, STAYS_MARKED],
        replays: &[("A14B2A1", STAYS_MARKED), ("A4B2A7", NOT_THERE)],
        ..DEFAULT
    },
    Scenario {
        id: "6f",
        title: "A wires RA; B deletes it, and enters it anew",
        outcome: "stops: !entry->needs_wakeup, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                remove(K, one(RA));
                enter(K, one(RA), READ_WRITE);
            }),
        ],
        expect: &[PASSES, NEEDS_WAKEUP],
        replays: &[("A10B3A1", NEEDS_WAKEUP)],
        ..DEFAULT
    },
    Scenario {
        id: "6g",
        title: "A wires RA and RB; B deletes RA, and C deletes RB",
        outcome: "stops: !entry->needs_wakeup, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || remove(K, one(RA))),
            ('C', || remove(K, one(RB))),
        ],
        expect: &[PASSES, NEEDS_WAKEUP],
        replays: &[("A14B3A1", NEEDS_WAKEUP)],
        ..DEFAULT
    },
    Scenario {
        id: "7",
        title: "A wires RA; B enters mappings on both sides of it",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                enter(K, one(RL), READ_WRITE);
                enter(K, one(RB), READ_WRITE);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "7b",
        title: "A wires RA and RB, of which RA cannot be accessed; B enters RL and merges it",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            protect(K, one(RA), NONE);
        },
        threads: &[
            ('A', || pageable_unchecked(K, pages(RA, 2), READ_WRITE)),
            ('B', || {
                enter(K, one(RL), NONE);
                inherit(K, one(RL), COPY);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "7c",
        title: "A wires RA and RB, of which RB cannot be accessed; B enters RC, which is like RB",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            protect(K, one(RB), NONE);
        },
        threads: &[
            ('A', || pageable_unchecked(K, pages(RA, 2), READ_WRITE)),
            ('B', || {
                enter(K, one(RC), NONE);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "8",
        title: "A wires RA and RC with a hole between them; B enters RB there",
        outcome: "stops: entry->in_transition, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
            enter(K, one(RC), READ_WRITE);
        },
        threads: &[
            ('A', || pageable_unchecked(K, pages(RA, 3), READ_WRITE)),
            ('B', || {
                enter(K, one(RB), READ_WRITE);
            }),
        ],
        expect: &[PASSES, NOT_IN_TRANSITION],
        ..DEFAULT
    },
    Scenario {
        id: "8b",
        title: "A gives access to RA and RC, which are to be wired, with a hole between; B enters RB there",
        outcome: "stops: entry->in_transition, as upstream does",
        set_up: || {
            kernel_map();
            for page in [RA, RC] {
                enter(K, one(page), READ_WRITE);
                wire(page);
            }
            protect(K, pages(RA, 3), NONE);
        },
        threads: &[
            ('A', || protect(K, pages(RA, 3), READ_WRITE)),
            ('B', || {
                enter(K, one(RB), READ_WRITE);
            }),
        ],
        expect: &[PASSES, NOT_IN_TRANSITION],
        replays: &[("A14B2A1", NOT_IN_TRANSITION)],
        ..DEFAULT
    },
    Scenario {
        id: "9",
        title: "A wires RA and RB, and RB cannot be brought in; B reads RB",
        outcome: "nothing is rolled back, as upstream does: the entry says wired",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            bad_page(RA, 1);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || load(K, RB)),
        ],
        expect: &[NOT_THERE],
        ..DEFAULT
    },
    Scenario {
        id: "9b",
        title: "A wires RA and RB, and RB cannot be brought in; B protects and A unwires both",
        outcome: "stops: must_be_resident, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            bad_page(RA, 1);
        },
        threads: &[
            ('A', || {
                pageable(K, pages(RA, 2), READ_WRITE);
                pageable(K, pages(RA, 2), NONE);
            }),
            ('B', || protect(K, one(RS), READ)),
        ],
        expect: &[MUST_BE_RESIDENT],
        ..DEFAULT
    },
    Scenario {
        id: "9c",
        title: "A wires RA and RB, and RB cannot be brought in; B deletes RB",
        outcome: "stops: !entry->needs_wakeup, or must_be_resident, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            bad_page(RA, 1);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || remove(K, one(RB))),
        ],
        expect: &[PASSES, NEEDS_WAKEUP, MUST_BE_RESIDENT],
        replays: &[("A13B3A1", NEEDS_WAKEUP), ("A14B3", MUST_BE_RESIDENT)],
        ..DEFAULT
    },
    Scenario {
        id: "12",
        title: "User map: A and B fault on RA, a page of a copy that no object has yet",
        outcome: "B waits for a page that is gone, and is not woken, as upstream does",
        set_up: fresh_copy,
        threads: &[('A', || load(K, RA)), ('B', || load(K, RA))],
        expect: &[PASSES, DEADLOCK],
        ..DEFAULT
    },
    Scenario {
        id: "12b",
        title: "The same; A wires RA",
        outcome: "one of them is not woken, as upstream does",
        set_up: fresh_copy,
        threads: &[('A', || wire(RA)), ('B', || load(K, RA))],
        expect: &[PASSES, DEADLOCK],
        ..DEFAULT
    },
];

/// U's RA, whose object is the shadow of another; neither has the page.
fn fresh_copy() {
    with(|k| k.new_map("U", false));
    enter(K, one(RA), READ_WRITE);
    let entry = entry_at(K, RA * PAGE).expect("set up");
    // SAFETY: a live entry; nothing else runs during the set-up.
    unsafe { (*entry).object.vm_object = vm_object_allocate(PAGE as u64) }
    shadow(entry);
}
