// SPDX-License-Identifier: GPL-2.0-or-later
//! Wiring and unwiring a page under the map's lock. Neither waits for a page: what is
//! busy or absent is not wired now, and to take a wiring off a busy page harms nobody.

use core::ptr::{addr_of, addr_of_mut, null_mut, NonNull};

use crate::bindings::{
    self, pmap, shim_INTEL_PTE_VALID as PTE_VALID, shim_INTEL_PTE_WRITE as PTE_WRITE,
    shim_KERN_SUCCESS as SUCCESS, shim_VM_PROT_WRITE as WRITE, vm_object, vm_page,
};
use crate::entry::Entry;
use crate::layout::bits;
use crate::lock::{schedule_point, Unlocked, WriteLocked};
use crate::map::{Map, ObjectLock, QueueLock};

/// Bytes, on i386 and on x86_64.
pub(crate) const PAGE_SIZE: usize = 4096;

/// A place in an object, whose spin lock is held.
///
/// # Invariants
/// The object is live: the entry that the walk began at refers to it, or an object above
/// does, whose lock was held until this one's was.
pub(super) struct Place<'m> {
    object: NonNull<vm_object>,
    offset: usize,
    _lock: ObjectLock<'m>,
}

impl<'m> Place<'m> {
    /// # Safety
    /// `object` is live, and this thread does not hold its lock.
    unsafe fn lock(object: NonNull<vm_object>, offset: usize) -> Self {
        // SAFETY: the caller's.
        let lock = unsafe { ObjectLock::take_of_object(object.as_ptr()) };
        Place { object, offset, _lock: lock }
    }

    /// That of an address of the entry. None: it has no object.
    #[inline(always)]
    pub(super) fn of(entry: Entry<'m, WriteLocked>, address: usize) -> Option<Self> {
        let object = NonNull::new(entry.object())?;
        let offset = entry.offset().wrapping_add(address.wrapping_sub(entry.start()));
        // SAFETY: the entry holds a reference.
        Some(unsafe { Self::lock(object, offset) })
    }

    pub(super) fn object(&self) -> *mut vm_object {
        self.object.as_ptr()
    }

    /// Bytes into the object.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The same place in the object that this one shadows, if it does.
    fn below(self) -> Option<Self> {
        // SAFETY: live and locked.
        let (below, offset) = unsafe {
            let object = self.object.as_ptr();
            (addr_of!((*object).shadow).read(), addr_of!((*object).shadow_offset).read())
        };
        // SAFETY: this object refers to it, and cannot let it go while it is locked.
        let below = unsafe { Self::lock(NonNull::new(below)?, self.offset + offset as usize) };
        Some(below)
    }

    /// The page there, if this object has one.
    pub(super) fn page(&self) -> Option<NonNull<vm_page>> {
        // SAFETY: live and locked.
        NonNull::new(unsafe { bindings::vm_page_lookup(self.object.as_ptr(), self.offset as _) })
    }

    /// Wires its page, or takes one wiring off.
    fn change(&self, change: unsafe extern "C" fn(*mut vm_page), page: NonNull<vm_page>) {
        // SAFETY: this thread does not hold it; it is taken behind an object's.
        let _queues = unsafe { QueueLock::take_of_queues() };
        // SAFETY: a page of the object, which is locked, as the queues are.
        unsafe { change(page.as_ptr()) }
    }

    /// How often a page is wired. In one read, where bindgen's accessor takes the bytes of
    /// this field one by one.
    fn wire_count(&self, page: NonNull<vm_page>) -> u16 {
        const PLACE: (u32, u32) = bits::PAGE_WIRE_COUNT;
        const _: () = assert!(PLACE.0 % 16 == 0 && PLACE.1 < 16);
        // SAFETY: a page of the object, whose lock covers the field, which begins where a
        // half word of the bit-fields does.
        let word = unsafe {
            let bits = addr_of!((*page.as_ptr())._bitfield_1).cast::<u16>();
            bits.add(PLACE.0 as usize / 16).read_unaligned()
        };
        word & ((1 << PLACE.1) - 1)
    }

    /// Takes one wiring off its page, if that is here and wired. Returns whether it did.
    #[inline(always)]
    fn unwire(&self) -> bool {
        let Some(page) = self.page().filter(|&page| self.wire_count(page) != 0) else {
            return false;
        };
        self.change(bindings::vm_page_unwire, page);
        self.wake(page);
        true
    }

