// SPDX-License-Identifier: GPL-2.0-or-later
//! What another CPU does to the map while the scan faults pages in.
//!
//! With the kernel's pmap the map is unlocked then, and another thread may do
//! whatever it may do under the lock, which it takes. With any other pmap it is
//! locked for reading, and another thread may look things up. Some acts here
//! break the rules (they unmark an entry, or wake for one): those lead to the
//! scan's assertions.

use anyhow::Result;

use crate::kernel::Kernel;
use crate::layout::Field;
use crate::machine::{Machine, Side, Stop};
use crate::{low, reach};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Maps pages right after an entry that has room behind it, with the
    /// entry's attributes: extends it, unless it is in transition.
    Extend,
    /// The same right before an entry.
    ExtendDown,
    /// The coalesce of the side that runs.
    Coalesce,
    /// Splits an entry that is not in transition.
    ClipEnd,
    ClipStart,
    /// Deletes the first entry behind the marked ones.
    DeleteBehind,
    /// While a thread waits for an entry in transition: deletes all from an entry on, whose
    /// transitions have ended.
    DeleteRest,
    /// Changes the protection of an entry by vm_map_protect.
    Protect,
    MoveHint,
    /// Takes the lock for reading, and lets it go.
    Read,
    /// Takes the lock for writing, and holds it until the scan sleeps on it.
    Hold,
    SetCount,
    SetNeedsWakeup,
    ClearInTransition,
}

/// At the `fault`-th fault of a case, do something to the entry at `slot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interference {
    pub fault: u8,
    pub act: Act,
    pub slot: u8,
    pub value: u32,
}

#[derive(Default)]
pub struct Plan {
    pub acts: Vec<Interference>,
    pub faults: u8,
    /// The other thread holds the lock.
    pub holder: Option<()>,
    busy: bool,
    /// The thread waits for an entry in transition: the map is unlocked.
    pub blocked: bool,
    /// How often it has waited.
    pub blocks: u8,
    /// After how many more there is no memory for an entry.
    pub no_memory: Option<u8>,
}

impl Plan {
    /// Asked for each entry.
    pub(crate) fn has_no_memory(&mut self) -> bool {
        match &mut self.no_memory {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }

    /// Whether nothing is left to do at faults.
    pub(crate) fn is_over(&self) -> bool {
        !self.acts.iter().any(|act| act.fault >= self.faults)
    }

    pub fn start(&mut self, acts: &[Interference]) {
        self.acts.clear();
        self.acts.extend_from_slice(acts);
        self.faults = 0;
        self.holder = None;
        self.busy = false;
        self.blocked = false;
        self.blocks = 0;
        self.no_memory = None;
    }
}

/// The kernel's functions that build and disturb maps.
pub struct Functions {
    pub setup: u32,
    pub allocate: u32,
    pub shadow: u32,
    pub inherit: u32,
    pub enter: u32,
    pub clip_start: u32,
    pub clip_end: u32,
    pub delete: u32,
    pub protect: u32,
    pub read: u32,
    pub done: u32,
    /// Offsets in a map of limits that a booted kernel would have set.
    pub limits: Vec<u32>,
}

impl Functions {
    pub fn find(kernel: &Kernel) -> Result<Self> {
        let at = |name: &str| kernel.symbol(name).map(|symbol| symbol.address);
        let limits = ["size_cur_limit", "size_max_limit"];
        let limit = |name: &&str| kernel.structs.find("vm_map", name).map(|place| place.byte());
        Ok(Functions {
            setup: at("vm_map_setup")?,
            allocate: at("vm_object_allocate")?,
            shadow: at("vm_object_shadow")?,
            inherit: at("vm_map_inherit")?,
            enter: at("vm_map_enter")?,
            clip_start: at("_vm_map_clip_start")?,
            clip_end: at("_vm_map_clip_end")?,
            delete: at("vm_map_entry_delete")?,
            protect: at("vm_map_protect")?,
            read: at("lock_read")?,
            done: at("lock_done")?,
            limits: limits.iter().filter_map(limit).collect(),
        })
    }
}

impl Machine {
    /// Lets the other thread act, if the case wants it at this fault.
    pub(crate) fn interfere(&mut self) -> Result<(), Stop> {
        if self.plan.busy {
            return Ok(());
        }
        let fault = self.plan.faults;
        self.plan.faults = fault.saturating_add(1);
        for index in 0..self.plan.acts.len() {
            let interference = self.plan.acts[index];
            if interference.fault == fault {
                self.plan.busy = true;
                reach::count(false);
                self.as_other_thread(|machine| machine.act(interference))?;
                reach::count(self.side == Side::Shipped);
                self.plan.busy = false;
            }
        }
        if self.logs {
            self.let_answer();
        }
        Ok(())
    }

    /// Runs `work` as the other thread.
    pub(crate) fn as_other_thread(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<u32, Stop>,
    ) -> Result<(), Stop> {
        let active = self.layout.active_thread;
        let thread = low::read32(active);
        low::write_word(active, self.layout.other_thread);
        work(self)?;
        low::write_word(active, thread);
        Ok(())
    }

