// SPDX-License-Identifier: GPL-2.0-or-later
//! What becomes of a call of the kernel's code to a function that is hooked.

use crate::case::Lock;
use crate::hooks::{self, Action, Otherwise, Spec, MOST_ARGUMENTS, SPECS};
use crate::kernel::c_string;
use crate::layout::Field;
use crate::machine::{spoil, Call, Machine, Stop, IN_REGISTERS, SCRATCH};
use crate::{log, low, watch};

/// No case makes as many calls, unless it does not end.
const MOST_CALLS: usize = 20_000;

/// A spin lock that another CPU will take.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    lock: u32,
    /// A word that only its holder changes.
    guarded: u32,
    /// So many calls from now.
    calls: u8,
}

impl Machine {
    /// Serves the call of a hooked function, and lets its caller go on.
    pub(crate) fn serve(&mut self, hook: usize) -> Result<(), Stop> {
        let Spec(name, action, count) = SPECS[hook];
        let (sp, word) = (low::gate().sp(), low::word_size());
        let whole = |index: u32| match low::is_wide() {
            true if (index as usize) < IN_REGISTERS.len() => {
                low::gate().registers[IN_REGISTERS[index as usize]]
            }
            true => low::read64(sp + word + word * (index - IN_REGISTERS.len() as u32)),
            false => low::read32(sp + word + word * index).into(),
        };
        let argument = |index: u32| whole(index) as u32;
        if self.logs {
            if log::is_full() {
                return Err(Stop::Endless);
            }
        } else if self.recording {
            let mut arguments = [0; MOST_ARGUMENTS];
            for (index, place) in arguments[..count].iter_mut().enumerate() {
                *place = whole(index as u32) & hooks::mask(hook, index);
            }
            if self.calls.len() == MOST_CALLS {
                return Err(Stop::Endless);
            }
            let state = match (self.lock_is_timed, &self.script) {
                (true, _) => 0,
                (false, None) => self.layout.fingerprint(&arguments),
                (false, Some(_)) => self.layout.digest_arena(self.arena_end),
            };
            self.calls.push(Call { hook: hook as u8, arguments, state });
            self.hold_if_due();
        }
        let action = if self.recording { self.scripted(hook) } else { action };
        match action {
            Action::Run => {
                low::gate().ip = self.put_away.trampolines[hook].into();
                return Ok(());
            }
            Action::Return(value) => low::gate().registers[low::AX] = value.into(),
            Action::Release => {
                let object = argument(0);
                let last = object != 0 && self.layout.get(object, Field::RefCount) <= 1;
                if !(self.recording && last) {
                    low::gate().ip = self.put_away.trampolines[hook].into();
                    return Ok(());
                }
                self.layout.set(object, Field::RefCount, 0);
            }
            Action::Block => {
                if !self.recording {
                    return Err(Stop::Refused(name));
                }
                self.block()?;
            }
            Action::Allocate if self.recording && self.plan.has_no_memory() => {
                low::gate().registers[low::AX] = 0;
            }
            Action::Allocate => {
                let object = self.allocate(self.layout.object_size(argument(0)));
                let object = object.ok_or(Stop::Refused("an arena of that size"))?;
                low::gate().registers[low::AX] = object.into();
            }
            Action::Page(what, _) if self.recording && self.counts_pages => {
                low::gate().registers[low::AX] = self.serve_page(what, argument)?.into();
            }
            Action::Page(_, Otherwise::Fault) => {
                if self.recording {
                    self.interfere()?;
                }
                low::gate().registers[low::AX] = 0;
            }
            Action::Page(_, Otherwise::Nothing) => low::gate().registers[low::AX] = 0,
            Action::Page(_, Otherwise::Refuse) => return Err(Stop::Refused(name)),
            Action::Assert => {
                return Err(Stop::Assertion {
                    text: c_string(argument(0)),
                    function: c_string(argument(3)),
                })
            }
            Action::Panic => {
                return Err(Stop::Panic {
                    function: c_string(argument(2)),
                    format: c_string(argument(3)),
                })
            }
            Action::Sleep => {
                let (interlock, holder) = (argument(1), self.plan.holder.take());
                holder.ok_or(Stop::Sleeps)?;
                if interlock != 0 {
                    low::write32(interlock, 0);
                }
                self.as_other_thread(|machine| {
                    machine.call(machine.layout.vm_map_unlock, &[machine.layout.map])
                })?;
            }
            Action::Refuse => return Err(Stop::Refused(name)),
        }
        // What a C function may change besides.
        let gate = low::gate();
        let result = gate.registers[low::AX];
        spoil(gate, SCRATCH);
        gate.registers[low::AX] = result;
        gate.ip = low::read32(sp).into();
        gate.registers[low::SP] = (sp + word).into();
        Ok(())
    }

    /// Lets another CPU take a lock from `calls` calls on, for a while. `entry`: whose
    /// lock, if it is of one.
    pub(crate) fn hold_later(&mut self, lock: Lock, entry: Option<u32>, calls: u8) {
        let layout = &self.layout;
        let word = |base: u32, field| base + layout.place(field).byte();
        self.hold = match lock {
            Lock::Hint => layout.hint_lock.map(|lock| (lock, word(layout.map, Field::Hint))),
            Lock::OfEntry(_) => {
                let mapped = entry.map_or(0, |entry| layout.get(entry, Field::EntryObject));
                let is_sub_map = entry.is_some_and(|e| layout.get(e, Field::IsSubMap) != 0);
                match (mapped, is_sub_map) {
                    (0, _) => None,
                    (map, true) => layout
                        .map_ref_lock
                        .map(|lock| (map + lock, word(map, Field::MapReferences))),
                    // Its references are taken away by the oracle: nobody else may let it go.
                    (object, false) => {
                        layout.object_lock.map(|lock| (object + lock, object + lock))
                    }
                }
            }
        }
        .map(|(lock, guarded)| Hold { lock, guarded, calls });
    }

    /// Asked for each call.
    pub(crate) fn hold_if_due(&mut self) {
        match &mut self.hold {
            None => {}
            Some(Hold { lock, guarded, calls: 0 }) => {
                // Not if the code itself holds it.
                if low::read32(*lock) == 0 {
                    low::write32(*lock, 1);
                    watch::release_later(*lock, *guarded);
                }
                self.hold = None;
            }
            Some(hold) => hold.calls -= 1,
        }
    }
}
