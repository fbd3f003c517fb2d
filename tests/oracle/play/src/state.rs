// SPDX-License-Identifier: GPL-2.0-or-later
//! Builds maps with the kernel's own functions, and varies them.

use anyhow::{bail, Result};

use crate::case::{Base, Change, Lock, NewEntry, Op, Poke, HEADER};
use crate::generate::OBJECTS;
use crate::layout::{Field, Owner};
use crate::low;
use crate::machine::{Machine, Stop};

pub const PAGE: u32 = 0x1000;
/// Where maps begin; wide of both ends of the address space.
const FIRST_ADDRESS: u32 = 0x10_0000;
/// The same of 64-bit kernels' own maps: above what 32 bits hold, once widened.
const FIRST_ADDRESS_HIGH: u32 = 0x9010_0000;

/// Addresses of what a base consists of.
#[derive(Clone, Debug, Default)]
pub struct Built {
    pub objects: Vec<u32>,
    /// Entries in the map when it was built, in order.
    pub entries: Vec<u32>,
    /// Where the map begins.
    pub first: u32,
}

impl Machine {
    /// Runs what the kernel runs for the map code when it starts.
    pub fn boot(&mut self) -> Result<()> {
        let store = self.kernel.symbol("kernel_pmap_store")?.address;
        low::write_word(self.layout.kernel_pmap, store);
        low::write_word(self.layout.active_thread, self.layout.thread);
        // A booted kernel's virtual memory begins somewhere; here all that maps cover is it.
        self.set_variable("kernel_virtual_start", 0);
        self.set_variable("kernel_virtual_end", u32::MAX);
        self.arena_end = self.layout.free;
        let name = "vm_object_bootstrap";
        let function = self.kernel.symbol(name)?.address;
        match self.call(function, &[]) {
            Ok(_) => Ok(()),
            Err(stop) => bail!("{name}: {}", self.describe(&stop)),
        }
    }

    /// Makes the map of `base`, write-locked by the current thread. The arena
    /// is clean, and the kernel's data as after `boot`.
    pub fn build(&mut self, base: &Base) -> Result<Built, Stop> {
        let map = self.layout.map;
        self.arena_end = self.layout.free;
        let pmap = if base.kernel_pmap {
            low::read32(self.layout.kernel_pmap)
        } else {
            self.layout.user_pmap
        };
        let pages: u32 = base.entries.iter().map(|e| e.gap + e.pages).sum();
        let high = low::is_wide() && base.kernel_pmap;
        let first = if high { FIRST_ADDRESS_HIGH } else { FIRST_ADDRESS };
        let end = first + PAGE * (pages + base.room);
        self.call(self.functions.setup, &[map, pmap, first, end])?;
        for &limit in &self.functions.limits {
            low::write_word(map + limit, u32::MAX);
        }

        let mut built = Built { first, ..Built::default() };
        for object in &base.objects {
            let address = self.call(self.functions.allocate, &[PAGE * object.pages])?;
            built.objects.push(address);
            if object.shadowed {
                let (pointer, offset) = (self.scratch_word(), self.scratch_word() + 8);
                low::write_word(pointer, address);
                low::write_word(offset, 0);
                self.call(self.functions.shadow, &[pointer, offset, PAGE * object.pages])?;
                *built.objects.last_mut().expect("just pushed") = low::read32(pointer);
            }
        }
        let mut at = first;
        for entry in &base.entries {
            let NewEntry { gap, pages, object, offset, needs_copy, attributes } = *entry;
            at += PAGE * gap;
            let object = match object.checked_sub(1) {
                Some(index) => {
                    let object = built.objects[index as usize];
                    let references = self.layout.get(object, Field::RefCount);
                    self.layout.set(object, Field::RefCount, references + 1);
                    object
                }
                None => 0,
            };
            self.map_pages(at, PAGE * pages, object, PAGE * offset, needs_copy.into(), attributes)?;
            at += PAGE * pages;
        }
        for change in &base.changes {
            let (function, page, pages, arguments) = match *change {
                Change::Protect { page, pages, protection } => {
                    (self.functions.protect, page, pages, &[protection, 0][..])
                }
                Change::Inherit { page, pages, inheritance } => {
                    (self.functions.inherit, page, pages, &[inheritance][..])
                }
            };
            let start = first + PAGE * page;
            let mut all = vec![map, start, (start + PAGE * pages).min(end)];
            all.extend(arguments);
            self.call(function, &all)?;
        }
        self.call(self.layout.vm_map_lock, &[map])?;
        built.entries = self.layout.ring().collect();
        Ok(built)
    }

