// SPDX-License-Identifier: GPL-2.0-or-later
//! A model of the kernel around the crate's functions.
//!
//! One [`Kernel`] is one execution: its maps, entries, objects, pages and
//! threads. Only one thread of the model runs at a time, and it changes to
//! another at [`point`]s alone; what lies between two points is atomic. A point
//! stands before each step that another thread can tell from its neighbours:
//! taking a map's lock, looking at a page, reading an entry of an unlocked map.
//! Releasing needs none, as the next point of the same thread does as well.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::trace::{Step, Trace};
use crate::versions::Version;

pub mod callers;
pub mod check;
pub mod entry;
pub mod fault;
mod fault_page;
#[cfg(feature = "sound")]
pub mod in_c;
pub mod lock;
pub mod map;
pub mod object;
pub mod operations;
#[cfg(not(feature = "sound"))]
pub mod projected;
pub mod slab;
#[cfg(feature = "sound")]
pub mod sound;
pub mod tree;

/// Of a thread that says twice what it will wait for.
const ALREADY_WAITS: &str = "panic: assert_wait: already asserted event";

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// What a thread can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A map's lock.
    Lock(usize),
    /// A page that is busy.
    Page(usize),
    /// The end of a transition in a map.
    Transition(usize),
    /// Room in a map.
    Space(usize),
}

/// How a thread holds a map's lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Read,
    Write,
}

/// What the model knows of a thread.
#[derive(Clone, Default)]
pub struct Thread {
    /// Sleeps until this is woken.
    pub waits: Option<Event>,
    /// Has said that it will sleep until this, and not been woken since.
    pub will_wait: Option<Event>,
    /// Maps whose lock it holds, once for each time.
    pub holds: Vec<(usize, Mode)>,
    /// Pages that it has made busy.
    pub busy: Vec<usize>,
    /// `vm_privilege`.
    pub privilege: i32,
}

/// Shared state that a transition looked at or changed, as sets of bits: two
/// transitions commute unless one of them changes what the other touches.
#[derive(Clone, Copy, Default, Debug)]
pub struct Footprint {
    reads: u64,
    writes: u64,
}

impl Footprint {
    pub fn commutes_with(self, other: Footprint) -> bool {
        self.writes & (other.reads | other.writes) == 0 && self.reads & other.writes == 0
    }
}

/// The state of one execution.
pub struct Kernel {
    pub version: &'static Version,
    /// Boxed, as entries and locks point into them.
    #[allow(clippy::vec_box)]
    pub maps: Vec<Box<map::Map>>,
    pub objects: Vec<object::Object>,
    pub pages: Vec<object::Page>,
    pub threads: Vec<Thread>,
    pub regions: &'static [(&'static str, usize)],
    /// What was found wrong, in words without addresses.
    pub findings: BTreeSet<String>,
    /// Set once the machine cannot go on.
    pub stopped: bool,
    /// False while the maps are set up, when nothing else runs.
    pub running: bool,
    /// Whether so much is free that what nobody has touched is brought in without a fault.
    /// None: it is not, and never will be.
    #[cfg(feature = "sound")]
    pub memory_is_plenty: Option<bool>,
    /// What `pmap_pte` was asked for last.
    #[cfg(feature = "sound")]
    pub pte: u64,
    pub trace: Option<Trace>,
}

thread_local! {
    static KERNEL: RefCell<Option<Kernel>> = const { RefCell::new(None) };
    static CURRENT: Cell<usize> = const { Cell::new(0) };
    static FOOTPRINT: Cell<Footprint> = const { Cell::new(Footprint { reads: 0, writes: 0 }) };
}

/// Gives the execution's state to `f`, which reaches no point.
pub fn with<R>(f: impl FnOnce(&mut Kernel) -> R) -> R {
    KERNEL.with(|kernel| f(kernel.borrow_mut().as_mut().expect("an execution has begun")))
}

/// As [`with`], before the first execution too.
pub fn try_with<R>(f: impl FnOnce(&mut Kernel) -> R) -> Option<R> {
    KERNEL.with(|kernel| kernel.borrow_mut().as_mut().map(f))
}

/// Begins an execution: nothing of the one before is left.
pub fn begin(kernel: Kernel) {
    slab::reset();
    #[cfg(feature = "sound")]
    sound::begin();
    FOOTPRINT.set(Footprint::default());
    KERNEL.set(Some(kernel));
}

/// The trace of the execution that has ended.
pub fn take_trace() -> Option<Trace> {
    try_with(|k| k.trace.take()).flatten()
}

/// The index of the thread that runs.
pub fn me() -> usize {
    CURRENT.get()
}

/// Says which thread runs from here on.
pub fn set_current(thread: usize) {
    CURRENT.set(thread);
}

/// The thread that runs, as the kernel's structures name it.
pub fn current_thread() -> *mut crate::bindings::thread {
    std::ptr::without_provenance_mut((me() + 1) * 64)
}

/// Ends a transition: what it touched.
pub fn take_footprint() -> Footprint {
    FOOTPRINT.take()
}

const MAP_BIT: u32 = 0;
const SLAB_BIT: u32 = 4;
const OBJECT_BIT: u32 = 5;
const PAGE_BIT: u32 = 24;

fn touch(reads: u64, writes: u64) {
    let mut footprint = FOOTPRINT.get();
    footprint.reads |= reads;
    footprint.writes |= writes;
    FOOTPRINT.set(footprint);
}

