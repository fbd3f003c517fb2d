// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory that was wired before: its pages are there, and in the pmap. What the kernel's has
//! is wired as it is, while others are at the same page.

use super::{
    load, one, one_object, second_map, share, store, unwire, unwires_both, wire, wires_both,
    Scenario, DEFAULT, K, M, RA, RB,
};
use crate::kernel::fault::{fault, shadow};
use crate::kernel::in_c::{c_forks, c_replaces};
use crate::kernel::map::entry_at;
use crate::kernel::operations::{pageable, protect, remove, NONE, READ, READ_WRITE, WRITE};
use crate::kernel::{with, PAGE};

/// RA and RB, one entry of the kernel's map or of a user's.
fn mapped(kernel: bool) {
    with(|k| k.new_map(if kernel { "K" } else { "U" }, kernel));
    one_object(RA, 2);
}

/// RA of K is RB of M.
fn in_two_maps() {
    mapped(true);
    second_map();
    share(RA, M, RB);
    load(M, RB);
}

/// The pmap learns that RA may be read alone, and not that it may be stored to again.
fn forbids_stores_and_wires() {
    protect(K, one(RA), READ);
    protect(K, one(RA), READ_WRITE);
    wire(RA);
}

fn wires_the_other_for_a_while() {
    wire(RB);
    unwire(RB);
}

pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "s30",
        title: "RA and RB are mapped: A wires both, and unwires them; B wires both",
        outcome: "passes",
        set_up: || mapped(true),
        threads: &[
            ('A', || {
                wires_both();
                unwires_both();
            }),
            ('B', wires_both),
        ],
        ..DEFAULT
    },
    Scenario {
        id: "s31",
        title: "RA is mapped: A makes it readable only, and writable, and wires it; B is at RB",
        outcome: "passes: RA is entered again, as it may be stored to",
        set_up: || mapped(true),
        threads: &[('A', forbids_stores_and_wires), ('B', wires_the_other_for_a_while)],
        ..DEFAULT
    },
    Scenario {
        id: "s31u",
        title: "U: the same",
        outcome: "passes: a user's pmap is not asked",
        set_up: || mapped(false),
        threads: &[('A', forbids_stores_and_wires), ('B', wires_the_other_for_a_while)],
        ..DEFAULT
    },
    Scenario {
        id: "s32",
        title: "RA is mapped: A wires it; C copies it, as vm_map_copyin does, and stores to it",
        outcome: "passes: the copy's page stays, or RA's does",
        set_up: || mapped(true),
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
        id: "s33",
        title: "RA and RB are mapped: A wires both; F stores to RA, and loads RB",
        outcome: "passes: a busy page is waited for",
        set_up: || mapped(true),
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
        id: "s34",
        title: "RA and RB are mapped: A wires both; C puts other memory at RB",
        outcome: "passes: that is wired, or counted as not wired",
        set_up: || mapped(true),
        threads: &[('A', wires_both), ('C', || c_replaces(K, RB))],
        ..DEFAULT
    },
    Scenario {
        id: "s35",
        title: "RA of K is RB of M: A wires and unwires the one, B the other",
        outcome: "passes: one page, wired for each of them",
        set_up: in_two_maps,
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
        id: "s35r",
        title: "RA of K is RB of M: A wires it; B deletes RA; F stores to RB of M",
        outcome: "passes",
        set_up: in_two_maps,
        threads: &[
            ('A', || wire(RA)),
            ('B', || remove(K, one(RA))),
            ('F', || {
                fault(M, RB * PAGE, WRITE, false);
            }),
        ],
        exhaustive: false,
        ..DEFAULT
    },
    Scenario {
        id: "s36",
        title: "RA, to be read, lies behind a shadow, and is mapped: A wires it; F loads it",
        outcome: "passes: the page below is wired",
        set_up: || {
            mapped(true);
            protect(K, one(RA), READ);
            shadow(entry_at(K, RA * PAGE).expect("set up"));
            load(K, RA);
        },
        threads: &[('A', || pageable(K, one(RA), READ)), ('F', || load(K, RA))],
        ..DEFAULT
    },
];