    fn act(&mut self, Interference { act, slot, value, .. }: Interference) -> Result<u32, Stop> {
        let map = self.layout.map;
        let Some(entry) = self.layout.entry_at(slot.into()) else { return Ok(0) };
        let get = |machine: &Self, field| machine.layout.get(entry, field);
        match act {
            Act::MoveHint => {
                self.layout.set(map, Field::Hint, entry);
                return Ok(0);
            }
            Act::Read => {
                // A writer that waits for readers would sleep.
                if self.plan.holder.is_none() {
                    let lock = self.layout.map;
                    self.call(self.functions.read, &[lock])?;
                    self.call(self.functions.done, &[lock])?;
                }
                return Ok(0);
            }
            _ => {}
        }
        let unlocked = self.plan.blocked
            || self.layout.get(map, Field::Pmap) == low::read32(self.layout.kernel_pmap);
        if !unlocked || self.plan.holder.is_some() {
            return Ok(0);
        }
        // These take the lock themselves.
        let (start, end) = (get(self, Field::Start), get(self, Field::End));
        match act {
            Act::Extend | Act::ExtendDown => {
                let size = 0x1000 * (1 + value % 2);
                let at = if act == Act::Extend { end } else { start.wrapping_sub(size) };
                return self.map_pages_like(entry, at, size);
            }
            Act::Protect => {
                let protection = value & 7 & get(self, Field::MaxProtection);
                return self.call(self.functions.protect, &[map, start, end, protection, 0]);
            }
            _ => {}
        }
        self.call(self.layout.vm_map_lock, &[map])?;
        // A submap's lock word would be needed to split a reference to it, and what
        // counts as a submap here is none.
        let splits = get(self, Field::InTransition) == 0 && get(self, Field::IsSubMap) == 0;
        let middle = start + (((end - start) / 2) & !0xfff);
        match act {
            Act::Hold => {
                self.plan.holder = Some(());
                return Ok(0);
            }
            Act::Coalesce => {
                self.coalesce(map, entry)?;
            }
            Act::ClipEnd if splits && middle != start => {
                self.call(self.functions.clip_end, &[self.layout.header, entry, middle, 1])?;
            }
            Act::ClipStart if splits && middle != start => {
                self.call(self.functions.clip_start, &[self.layout.header, entry, middle, 1])?;
            }
            Act::DeleteBehind => {
                if let Some(behind) = self.first_behind_marks() {
                    self.delete(behind)?;
                }
            }
            Act::DeleteRest if self.plan.blocked => {
                let slot = slot as usize % self.layout.ring().count();
                let rest: Vec<u32> = self.layout.ring().skip(slot).collect();
                for entry in rest {
                    self.layout.set(entry, Field::InTransition, 0);
                    self.layout.set(entry, Field::NeedsWakeup, 0);
                    self.delete(entry)?;
                }
            }
            Act::SetCount => self.layout.set(entry, Field::WiredCount, value % 3),
            Act::SetNeedsWakeup => self.layout.set(entry, Field::NeedsWakeup, 1),
            Act::ClearInTransition => self.layout.set(entry, Field::InTransition, 0),
            _ => {}
        }
        self.call(self.layout.vm_map_unlock, &[map])
    }

    /// As vm_map_delete has it: no hint is left at what is freed.
    fn delete(&mut self, entry: u32) -> Result<u32, Stop> {
        let map = self.layout.map;
        let prev = self.layout.get(entry, Field::Prev);
        for hint in [Field::Hint, Field::FirstFree] {
            if self.layout.get(map, hint) == entry {
                self.layout.set(map, hint, prev);
            }
        }
        self.call(self.functions.delete, &[map, entry])
    }

    /// vm_map_enter with the attributes of an entry, without an object.
    pub(crate) fn map_pages_like(&mut self, entry: u32, at: u32, size: u32) -> Result<u32, Stop> {
        let get = |field| self.layout.get(entry, field);
        let (protection, max) = (get(Field::Protection), get(Field::MaxProtection));
        let inheritance = get(Field::Inheritance);
        self.map_pages(at, size, 0, 0, 0, [protection, max, inheritance])
    }

    /// vm_map_enter at an address.
    pub fn map_pages(
        &mut self,
        at: u32,
        size: u32,
        object: u32,
        offset: u32,
        needs_copy: u32,
        [protection, max, inheritance]: [u32; 3],
    ) -> Result<u32, Stop> {
        let address = self.scratch_word();
        low::write_word(address, at);
        let map = self.layout.map;
        let arguments =
            [map, address, size, 0, 0, object, offset, needs_copy, protection, max, inheritance];
        self.call(self.functions.enter, &arguments)
    }

    /// The entry behind the last one in transition, if deleting it frees no
    /// object for good and takes no submap apart.
    fn first_behind_marks(&self) -> Option<u32> {
        let layout = &self.layout;
        let entries: Vec<u32> = layout.ring().collect();
        let last = entries.iter().rposition(|&e| layout.get(e, Field::InTransition) != 0)?;
        let behind = *entries.get(last + 1)?;
        let object = layout.get(behind, Field::EntryObject);
        let keeps = object == 0 || layout.get(object, Field::RefCount) > 1;
        let plain = [Field::IsSubMap, Field::IsShared, Field::ProjectedOn]
            .iter()
            .all(|&field| layout.get(behind, field) == 0);
        (keeps && plain).then_some(behind)
    }
}
