// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that nobody has touched, and plenty that is free: what is wired is brought in under
//! the map's lock, without a fault, while others are at the same page.

use super::{
    bad_page, load, one, pages, second_map, share, store, unwire, unwires_both, wire, wires_both,
    Scenario, DEFAULT, K, M, RA, RB, RS,
};
use crate::kernel::fault::shadow;
use crate::kernel::in_c::{c_forks, c_replaces, c_shadows};
use crate::kernel::map::entry_at;
use crate::kernel::object::vm_object_allocate;
use crate::kernel::operations::{enter, inherit, pageable, remove, ABSENT, NONE, READ_WRITE};
use crate::kernel::sound::{enters_wired, memory_becomes};
use crate::kernel::{with, PAGE};

/// RA, and RB behind it, in a map whose memory nobody has touched: two entries, each with an
/// object that has no page.
fn untouched(kernel: bool) {
    with(|k| {
        k.memory_is_plenty = Some(true);
        k.new_map(if kernel { "K" } else { "U" }, kernel)
    });
    enter(K, pages(RA, 2), READ_WRITE);
    inherit(K, one(RB), ABSENT);
    untouched_object(RA);
    untouched_object(RB);
}

fn untouched_object(page: usize) {
    let entry = entry_at(K, page * PAGE).expect("set up");
    // SAFETY: a live entry, which has no object; nothing else runs during the set-up.
    unsafe {
        (*entry).object.vm_object = vm_object_allocate(0);
        (*entry).offset = 0;
    }
}

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "s20",
        title: "nobody has touched RA and RB: A wires both; B wires both, and unwires them",
        outcome: "passes",
        set_up: || untouched(true),
        threads: &[
            ('A', wires_both),
            ('B', || {
                wires_both();
                unwires_both();
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s20m",
        title: "nobody has touched RA of K, which is RB of M as well: A wires the one, B the other",
        outcome: "passes: one page, wired twice",
        set_up: || {
            untouched(true);
            second_map();
            share(RA, M, RB);
        },
        threads: &[('A', || wire(RA)), ('B', || pageable(M, one(RB), READ_WRITE))],
        ..DEFAULT
    },
    Scenario {
        id: "s20u",
        title: "the same, and A and B unwire them again",
        outcome: "passes",
        set_up: || {
            untouched(true);
            second_map();
            share(RA, M, RB);
        },
        threads: &[
            ('A', || {
                wire(RA);
                unwire(RA);
            }),
            ('B', || {
                pageable(M, one(RB), READ_WRITE);
                pageable(M, one(RB), NONE);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s21",
        title: "U: nobody has touched RA and RB: A wires both; F stores to RA, and loads RB",
        outcome: "passes",
        set_up: || untouched(false),
        threads: &[
            ('A', wires_both),
            ('F', || {
                store(RA);
                load(K, RB);
            }),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s21m",
        title: "nobody has touched RA of K, which is RB of M as well: A wires it; F loads it in M",
        outcome: "passes: the fault may have its page before the map is locked, or while it is",
        set_up: || {
            untouched(true);
            second_map();
            share(RA, M, RB);
        },
        threads: &[('A', || wire(RA)), ('F', || load(M, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s22",
        title: "U: nobody has touched RA: A wires it; B deletes it; F faults on it",
        outcome: "passes",
        set_up: || untouched(false),
        threads: &[('A', || wire(RA)), ('B', || remove(K, one(RA))), ('F', || load(K, RA))],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "s22d",
        title: "U: nobody has touched RA and RB: A wires both; B deletes them",
        outcome: "passes",
        set_up: || untouched(false),
        threads: &[('A', wires_both), ('B', || remove(K, pages(RA, 2)))],
        ..DEFAULT
    },
    Scenario {
        id: "s23",
        title: "U: nobody has touched RA: A wires it; C forks, with a copy of it, and stores to it",
        outcome: "passes: the wired page stays",
        set_up: || untouched(false),
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
        id: "s24",
        title: "U: nobody has touched RA and RB: A wires and unwires both; C forks, and shares RA",
        outcome: "passes: what lies below a shadow is left to the fault",
        set_up: || untouched(false),
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
        id: "s24p",
        title: "U: RA lies behind a shadow, where it was stored to: A wires it; F loads it",
        outcome: "passes: no zeros hide it",
        set_up: || {
            untouched(false);
            store(RA);
            shadow(entry_at(K, RA * PAGE).expect("set up"));
        },
        threads: &[('A', || wire(RA)), ('F', || load(K, RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s25",
        title: "nobody has touched RA, and RB cannot be had: A wires both; B wires RA",
        outcome: "passes: B's wiring stays, A's is undone",
        set_up: || {
            untouched(true);
            bad_page(RB, 0);
        },
        threads: &[('A', wires_both), ('B', || wire(RA))],
        ..DEFAULT
    },
    Scenario {
        id: "s25m",
        title: "nobody has touched RA, and RB cannot be had: A wires both; memory gets short",
        outcome: "passes: what was brought in stays, and is wired no longer",
        set_up: || {
            untouched(true);
            bad_page(RB, 0);
        },
        threads: &[('A', wires_both), ('M', || memory_becomes(false))],
        ..DEFAULT
    },
    Scenario {
        id: "s26",
        title: "nobody has touched RA and RB: A wires both; F loads RB; memory gets short",
        outcome: "passes: some goes by a fault, and some does not",
        set_up: || untouched(true),
        threads: &[('A', wires_both), ('F', || load(K, RB)), ('M', || memory_becomes(false))],
        ..DEFAULT
    },
    Scenario {
        id: "s27",
        title: "nobody has touched RA and RB: A wires both; C puts other memory at RB",
        outcome: "passes: that is not wired, nor counted so",
        set_up: || untouched(true),
        threads: &[('A', wires_both), ('C', || c_replaces(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s28",
        title: "U must be wired, and memory is plenty: W enters RS there; F faults on it",
        outcome: "passes",
        set_up: || untouched(false),
        threads: &[('W', || enters_wired(K, one(RS))), ('F', || load(K, RS))],
        ..DEFAULT
    },
    Scenario {
        id: "s29",
        title: "nobody has touched RA, and RB is loaded: A wires both; B unwires both",
        outcome: "passes",
        set_up: || {
            untouched(true);
            load(K, RB);
        },
        threads: &[('A', wires_both), ('B', unwires_both)],
        ..DEFAULT
    },
];
