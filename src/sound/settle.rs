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
use crate::lock::WriteLocked;
use crate::map::Map;

/// A map that is locked for writing, and a range of it in which nothing is in
/// transition: nobody relies on an entry of it staying as it is.
#[must_use = "the claim on the map is in it"]
pub struct Settled {
    map: Map<WriteLocked>,
    bounds: Bounds,
}

impl Map<WriteLocked> {
    /// Waits until no entry between the two addresses, in bytes, is in transition.
    pub fn settle_between(self, start: usize, end: usize) -> Settled {
        self.settle(|_| Bounds { start, end })
    }

    /// Waits until no entry of the range is in transition: all of it or nothing, and from
    /// the beginning after each wait, as anything may have happened meanwhile. `range` is
    /// asked each time.
    ///
    /// Lock: held for writing, let go while it waits, and held on return.
    pub(crate) fn settle(mut self, range: impl Fn(&Self) -> Bounds) -> Settled {
        loop {
            let bounds = range(&self);
            self = match wait_for_one(self.stand(bounds.start, |_, _| {}).1, bounds.end) {
                Waited::Yes(map) => map,
                Waited::No(map) => return Settled { map, bounds },
            };
        }
    }
}

enum Waited {
    Yes(Map<WriteLocked>),
    No(Map<WriteLocked>),
}

fn wait_for_one(mut cursor: Cursor, end: usize) -> Waited {
    loop {
        cursor = match cursor.step(end) {
            Ok(step) if step.entry().in_transition() => return Waited::Yes(step.wait()),
            Ok(step) => step.pass(),
            Err(cursor) => return Waited::No(cursor.into_map()),
        };
    }
}

impl Settled {
    /// The range.
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The map.
    pub(crate) fn map(&self) -> &Map<WriteLocked> {
        &self.map
    }

    /// Changes what is in the range, whose first entry begins no lower than it does.
    pub(crate) fn edit<T>(self, work: impl FnOnce(Cursor) -> (Cursor, T)) -> (Self, T) {
        let (cursor, result) = work(self.map.clip_and_stand(self.bounds.start));
        (Settled { map: cursor.into_map(), ..self }, result)
    }

    /// The map, for whoever changes no wiring.
    pub(crate) fn into_map(self) -> Map<WriteLocked> {
        self.map
    }
}