    /// Wakes who waits for a page to be wired no longer.
    fn wake(&self, page: NonNull<vm_page>) {
        let wired = self.wire_count(page) != 0;
        let page = page.as_ptr();
        // SAFETY: a page of the object, whose lock covers the three; the event is an
        // address. Who made a busy page so wakes them in the end.
        unsafe {
            if !wired && vm_page::busy_raw(page) == 0 && vm_page::wanted_raw(page) != 0 {
                vm_page::set_wanted_raw(page, 0);
                bindings::thread_wakeup_prim(page.cast(), 0, bindings::shim_THREAD_AWAKENED);
            }
        }
    }
}

impl Map<Unlocked> {
    /// `vm_fault`: brings in the page of an address, without wiring it. Waits for pagers,
    /// for memory, and for who has the page busy. Returns a `kern_return_t`.
    pub fn fault(&self, address: usize) -> i32 {
        // SAFETY: the map is live, and this thread does not hold its lock. No protection
        // is asked for: of an entry that is counted as wired it takes all that is allowed.
        unsafe { bindings::vm_fault(self.as_ptr(), address as _, 0, 0, 0, None) }
    }
}

impl Map<WriteLocked> {
    fn pmap(&self) -> *mut pmap {
        // SAFETY: the map is live and locked.
        unsafe { (*self.as_ptr()).pmap }
    }

    /// The physical address of what the pmap has for an address; 0 if it has nothing.
    fn mapped(&self, address: usize) -> bindings::phys_addr_t {
        // SAFETY: a map's pmap is live.
        unsafe { bindings::pmap_extract(self.pmap(), address as _) }
    }

    /// # Safety
    /// The pmap has something there.
    unsafe fn change_wiring(&self, address: usize, wired: bool) {
        // SAFETY: the caller's.
        unsafe { bindings::pmap_change_wiring(self.pmap(), address as _, wired.into()) }
    }

    /// Whether what the kernel's pmap has for an address of the entry may be used in all
    /// ways that the entry allows. Other pmaps are not asked: their tables may go while
    /// memory is short.
    #[inline(always)]
    fn may_all(&self, entry: Entry<'_, WriteLocked>, address: usize) -> bool {
        if !self.has_kernel_pmap() {
            return true;
        }
        let asked = match entry.protection() & WRITE {
            0 => PTE_VALID,
            _ => PTE_VALID | PTE_WRITE,
        };
        // SAFETY: the kernel's pmap is live, and a table of it stays where it is for ever, so
        // that there is a word at the place, whoever changes it meanwhile. These bits are in
        // the lowest word of what a table has, on all processors.
        unsafe {
            let place = bindings::pmap_pte(self.pmap(), address as _).cast::<u32>();
            !place.is_null() && place.read_volatile() & asked == asked
        }
    }

    /// Wires the page of an address of the entry, which has an object, if that can be had
    /// without waiting.
    ///
    /// What the kernel's pmap has already is not entered there again: that would have all
    /// processors flush what they know of it, with the map locked.
    #[inline(always)]
    pub(crate) fn wire_page(&self, entry: Entry<'_, WriteLocked>, address: usize) -> bool {
        match self.has_kernel_pmap() {
            true => self.wire_what_is_mapped(entry, address) || self.wire_idle_page(entry, address),
            false => {
                self.wire_idle_page(entry, address) || self.wire_what_is_mapped(entry, address)
            }
        }
    }

    /// Wires the page of an address of the entry, if it is one of the entry's own object, and
    /// idle; and enters it into the pmap.
    #[inline(always)]
    pub(crate) fn wire_idle_page(&self, entry: Entry<'_, WriteLocked>, address: usize) -> bool {
        // SAFETY: both are live, and the map is locked.
        let fast =
            unsafe { bindings::vm_fault_wire_fast(self.as_ptr(), address as _, entry.as_ptr()) };
        fast == SUCCESS
    }

