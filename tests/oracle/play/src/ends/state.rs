// SPDX-License-Identifier: GPL-2.0-or-later
//! What counts of a map when nothing runs: its fields, entries, objects, and wired pages.

use crate::ends::pages::Place;
use crate::layout::{Field, Layout};
use crate::low;
use crate::machine::{Machine, Stop};
use crate::state::PAGE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: u32,
    pub start: u32,
    pub end: u32,
    pub protection: u32,
    pub max_protection: u32,
    pub inheritance: u32,
    pub count: u32,
    pub access: u32,
    pub in_transition: bool,
    pub needs_wakeup: bool,
    pub needs_copy: bool,
    pub is_shared: bool,
    pub is_sub_map: bool,
    pub projected_on: u32,
    pub object: u32,
    pub offset: u32,
    pub gap_size: u32,
}

impl Entry {
    pub fn size(&self) -> u32 {
        self.end.wrapping_sub(self.start)
    }

    pub(crate) fn is_wired(&self) -> bool {
        self.count != 0
    }
}

#[derive(Default)]
pub struct State {
    pub entries: Vec<Entry>,
    pub pages: Vec<(Place, i32)>,
    pub size: u32,
    pub size_wired: u32,
    pub size_none: u32,
    pub min: u32,
    pub max: u32,
    pub wiring_required: bool,
    pub wait_for_space: bool,
    pub is_kernels: bool,
    /// Where the kernel's virtual memory begins and ends.
    pub kernel_virtual: [u32; 2],
    pub hints_are_live: bool,
    /// What the hints lead to.
    pub hints: [u32; 2],
    /// How often the thread has waited for an entry in transition.
    pub waits: u8,
    pub is_locked: bool,
    pub privilege: u32,
    nentries: u32,
    /// The tree's entries, in order.
    tree: Vec<u32>,
}

impl State {
    pub fn take(&mut self, machine: &Machine) {
        let layout = &machine.layout;
        let map = |field| layout.get(layout.map, field);
        let entry = |at| {
            let get = |field| layout.get(at, field);
            let is = |field| layout.get(at, field) != 0;
            Entry {
                at,
                start: get(Field::Start),
                end: get(Field::End),
                protection: get(Field::Protection),
                max_protection: get(Field::MaxProtection),
                inheritance: get(Field::Inheritance),
                count: get(Field::WiredCount),
                access: get(Field::WiredAccess),
                in_transition: is(Field::InTransition),
                needs_wakeup: is(Field::NeedsWakeup),
                needs_copy: is(Field::NeedsCopy),
                is_shared: is(Field::IsShared),
                is_sub_map: is(Field::IsSubMap),
                projected_on: get(Field::ProjectedOn),
                object: get(Field::EntryObject),
                offset: get(Field::Offset),
                gap_size: get(Field::GapSize),
            }
        };
        self.entries.clear();
        self.entries.extend(layout.ring().map(entry));
        self.pages.clear();
        self.pages.extend_from_slice(machine.pages.counts());
        self.size = map(Field::Size);
        self.size_wired = map(Field::SizeWired);
        self.size_none = layout.size_none.map_or(0, |offset| low::read32(layout.map + offset));
        self.min = map(Field::Min);
        self.max = map(Field::Max);
        self.wiring_required = map(Field::WiringRequired) != 0;
        self.wait_for_space = map(Field::WaitForSpace) != 0;
        self.is_kernels = map(Field::Pmap) == low::read32(layout.kernel_pmap);
        self.kernel_virtual = machine.kernel_virtual();
        self.nentries = map(Field::Entries);
        let lives = |at| at == layout.header || self.entries.iter().any(|entry| entry.at == at);
        self.hints = [map(Field::Hint), map(Field::FirstFree)];
        self.hints_are_live = self.hints.into_iter().all(lives);
        self.waits = machine.plan.blocks;
        self.is_locked = machine.map_is_locked();
        self.privilege = layout.get(layout.thread, Field::Privilege);
        self.tree.clear();
        walk_tree(layout, map(Field::TreeRoot), &mut self.tree, 0);
    }

    pub fn at(&self, address: u32) -> Option<&Entry> {
        let index = self.entries.partition_point(|entry| entry.end <= address);
        self.entries.get(index).filter(|entry| entry.start <= address)
    }

    /// Whether ring, tree, gaps, counts and sizes agree.
    pub(crate) fn is_in_order(&self) -> Result<(), &'static str> {
        let entries = &self.entries;
        let check = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        check(entries.len() as u32 == self.nentries, "nentries")?;
        let same = entries.len() == self.tree.len()
            && entries.iter().zip(&self.tree).all(|(entry, &at)| entry.at == at);
        check(same, "the tree has other entries than the ring")?;
        let ends = entries.iter().skip(1).map(|entry| entry.start).chain([self.max]);
        for (entry, next) in entries.iter().zip(ends) {
            check(entry.start < entry.end && entry.end <= next, "entries overlap")?;
            check(entry.gap_size == next - entry.end, "gap_size")?;
        }
        let sum = entries.iter().map(Entry::size).fold(0, u32::wrapping_add);
        check(sum == self.size, "size")?;
        check(self.hints_are_live, "a hint leads to no entry")
    }

    /// Whether each wiring of an entry is one of its pages, and no page is wired besides.
    pub(crate) fn wires_what_it_counts(&self) -> Result<(), &'static str> {
        const NOT_WIRED: &str = "an entry is counted as wired, and a page of it is not";
        let mut left = self.pages.clone();
        for entry in self.entries.iter().filter(|e| e.is_wired() && !e.is_sub_map && e.object != 0)
        {
            for offset in (0..entry.size()).step_by(PAGE as usize) {
                let place = (entry.object, entry.offset.wrapping_add(offset));
                match left.iter_mut().find(|(at, _)| *at == place) {
                    Some((_, count)) => *count -= 1,
                    None => return Err(NOT_WIRED),
                }
            }
        }
        match left.iter().find(|(_, count)| *count != 0) {
            Some((_, 1..)) => Err("a page stays wired for which no entry is counted"),
            Some(_) => Err(NOT_WIRED),
            None => Ok(()),
        }
    }

    pub(crate) fn sum_wired(&self) -> u32 {
        let wired = self.entries.iter().filter(|entry| entry.is_wired());
        wired.map(Entry::size).fold(0, u32::wrapping_add)
    }
}

fn walk_tree(layout: &Layout, node: u32, found: &mut Vec<u32>, depth: u32) {
    const DEEPEST: u32 = 40;
    if node == 0 || depth == DEEPEST || !layout.may_be_entry(node - layout.tree_node) {
        return;
    }
    let child = |index: u32| low::read32(node + low::word_size() * (1 + index));
    walk_tree(layout, child(0), found, depth + 1);
    found.push(node - layout.tree_node);
    walk_tree(layout, child(1), found, depth + 1);
}

/// What a call returned, or why it did not.
pub type Outcome = Result<u32, Stop>;
