// SPDX-License-Identifier: GPL-2.0-or-later
//! Compares how a call of `sound` and of the shipped function leave a map, where nobody
//! interferes. Which functions they call for it is not compared: that differs.
//!
//! - [`state`]: what counts of a map;
//! - [`pages`]: and how often each page is wired;
//! - [`aspects`]: in what two states differ;
//! - [`conditions`]: when they may, and in what;
//! - [`promises`]: what of ours must hold whatever the shipped did.

pub mod aspects;
pub mod conditions;
pub mod pages;
mod promises;
pub mod state;

use crate::callers::Caller;
use crate::case::{Case, Op};
use crate::layout::Field;
use crate::machine::{Machine, Side};
use aspects::{differing, Aspects};
use conditions::CONDITIONS;
use state::{Entry, Outcome, State};

/// A call, on the map as it is before.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub caller: Caller,
    /// The range, for those that take one: what of it lies within the map, where the
    /// function asks.
    pub start: u32,
    pub end: u32,
    pub value: u32,
    pub flags: [bool; 2],
}

/// A map, and what is called on it.
pub struct Start {
    pub state: State,
    pub call: Call,
    /// Its entries, cut where the range begins and ends.
    pub parts: Vec<Entry>,
    /// The page that cannot be had.
    pub failing: Option<u32>,
}

/// What came of a case, for each condition.
#[derive(Clone, Copy, Default)]
pub struct Met {
    pub held: bool,
    pub differs: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The same, or what a condition allows.
    Well,
    Differs(String),
    /// Ours left what no call may.
    Unsound(&'static str),
}

pub struct Ends {
    start: Start,
    states: [State; 2],
    outcomes: [Outcome; 2],
    first_new: u32,
    /// Something was called.
    ran: bool,
    pub met: [Met; CONDITIONS.len()],
    /// No condition held, and all was compared.
    pub strictly: bool,
    pub judged: Judged,
}

impl Default for Ends {
    fn default() -> Self {
        let call = Call { caller: Caller::Inherit, start: 0, end: 0, value: 0, flags: [false; 2] };
        Ends {
            start: Start { state: State::default(), call, parts: Vec::new(), failing: None },
            states: Default::default(),
            outcomes: [Ok(0), Ok(0)],
            first_new: 0,
            ran: false,
            met: Default::default(),
            strictly: false,
            judged: Judged::Well,
        }
    }
}

impl Ends {
    /// Looks at the case's first state, in memory now.
    pub fn begin(&mut self, machine: &mut Machine, case: &Case) {
        machine.pages.start(&machine.layout);
        self.ran = !case.ops.is_empty();
        if machine.side == Side::Shipped {
            self.first_new = machine.arena_end;
            self.start.state.take(machine);
            self.start.failing = machine.pages.failing;
            if let Some(&Op::Caller { caller, start, end, value, flags }) = case.ops.first() {
                let (start, end) = match machine.entry_of(start) {
                    Some(entry) if caller == Caller::EntryDelete => {
                        let get = |field| machine.layout.get(entry, field);
                        (get(Field::Start), get(Field::End))
                    }
                    _ => (machine.address(start), machine.address(end)),
                };
                let call = Call { caller, start, end, value, flags };
                self.start.call = within(call, &self.start.state);
            }
            self.start.cut();
        }
    }

    /// Looks at the last one of a side.
    pub fn end(&mut self, machine: &mut Machine, returned: &Outcome) {
        let side = machine.side as usize;
        self.outcomes[side] = returned.clone();
        if returned.is_ok() {
            // The call may have left it either way, and is to have counted as C does.
            if let Err(stop) = machine.call(machine.layout.vm_map_unlock, &[machine.layout.map]) {
                self.outcomes[side] = Err(stop);
            }
        }
        self.states[side].take(machine);
    }

    pub fn judge(&mut self) -> bool {
        if !self.ran {
            self.judged = Judged::Well;
            return true;
        }
        let [shipped, ours] = &self.states;
        let [left, right] = &self.outcomes;
        let mut allowed = Aspects::NONE;
        for (met, condition) in self.met.iter_mut().zip(CONDITIONS) {
            *met = Met { held: (condition.holds)(&self.start), differs: false };
            if met.held {
                allowed = allowed.and(condition.allows);
            }
        }
        self.strictly = !self.met.iter().any(|met| met.held);
        let differing = differing((shipped, ours), [left, right], self.first_new);
        for (met, condition) in self.met.iter_mut().zip(CONDITIONS) {
            met.differs = met.held && differing.without(condition.allows) != differing;
        }
        self.judged = match promises::kept(&self.start, ours, right) {
            Err(what) => Judged::Unsound(what),
            Ok(()) if differing.without(allowed) != Aspects::NONE => {
                let held = CONDITIONS.iter().zip(&self.met).filter(|(_, met)| met.held);
                let names: Vec<_> = held.map(|(condition, _)| condition.name).collect();
                let held = if names.is_empty() { "none".into() } else { names.join(", ") };
                let differing = differing.without(allowed);
                Judged::Differs(format!("{differing} (defects met: {held})"))
            }
            Ok(()) => Judged::Well,
        };
        self.judged == Judged::Well
    }

    /// The call as the conditions see it.
    pub fn call(&self) -> Call {
        self.start.call
    }
}

impl Start {
    fn cut(&mut self) {
        self.parts.clear();
        for &(mut entry) in &self.state.entries {
            for at in [self.call.start, self.call.end] {
                if entry.start < at && at < entry.end {
                    self.parts.push(Entry { end: at, ..entry });
                    entry.offset = entry.offset.wrapping_add(at - entry.start);
                    entry.start = at;
                }
            }
            self.parts.push(entry);
        }
    }
}

/// What of the range the function looks at.
fn within(call: Call, state: &State) -> Call {
    match call.caller {
        Caller::Protect | Caller::Inherit | Caller::Pageable | Caller::Remove => {
            let end = call.end.min(state.max);
            Call { start: call.start.max(state.min).min(end), end, ..call }
        }
        Caller::PageableAll => {
            let start = state.entries.first().map_or(0, |entry| entry.start);
            Call { start, end: state.entries.last().map_or(0, |entry| entry.end), ..call }
        }
        _ => call,
    }
}
