// SPDX-License-Identifier: GPL-2.0-or-later
//! The callers of the two functions: which there are, how they are called, and what
//! their calls need that those of the two do not.

use anyhow::Result;

use crate::case::{Op, Place, HEADER};
use crate::kernel::Kernel;
use crate::layout::Field;
use crate::low;
use crate::machine::{Machine, Side, Stop};
use crate::state::PAGE;

/// One of the callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Protect,
    Inherit,
    Pageable,
    PageableAll,
    EntryDelete,
    Delete,
    Remove,
    ClipStart,
    ClipEnd,
}

use Caller::*;

/// By number, with the names that kernels give them.
pub const CALLERS: [(Caller, &str); 9] = [
    (Protect, "vm_map_protect"),
    (Inherit, "vm_map_inherit"),
    (Pageable, "vm_map_pageable"),
    (PageableAll, "vm_map_pageable_all"),
    (EntryDelete, "vm_map_entry_delete"),
    (Delete, "vm_map_delete"),
    (Remove, "vm_map_remove"),
    (ClipStart, "_vm_map_clip_start"),
    (ClipEnd, "_vm_map_clip_end"),
];

/// Arguments that any of them takes.
pub const MOST_ARGUMENTS: usize = 6;

/// Addresses, by number of the caller.
pub type Addresses = [u32; CALLERS.len()];

/// Where the kernel has them.
pub fn shipped(kernel: &Kernel) -> Result<Addresses> {
    let mut addresses = [0; CALLERS.len()];
    for (caller, name) in CALLERS {
        addresses[caller as usize] = kernel.symbol(name)?.address;
    }
    Ok(addresses)
}

impl Caller {
    /// Whether it locks the map itself; vm_map_pageable does where it is told to.
    fn locks(self, lock_map: bool) -> bool {
        match self {
            Protect | Inherit | PageableAll | Remove => true,
            Pageable => lock_map,
            EntryDelete | Delete | ClipStart | ClipEnd => false,
        }
    }

    /// Whether what it leaves in eax means something.
    pub fn returns(self) -> bool {
        !matches!(self, EntryDelete | ClipStart | ClipEnd)
    }
}

impl Machine {
    /// Calls one of them, of the side that runs; the map is locked for writing before, and
    /// again behind all but the last op.
    pub(crate) fn call_caller(&mut self, op: Op, is_last: bool) -> Result<u32, Stop> {
        let Op::Caller { caller, start, end, value, flags } = op else { return Ok(0) };
        // What comes of a hint at a freed entry is anything, and is not compared.
        if !self.hint_is_live() {
            return Ok(0);
        }
        let function = self.caller(caller)?;
        let map = self.layout.map;
        let (from, to) = (self.address(start), self.address(end));
        let [first, second] = flags.map(u32::from);
        let arguments: &[u32] = match caller {
            Protect => &[map, from, to, value, first],
            Inherit => &[map, from, to, value],
            Pageable => &[map, from, to, value, first, second],
            PageableAll => &[map, value],
            Delete | Remove => &[map, from, to],
            EntryDelete => match self.entry_of(start) {
                Some(entry) => &[map, entry],
                None => return Ok(0),
            },
            ClipStart | ClipEnd => match self.inside(start) {
                // The gaps are in disorder behind a clip that leaves them alone.
                Some((entry, at)) => {
                    let link_gap = first | u32::from(!is_last);
                    &[self.layout.header, entry, at, link_gap]
                }
                None => return Ok(0),
            },
        };
        // An empty map has no first entry, and upstream reads it all the same.
        let reads_entries = caller == PageableAll && (value == 0 || value & 1 != 0);
        if reads_entries && !self.counts_pages && self.layout.ring().next().is_none() {
            return Ok(0);
        }
        let locks = caller.locks(flags[0]);
        if locks {
            self.call(self.layout.vm_map_unlock, &[map])?;
        }
        let result = self.call(function, arguments)?;
        if !is_last {
            // vm_map_unlock suits whichever way the scan has left the lock.
            if caller == Pageable && !locks {
                self.call(self.layout.vm_map_unlock, &[map])?;
            }
            if locks || caller == Pageable {
                self.call(self.layout.vm_map_lock, &[map])?;
            }
        }
        Ok(if caller.returns() { result } else { 0 })
    }

