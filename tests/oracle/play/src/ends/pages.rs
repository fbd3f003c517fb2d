// SPDX-License-Identifier: GPL-2.0-or-later
//! How often each page of each object is wired: what the two sides do to pages, told in one
//! way. The kernel's C faults in and wires an entry at a time, `sound` page by page.
//!
//! All pages lie in the objects that entries map, none in those below.

use crate::layout::{Field, Layout};
use crate::low;
use crate::machine::{Machine, Stop};
use crate::state::PAGE;

pub const KERN_SUCCESS: u32 = 0;
pub const KERN_FAILURE: u32 = 5;
pub const KERN_MEMORY_ERROR: u32 = 10;

/// How many pages the kernel has, and how many are free, if that is plenty, or too few.
pub const TABLE_SIZE: u32 = 1000;
const PLENTY: u32 = 251;
const TOO_FEW: u32 = 250;

/// A page, by its object and the offset there.
pub type Place = (u32, u32);

#[derive(Default)]
pub struct Pages {
    counts: Vec<(Place, i32)>,
    /// Pages by their number in the object, modulo 32, that nobody has brought in.
    pub absent: u32,
    /// Those of them that have been since, in this call.
    came: Vec<Place>,
    /// The page at this address cannot be had.
    pub failing: Option<u32>,
    /// So many are free that what nobody has touched need not wait for memory.
    pub memory_is_plenty: bool,
    /// Pages of the map, by number modulo 32, that the pmap has if they are there, and which
    /// of these may be stored to.
    pub mapped: u32,
    pub stored: u32,
    /// How many have been filled with zeros by ours, in this call.
    pub filled: u32,
    /// How many has it wired as they were mapped.
    pub wired_as_mapped: u32,
}

/// What becomes of a call that has to do with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    /// `vm_fault_wire`, of an entry.
    Wire,
    /// `vm_fault_unwire`.
    Unwire,
    /// `vm_fault_wire_fast`: of a page, if that is there.
    WireFast,
    /// `vm_fault`: brings a page in.
    BringIn,
    /// `vm_page_lookup`.
    LookUp,
    /// `vm_page_wire`, `vm_page_unwire`, of the page that was looked up.
    WirePage,
    UnwirePage,
    /// `pmap_extract`, and `pmap_pte`, of a page of the map.
    Extract,
    FindWord,
    /// `vm_page_mem_free`.
    CountFree,
    /// `vm_page_grab`: a page to be filled with zeros.
    Grab,
    /// `vm_page_insert`, of that.
    Insert,
}

impl Pages {
    /// As the entries that are counted as wired have it, once for each.
    pub fn start(&mut self, layout: &Layout) {
        self.counts.clear();
        self.came.clear();
        (self.filled, self.wired_as_mapped) = (0, 0);
        for entry in layout.ring() {
            let get = |field| layout.get(entry, field);
            if get(Field::WiredCount) != 0 && get(Field::IsSubMap) == 0 {
                each(layout, entry, |_, place| self.add(place, 1));
            }
        }
    }

    pub fn counts(&self) -> &[(Place, i32)] {
        &self.counts
    }

    pub fn count(&self, place: Place) -> i32 {
        self.counts.iter().find(|(at, _)| *at == place).map_or(0, |(_, count)| *count)
    }

    fn add(&mut self, place: Place, by: i32) {
        match self.counts.iter_mut().find(|(at, _)| *at == place) {
            Some((_, count)) => *count += by,
            None => self.counts.push((place, by)),
        }
    }

    /// What is wired is there.
    fn is_absent(&self, place: Place) -> bool {
        self.absent >> (place.1 / PAGE % 32) & 1 != 0
            && self.count(place) <= 0
            && !self.came.contains(&place)
    }

    /// What the pmap has at an address of the map, and whether it may be stored to. A page
    /// of an object below has come by a load.
    fn mapped_at(&self, layout: &Layout, address: u32) -> Option<(Place, bool)> {
        let bit = |of: u32| of >> (address / PAGE % 32) & 1 != 0;
        let mut ring = layout.ring().filter(|_| bit(self.mapped) && !self.cannot_be_had(address));
        let place = ring.find_map(|entry| place_in(layout, entry, address))?;
        if !self.is_absent(place) {
            return Some((place, bit(self.stored)));
        }
        let below = layout.get(place.0, Field::Shadow);
        let offset = place.1.wrapping_add(layout.get(place.0, Field::ShadowOffset));
        let place = (below, offset);
        (below != 0 && !self.is_absent(place)).then_some((place, false))
    }

    fn cannot_be_had(&self, address: u32) -> bool {
        self.failing == Some(address & !(PAGE - 1))
    }
}

/// The pages of an entry: their addresses and places. One without an object has none.
fn each(layout: &Layout, entry: u32, mut visit: impl FnMut(u32, Place)) {
    let get = |field| layout.get(entry, field);
    let object = get(Field::EntryObject);
    let (start, end) = (get(Field::Start), get(Field::End));
    if object != 0 {
        for address in (start..end).step_by(PAGE as usize) {
            visit(address, (object, get(Field::Offset).wrapping_add(address - start)));
        }
    }
}

/// The page of an entry at an address, if it has one there.
fn place_in(layout: &Layout, entry: u32, address: u32) -> Option<Place> {
    let mut found = None;
    each(layout, entry, |at, place| found = found.or((at == address).then_some(place)));
    found
}

