// SPDX-License-Identifier: GPL-2.0-or-later
//! Running a scenario with a version of the two functions.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use shuttle::{Config, MaxSteps, Runner};

use crate::explore::{Choices, Explorer, Results, Search};
use crate::kernel::{self, check, slab, Kernel, Thread};
use crate::scenarios::Scenario;
use crate::trace::{Step, Trace};
use crate::versions::Version;

/// Runs a scenario's schedules; stops early at a finding not in `stop_unless`.
pub fn search(
    scenario: &'static Scenario,
    version: &'static Version,
    search: Search,
    stop_unless: Option<Vec<String>>,
    progress: Box<dyn FnMut(u64)>,
) -> Results {
    run(scenario, version, search, stop_unless, progress, false).0
}

/// Runs one schedule, and says what happened.
pub fn replay(
    scenario: &'static Scenario,
    version: &'static Version,
    choices: Choices,
) -> (Results, Trace) {
    let (results, trace) =
        run(scenario, version, Search::Replay(choices), None, Box::new(|_| ()), true);
    (results, trace.expect("a replay keeps a trace"))
}

fn run(
    scenario: &'static Scenario,
    version: &'static Version,
    search: Search,
    stop_unless: Option<Vec<String>>,
    progress: Box<dyn FnMut(u64)>,
    trace: bool,
) -> (Results, Option<Trace>) {
    let results = Rc::new(RefCell::new(Results::default()));
    let explorer = Explorer::new(search, stop_unless, Rc::clone(&results), progress);
    let mut config = Config::new();
    config.stack_size = 0x10000;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    Runner::new(explorer, config).run(move || execute(scenario, version, trace));
    let trace = kernel::take_trace();
    (results.take(), trace)
}

/// One execution: set up, start the threads, wait for them, check.
fn execute(scenario: &'static Scenario, version: &'static Version, trace: bool) {
    // The last one sets up.
    let threads = vec![Thread::default(); scenario.threads.len() + 1];
    kernel::set_current(threads.len() - 1);
    kernel::begin(Kernel {
        version,
        maps: Vec::new(),
        objects: Vec::new(),
        pages: Vec::new(),
        threads,
        regions: scenario.regions,
        findings: BTreeSet::new(),
        stopped: false,
        running: false,
        #[cfg(feature = "sound")]
        memory_is_plenty: None,
        #[cfg(feature = "sound")]
        pte: 0,
        trace: trace.then(Trace::default),
    });
    slab::set_reuse(scenario.reuses_entries);
    (scenario.set_up)();
    slab::watch_again();
    kernel::with(|k| {
        assert!(k.findings.is_empty(), "the set-up of scenario {}: {:?}", scenario.id, k.findings);
        k.running = true;
        k.note(Step::Begins("begins with this map".to_string()));
    });
    let running: Vec<_> = scenario
        .threads
        .iter()
        .map(|(_, body)| {
            shuttle::thread::spawn(move || {
                body();
                slab::watch_again();
                kernel::with(|k| k.note(Step::Ends));
            })
        })
        .collect();
    for thread in running {
        thread.join().expect("threads of the model do not panic");
    }
    // What is found now is no thread's.
    kernel::set_current(scenario.threads.len());
    check::at_rest();
}
