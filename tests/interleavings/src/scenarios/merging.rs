// SPDX-License-Identifier: GPL-2.0-or-later
//! Entries merged under a thread, and slices of one object.

use super::{
    kernel_map, one, one_object, pages, second_map, slice, unwire, wire, Scenario, DEFAULT, K, M,
    RA, RB, RC, RL, RS, RZ,
};
use crate::expect::{FOLLOWS_FREED, FREED, NOT_THERE, UNWIRED};
use crate::explore::PASSES;
use crate::kernel::operations::{
    enter, inherit, pageable, protect, remove, COPY, NONE, READ, READ_WRITE,
};
#[cfg(not(feature = "sound"))]
use crate::kernel::projected::looks_for_projected;
#[cfg(feature = "sound")]
use crate::kernel::sound::looks_for_projected;
use crate::kernel::with;

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "10",
        title: "A protects RB so that it merges with RA, and scans the entry that is gone",
        outcome: "accesses a freed entry, as upstream does, alone already",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
            protect(K, one(RB), READ);
        },
        threads: &[
            ('A', || protect(K, one(RB), READ_WRITE)),
            ('B', || {
                enter(K, one(RS), READ_WRITE);
            }),
        ],
        expect: &[FREED],
        passes_with: &["protect-looks-again"],
        ..DEFAULT
    },
    Scenario {
        id: "10b",
        title: "The same, and another CPU gets the freed entry for M, and wires it",
        outcome: "counts B's entry up without M's lock: nobody wires it, as upstream does",
        set_up: || {
            kernel_map();
            second_map();
            enter(K, pages(RA, 3), READ_WRITE);
            protect(K, one(RB), READ);
            enter(M, one(RS), READ_WRITE);
        },
        threads: &[
            ('A', || protect(K, one(RB), READ_WRITE)),
            ('B', || {
                enter(M, one(RZ), READ_WRITE);
                pageable(M, one(RZ), READ_WRITE);
            }),
        ],
        reuses_entries: true,
        expect: &[PASSES, FREED, NOT_THERE],
        passes_with: &["protect-looks-again"],
        ..DEFAULT
    },
    Scenario {
        id: "10c",
        title: "A wires RB, takes access away and gives it back, and unwires what merged by that",
        outcome: "stops: page->wire_count != 0, as upstream does, alone already",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', || {
                wire(RB);
                protect(K, one(RB), NONE);
                protect(K, one(RB), READ_WRITE);
                pageable(K, pages(RB, 2), NONE);
            }),
            ('B', || {
                enter(K, one(RS), READ_WRITE);
            }),
        ],
        expect: &[UNWIRED],
        ..DEFAULT
    },
    Scenario {
        id: "10d",
        title: "U: A looks for projected buffers in RA and RB; B deletes RA",
        outcome: "reads a freed entry, as upstream does",
        set_up: || {
            with(|k| k.new_map("U", false));
            enter(K, one(RA), READ_WRITE);
            enter(K, one(RB), READ);
        },
        threads: &[
            ('A', || {
                looks_for_projected(K, pages(RA, 2));
                inherit(K, pages(RA, 2), COPY);
            }),
            ('B', || remove(K, one(RA))),
        ],
        expect: &[PASSES, FREED, FOLLOWS_FREED],
        ..DEFAULT
    },
    Scenario {
        id: "11",
        title: "A wires RA; B unwires RB of the same object",
        outcome: "passes",
        set_up: || {
            kernel_map();
            one_object(RA, 2);
            wire(RB);
        },
        threads: &[('A', || wire(RA)), ('B', || unwire(RB))],
        ..DEFAULT
    },
    Scenario {
        id: "11b",
        title: "Slices of one object: A wires RA; B wires RB, merges at its edges, unwires RB",
        outcome: "passes",
        set_up: || {
            kernel_map();
            one_object(RA, 2);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                wire(RB);
                inherit(K, one(RB), COPY);
                unwire(RB);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "11c",
        title: "Slices of one object: A wires RB; B wires RA, merges at its edges, unwires RA",
        outcome: "passes",
        set_up: || {
            kernel_map();
            one_object(RA, 2);
        },
        threads: &[
            ('A', || wire(RB)),
            ('B', || {
                wire(RA);
                inherit(K, one(RA), COPY);
                unwire(RA);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "11d",
        title: "Four threads on four slices of one object, each as B in 11b",
        outcome: "reads a freed entry, as upstream does",
        set_up: || {
            kernel_map();
            one_object(RL, 4);
        },
        threads: &[
            ('A', || slice(RL)),
            ('B', || slice(RA)),
            ('C', || slice(RB)),
            ('D', || slice(RC)),
        ],
        exhaustive: false,
        expect: &[PASSES, FREED],
        ..DEFAULT
    },
];
