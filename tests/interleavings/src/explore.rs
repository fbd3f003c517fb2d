// SPDX-License-Identifier: GPL-2.0-or-later
//! Which schedules are run.
//!
//! The exhaustive search goes depth first. At each point it knows what every
//! other choice there touched before it, and leaves out schedules that only
//! swap steps that commute (sleep sets): each class of equivalent schedules is
//! run once, so none of what they show is lost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use shuttle::scheduler::{PctScheduler, Schedule as ShuttleSchedule, Scheduler, Task, TaskId};

use crate::expect::{DEADLOCK, NEVER_ENDS};
use crate::kernel::{self, Footprint};
use crate::trace::Step;

/// Choices of a thread, one for each point that somebody passed.
pub type Choices = Vec<usize>;

/// More points than any execution needs that ends.
const ENDLESS: usize = 500;
/// So many executions that do not end are enough.
const ENOUGH_ENDLESS: u64 = 100;

/// How schedules are chosen.
#[derive(Clone, Debug)]
pub enum Search {
    /// All of them; `reduce` leaves out equivalent ones.
    All { reduce: bool, limit: u64 },
    /// Priorities drawn at random, with `depth` - 1 changes among them.
    Pct { schedules: u64, depth: usize, seed: u64 },
    /// Just this one; what it leaves open stays with the same thread.
    Replay(Choices),
}

/// What a search has seen of one finding.
#[derive(Clone, Debug)]
pub struct Seen {
    pub schedules: u64,
    /// How many schedules had been run when it first showed.
    pub first: u64,
    /// The schedule with the fewest changes of thread among those that show it.
    pub shortest: Choices,
}

/// What a search has seen.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Schedules run to their end.
    pub schedules: u64,
    /// Schedules given up as equivalent to others.
    pub equivalent: u64,
    /// The most points that a schedule has.
    pub longest: usize,
    /// Whether a schedule to replay chose a thread that could not run.
    pub strayed: bool,
    /// Whether the search has run all it was to run.
    pub complete: bool,
    pub findings: BTreeMap<String, Seen>,
}

pub const PASSES: &str = "passes";

/// A choice of the exhaustive search.
struct Node {
    enabled: Vec<usize>,
    asleep: Vec<(usize, Footprint)>,
    done: Vec<(usize, Footprint)>,
    chosen: usize,
    footprint: Footprint,
}

impl Node {
    fn next_choice(&self) -> Option<usize> {
        let over = |t: usize| self.asleep.iter().chain(&self.done).any(|(thread, _)| *thread == t);
        self.enabled.iter().copied().find(|thread| !over(*thread))
    }
}

/// The scheduler that shuttle asks.
pub struct Explorer {
    search: Search,
    pct: Option<PctScheduler>,
    nodes: Vec<Node>,
    choices: Choices,
    last: Option<usize>,
    began: bool,
    redundant: bool,
    /// Stop after the first schedule that shows something other than these.
    stop_unless: Option<Vec<String>>,
    results: Rc<RefCell<Results>>,
    progress: Box<dyn FnMut(u64)>,
}

impl Explorer {
    pub fn new(
        search: Search,
        stop_unless: Option<Vec<String>>,
        results: Rc<RefCell<Results>>,
        progress: Box<dyn FnMut(u64)>,
    ) -> Self {
        let pct = match &search {
            Search::Pct { schedules, depth, seed } => {
                Some(PctScheduler::new_from_seed(*seed, *depth, *schedules as usize))
            }
            _ => None,
        };
        Explorer {
            search,
            pct,
            nodes: Vec::new(),
            choices: Vec::new(),
            last: None,
            began: false,
            redundant: false,
            stop_unless,
            results,
            progress,
        }
    }

    /// Counts the execution that has ended. Returns whether to go on.
    fn count(&mut self) -> bool {
        let mut results = self.results.borrow_mut();
        if self.redundant {
            results.equivalent += 1;
            return true;
        }
        results.schedules += 1;
        results.longest = results.longest.max(self.choices.len());
        let number = results.schedules;
        (self.progress)(number);
        let findings = kernel::with(|k| std::mem::take(&mut k.findings));
        let mut go_on = true;
        let findings: Vec<String> =
            if findings.is_empty() { vec![PASSES.into()] } else { findings.into_iter().collect() };
        for finding in findings {
            if let Some(expected) = &self.stop_unless {
                go_on &= expected.contains(&finding);
            }
            let is_endless = finding == NEVER_ENDS;
            let seen = results.findings.entry(finding).or_insert_with(|| Seen {
                schedules: 0,
                first: number,
                shortest: self.choices.clone(),
            });
            seen.schedules += 1;
            if is_endless && seen.schedules >= ENOUGH_ENDLESS {
                go_on = false;
            }
            if switches(&self.choices) < switches(&seen.shortest) {
                seen.shortest.clone_from(&self.choices);
            }
        }
        go_on
    }

    /// Moves the exhaustive search on. Returns whether there is more to run.
    fn backtrack(&mut self) -> bool {
        while let Some(mut node) = self.nodes.pop() {
            node.done.push((node.chosen, node.footprint));
            if let Some(next) = node.next_choice() {
                node.chosen = next;
                self.nodes.push(node);
                return true;
            }
        }
        false
    }

