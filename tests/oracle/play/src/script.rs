// SPDX-License-Identifier: GPL-2.0-or-later
//! What somebody else wants the calls of a run to do.

use serde::Deserialize;

use crate::hooks::{Action, Spec, SPECS};
use crate::low;
use crate::machine::Machine;

/// Bytes in hexadecimal, and where they go.
pub type Write = (u32, String);

/// What a call does: it returns this and writes that; or its own code runs.
#[derive(Clone, Deserialize)]
pub struct Effect {
    pub returns: Option<u32>,
    #[serde(default)]
    pub writes: Vec<Write>,
}

/// What the calls of a run do, one after another, on either side.
#[derive(Default)]
pub struct Script {
    pub effects: [Vec<Effect>; 2],
    pub next: usize,
}

impl Script {
    pub fn start(&mut self) {
        self.next = 0;
    }
}

impl Machine {
    /// What a call comes to if a script says so. Calls behind the script's end
    /// return 0 and change nothing, but the trees' own code runs.
    pub(crate) fn scripted(&mut self, hook: usize) -> Action {
        let Spec(name, action, _) = SPECS[hook];
        let Some(script) = &mut self.script else { return action };
        if matches!(action, Action::Assert | Action::Panic) {
            return action;
        }
        let effects = &script.effects[self.side as usize];
        let effect = effects.get(script.next).cloned();
        script.next += 1;
        let Some(effect) = effect else {
            return if name.starts_with("rbtree") { Action::Run } else { Action::Return(0) };
        };
        match effect.returns {
            Some(value) => {
                for (address, text) in &effect.writes {
                    put(*address, text);
                }
                Action::Return(value)
            }
            None => Action::Run,
        }
    }
}

/// Writes bytes that somebody has looked at before.
pub fn put(address: u32, text: &str) {
    for (index, digits) in text.as_bytes().chunks_exact(2).enumerate() {
        let byte = std::str::from_utf8(digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
        low::bytes(address + index as u32, 1)[0] = byte.unwrap_or_default();
    }
}
