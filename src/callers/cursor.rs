// SPDX-License-Identifier: GPL-2.0-or-later
//! A walk over a map that clips, merges and deletes as it goes.
//!
//! A merge frees the entry that the walk stands at, or not. Either way the walk gives
//! its place up for it, so that nothing that was found there can be used behind it: a
//! [`Cursor`] comes to a [`Step`], and that goes by [`Step::merge_and_pass`] to the next
//! cursor, or by [`Step::wait`] to the map alone.

use core::ptr::{addr_of_mut, NonNull};

use crate::bindings::{self, vm_map_entry};
use crate::callers::bounds::Bounds;
use crate::coalesce::coalesce_entry;
use crate::entry::{Entry, Link};
use crate::lock::WriteLocked;
use crate::map::{Given, Map};
use crate::unlink::Single;

/// A place in a map's ring.
///
/// # Invariants
/// `at` is an entry of the map, or the header.
#[must_use = "the claim on the map is in it"]
pub(crate) struct Cursor {
    map: Map<WriteLocked>,
    at: NonNull<vm_map_entry>,
}

/// A place at an entry of the range that is walked.
///
/// # Invariants
/// It is no header, and begins below the range's end.
#[must_use = "the claim on the map is in it"]
pub(crate) struct Step(Cursor);

impl Map<WriteLocked> {
    /// At the entry that covers `start`, which then begins there; or, if none does, at
    /// what is behind.
    #[inline(always)]
    pub(crate) fn clip_and_stand(self, start: usize) -> Cursor {
        self.stand(start, |map, entry| map.clip_start(entry, start)).1
    }

    /// At the entry that covers `start`, after `found`; or, if none does, at what is
    /// behind. Also whether one does.
    #[inline(always)]
    pub(crate) fn stand(
        self,
        start: usize,
        found: impl FnOnce(&Self, Entry<'_, WriteLocked>),
    ) -> (bool, Cursor) {
        let (covered, at) = match self.lookup(start) {
            Ok(entry) => {
                found(&self, entry);
                (true, entry.as_non_null())
            }
            Err(before) => (false, before.next().as_non_null()),
        };
        (covered, Cursor { map: self, at })
    }
}

impl Cursor {
    /// The map.
    pub(crate) fn map(&self) -> &Map<WriteLocked> {
        &self.map
    }

    /// What it stands at.
    pub(crate) fn link(&self) -> Link<'_, WriteLocked> {
        // SAFETY: by the invariants, and the lock has been held since.
        unsafe { Link::new(self.at) }
    }

    /// The entries from here on that begin below `end`, in order.
    pub(crate) fn each_below<'c>(
        &'c self,
        end: usize,
        mut visit: impl FnMut(Entry<'c, WriteLocked>) -> bool,
    ) -> bool {
        let mut link = self.link();
        while let Some(entry) = self.map.entry(link).filter(|entry| entry.start() < end) {
            if !visit(entry) {
                return false;
            }
            link = entry.next();
        }
        true
    }

    /// At an entry that begins below `end`. Err: there is none.
    pub(crate) fn step(self, end: usize) -> Result<Step, Self> {
        match self.map.entry(self.link()) {
            Some(entry) if entry.start() < end => Ok(Step(self)),
            _ => Err(self),
        }
    }

    /// Merges what it stands at into what is before, if it is an entry and the two agree.
    #[inline(always)]
    pub(crate) fn merge(self) -> Map<WriteLocked> {
        // SAFETY: by the invariants, and the cursor ends here.
        let here = unsafe { Given::new(self.at) };
        let (map, lent) = self.map.lend();
        let (_, held) = coalesce_entry(map, here);
        lent.take_back(held)
    }

    /// Waits until the thread that has an entry in transition whose `needs_wakeup` is set
    /// wakes who waits. The map is unlocked meanwhile, and anything may be gone then: there
    /// is no way back to an entry but another lookup.
    ///
    /// Upstream's `vm_map_entry_wait`.
    pub(crate) fn wait(self) -> Map<WriteLocked> {
        let map = self.map.as_ptr();
        // SAFETY: the map is live and locked for writing; the claim comes back as it was.
        unsafe {
            bindings::assert_wait(addr_of_mut!((*map).hdr).cast(), 0);
            bindings::vm_map_unlock(map);
            bindings::thread_block(None);
            bindings::vm_map_lock(map);
        }
        self.map
    }

    /// Ends the walk; where it stood, for a scan from there.
    pub(crate) fn into_given(self) -> (Map<WriteLocked>, Given) {
        // SAFETY: by the invariants, and the lock has been held since.
        (self.map, unsafe { Given::new(self.at) })
    }

    /// Ends the walk.
    pub(crate) fn into_map(self) -> Map<WriteLocked> {
        self.map
    }

    /// Where it stands, as a number: nothing can be asked of it.
    #[cfg(not(feature = "protect-looks-again"))]
    pub(crate) fn remember(&self) -> crate::callers::slip::Remembered {
        crate::callers::slip::Remembered::of(self.link())
    }
}

impl Step {
    /// The entry.
    pub(crate) fn entry(&self) -> Entry<'_, WriteLocked> {
        // SAFETY: by the invariants, and the lock has been held since.
        unsafe { Entry::new(self.0.at) }
    }

    /// The map.
    pub(crate) fn map(&self) -> &Map<WriteLocked> {
        &self.0.map
    }

    /// Clips the entry, so that it ends no higher than `end`.
    pub(crate) fn clip_end(&self, end: usize) {
        self.map().clip_end(self.entry(), end);
    }

    /// Merges the entry into what is before, if the two agree, and goes on behind it.
    #[inline(always)]
    pub(crate) fn merge_and_pass(self) -> Cursor {
        let next = self.entry().next().as_non_null();
        // A merge frees no entry but the one that it is called for: `next` stays.
        Cursor { map: self.0.merge(), at: next }
    }

    /// Goes on behind the entry.
    #[cfg(feature = "sound")]
    pub(crate) fn pass(self) -> Cursor {
        let next = self.entry().next().as_non_null();
        Cursor { at: next, ..self.0 }
    }

    /// Gives the entry to `take`, which may take it out of the map, and goes on behind it.
    pub(crate) fn give_and_pass(
        self,
        take: impl FnOnce(Map<WriteLocked>, Single) -> crate::map::Held<WriteLocked>,
    ) -> Cursor {
        let next = self.entry().next().as_non_null();
        // SAFETY: no header, and the step ends here.
        let single = unsafe { Single::new(Given::new(self.0.at)) };
        let (map, lent) = self.0.map.lend();
        let held = take(map, single);
        Cursor { map: lent.take_back(held), at: next }
    }

    /// Waits for the thread that has this entry in transition: [`Cursor::wait`].
    // With sound alone: without it the callers are a few bytes longer for that.
    #[cfg_attr(feature = "sound", cold, inline(never))]
    pub(crate) fn wait(self) -> Map<WriteLocked> {
        self.entry().set_needs_wakeup();
        self.0.wait()
    }
}

impl Bounds {
    /// The whole walk: `visit` at each entry of the range from `cursor` on, which is
    /// clipped to it first.
    pub(crate) fn walk(self, mut cursor: Cursor, mut visit: impl FnMut(Step) -> Cursor) -> Cursor {
        loop {
            cursor = match cursor.step(self.end) {
                Ok(step) => {
                    step.clip_end(self.end);
                    visit(step)
                }
                Err(cursor) => return cursor,
            };
        }
    }
}