    /// A word of the kernel's memory for arguments by reference, and one behind it.
    pub(crate) fn scratch_word(&self) -> u32 {
        low::GATE + 0x800
    }

    /// Writes a poke's value.
    pub fn poke(&mut self, built: &Built, poke: Poke) {
        let layout = &self.layout;
        let entry = |slot: u8| -> Option<u32> {
            let index = u32::from(slot).checked_rem(built.entries.len() as u32)?;
            Some(built.entries[index as usize])
        };
        let object = |number: u8| match number.checked_sub(1) {
            Some(index) => built.objects[usize::from(index) % built.objects.len()],
            None => 0,
        };
        match poke {
            Poke::Set { field, slot, value } if field.owner() == Owner::Entry => {
                if let Some(entry) = entry(slot) {
                    layout.set(entry, field, value);
                }
            }
            Poke::Set { field, slot, value } => {
                let base = match field.owner() {
                    Owner::Map => Some(layout.map),
                    Owner::Thread => Some(layout.thread),
                    Owner::Page | Owner::Task | Owner::Entry => None,
                    Owner::Object => Some(object(slot.max(1))),
                };
                if let Some(base) = base {
                    layout.set(base, field, value);
                }
            }
            Poke::Object { slot, object: number } => {
                if let Some(entry) = entry(slot) {
                    layout.set(entry, Field::EntryObject, object(number));
                }
            }
            Poke::Link { field, slot, object: number } => {
                layout.set(object(slot.max(1)), field, object(number));
            }
            Poke::Unshare { object: number, keep } => {
                let keep = keep.map(entry);
                for &other in &built.entries {
                    let shares = layout.get(other, Field::EntryObject) == object(number);
                    if shares && !keep.contains(&Some(other)) {
                        layout.set(other, Field::EntryObject, 0);
                    }
                }
            }
            Poke::Account { object: number, extra } => {
                let mut references = [0; OBJECTS as usize];
                let objects = &built.objects[..];
                let entries = built.entries.iter().map(|&e| (e, Field::EntryObject));
                let fronts = objects.iter().map(|&o| (o, Field::Shadow));
                for (at, field) in entries.chain(fronts) {
                    let held = layout.get(at, field);
                    for (count, &object) in references.iter_mut().zip(objects) {
                        *count += u32::from(held == object);
                    }
                }
                for (count, &counted) in references.into_iter().zip(objects) {
                    let extra = if counted == object(number) { extra.into() } else { 0 };
                    layout.set(counted, Field::RefCount, (count + extra).max(1));
                }
            }
            Poke::Continue { slot } => {
                if let Some(entry) = entry(slot) {
                    let prev = layout.get(entry, Field::Prev);
                    if prev != layout.header {
                        let get = |field| layout.get(prev, field);
                        let size = get(Field::End) - get(Field::Start);
                        layout.set(entry, Field::Offset, get(Field::Offset).wrapping_add(size));
                    }
                }
            }
            Poke::Point { field, to } => {
                let to = if to == HEADER { Some(layout.header) } else { entry(to) };
                layout.set(layout.map, field, to.unwrap_or(layout.header));
            }
            Poke::Project { slot } => {
                if let (Some(from), Some(to)) = (entry(slot), entry(slot.wrapping_add(1))) {
                    layout.set(from, Field::ProjectedOn, to);
                }
            }
            Poke::OwnLock => layout.set(layout.map, Field::LockThread, layout.thread),
            Poke::NoThread => low::write_word(layout.active_thread, 0),
            Poke::ForgeGapRoot { gap } => {
                if let Some(memory) = self.allocate(self.layout.entry_size + 2) {
                    self.layout.forge_gap_root(memory + 2, gap);
                }
            }
            Poke::Meet { last } => {
                let (map, header) = (layout.map, layout.header);
                let near = layout.get(map, if last { Field::Last } else { Field::First });
                // Entries and header have the same links.
                if last {
                    layout.set(header, Field::Start, layout.get(near, Field::End));
                } else {
                    layout.set(header, Field::End, layout.get(near, Field::Start));
                }
                // Of 64-bit kernels the limits stand where an entry is projected; on i386 who takes the
                // header for an entry may find it alike as it is.
                if low::is_wide() {
                    let from = layout.place(Field::Protection).byte();
                    let end = layout.entry_size.min(map + layout.map_size - header);
                    let size = end.saturating_sub(from);
                    let alike = low::bytes(near + from, size).to_vec();
                    low::bytes(header + from, size).copy_from_slice(&alike);
                }
            }
            Poke::HoldHint => self.hold_later(Lock::Hint, None, 0),
            Poke::Hold { lock: Lock::Hint, calls } => self.hold_later(Lock::Hint, None, calls),
            Poke::Hold { lock: lock @ Lock::OfEntry(slot), calls } => {
                let entry = entry(slot);
                self.hold_later(lock, entry, calls);
            }
            Poke::NoTree => layout.set(layout.map, Field::TreeRoot, 0),
            Poke::Overlap { slot, ends } => {
                let (field, value) =
                    if ends { (Field::End, !(PAGE - 1)) } else { (Field::Start, 0) };
                if let Some(entry) = entry(slot) {
                    layout.set(entry, field, value);
                }
            }
            Poke::SubMap { slot } => {
                if let Some(entry) = entry(slot) {
                    self.make_sub_map(entry);
                }
            }
            Poke::NoSubMap { slot } => {
                if let Some(entry) = entry(slot) {
                    layout.set(entry, Field::IsSubMap, 1);
                    layout.set(entry, Field::EntryObject, 0);
                }
            }
            Poke::ProjectBack { slot } => {
                if let (Some(one), Some(other)) = (entry(slot), entry(slot.wrapping_add(1))) {
                    layout.set(one, Field::ProjectedOn, other);
                    layout.set(other, Field::ProjectedOn, one);
                }
            }
            Poke::KernelObject { object: number } => {
                let object = object(number);
                self.set_variable("kernel_object", object);
            }
            Poke::KernelMap => {
                let map = layout.map;
                self.set_variable("kernel_map", map);
            }
            Poke::Virtual { from, pages } => {
                let start = built.first + PAGE * from;
                self.set_variable("kernel_virtual_start", start);
                self.set_variable("kernel_virtual_end", start + PAGE * pages);
            }
            Poke::NoMemory { after } => self.plan.no_memory = Some(after),
            Poke::BeLikely { missing } => {
                let wired = built.entries.iter().map(|&entry| layout.be_likely(entry));
                let sum: u32 = wired.sum();
                let drifted = sum.saturating_sub(PAGE * missing);
                layout.set(layout.map, Field::SizeWired, drifted);
            }
            Poke::Absent { pages } => self.pages.absent = pages,
            Poke::Mapped { pages, stored } => {
                (self.pages.mapped, self.pages.stored) = (pages, stored);
            }
            Poke::Plenty => self.pages.memory_is_plenty = true,
            Poke::Failing { slot, page } => {
                let address = |entry| layout.get(entry, Field::Start) + PAGE * page;
                self.pages.failing = entry(slot).map(address);
            }
            Poke::SpoilGapList { field, value, but } => {
                let root = layout.gap_root_entry();
                let first = root.and_then(|root| layout.first_of_gap_list(root));
                if let Some(first) = first.filter(|&first| Some(first) != entry(but)) {
                    layout.set(first, field, value);
                }
            }
        }
    }

