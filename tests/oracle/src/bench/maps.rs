// SPDX-License-Identifier: GPL-2.0-or-later
//! The maps that rows are measured on, and what their functions are called with.

use super::native;
use super::rows::{Caller, Coalesce, Scan};
use super::stage::Stage;
use crate::layout::Field;
use crate::low;
use crate::machine::Stop;

pub(super) const PAGE: u32 = 0x1000;
pub(super) const FIRST_ADDRESS: u32 = 0x10_0000;
const READ: u32 = 1;
const READ_WRITE: u32 = 3;
const ALL: u32 = 7;
const INHERIT: [u32; 2] = [1, 2];
/// VM_WIRE_CURRENT.
const WIRE_CURRENT: u32 = 1;

impl Stage {
    /// A map over these pages, without entries yet.
    fn new_map(&mut self, kernel_pmap: bool, pages: u32) -> Result<(), Stop> {
        let machine = &mut self.machine;
        machine.arena_end = machine.layout.free;
        let pmap = match kernel_pmap {
            true => low::read32(machine.layout.kernel_pmap),
            false => machine.layout.user_pmap,
        };
        let map = machine.layout.map;
        let end = FIRST_ADDRESS + PAGE * pages;
        machine.call(machine.functions.setup, &[map, pmap, FIRST_ADDRESS, end])?;
        for &limit in &machine.functions.limits {
            low::write_word(map + limit, u32::MAX);
        }
        Ok(())
    }

    /// Maps one page without an object. Neighbours differ in inheritance, so that
    /// the kernel keeps them apart.
    fn add_entry(&mut self, page: u32, number: u32) -> Result<(), Stop> {
        let attributes = [READ_WRITE, ALL, INHERIT[number as usize % 2]];
        self.machine.map_pages(FIRST_ADDRESS + PAGE * page, PAGE, 0, 0, 0, attributes)?;
        Ok(())
    }

    fn lock(&mut self) -> Result<Vec<u32>, Stop> {
        let map = self.machine.layout.map;
        self.machine.call(self.machine.layout.vm_map_lock, &[map])?;
        let layout = &self.machine.layout;
        let mut entries = Vec::new();
        let mut entry = layout.get(map, Field::First);
        while entry != layout.header {
            entries.push(entry);
            entry = layout.get(entry, Field::Next);
        }
        Ok(entries)
    }

    /// Adjacent entries, all in the state that the row wants, over one object.
    pub(super) fn scan_map(&mut self, what: Scan, entries: u32) -> Result<Vec<u32>, Stop> {
        self.new_map(what == Scan::WireKernel, entries + 16)?;
        let size = PAGE * entries;
        let object = self.machine.call(self.machine.functions.allocate, &[size])?;
        for number in 0..entries {
            self.add_entry(number, number)?;
        }
        let all = self.lock()?;
        assert_eq!(all.len(), entries as usize, "neighbours stay apart");
        let (access, count) = match what {
            Scan::WireKernel | Scan::WireUser => (READ_WRITE, 0),
            Scan::CountUp => (READ_WRITE, 1),
            Scan::CountStays => (READ_WRITE, 2),
            Scan::Unwire => (0, 1),
            Scan::Nothing => (0, 0),
        };
        let layout = &self.machine.layout;
        layout.set(native::PAGE, Field::PageObject, object);
        layout.set(object, Field::RefCount, 1 + entries);
        // What is to be wired is there: vm_fault_wire and vm_fault_wire_fast say so.
        layout.set(object, Field::Resident, entries);
        for (number, &entry) in all.iter().enumerate() {
            layout.set(entry, Field::EntryObject, object);
            layout.set(entry, Field::Offset, PAGE * number as u32);
            layout.set(entry, Field::WiredAccess, access);
            layout.set(entry, Field::WiredCount, count);
        }
        if count != 0 {
            layout.set(layout.map, Field::SizeWired, size);
        }
        Ok(vec![layout.map, all[0], FIRST_ADDRESS + size])
    }

    pub(super) fn coalesce_map(&mut self, how: Coalesce, entries: u32) -> Result<Vec<u32>, Stop> {
        self.new_map(false, 2 * entries + 16)?;
        for number in 0..entries {
            self.add_entry(number, number)?;
        }
        let all = self.lock()?;
        let (prev, entry) = (all[all.len() / 2 - 1], all[all.len() / 2]);
        let layout = &self.machine.layout;
        layout.set(entry, Field::Inheritance, layout.get(prev, Field::Inheritance));
        match how {
            Coalesce::PreviousIsHeader => return Ok(vec![layout.map, all[0]]),
            Coalesce::NotAdjacent => layout.set(prev, Field::End, layout.get(prev, Field::Start)),
            Coalesce::ProtectionDiffers => layout.set(entry, Field::Protection, 1),
            Coalesce::InTransition => layout.set(prev, Field::InTransition, 1),
            Coalesce::Hit => {}
        }
        Ok(vec![layout.map, entry])
    }

