// SPDX-License-Identifier: GPL-2.0-or-later
//! The interleavings worth exploring, each with what the faithful functions must
//! show in it.
//!
//! K is a kernel map, U a user's, M another kernel map. Each region is a page.
//! What stands in `expect` is what some schedule must show, and no schedule may
//! show anything else. Upstream's own defects are among it: they are expected.

use crate::explore::PASSES;
use crate::kernel::fault::fault;
use crate::kernel::map::entry_at;
use crate::kernel::object::{number, pointer, reference, vm_object_allocate};
#[cfg(feature = "sound")]
use crate::kernel::operations::WRITE;
use crate::kernel::operations::{enter, inherit, pageable, Pages, COPY, NONE, READ_WRITE};
use crate::kernel::{with, PAGE};
use crate::versions::FEATURES;

#[cfg(feature = "sound")]
mod fresh;
#[cfg(feature = "sound")]
mod mapped;
mod merging;
mod neighbours;
mod own_region;
#[cfg(feature = "sound")]
mod sound;

/// Those that only `sound` has.
#[cfg(feature = "sound")]
const OF_SOUND: [&[Scenario]; 3] = [sound::SCENARIOS, fresh::SCENARIOS, mapped::SCENARIOS];
#[cfg(not(feature = "sound"))]
const OF_SOUND: [&[Scenario]; 0] = [];

/// All of them, in the order of their numbers.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    let of_all = neighbours::SCENARIOS.iter().chain(own_region::SCENARIOS);
    of_all.chain(merging::SCENARIOS).chain(OF_SOUND.into_iter().flatten())
}

pub struct Scenario {
    /// As on the command line: a number, and a letter for a variant.
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
    /// Schedules, and what each of them must show with the faithful functions.
    pub replays: &'static [(&'static str, &'static str)],
    /// Features of the module with any of which all schedules pass.
    pub passes_with: &'static [&'static str],
}

impl Scenario {
    /// What the crate's own functions must show, with the features that they have here.
    pub fn expect(&self) -> &'static [&'static str] {
        let passes = self.passes_with.iter().any(|feature| FEATURES.contains(feature));
        let of_upstream = IS_SOUND && !self.id.starts_with('s');
        if passes || of_upstream {
            &[PASSES]
        } else {
            self.expect
        }
    }
}

/// With that feature every schedule of upstream's scenarios must pass (docs/sound.md).
pub const IS_SOUND: bool = cfg!(feature = "sound");

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

fn load(map: usize, page: usize) {
    fault(map, page * PAGE, NONE, false);
}

#[cfg(feature = "sound")]
fn store(page: usize) {
    fault(K, page * PAGE, WRITE, false);
}

#[cfg(feature = "sound")]
fn wires_both() {
    pageable(K, pages(RA, 2), READ_WRITE);
}

#[cfg(feature = "sound")]
fn unwires_both() {
    pageable(K, pages(RA, 2), NONE);
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
    with(|k| {
        k.objects[object].bad_page = Some(bad);
        k.objects[object].raw.set_pager_created(1);
    });
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
    replays: &[],
    passes_with: &[],
};

/// What the storm does to each slice.
fn slice(page: usize) {
    wire(page);
    inherit(K, one(page), COPY);
    unwire(page);
}