    /// Calls what an op says, of the side that runs; returns eax.
    pub(crate) fn perform(&mut self, op: Op, is_last: bool) -> Result<u32, Stop> {
        let layout = &self.layout;
        let find = |slot: u8| {
            let entry = if slot == HEADER { None } else { layout.entry_at(slot.into()) };
            entry.unwrap_or(layout.header)
        };
        let map = layout.map;
        match op {
            Op::Coalesce { slot } => {
                let entry = find(slot);
                self.coalesce(map, entry)
            }
            Op::Caller { .. } => self.call_caller(op, is_last),
            Op::Given { caller, arguments } => self.call_given(caller, &arguments),
            Op::Exact { scan: false, entry, .. } => self.coalesce(map, entry),
            Op::Exact { scan: true, entry, end } => self.scan(map, entry, end),
            Op::Scan { slot, until, from_end, pages } => {
                let field = if from_end { Field::End } else { Field::Start };
                let bound = layout.get(find(until), field);
                let end = bound.wrapping_add_signed(i32::from(pages) * PAGE as i32);
                let entry = find(slot);
                self.scan(map, entry, end)?;
                // As every caller of the scan ends, whichever lock it came back
                // with.
                if !is_last {
                    self.call(self.layout.vm_map_unlock, &[map])?;
                    self.call(self.layout.vm_map_lock, &[map])?;
                }
                Ok(0)
            }
        }
    }
}
