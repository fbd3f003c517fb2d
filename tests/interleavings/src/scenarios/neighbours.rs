// SPDX-License-Identifier: GPL-2.0-or-later
//! Waiting for each other, and for neighbours that go away.

use super::{
    kernel_map, load, one, one_object, pages, second_map, share, unwire, wire, Scenario, DEFAULT,
    K, M, RA, RB, RC, RS, RZ,
};
use crate::expect::{DEADLOCK, FREED, WIRED_TOO_OFTEN};
use crate::explore::PASSES;
use crate::kernel::operations::{enter, inherit, pageable, remove, ABSENT, COPY, READ_WRITE};
use crate::kernel::with;

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "1",
        title: "The deadlock of the mail: A wires RA; B wires RC, then RB, and unwires RB",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                wire(RC);
                wire(RB);
                unwire(RB);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "1t",
        title: "The same with three threads: A wires RA, C wires RC, B wires and unwires RB",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                wire(RB);
                unwire(RB);
            }),
            ('C', || wire(RC)),
        ],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "2",
        title: "User map: W wires a page that F faults on, while U wants the map for writing",
        outcome: "deadlocks, as upstream does",
        set_up: || {
            with(|k| k.new_map("U", false));
            one_object(RA, 1);
        },
        threads: &[
            ('W', || wire(RA)),
            ('F', || load(K, RA)),
            ('U', || {
                enter(K, one(RS), READ_WRITE);
            }),
        ],
        expect: &[PASSES, DEADLOCK],
        ..DEFAULT
    },
    Scenario {
        id: "2b",
        title: "User map in which all is wired: W enters a page that F faults on, while U wants to write",
        outcome: "deadlocks, as upstream does",
        set_up: || {
            with(|k| {
                let map = k.new_map("U", false);
                k.maps[map].raw.set_wiring_required(1);
            });
        },
        threads: &[
            ('W', || {
                enter(K, one(RA), READ_WRITE);
            }),
            ('F', || load(K, RA)),
            ('U', || inherit(K, one(RS), ABSENT)),
        ],
        expect: &[PASSES, DEADLOCK],
        replays: &[("W4F3W1U2F1", DEADLOCK)],
        ..DEFAULT
    },
    Scenario {
        id: "3",
        title: "F faults through another map's mapping of a page that U unwires",
        outcome: "passes",
        set_up: || {
            kernel_map();
            second_map();
            one_object(RA, 1);
            wire(RA);
            share(RA, M, RS);
        },
        threads: &[
            ('U', || unwire(RA)),
            ('F', || load(M, RS)),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "3b",
        title: "F faults through the same map's second mapping of a page that U unwires",
        outcome: "deadlocks, as upstream does",
        set_up: || {
            kernel_map();
            one_object(RA, 1);
            wire(RA);
            share(RA, K, RS);
        },
        threads: &[
            ('U', || unwire(RA)),
            ('F', || load(K, RS)),
        ],
        expect: &[PASSES, DEADLOCK],
        ..DEFAULT
    },
    Scenario {
        id: "3c",
        title: "D deletes RA; W wires another map's mapping of the same page",
        outcome: "passes",
        set_up: || {
            kernel_map();
            second_map();
            one_object(RA, 1);
            share(RA, M, RS);
        },
        threads: &[
            ('D', || remove(K, one(RA))),
            ('W', || pageable(M, one(RS), READ_WRITE)),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "4",
        title: "A wires RA; B deletes the entry right behind it",
        outcome: "reads a freed entry, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            inherit(K, one(RB), ABSENT);
        },
        threads: &[('A', || wire(RA)), ('B', || remove(K, one(RB)))],
        expect: &[PASSES, FREED],
        ..DEFAULT
    },
    Scenario {
        id: "4b",
        title: "The same, and the slab hands the entry out again: B wires RZ, in front of RA",
        outcome: "reads a freed entry, or wires B's page a second time, as upstream does",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
            inherit(K, one(RB), ABSENT);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                remove(K, one(RB));
                enter(K, one(RZ), READ_WRITE);
                wire(RZ);
            }),
        ],
        reuses_entries: true,
        expect: &[PASSES, FREED, WIRED_TOO_OFTEN],
        ..DEFAULT
    },
    Scenario {
        id: "4c",
        title: "A wires RA; B wires and unwires RC, behind RB, and merges the two again",
        outcome: "reads a freed entry, as upstream does",
        set_up: || {
            kernel_map();
            one_object(RA, 3);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                wire(RC);
                unwire(RC);
                inherit(K, one(RC), COPY);
            }),
        ],
        expect: &[PASSES, FREED],
        ..DEFAULT
    },
];
