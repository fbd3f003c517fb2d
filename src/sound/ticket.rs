// SPDX-License-Identifier: GPL-2.0-or-later
//! Whose a mark is.
//!
//! A thread goes through its range again once the lock is back, and must take off those
//! marks that it set: on both parts of what was clipped, and not on an entry that came
//! into a hole and that another thread marked. FreeBSD has a field for the thread. Here
//! the field is `wired_access`, which is a word for five bits, and which nobody else reads
//! while an entry is in transition: above the access stands the address of something on
//! the marking thread's stack.

use core::mem::MaybeUninit;

use crate::bindings::vm_map_entry;
use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::mark::Marked;

/// The bits of a `VM_PROT_*`.
const ACCESS: i32 = 0x1f;

/// Lives on the stack of the thread that marks, for as long as its marks stand.
///
/// # Invariants
/// It is not moved while there are marks by it: whoever marks borrows it. So no other has
/// an address of it, or, of 64 bits, the lower half of one: a kernel's stacks lie in 2 GiB.
pub struct Ticket(#[allow(dead_code)] MaybeUninit<[u8; 2 * ALIGNMENT]>);

const ALIGNMENT: usize = ACCESS as usize + 1;

impl Ticket {
    pub(crate) fn new() -> Self {
        Ticket(MaybeUninit::uninit())
    }

    /// The address in it whose low bits are free.
    fn tag(&self) -> i32 {
        (core::ptr::from_ref(self) as usize).next_multiple_of(ALIGNMENT) as i32
    }
}

impl Entry<'_, WriteLocked> {
    /// The access to wire for, whoever has marked the entry.
    pub(crate) fn access(&self) -> i32 {
        self.wired_access() & ACCESS
    }

    /// Begins a transition. Until it ends only who has the ticket may change the entry.
    pub(crate) fn mark_by(self, ticket: &Ticket) {
        self.set_wired_access(ticket.tag() | self.access());
        let _marked = self.mark();
    }

    /// Whether who has the ticket marked it.
    pub(crate) fn is_marked_by(&self, ticket: &Ticket) -> bool {
        self.in_transition() && self.wired_access() & !ACCESS == ticket.tag()
    }

    /// Ends the transition; the entry is marked by the ticket. Whether somebody waits for
    /// that.
    pub(crate) fn unmark(self) -> bool {
        self.set_wired_access(self.access());
        // SAFETY: the caller has found its own ticket on it.
        let entry = unsafe { Marked::of(self) }.unmark();
        let waits = entry.needs_wakeup();
        // SAFETY: an entry in place, and the write lock keeps others away.
        unsafe { vm_map_entry::set_needs_wakeup_raw(entry.as_ptr(), 0) }
        waits
    }
}
