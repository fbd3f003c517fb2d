// SPDX-License-Identifier: GPL-2.0-or-later
//! Others at the very region that A wires, and at its edges.

use super::{
    bad_page, kernel_map, one, pages, unwire, wire, Scenario, DEFAULT, K, RA, RB, RC, RL, RS,
};
use crate::expect::{
    DEADLOCK, IN_TRANSITION, MUST_BE_RESIDENT, NEEDS_WAKEUP, NOT_IN_TRANSITION, NOT_THERE,
    STAYS_MARKED, WIRED_TOO_OFTEN,
};
use crate::explore::PASSES;
use crate::kernel::fault::fault;
use crate::kernel::operations::{
    enter, inherit, pageable, pageable_unchecked, protect, remove, ABSENT, COPY, NONE, READ,
    READ_WRITE,
};
use crate::kernel::PAGE;

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
            ('B', || {
                fault(K, RB * PAGE, false);
            }),
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
];