/// The transition looks at a map: its lock, its entries.
pub fn reads_map(map: usize) {
    touch(1 << (MAP_BIT + map as u32), 0);
}

/// The transition looks at entries of some map.
pub fn reads_maps() {
    touch(0b1111 << MAP_BIT, 0);
}

/// The transition changes a map, or who may lock it.
pub fn writes_map(map: usize) {
    touch(0, 1 << (MAP_BIT + map as u32));
}

/// The transition takes an entry from the slab, or gives one back.
pub fn uses_slab() {
    touch(0, 1 << SLAB_BIT);
}

/// The transition asks how much memory is free.
#[cfg(feature = "sound")]
pub fn asks_for_memory() {
    touch(1 << SLAB_BIT, 0);
}

/// The transition changes how much memory is free.
#[cfg(feature = "sound")]
pub fn takes_memory() {
    uses_slab();
}

/// The transition counts an object's references up or down, which commutes with
/// others that do.
pub fn counts_object(object: usize) {
    touch(1 << (OBJECT_BIT + object as u32 % 19), 0);
}

/// The transition depends on an object's counts, or changes what it holds.
pub fn writes_object(object: usize) {
    touch(0, 1 << (OBJECT_BIT + object as u32 % 19));
}

/// The transition looks for a page of an object, and may change it.
pub fn writes_page(object: usize, index: usize) {
    touch(0, 1 << (PAGE_BIT + (object * 8 + index) as u32 % 40));
}

/// Lets another thread run.
pub fn point() {
    slab::watch_again();
    if !with(|k| k.running) {
        return;
    }
    shuttle::thread::yield_now();
    // Who holds a write lock may change the map until the next point.
    with(|k| {
        for &(map, mode) in &k.threads[me()].holds {
            if mode == Mode::Write {
                writes_map(map);
            }
        }
    });
}

/// Waits until another thread wakes those who wait for `event`.
pub fn sleep(event: Event) {
    if with(|k| k.threads[me()].will_wait.is_some()) {
        stop(ALREADY_WAITS);
    }
    with(|k| {
        assert!(k.running, "the set-up cannot wait");
        k.threads[me()].waits = Some(event);
        k.note(Step::Waits(event));
    });
    point();
    with(|k| k.note(Step::Wakes));
}

/// Wakes every thread that waits for `event`.
pub fn wake(event: Event) {
    wake_some(event, usize::MAX);
}

/// Wakes so many of those that wait for `event`.
pub fn wake_some(event: Event, most: usize) {
    with(|k| {
        let both = k.threads.iter_mut().flat_map(|t| [&mut t.waits, &mut t.will_wait]);
        for waits in both.filter(|waits| **waits == Some(event)).take(most) {
            *waits = None;
        }
    });
}

/// Records something wrong that does not stop the machine.
pub fn found(what: impl Into<String>) {
    with(|k| {
        let what = what.into();
        if k.findings.insert(what.clone()) {
            k.note(Step::Found(what));
        }
    });
}

/// The machine stops: the execution goes no further.
pub fn stop(why: impl Into<String>) -> ! {
    found(why);
    with(|k| k.stopped = true);
    // What would have come after depends on this.
    touch(!0, !0);
    loop {
        // The scheduler ends the execution here; this thread never returns.
        assert!(with(|k| k.running), "the set-up stopped: {:?}", with(|k| k.findings.clone()));
        shuttle::thread::yield_now();
    }
}

impl Kernel {
    /// Adds a step of the current thread to the trace, if one is kept.
    pub fn note(&mut self, step: Step) {
        self.note_as(|_| step);
    }

    /// The same of a step that it takes time to tell of: hardly any execution keeps a trace.
    pub fn note_as(&mut self, step: impl FnOnce(&Kernel) -> Step) {
        if self.trace.is_none() || !self.running {
            return;
        }
        let step = step(self);
        let entries = self.describe_entries();
        let text = self.describe_step(&step);
        let holds = self.threads.iter().map(|t| self.describe_holds(t)).collect();
        if let Some(trace) = &mut self.trace {
            trace.add(me(), (step, text), entries, holds);
        }
    }

    /// What an address is called in this scenario.
    pub fn label(&self, address: usize) -> String {
        let page = address / PAGE;
        match self.regions.iter().find(|(_, at)| *at == page) {
            Some((name, _)) => (*name).to_string(),
            None => format!("page {page}"),
        }
    }

    /// The name of a map.
    pub fn map_name(&self, map: usize) -> &'static str {
        self.maps[map].name
    }

    /// What an event is, in words.
    pub fn describe_event(&self, event: Event) -> String {
        match event {
            Event::Lock(map) => format!("the lock of {}", self.map_name(map)),
            Event::Page(page) => format!("page {}, which is busy", self.pages[page].name),
            Event::Transition(map) => format!("the end of a transition in {}", self.map_name(map)),
            Event::Space(map) => format!("room in {}", self.map_name(map)),
        }
    }

    /// What a thread holds, in words.
    pub fn describe_holds(&self, thread: &Thread) -> Vec<String> {
        let mut holds: Vec<String> = thread
            .holds
            .iter()
            .map(|(map, mode)| {
                let how = if *mode == Mode::Write { "for writing" } else { "for reading" };
                format!("{} {how}", self.map_name(*map))
            })
            .collect();
        holds
            .extend(thread.busy.iter().map(|page| format!("page {} busy", self.pages[*page].name)));
        holds
    }
}
