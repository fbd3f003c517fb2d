// SPDX-License-Identifier: GPL-2.0-or-later
//! What the module with the feature `sound` promises besides: others at every step of a
//! wiring, C that does not look at marks among them.

use super::{
    bad_page, kernel_map, load, one, one_object, pages, store, unwire, unwires_both, wire,
    wires_both, Scenario, DEFAULT, K, RA, RB, RC, RS,
};
use crate::expect::{NOT_MAPPED, NOT_WIRED, WIRED_TOO_OFTEN};
use crate::explore::PASSES;
use crate::kernel::in_c::{
    c_clips, c_deletes, c_forks, c_replaces, c_shadows, holds_map, lets_map_go, waits_until_unwired,
};
use crate::kernel::map::entry_at;
use crate::kernel::operations::{
    enter, inherit, pageable, pageable_unchecked, protect, remove, ABSENT, NONE, READ, READ_WRITE,
};
use crate::kernel::sound::enters_wired;
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

/// A copy was made of U's RA, which may be read: who stores to it makes another page.
fn to_be_copied() {
    user_map();
    one_object(RA, 1);
    protect(K, one(RA), READ);
    c_forks(K, one(RA));
}

/// U's RA, whose page lies in the object below.
fn shadowed() {
    user_map();
    one_object(RA, 1);
    let entry = entry_at(K, RA * PAGE).expect("set up");
    crate::kernel::fault::shadow(entry);
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
            ('F', || load(K, RS)),
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
        threads: &[('A', wires_both), ('B', || pageable(K, pages(RB, 2), READ_WRITE))],
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
            ('A', wires_both),
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
        threads: &[('A', wires_both), ('B', || wire(RA))],
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
        threads: &[('A', wires_both), ('B', || remove(K, one(RB))), ('F', || load(K, RA))],
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
        threads: &[('A', wires_both), ('C', || c_replaces(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s8",
        title: "A wires RA and RB; C deletes RB, as the kernel does with a projected buffer",
        outcome: "passes",
        set_up: two_entries,
        threads: &[('A', wires_both), ('C', || c_deletes(K, RB))],
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
        threads: &[('A', || unwire(RA)), ('B', || remove(K, one(RA))), ('F', || load(K, RA))],
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
    Scenario {
        id: "s13",
        title: "A wires RA and RB; B wires RB and RC; C deletes RB",
        outcome: "passes",
        set_up: || {
            kernel_map();
            enter(K, pages(RA, 3), READ_WRITE);
        },
        threads: &[
            ('A', wires_both),
            ('B', || pageable(K, pages(RB, 2), READ_WRITE)),
            ('C', || remove(K, one(RB))),
        ],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "s14",
        title: "U: RA may be read, and is to be copied: A wires it; B has it stored to, and stores",
        outcome: "passes: the wired page stays",
        set_up: to_be_copied,
        threads: &[
            ('A', || pageable(K, one(RA), READ)),
            ('B', || {
                protect(K, one(RA), READ_WRITE);
                store(RA);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s15",
        title: "U: A wires RA; C forks, with a copy of it, and stores to it",
        outcome: "passes: the wired page stays",
        set_up: || {
            user_map();
            one_object(RA, 1);
        },
        threads: &[
            ('A', || wire(RA)),
            ('C', || {
                c_forks(K, one(RA));
                store(RA);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s16",
        title: "U: A wires RA and RB, and unwires them; C forks meanwhile, and shares them",
        outcome: "passes: what was wired behind the shadow is unwired there",
        set_up: || {
            user_map();
            one_object(RA, 1);
            enter(K, one(RB), READ_WRITE);
        },
        threads: &[
            ('A', || {
                wires_both();
                unwires_both();
            }),
            ('C', || c_shadows(K, RA)),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s17",
        title: "U: RA lies behind a shadow, and was loaded: A wires it; F stores to it",
        outcome: "passes: what is wired is the copy",
        set_up: || {
            shadowed();
            load(K, RA);
        },
        threads: &[('A', || wire(RA)), ('F', || store(RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s17r",
        title: "U: RA lies behind a shadow, and may be read alone: A wires it; F loads it",
        outcome: "passes: what is wired lies behind the shadow",
        set_up: || {
            shadowed();
            protect(K, one(RA), READ);
        },
        threads: &[('A', || pageable(K, one(RA), READ)), ('F', || load(K, RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s17c",
        title: "U: RA lies behind a shadow: A makes it readable only, and wires it; F stores to it",
        outcome:
            "some lose the wiring, by C: a fault that was to store copies what is wired meanwhile",
        set_up: shadowed,
        threads: &[
            ('A', || {
                protect(K, one(RA), READ);
                pageable(K, one(RA), READ);
            }),
            ('F', || store(RA)),
        ],
        expect: &[PASSES, NOT_WIRED, WIRED_TOO_OFTEN, NOT_MAPPED],
        ..DEFAULT
    },
    Scenario {
        id: "s18",
        title: "U: A unwires RA, whose page L waits to be wired no longer",
        outcome: "passes: L is woken",
        set_up: || {
            user_map();
            one_object(RA, 1);
            wire(RA);
        },
        threads: &[('A', || unwire(RA)), ('L', || waits_until_unwired(K, RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s19",
        title: "U: A wires RA; B waits for that, to unwire it; T ends the task, whose map U is",
        outcome: "passes: U goes with the last who uses it",
        set_up: || {
            user_map();
            enter(K, one(RA), READ_WRITE);
            holds_map(K);
            holds_map(K);
        },
        threads: &[
            ('A', || {
                wire(RA);
                lets_map_go(K);
            }),
            ('B', || {
                unwire(RA);
                lets_map_go(K);
            }),
            ('T', || lets_map_go(K)),
        ],
        ..DEFAULT
    },
];
