// SPDX-License-Identifier: GPL-2.0-or-later
//! What happened in one execution, step by step, for reports and pictures.

use crate::kernel::entry::Shown;
use crate::kernel::{Event, Kernel, Mode};

/// One thing that a thread did, or that befell it.
#[derive(Clone, Debug)]
pub enum Step {
    Begins(String),
    Calls(String),
    Takes(usize, Mode),
    Releases(usize, Mode),
    Downgrades(usize),
    Waits(Event),
    Wakes,
    Busy(usize),
    NotBusy(usize),
    Wires(usize, usize),
    Unwires(usize, usize),
    Changes(String),
    Frees,
    Found(String),
    Deadlock,
    Ends,
}

/// A step with what was the case right after it.
#[derive(Clone, Debug)]
pub struct Record {
    pub thread: usize,
    pub step: Step,
    pub text: String,
    pub entries: Vec<Shown>,
    /// What each thread holds.
    pub holds: Vec<Vec<String>>,
}

/// The steps of an execution.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub records: Vec<Record>,
}

impl Trace {
    pub fn add(
        &mut self,
        thread: usize,
        (step, text): (Step, String),
        entries: Vec<Shown>,
        holds: Vec<Vec<String>>,
    ) {
        self.records.push(Record { thread, step, text, entries, holds });
    }
}

impl Kernel {
    /// A step in words.
    pub fn describe_step(&self, step: &Step) -> String {
        let name = |map: &usize| self.map_name(*map);
        let page = |page: &usize| &self.pages[*page].name;
        let how = |mode: &Mode| match mode {
            Mode::Read => "for reading",
            Mode::Write => "for writing",
        };
        match step {
            Step::Begins(what) => what.clone(),
            Step::Calls(what) => what.clone(),
            Step::Takes(map, mode) => format!("locks {} {}", name(map), how(mode)),
            Step::Releases(map, _) => format!("unlocks {}", name(map)),
            Step::Downgrades(map) => format!("keeps {} locked for reading", name(map)),
            Step::Waits(event) => format!("waits for {}", self.describe_event(*event)),
            Step::Wakes => "goes on".to_string(),
            Step::Busy(at) => format!("makes page {} busy", page(at)),
            Step::NotBusy(at) => format!("page {} is busy no more", page(at)),
            Step::Wires(at, count) => format!("wires page {}: wire_count {count}", page(at)),
            Step::Unwires(at, count) => format!("unwires page {}: wire_count {count}", page(at)),
            Step::Changes(what) => what.clone(),
            Step::Frees => "frees an entry".to_string(),
            Step::Found(what) => format!("!! {what}"),
            Step::Deadlock => "!! every thread waits".to_string(),
            Step::Ends => "is done".to_string(),
        }
    }
}