    fn choose(&mut self, enabled: &[&Task]) -> Option<usize> {
        let threads: Vec<usize> = enabled.iter().map(|task| usize::from(task.id()) - 1).collect();
        let at = self.choices.len();
        match &self.search {
            Search::All { .. } => self.choose_exhaustively(threads),
            Search::Pct { .. } => {
                let current = self.last.map(|thread| TaskId::from(thread + 1));
                let pct = self.pct.as_mut().expect("made with the search");
                pct.next_task(enabled, current, false).map(|task| usize::from(task) - 1)
            }
            Search::Replay(choices) => {
                let planned = choices.get(at).copied();
                if planned.is_some_and(|thread| !threads.contains(&thread)) {
                    self.results.borrow_mut().strayed = true;
                    return None;
                }
                let same = self.last.filter(|last| threads.contains(last));
                planned.or(same).or_else(|| threads.first().copied())
            }
        }
    }

    fn choose_exhaustively(&mut self, mut threads: Vec<usize>) -> Option<usize> {
        let at = self.choices.len();
        if let Some(node) = self.nodes.get(at) {
            return Some(node.chosen);
        }
        // Going on with the same thread first finds failures with few changes.
        if let Some(last) = self.last {
            threads.sort_by_key(|thread| (*thread != last, *thread));
        }
        let reduce = matches!(self.search, Search::All { reduce: true, .. });
        let asleep = match self.nodes.last().filter(|_| reduce) {
            None => Vec::new(),
            Some(before) => before
                .asleep
                .iter()
                .chain(&before.done)
                .filter(|(_, footprint)| footprint.commutes_with(before.footprint))
                .copied()
                .collect(),
        };
        let mut node = Node {
            enabled: threads,
            asleep,
            done: Vec::new(),
            chosen: 0,
            footprint: Footprint::default(),
        };
        match node.next_choice() {
            Some(choice) => {
                node.chosen = choice;
                self.nodes.push(node);
                Some(choice)
            }
            None => {
                self.redundant = true;
                None
            }
        }
    }

    fn end_transition(&mut self) {
        let footprint = kernel::take_footprint();
        if let Some(before) = self.choices.len().checked_sub(1).and_then(|i| self.nodes.get_mut(i))
        {
            before.footprint = footprint;
        }
    }
}

/// How often the thread changes.
fn switches(choices: &Choices) -> usize {
    choices.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

impl Scheduler for Explorer {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        if self.began {
            self.end_transition();
            if !self.count() {
                return None;
            }
        }
        let more = match &self.search {
            Search::All { limit, .. } => {
                let limit = *limit;
                let more = !self.began || self.backtrack();
                if more && self.results.borrow().schedules >= limit {
                    return None;
                }
                more
            }
            Search::Pct { .. } => {
                self.pct.as_mut().expect("made with the search").new_execution().is_some()
            }
            Search::Replay(_) => !self.began,
        };
        self.began = true;
        self.redundant = false;
        self.choices.clear();
        self.last = None;
        if !more {
            self.results.borrow_mut().complete = true;
            return None;
        }
        Some(ShuttleSchedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        _current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        // The task that sets up, starts the threads and waits for them.
        if let Some(main) = runnable.iter().find(|task| usize::from(task.id()) == 0) {
            return Some(main.id());
        }
        self.end_transition();
        let enabled: Vec<&Task> = kernel::with(|k| {
            let awake = |task: &&&Task| k.threads[usize::from(task.id()) - 1].waits.is_none();
            runnable.iter().filter(awake).copied().collect()
        });
        if kernel::with(|k| k.stopped) {
            return None;
        }
        if enabled.is_empty() || self.choices.len() > ENDLESS {
            let endless = !enabled.is_empty();
            kernel::found(if endless { NEVER_ENDS } else { DEADLOCK });
            kernel::with(|k| {
                k.stopped = true;
                k.note(Step::Deadlock);
            });
            return None;
        }
        let thread = self.choose(&enabled)?;
        self.choices.push(thread);
        self.last = Some(thread);
        kernel::set_current(thread);
        Some(TaskId::from(thread + 1))
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("the model draws no random numbers")
    }
}

/// A schedule as a text: thread and how many points it passes, `A5B3A1`.
pub fn to_text(choices: &Choices, names: &[char]) -> String {
    let mut text = String::new();
    for run in choices.chunk_by(|a, b| a == b) {
        text.push(names[run[0]]);
        text.push_str(&run.len().to_string());
    }
    text
}

/// The schedule that a text stands for.
pub fn from_text(text: &str, names: &[char]) -> anyhow::Result<Choices> {
    let mut choices = Vec::new();
    let mut rest = text;
    while let Some(name) = rest.chars().next() {
        let thread = names.iter().position(|known| *known == name);
        let Some(thread) = thread else {
            anyhow::bail!("the schedule names thread {name:?}; this scenario has {names:?}");
        };
        rest = &rest[name.len_utf8()..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count: usize = rest[..digits].parse().map_err(|_| {
            anyhow::anyhow!("a number must follow {name:?} in the schedule {text:?}")
        })?;
        anyhow::ensure!(count <= ENDLESS, "{count} points are more than an execution has");
        choices.extend(std::iter::repeat_n(thread, count));
        rest = &rest[digits..];
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_survives_its_text() {
        let choices = vec![0, 0, 1, 1, 1, 0];
        assert_eq!(to_text(&choices, &['A', 'B']), "A2B3A1");
        assert_eq!(from_text("A2B3A1", &['A', 'B']).unwrap(), choices);
    }

    #[test]
    fn a_text_that_is_no_schedule_says_what_is_wrong() {
        let error = |text| from_text(text, &['A', 'B']).unwrap_err().to_string();
        assert!(error("A2C1").contains("thread 'C'"));
        assert!(error("A2B").contains("a number must follow 'B'"));
        assert!(error("A99999").contains("99999 points"));
    }
}