    /// A locked map for a caller that finds it so, and what that is called with.
    fn locked_map(&mut self, what: Caller, entries: u32) -> Result<Vec<u32>, Stop> {
        let header = self.machine.layout.header;
        if matches!(what, Caller::ClipStart | Caller::ClipEnd) {
            self.new_map(false, 16)?;
            let attributes = [READ_WRITE, ALL, INHERIT[0]];
            self.machine.map_pages(FIRST_ADDRESS, 2 * PAGE, 0, 0, 0, attributes)?;
            return Ok(vec![header, self.lock()?[0], FIRST_ADDRESS + PAGE, 1]);
        }
        let arguments = self.scan_map(Scan::Nothing, entries)?;
        let [map, entry, end] = arguments[..] else { unreachable!() };
        Ok(match what {
            Caller::EntryDelete => vec![map, entry],
            _ => vec![map, FIRST_ADDRESS, end],
        })
    }

    /// A map for a caller, unlocked if that locks it; and what that is called with. Neighbours differ
    /// in what the call leaves as it is, or, where it merges them, in what it makes the same.
    pub(super) fn callers_map(&mut self, what: Caller, entries: u32) -> Result<Vec<u32>, Stop> {
        use Caller::*;
        if matches!(what, Delete | EntryDelete | ClipStart | ClipEnd) {
            return self.locked_map(what, entries);
        }
        let size = PAGE * entries;
        if what == ProtectPages {
            return self.map_to_be_wired(entries);
        }
        let arguments = match what {
            WireKernel | WireUser | WireAgain | Unwire => {
                let (scan, access) = match what {
                    WireKernel => (Scan::WireKernel, READ_WRITE),
                    WireUser => (Scan::WireUser, READ_WRITE),
                    WireAgain => (Scan::CountUp, READ_WRITE),
                    _ => (Scan::Unwire, 0),
                };
                self.scan_map(scan, entries)?;
                vec![access, 1, 1]
            }
            Remove => {
                self.scan_map(Scan::Nothing, entries)?;
                Vec::new()
            }
            WireAll => {
                self.scan_map(Scan::WireUser, entries)?;
                Vec::new()
            }
            _ => {
                self.new_map(false, entries + 16)?;
                let clips = u32::from(what == ProtectClipping);
                for number in 0..entries {
                    let odd = number as usize % 2;
                    let attributes = match what {
                        ProtectMerging | Inherit => [[READ_WRITE, READ][odd], ALL, INHERIT[0]],
                        _ => [READ_WRITE, ALL, INHERIT[odd]],
                    };
                    let start = FIRST_ADDRESS + PAGE * number;
                    let size = PAGE + 2 * PAGE * clips;
                    self.machine.map_pages(start, size, 0, 0, 0, attributes)?;
                }
                self.lock()?;
                match what {
                    Inherit | InheritMerging => vec![0],
                    ProtectMerging => vec![READ_WRITE, 0],
                    _ => vec![READ, 0],
                }
            }
        };
        let map = self.machine.layout.map;
        self.machine.call(self.machine.layout.vm_map_unlock, &[map])?;
        if what == WireAll {
            return Ok(vec![map, WIRE_CURRENT]);
        }
        let start = FIRST_ADDRESS + if what == ProtectClipping { PAGE } else { 0 };
        Ok([vec![map, start, start + size], arguments].concat())
    }

    /// So many pages without access, in a map that wires what it has.
    fn map_to_be_wired(&mut self, pages: u32) -> Result<Vec<u32>, Stop> {
        self.new_map(false, pages + 16)?;
        let attributes = [READ_WRITE, ALL, INHERIT[0]];
        self.machine.map_pages(FIRST_ADDRESS, PAGE * pages, 0, 0, 0, attributes)?;
        let [entry] = self.lock()?[..] else { unreachable!() };
        let layout = &self.machine.layout;
        layout.set(entry, Field::Protection, 0);
        layout.set(layout.map, Field::WiringRequired, 1);
        self.machine.call(self.machine.layout.vm_map_unlock, &[self.machine.layout.map])?;
        let last = FIRST_ADDRESS + PAGE * (pages - 1);
        Ok(vec![self.machine.layout.map, last, last + PAGE, READ_WRITE, 0])
    }
}
