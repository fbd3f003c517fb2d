// SPDX-License-Identifier: GPL-2.0-or-later
//! The first walk over a range, under the write lock: over the entries that
//! begin within it.
//!
//! The claim on the map moves with the walk: [`At`] an entry, then [`Passed`].

use core::ptr::NonNull;

use crate::bindings::vm_map_entry;
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::range::{MapRange, Range};

/// A walk over a range, before its next entry or at its end.
///
/// # Invariants
/// `at` is the map's header or an entry of the map: the range's first, or what is
/// behind the last entry that was passed.
#[must_use = "the claim on the map is in it"]
pub struct Walk<'r> {
    map: Map<WriteLocked>,
    range: &'r Range,
    at: NonNull<vm_map_entry>,
}

/// A walk that stands at an entry of its range.
///
/// # Invariants
/// `at` is an entry of the map, and begins below the range's end.
#[must_use = "the claim on the map is in it"]
pub struct At<'r>(Walk<'r>);

/// A walk that has passed one entry of its range or more.
///
/// # Invariants
/// The range's first is an entry, and begins below the range's end.
#[must_use = "the claim on the map is in it"]
pub struct Passed<'r>(Walk<'r>);

impl Map<WriteLocked> {
    /// Begins a walk over `range`.
    pub fn walk(self, range: &Range) -> Walk<'_> {
        // INVARIANT: what was given with the map is its header or an entry.
        let at = self.given(range.start()).as_non_null();
        Walk { map: self, range, at }
    }
}

impl<'r> Walk<'r> {
    /// Stands at the next entry. Err: there is none that begins below the range's
    /// end.
    pub fn go_on(self) -> Result<At<'r>, Self> {
        match self.map.entry(self.link()) {
            // INVARIANT: no header, and below the end.
            Some(entry) if entry.start() < self.range.end() => Ok(At(self)),
            _ => Err(self),
        }
    }

    /// Ends the walk.
    pub fn into_map(self) -> Map<WriteLocked> {
        self.map
    }

    fn link(&self) -> Link<'_, WriteLocked> {
        // SAFETY: by the invariants, and the lock has been held since.
        unsafe { Link::new(self.at) }
    }
}

impl<'r> At<'r> {
    /// The map.
    pub fn map(&self) -> &Map<WriteLocked> {
        &self.0.map
    }

    /// The entry at which the walk stands.
    pub fn entry(&self) -> Entry<'_, WriteLocked> {
        // SAFETY: by the invariants, and the lock has been held since.
        unsafe { Entry::new(self.0.at) }
    }

    /// Leaves the entry behind.
    pub fn pass(self) -> Passed<'r> {
        // INVARIANT: what is behind an entry is the header or an entry.
        let at = self.entry().next().as_non_null();
        Passed(Walk { at, ..self.0 })
    }
}

impl<'r> Passed<'r> {
    /// As for [`Walk::go_on`].
    pub fn go_on(self) -> Result<At<'r>, Self> {
        self.0.go_on().map_err(Passed)
    }

    /// The map.
    pub fn map(&self) -> &Map<WriteLocked> {
        &self.0.map
    }

    /// The map and its range, for what comes next.
    pub(crate) fn into_range(self) -> MapRange<'r, WriteLocked> {
        let Walk { map, range, .. } = self.0;
        // SAFETY: by the invariants, and the lock has been held since.
        unsafe { MapRange::new(map, range) }
    }
}

impl<'r> From<Passed<'r>> for Walk<'r> {
    fn from(passed: Passed<'r>) -> Self {
        passed.0
    }
}
