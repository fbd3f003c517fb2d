// SPDX-License-Identifier: GPL-2.0-or-later
//! The in-transition mark of an entry, and `needs_wakeup` beside it.

use core::marker::PhantomData;
use core::ptr::addr_of_mut;
use core::sync::atomic::{compiler_fence, Ordering};

use crate::bindings::vm_map_entry;
use crate::entry::Entry;
use crate::layout::bits;
use crate::lock::WriteLocked;

/// An entry that this thread marked in transition. Only who has this takes the
/// mark off, and gets the entry back.
///
/// # Invariants
/// This thread marked the entry. Upstream's callers leave another thread's marks
/// alone; where they do not, the bit may be clear, and the scan asserts that it is
/// not.
#[must_use = "the entry stays marked"]
pub struct Marked<'m> {
    entry: Entry<'m, WriteLocked>,
    /// The lifetime of this entry and of no other.
    exact: PhantomData<fn(&'m ()) -> &'m ()>,
}

impl<'m> Entry<'m, WriteLocked> {
    /// Whether a thread relies on the entry while the map may be unlocked.
    pub fn in_transition(&self) -> bool {
        Bits::read(*self).in_transition()
    }

    /// Whether a thread waits for the end of the transition.
    pub fn needs_wakeup(&self) -> bool {
        // SAFETY: an entry in place; the write lock keeps others away, and the accessor
        // touches the bytes of the bit-field alone.
        unsafe { vm_map_entry::needs_wakeup_raw(self.as_ptr()) != 0 }
    }

    /// Begins a transition that nobody waits for yet.
    pub fn mark(self) -> Marked<'m> {
        Bits::read(self).marked().write(self);
        // INVARIANT: it has just been marked.
        Marked { entry: self, exact: PhantomData }
    }

    /// Like `mark`, for an entry with neither bit set. None: it has one set, and
    /// nothing has changed.
    pub(crate) fn try_mark(self) -> Option<Marked<'m>> {
        if !Bits::read(self).are_clear() {
            return None;
        }
        // One instruction tests and one sets, both in memory: the fences make no code,
        // but keep compilers from holding the byte in a register instead.
        compiler_fence(Ordering::SeqCst);
        Bits::read(self).flipped().write(self);
        compiler_fence(Ordering::SeqCst);
        // INVARIANT: it has just been marked: the bit was clear.
        Some(Marked { entry: self, exact: PhantomData })
    }
}

impl<'m> Marked<'m> {
    /// # Safety
    /// This thread marked `entry`, and has not taken the mark off.
    pub(crate) unsafe fn of(entry: Entry<'m, WriteLocked>) -> Self {
        Marked { entry, exact: PhantomData }
    }

    /// Whether the mark is still there.
    pub(crate) fn in_transition(&self) -> bool {
        self.entry.in_transition()
    }

    /// Ends the transition.
    pub fn unmark(self) -> Entry<'m, WriteLocked> {
        Bits::read(self.entry).unmarked().write(self.entry);
        self.entry
    }

    /// Like `unmark`, for an entry that is still marked and that nobody waits
    /// for. Err: it is not such a one, and nothing has changed.
    pub(crate) fn try_unmark(self) -> Result<Entry<'m, WriteLocked>, Self> {
        // Flipped in memory and then looked at, one instruction each as in `try_mark`;
        // flipped back if it was not to be. Under the write lock nobody sees that.
        Bits::read(self.entry).flipped().write(self.entry);
        compiler_fence(Ordering::SeqCst);
        if Bits::read(self.entry).are_clear() {
            return Ok(self.entry);
        }
        compiler_fence(Ordering::SeqCst);
        Bits::read(self.entry).flipped().write(self.entry);
        Err(self)
    }
}

/// The byte of an entry that holds both bits: a test of both costs as much as one
/// of either.
#[derive(Clone, Copy)]
struct Bits(u8);

impl Bits {
    const IN_TRANSITION: u8 = 1 << (bits::IN_TRANSITION.0 % 8);
    const NEEDS_WAKEUP: u8 = 1 << (bits::NEEDS_WAKEUP.0 % 8);

    fn place(entry: Entry<'_, WriteLocked>) -> *mut u8 {
        // SAFETY: the unit of the bits lies inside an entry in place, and holds
        // the byte of each bit; layout.rs asserts that it is one byte.
        unsafe {
            let unit = addr_of_mut!((*entry.as_ptr())._bitfield_1).cast::<u8>();
            unit.add(bits::IN_TRANSITION.0 as usize / 8)
        }
    }

    fn read(entry: Entry<'_, WriteLocked>) -> Self {
        // SAFETY: the byte is there, and the write lock keeps others away.
        Bits(unsafe { Self::place(entry).read() })
    }

    fn write(self, entry: Entry<'_, WriteLocked>) {
        // SAFETY: as for `read`.
        unsafe { Self::place(entry).write(self.0) }
    }

    fn in_transition(self) -> bool {
        self.0 & Self::IN_TRANSITION != 0
    }

    /// Whether neither bit is set.
    fn are_clear(self) -> bool {
        self.0 & (Self::IN_TRANSITION | Self::NEEDS_WAKEUP) == 0
    }

    /// With `in_transition` alone of the two.
    fn marked(self) -> Self {
        Bits(self.0 & !Self::NEEDS_WAKEUP | Self::IN_TRANSITION)
    }

    /// Without `in_transition`.
    fn unmarked(self) -> Self {
        Bits(self.0 & !Self::IN_TRANSITION)
    }

    /// With the other value of `in_transition`.
    fn flipped(self) -> Self {
        Bits(self.0 ^ Self::IN_TRANSITION)
    }
}