/// The physical address of a page; none is 0.
fn physical(place: Place) -> u32 {
    (place.0 ^ place.1) | 1
}

/// Bits of what a pmap's table has: there is a page, and it may be stored to.
const VALID: u32 = 1;
const WRITE: u32 = 2;

impl Machine {
    /// Plays a call; returns what it returns.
    pub(crate) fn serve_page(
        &mut self,
        what: Do,
        argument: impl Fn(u32) -> u32,
    ) -> Result<u32, Stop> {
        let layout = &self.layout;
        let pages = &mut self.pages;
        match what {
            Do::Wire => each(layout, argument(1), |address, place| {
                if !pages.cannot_be_had(address) {
                    pages.add(place, 1);
                }
            }),
            Do::Unwire => {
                let mut is_wired = true;
                each(layout, argument(1), |_, place| {
                    is_wired &= pages.count(place) > 0;
                    pages.add(place, -1);
                });
                if !is_wired {
                    let (text, function) =
                        ("page->wire_count != 0".into(), "vm_page_unwire".into());
                    return Err(Stop::Assertion { text, function });
                }
            }
            Do::WireFast => {
                let (address, entry) = (argument(1), argument(2));
                let Some(place) = place_in(layout, entry, address) else {
                    return Err(Stop::Refused("vm_fault_wire_fast for no page of the entry"));
                };
                if pages.is_absent(place) || pages.cannot_be_had(address) {
                    return Ok(KERN_FAILURE);
                }
                pages.add(place, 1);
            }
            Do::BringIn => {
                if self.map_is_locked() {
                    return Err(Stop::Refused("vm_fault with the map locked"));
                }
                let (layout, pages) = (&self.layout, &mut self.pages);
                let address = argument(1);
                if pages.cannot_be_had(address) {
                    return Ok(KERN_MEMORY_ERROR);
                }
                pages.came.extend(layout.ring().find_map(|e| place_in(layout, e, address)));
            }
            Do::LookUp => {
                let place = (argument(0), argument(1));
                if pages.is_absent(place) {
                    return Ok(0);
                }
                let count = pages.count(place).max(0);
                let page = self.clear_page_at_hand();
                self.layout.set(page, Field::PageWireCount, count as u32);
                self.layout.set(page, Field::PhysicalAddress, physical(place));
                low::write32(page + self.layout.page_size, place.0);
                low::write32(page + self.layout.page_size + 4, place.1);
                return Ok(page);
            }
            Do::Extract => {
                let mapped = pages.mapped_at(layout, argument(1));
                return Ok(mapped.map_or(0, |(place, _)| physical(place)));
            }
            Do::FindWord => {
                if argument(0) != low::read32(layout.kernel_pmap) {
                    return Err(Stop::Refused("pmap_pte of a pmap whose tables may go"));
                }
                let bits = match pages.mapped_at(layout, argument(1)) {
                    None => 0,
                    Some((_, false)) => VALID,
                    Some((_, true)) => VALID | WRITE,
                };
                let word = self.word_at_hand();
                low::write32(word, bits);
                return Ok(word);
            }
            Do::CountFree => {
                // What cannot be had is a pager's.
                let is_plenty = pages.memory_is_plenty && pages.failing.is_none();
                return Ok(if is_plenty { PLENTY } else { TOO_FEW });
            }
            Do::Grab => {
                let page = self.clear_page_at_hand();
                self.layout.set(page, Field::PageBusy, 1);
                return Ok(page);
            }
            Do::Insert => {
                let place = (argument(1), argument(2));
                let object = |field| layout.get(place.0, field);
                let is_zeros = object(Field::Internal) != 0
                    && object(Field::PagerCreated) == 0
                    && object(Field::Shadow) == 0
                    && object(Field::Copy) == 0;
                if !is_zeros || !pages.is_absent(place) {
                    return Err(Stop::Refused("zeros in the place of something else"));
                }
                if layout.get(argument(0), Field::PageBusy) != 0 {
                    return Err(Stop::Refused("a page of zeros that is busy"));
                }
                pages.came.push(place);
                pages.filled += 1;
            }
            Do::WirePage | Do::UnwirePage => {
                let by = if what == Do::WirePage { 1 } else { -1 };
                let page = self.page_at_hand();
                let behind = page + self.layout.page_size;
                let place = (low::read32(behind), low::read32(behind + 4));
                self.pages.add(place, by);
                self.pages.wired_as_mapped += u32::from(what == Do::WirePage);
                let count = self.pages.count(place).max(0) as u32;
                self.layout.set(page, Field::PageWireCount, count);
            }
        }
        Ok(KERN_SUCCESS)
    }

    /// One page serves for all: it is used at once.
    fn clear_page_at_hand(&self) -> u32 {
        let page = self.page_at_hand();
        low::bytes(page, self.layout.page_size).fill(0);
        page
    }

    /// Where the page is that was looked up last, and behind it which.
    fn page_at_hand(&self) -> u32 {
        low::GATE + 0xa00
    }

    /// Where the word is that was asked for last.
    fn word_at_hand(&self) -> u32 {
        self.page_at_hand() + self.layout.page_size + 8
    }

    pub(crate) fn map_is_locked(&self) -> bool {
        let get = |field| self.layout.get(self.layout.map, field);
        get(Field::ReadCount) != 0 || get(Field::WantWrite) != 0 || get(Field::WantUpgrade) != 0
    }
}