    /// The same for what is in the pmap, whichever object it is of: it is the right page, as
    /// who replaces one takes it out of all pmaps first, with its object locked.
    ///
    /// A fault on what is counted as wired enters it with all that the entry allows; of the
    /// kernel's pmap that is asked, as what is there need not have come by such a fault.
    #[inline(never)]
    fn wire_what_is_mapped(&self, entry: Entry<'_, WriteLocked>, address: usize) -> bool {
        schedule_point();
        let Some(mut place) = Place::of(entry, address) else { return false };
        let page = loop {
            match place.page() {
                Some(page) => break page,
                // To be stored to, it must be in the entry's own object: the store would
                // make another page.
                None if entry.protection() & WRITE != 0 => return false,
                None => match place.below() {
                    Some(below) => place = below,
                    None => return false,
                },
            }
        };
        let at = page.as_ptr();
        // SAFETY: a page of an object that is locked.
        let is_free = unsafe {
            vm_page::busy_raw(at) == 0
                && vm_page::absent_raw(at) == 0
                && vm_page::error_raw(at) == 0
        };
        // SAFETY: as before.
        let is_mapped = || self.mapped(address) == unsafe { (*at).phys_addr };
        if !(is_free && is_mapped() && self.may_all(entry, address)) {
            return false;
        }
        place.change(bindings::vm_page_wire, page);
        // SAFETY: seen just now, and the object is still locked.
        unsafe { self.change_wiring(address, true) }
        true
    }

    /// Takes one wiring off each page of the entry that lies below `end`.
    ///
    /// A page that is not wired was replaced under its wiring, by C that does that: then
    /// the page that was wired lies in an object below, if it still is anywhere.
    pub(crate) fn unwire_pages(&self, entry: Entry<'_, WriteLocked>, end: usize) {
        let mut address = entry.start();
        while address < entry.end() {
            if self.mapped(address) != 0 {
                // SAFETY: seen just now. Others may take it out of the pmap, but the
                // table that it stood in stays, which is all that is asked for.
                unsafe { self.change_wiring(address, false) }
            }
            if address < end {
                if let Some(place) = Place::of(entry, address).filter(|place| !place.unwire()) {
                    unwire_below(place);
                }
            }
            address = address.wrapping_add(PAGE_SIZE);
        }
    }

    /// Lets the object of one entry cover the one behind as well, if nobody else has it:
    /// `vm_object_coalesce`.
    pub(crate) fn extend_object(
        &self,
        previous: Entry<'_, WriteLocked>,
        entry: Entry<'_, WriteLocked>,
    ) {
        let (mut object, mut offset) = (null_mut(), 0);
        // SAFETY: both are entries of a locked map; the results are locals.
        let extended = unsafe {
            bindings::vm_object_coalesce(
                previous.object(),
                null_mut(),
                previous.offset() as _,
                0,
                previous.size() as _,
                entry.size() as _,
                &mut object,
                &mut offset,
            ) != 0
        };
        if extended {
            entry.set_offset(previous.offset().wrapping_add(previous.size()));
            // SAFETY: the entry has none, and gets a reference of its own.
            unsafe {
                bindings::vm_object_reference(object);
                entry.set_object(object);
            }
        }
    }

    /// Runs `work` with the map unlocked, and locks it again.
    pub(crate) fn do_unlocked<T>(self, work: impl FnOnce(&Map<Unlocked>) -> T) -> (Self, T) {
        let map = self.as_ptr();
        // SAFETY: this thread holds the lock of this live map for writing.
        let unlocked: Map<Unlocked> = unsafe {
            bindings::vm_map_unlock(map);
            self.into_state()
        };
        let result = work(&unlocked);
        // SAFETY: it does not hold it; the map is live, by who called.
        let locked = unsafe {
            bindings::vm_map_lock(map);
            unlocked.into_state()
        };
        (locked, result)
    }

    /// Wakes who waits for entries in transition. Upstream's `vm_map_entry_wakeup`.
    pub(crate) fn wake_for_entries(&self) {
        // SAFETY: the event is an address inside the map, and nothing is done with it.
        unsafe {
            let event = addr_of_mut!((*self.as_ptr()).hdr).cast();
            bindings::thread_wakeup_prim(event, 0, bindings::shim_THREAD_AWAKENED);
        }
    }

    /// Bytes in entries that are counted as wired.
    pub(crate) fn size_wired(&self) -> usize {
        // SAFETY: the map is live and locked.
        unsafe { (*self.as_ptr()).size_wired as usize }
    }

    /// How many entries the map has.
    pub(crate) fn count_entries(&self) -> i32 {
        // SAFETY: the map is live and locked.
        unsafe { (*self.as_ptr()).hdr.nentries }
    }
}

/// Takes one wiring off the first wired page below a place.
#[cold]
#[inline(never)]
fn unwire_below(above: Place<'_>) {
    let mut place = above.below();
    while let Some(here) = place.filter(|here| !here.unwire()) {
        place = here.below();
    }
}