    /// Calls one of them with arguments of a given state; who takes less finds the first ones.
    pub(crate) fn call_given(&mut self, caller: Caller, arguments: &[u32]) -> Result<u32, Stop> {
        let result = self.call(self.caller(caller)?, arguments)?;
        Ok(if caller.returns() { result } else { 0 })
    }

    /// Where the side that runs has it.
    fn caller(&self, caller: Caller) -> Result<u32, Stop> {
        match (self.side, &self.ours.callers) {
            (Side::Shipped, _) => Ok(self.shipped_callers[caller as usize]),
            (Side::Ours, Some(ours)) => Ok(ours[caller as usize]),
            (Side::Ours, None) => Err(Stop::Refused("an object with the callers")),
        }
    }

    fn hint_is_live(&self) -> bool {
        let hint = self.layout.get(self.layout.map, Field::Hint);
        hint == self.layout.header || self.layout.ring().any(|entry| entry == hint)
    }

    pub(crate) fn entry_of(&self, place: Place) -> Option<u32> {
        match place {
            Place::Entry { slot: HEADER, .. } | Place::At(_) => None,
            Place::Entry { slot, .. } => self.layout.entry_at(slot.into()),
        }
    }

    pub fn address(&self, place: Place) -> u32 {
        let Place::Entry { slot, from_end, bytes } = place else {
            let Place::At(address) = place else { unreachable!() };
            return address;
        };
        let entry = if slot == HEADER { None } else { self.layout.entry_at(slot.into()) };
        let field = if from_end { Field::End } else { Field::Start };
        let entry = entry.unwrap_or(self.layout.header);
        self.layout.get(entry, field).wrapping_add_signed(bytes)
    }

    /// An address inside the entry, for a clip: neither its start nor its end.
    fn inside(&self, place: Place) -> Option<(u32, u32)> {
        let entry = self.entry_of(place)?;
        let Place::Entry { bytes, .. } = place else { return None };
        let start = self.layout.get(entry, Field::Start);
        let size = self.layout.get(entry, Field::End).wrapping_sub(start);
        let mut offset = bytes.unsigned_abs().checked_rem(size)?;
        if offset == 0 {
            offset = size / PAGE / 2 * PAGE;
        }
        (offset != 0).then_some((entry, start + offset))
    }

    /// Another thread runs while this one waits for an entry in transition: it does what
    /// the case has for that time, and then ends transitions that are waited for, one at a
    /// time, or wakes for nothing.
    pub(crate) fn block(&mut self) -> Result<(), Stop> {
        self.plan.blocks += 1;
        if self.plan.blocks > 64 {
            return Err(Stop::Endless);
        }
        // vm_map_delete has left the hint at an entry that it freed, if this is not the first
        // time: its next lookup would find that, and free it again. Another thread looks
        // something up, and saves it.
        if !self.hint_is_live() {
            self.layout.set(self.layout.map, Field::Hint, self.layout.header);
        }
        self.plan.blocked = true;
        self.interfere()?;
        self.plan.blocked = false;
        if self.plan.blocks % 3 == 1 {
            return Ok(());
        }
        let layout = &self.layout;
        let waited = |&entry: &u32| {
            layout.get(entry, Field::InTransition) != 0
                && layout.get(entry, Field::NeedsWakeup) != 0
        };
        let entry = layout.ring().find(waited);
        if let Some(entry) = entry {
            layout.set(entry, Field::InTransition, 0);
            layout.set(entry, Field::NeedsWakeup, 0);
        }
        Ok(())
    }

    /// Makes the entry one of a submap, a new one.
    pub(crate) fn make_sub_map(&mut self, entry: u32) {
        if let Some(map) = self.allocate(self.layout.map_size) {
            self.layout.set(map, Field::MapReferences, 3);
            self.layout.set(entry, Field::IsSubMap, 1);
            self.layout.set(entry, Field::EntryObject, map);
        }
    }

    pub(crate) fn kernel_virtual(&self) -> [u32; 2] {
        self.kernel_virtual_at.map(|at| at.map_or(0, low::read32))
    }

    /// Writes a variable of the kernel.
    pub(crate) fn set_variable(&mut self, name: &str, value: u32) {
        if let Some(symbol) = self.kernel.symbols.get(name) {
            low::write_word(symbol.address, value);
        }
    }
}
