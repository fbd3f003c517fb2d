// SPDX-License-Identifier: GPL-2.0-or-later
//! The interleavings worth exploring, each with what the faithful functions must
//! show in it.
//!
//! K is a kernel map, U a user's, M another kernel map. Each region is a page.
//! What stands in `expect` is what some schedule must show, and no schedule may
//! show anything else. Upstream's own defects are among it: they are expected.

use crate::expect::{
    DEADLOCK, FREED, IN_TRANSITION, MUST_BE_RESIDENT, NEEDS_WAKEUP, NOT_IN_TRANSITION, NOT_THERE,
    STAYS_MARKED, WIRED_TOO_OFTEN,
};
use crate::explore::PASSES;
use crate::kernel::fault::fault;
use crate::kernel::map::entry_at;
use crate::kernel::object::{number, pointer, reference, vm_object_allocate};
use crate::kernel::operations::{
    enter, inherit, pageable, protect, remove, Pages, ABSENT, COPY, NONE, READ, READ_WRITE,
};
use crate::kernel::{with, PAGE};

pub struct Scenario {
    /// As on the command line: scenarios.md's number, and a letter for a variant.
    pub id: &'static str,
    pub title: &'static str,
    /// What the faithful functions show, in a line.
    pub outcome: &'static str,
    pub regions: &'static [(&'static str, usize)],
    pub set_up: fn(),
    pub threads: &'static [(char, fn())],
    /// Whether all schedules are run, or some drawn at random.
    pub exhaustive: bool,
    /// Whether a freed entry is handed out again.
    pub reuses_entries: bool,
    pub expect: &'static [&'static str],
}

/// The maps, in the order in which the set-ups make them.
const K: usize = 0;
const M: usize = 1;

// The regions' pages.
const RZ: usize = 2;
const RL: usize = 3;
const RA: usize = 4;
const RB: usize = 5;
const RC: usize = 6;
const RS: usize = 9;

const REGIONS: &[(&str, usize)] =
    &[("RZ", RZ), ("RL", RL), ("RA", RA), ("RB", RB), ("RC", RC), ("RS", RS)];

fn one(page: usize) -> Pages {
    Pages { first: page, count: 1 }
}

fn pages(first: usize, count: usize) -> Pages {
    Pages { first, count }
}

fn wire(page: usize) {
    pageable(K, one(page), READ_WRITE);
}

fn unwire(page: usize) {
    pageable(K, one(page), NONE);
}

fn kernel_map() {
    with(|k| k.new_map("K", true));
}

/// One entry of `count` pages with an object whose pages are there, not wired.
fn one_object(first: usize, count: usize) {
    enter(K, pages(first, count), READ_WRITE);
    pageable(K, pages(first, count), READ_WRITE);
    pageable(K, pages(first, count), NONE);
}

/// Shows a page of `from` at a page of map `to` as well.
fn share(from: usize, to: usize, page: usize) {
    enter(to, one(page), READ_WRITE);
    let entry = entry_at(K, from * PAGE).expect("set up");
    let other = entry_at(to, page * PAGE).expect("just entered");
    // SAFETY: live entries; nothing else runs during the set-up.
    unsafe {
        reference(number((*entry).object.vm_object).expect("it has an object"));
        (*other).object.vm_object = (*entry).object.vm_object;
        (*other).offset = (*entry).offset + (from * PAGE) as u64 - (*entry).links.start;
    }
}

/// Gives an entry an object whose page `bad` cannot be brought in.
fn bad_page(page: usize, bad: usize) {
    let entry = entry_at(K, page * PAGE).expect("set up");
    let object = number(vm_object_allocate(0)).expect("a new object");
    // SAFETY: as in `share`.
    unsafe { (*entry).object.vm_object = pointer(object) };
    with(|k| k.objects[object].bad_page = Some(bad));
}

/// A second map of the kernel's pmap.
fn second_map() {
    with(|k| k.new_map("M", true));
}

const DEFAULT: Scenario = Scenario {
    id: "",
    title: "",
    outcome: "",
    regions: REGIONS,
    set_up: || (),
    threads: &[],
    exhaustive: true,
    reuses_entries: false,
    expect: &[PASSES],
};

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
            ('F', || {
                fault(K, RA * PAGE, false);
            }),
            ('U', || {
                enter(K, one(RS), READ_WRITE);
            }),
        ],
        expect: &[PASSES, DEADLOCK],
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
            ('F', || {
                fault(M, RS * PAGE, false);
            }),
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
            ('F', || {
                fault(K, RS * PAGE, false);
            }),
        ],
        expect: &[PASSES, DEADLOCK],
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
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
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
            ('A', || pageable(K, pages(RA, 2), READ_WRITE)),
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
            ('A', || pageable(K, pages(RA, 3), READ_WRITE)),
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

/// What the storm does to each slice.
fn slice(page: usize) {
    wire(page);
    inherit(K, one(page), COPY);
    unwire(page);
}
