// SPDX-License-Identifier: GPL-2.0-or-later
//! A range of a map, and the walk over the entries that end within it.

use crate::entry::{Entry, Link};
use crate::lock::LockState;
use crate::map::{Given, Map};

/// The entries of a map from one of them up to an address in bytes.
pub struct Range {
    start: Given,
    end: usize,
}

impl Range {
    /// From `start` up to the address `end`, in bytes.
    pub fn new(start: Given, end: usize) -> Self {
        Range { start, end }
    }

    /// Where the range begins.
    pub(crate) fn start(&self) -> &Given {
        &self.start
    }

    /// Where the range ends, in bytes.
    pub(crate) fn end(&self) -> usize {
        self.end
    }
}

/// A map whose lock is in state `S`, and a range of it.
///
/// # Invariants
/// `range.start` is an entry of the map that begins below the range's end.
/// Unlocked, every entry from there on that ends within the range was marked by
/// this thread. As long as others leave such entries alone, they stay linked, in
/// this order, with the same limits.
#[must_use = "the lock's state is in it"]
pub struct MapRange<'r, S> {
    map: Map<S>,
    range: &'r Range,
}

impl<'r, S> MapRange<'r, S> {
    /// # Safety
    /// The invariants of [`MapRange`].
    pub(crate) unsafe fn new(map: Map<S>, range: &'r Range) -> Self {
        MapRange { map, range }
    }

    /// The map, with the lock as it is.
    pub fn map(&self) -> &Map<S> {
        &self.map
    }

    /// The map alone.
    pub(crate) fn into_map(self) -> Map<S> {
        self.map
    }

    /// The same map and range under another lock state.
    ///
    /// # Safety
    /// The lock is in state `T` by now, by the current thread; and the invariants
    /// of [`MapRange`], if that is `Unlocked`.
    pub(crate) unsafe fn into_state<T>(self) -> MapRange<'r, T> {
        // SAFETY: the caller's.
        MapRange { map: unsafe { self.map.into_state() }, range: self.range }
    }

    /// What the range begins with, for a walk after the first one.
    pub(crate) fn first(&self) -> Link<'_, S> {
        // SAFETY: by the invariants it leads to an entry.
        unsafe { Link::new(self.range.start.load()) }
    }
}

impl<S: LockState> MapRange<'_, S> {
    /// Visits the entries that end at or before the range's end, in order. One
    /// that crosses it is left alone, as upstream does, though it counts as wired.
    ///
    /// Reads what is behind an entry after the visit: upstream does, and without
    /// a lock what was there before may be gone.
    pub fn each_within(&self, mut visit: impl FnMut(Entry<'_, S>)) {
        let mut link = self.first();
        // SAFETY: the first, or what is behind one that was visited and no header.
        while let Some(entry) = unsafe { self.within(link) } {
            visit(entry);
            link = entry.next();
            if self.map.is_header(link) {
                break;
            }
        }
    }

    /// The entry that `link` leads to, if it ends within the range.
    ///
    /// # Safety
    /// `link` is `first`, or what is behind an entry that ends within the range and
    /// not the header.
    unsafe fn within<'m>(&self, link: Link<'m, S>) -> Option<Entry<'m, S>> {
        if link.end() > self.range.end {
            return None;
        }
        // SAFETY: under a lock, an entry. Unlocked, a marked one leads to the next
        // marked one or behind the range, where every entry ends above its end;
        // so one that does not is marked. That holds for entries of this map. If
        // others have freed what is behind the range, the slab may have handed it
        // out again with any limits, and then upstream walks on into it, and so do
        // we (docs/interleavings.md, 4b): that is upstream's hole, and no proof.
        Some(unsafe { Entry::new(link.as_non_null()) })
    }
}
