// SPDX-License-Identifier: GPL-2.0-or-later
//! Waiting until nobody has an entry of a range in transition.
//!
//! Who waits holds no mark: a thread that has marked entries has its claim on the map in
//! a [`Wiring`](super::wiring::Wiring), and cannot get at it before the marks are off.
//!
//! ```compile_fail,E0599
//! use gnumach_vm_map::sound::{settle::Settled, wiring::Wiring};
//! fn waits_for_others(marked: Wiring<'_>) -> Settled {
//!     marked.settle_between(0, 4096)
//! }
//! ```
//! ```
//! use gnumach_vm_map::sound::{settle::Settled, wiring::Wiring};
//! fn takes_its_marks_off_first(marked: Wiring<'_>) -> Settled {
//!     marked.end().settle_between(0, 4096)
//! }
//! ```

use crate::callers::bounds::Bounds;
use crate::callers::cursor::Cursor;
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::Map;

/// A map that is locked for writing, and a range of it in which nothing is in
/// transition: nobody relies on an entry of it staying as it is.
#[must_use = "the claim on the map is in it"]
pub struct Settled {
    /// At the entry that covers the range's start, or at what is behind.
    cursor: Cursor,
    bounds: Bounds,
}

impl Map<WriteLocked> {
    /// Waits until no entry between the two addresses, in bytes, is in transition.
    #[inline(always)]
    pub fn settle_between(self, start: usize, end: usize) -> Settled {
        self.settle(|_| Bounds { start, end }, |_| (), |(), _| ()).0
    }

    /// Waits until no entry of the range is in transition: all of it or nothing, and from
    /// the beginning after each wait, as anything may have happened meanwhile. `range` is
    /// asked each time. On the way `see` sees the entries, so that what a function wants
    /// to know of all before it changes one takes no walk more.
    ///
    /// Lock: held for writing, let go while it waits, and held on return.
    #[inline(always)]
    pub(crate) fn settle<T: Copy>(
        self,
        range: impl Fn(&Self) -> Bounds,
        first: impl Fn(Bounds) -> T,
        see: impl Fn(T, Entry<'_, WriteLocked>) -> T,
    ) -> (Settled, T) {
        let bounds = range(&self);
        self.stand_at(bounds).settle(range, first, see)
    }

    /// At the beginning of a range, or of what is behind.
    #[inline(always)]
    pub(crate) fn stand_at(self, bounds: Bounds) -> Unsettled {
        let bounds = nothing_if_empty(bounds);
        Unsettled { cursor: self.stand(bounds.start, |_, _| {}).1, bounds }
    }
}

/// As [`Settled`], but of what is in transition in it nothing is known.
pub(crate) struct Unsettled {
    cursor: Cursor,
    bounds: Bounds,
}

impl Unsettled {
    /// [`Map::settle`], from here.
    #[inline(always)]
    pub(crate) fn settle<T: Copy>(
        mut self,
        range: impl Fn(&Map<WriteLocked>) -> Bounds,
        first: impl Fn(Bounds) -> T,
        see: impl Fn(T, Entry<'_, WriteLocked>) -> T,
    ) -> (Settled, T) {
        loop {
            let Unsettled { cursor, bounds } = self;
            let mut seen = first(bounds);
            let settled = cursor.each_below(bounds.end, |entry| {
                if entry.in_transition() {
                    entry.set_needs_wakeup();
                    return false;
                }
                seen = see(seen, entry);
                true
            });
            if settled {
                return (Settled { cursor, bounds }, seen);
            }
            let map = cursor.wait();
            let bounds = range(&map);
            self = map.stand_at(bounds);
        }
    }

    /// Whether the range is one of whole entries that are wired as is asked for already, and
    /// nothing of it in transition. Looks no further than to the first that is not so.
    #[inline(always)]
    pub(crate) fn is_wired_for(&self, access: i32) -> bool {
        let (map, mut reached) = (self.cursor.map(), self.bounds.start);
        let mut link = self.cursor.link();
        while let Some(entry) = map.entry(link) {
            let is_wired = entry.start() == reached
                && entry.wired_count() != 0
                && entry.wired_access() == access
                && access & !entry.protection() == 0
                && !(entry.in_transition() | entry.is_sub_map() | entry.needs_copy());
            if !is_wired {
                break;
            }
            reached = entry.end();
            if self.bounds.end <= reached {
                return self.bounds.end == reached;
            }
            link = entry.next();
        }
        false
    }

    /// Counts what is wired as wired twice, as it has been asked for again.
    #[inline(always)]
    pub(crate) fn count_again(self) -> Map<WriteLocked> {
        self.cursor.each_below(self.bounds.end, |entry| {
            entry.set_wired_count(2);
            true
        });
        self.cursor.into_map()
    }
}

/// No entry begins below the end of what is empty.
fn nothing_if_empty(bounds: Bounds) -> Bounds {
    match bounds.start < bounds.end {
        true => bounds,
        false => Bounds { end: 0, ..bounds },
    }
}

impl Settled {
    /// The range; if that is empty, its end is 0.
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether it is a range of no addresses. Then there is nothing to do, though an entry
    /// may lie around it.
    pub(crate) fn is_empty(&self) -> bool {
        self.bounds.end == 0
    }

    /// The map.
    pub(crate) fn map(&self) -> &Map<WriteLocked> {
        self.cursor.map()
    }

    /// Whether an entry covers the range's start.
    pub(crate) fn is_covered(&self) -> bool {
        let map = self.cursor.map();
        map.entry(self.cursor.link()).is_some_and(|entry| entry.start() <= self.bounds.start)
    }

    /// Lets the first entry begin no lower than the range does. `asks`: whether it is to be
    /// wired.
    #[inline(always)]
    pub(crate) fn clip_start(
        self,
        asks: impl Fn(&Map<WriteLocked>, Entry<'_, WriteLocked>) -> bool,
    ) -> Self {
        let (map, start) = (self.cursor.map(), self.bounds.start);
        let crosses = |entry: &Entry<'_, WriteLocked>| entry.start() < start && !self.is_empty();
        if let Some(entry) = map.entry(self.cursor.link()).filter(crosses) {
            map.make_object_to_clip(entry, asks(map, entry));
            map.clip_start(entry, start);
        }
        self
    }

    /// What is to be done with the range, entry by entry.
    pub(crate) fn into_cursor(self) -> Cursor {
        self.cursor
    }
}
