// SPDX-License-Identifier: GPL-2.0-or-later
//! What the module with the feature `sound` promises besides: others at every step of a
//! wiring, C that does not look at marks among them.

use super::{
    bad_page, kernel_map, one, one_object, pages, unwire, wire, Scenario, DEFAULT, K, RA, RB, RC,
    RS,
};
use crate::kernel::fault::fault;
use crate::kernel::operations::{
    enter, inherit, pageable, pageable_unchecked, protect, remove, ABSENT, NONE, READ, READ_WRITE,
};
use crate::kernel::sound::{c_clips, c_deletes, c_replaces, enters_wired};
use crate::kernel::{with, PAGE};

fn user_map() {
    with(|k| k.new_map("U", false));
}

/// RA and RB, which nothing merges.
fn two_entries() {
    kernel_map();
    enter(K, pages(RA, 2), READ_WRITE);
    inherit(K, one(RB), ABSENT);
}

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "s1",
        title: "U must be wired: W enters RS there; F faults on it; P wants U for writing",
        outcome: "passes: a build daemon's deadlock upstream",
        set_up: || {
            user_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[
            ('W', || enters_wired(K, one(RS))),
            ('F', || {
                fault(K, RS * PAGE, false);
            }),
            ('P', || protect(K, one(RA), READ)),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s2",
        title: "A wires RA and RB; B wires RB and RC",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || pageable(K, pages(RB, 2), READ_WRITE)),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s3",
        title: "A wires RA and RB; B changes both; C deletes them",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 2), READ_WRITE);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || inherit(K, pages(RA, 2), ABSENT)),
            ('C', || remove(K, pages(RA, 2))),
        ],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "s4",
        title: "A wires RA and RB, and RB cannot be brought in; B wires RA",
        outcome: "passes: B's wiring stays, A's is undone",
        set_up: || {
            two_entries();
            bad_page(RB, 0);
        },
        threads: &[('A', || pageable(K, pages(RA, 2), READ_WRITE)), ('B', || wire(RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s5",
        title: "A wires RA and RB, and RB cannot be brought in; B deletes RB; F faults on RA",
        outcome: "passes",
        set_up: || {
            two_entries();
            wire(RA);
            unwire(RA);
            bad_page(RB, 0);
        },
        threads: &[
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
            ('B', || remove(K, one(RB))),
            ('F', || {
                fault(K, RA * PAGE, false);
            }),
        ],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "s6",
        title: "A wires RA, RB and RC, one entry; C clips it at RB, as vm_map_copyin does",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[('A', || pageable(K, pages(RA, 3), READ_WRITE)), ('C', || c_clips(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s7",
        title: "A wires RA and RB; C puts other memory at RB, as vm_map_copy_overwrite does",
        outcome: "passes: that is not wired, nor counted so",
        set_up: two_entries,
        threads: &[('A', || pageable(K, pages(RA, 2), READ_WRITE)), ('C', || c_replaces(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s8",
        title: "A wires RA and RB; C deletes RB, as the kernel does with a projected buffer",
        outcome: "passes",
        set_up: two_entries,
        threads: &[('A', || pageable(K, pages(RA, 2), READ_WRITE)), ('C', || c_deletes(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s9",
        title: "A wires RA; B takes its access away and gives it back",
        outcome: "passes",
        set_up: || {
            user_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[
            ('A', || wire(RA)),
            ('B', || {
                protect(K, one(RA), NONE);
                protect(K, one(RA), READ_WRITE);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s10",
        title: "A unwires RA; B deletes it; F faults on it",
        outcome: "passes",
        set_up: || {
            user_map();
            one_object(RA, 1);
            wire(RA);
        },
        threads: &[
            ('A', || unwire(RA)),
            ('B', || remove(K, one(RA))),
            ('F', || {
                fault(K, RA * PAGE, false);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s11",
        title: "A wires RA and RC with a hole between them; B enters RB there, and wires it",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
            enter(K, one(RC), READ);
        },
        threads: &[
            ('A', || pageable_unchecked(K, pages(RA, 3), READ_WRITE)),
            ('B', || {
                enter(K, one(RB), READ_WRITE);
                wire(RB);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s12",
        title: "A and B wire RA; C unwires it",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, one(RA), READ_WRITE);
        },
        threads: &[('A', || wire(RA)), ('B', || wire(RA)), ('C', || unwire(RA))],
        exhaustive: false,
        ..DEFAULT
    },
];
