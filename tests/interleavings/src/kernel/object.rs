// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory objects and their pages.
//!
//! An object has no pager and no copy here: a page that neither it nor what it shadows has is
//! filled with zeros, or, where a scenario says so, cannot be had.

use std::collections::BTreeMap;

use super::{counts_object, me, wake, with, writes_object, writes_page, Event, Kernel, PAGE};
use crate::bindings::vm_object;
use crate::trace::Step;

pub struct Object {
    /// Where C finds its counts; boxed, as entries point to it. By `resident_page_count`, which
    /// is no more than a hint to the module, nothing is ever in memory.
    pub raw: Box<vm_object>,
    /// Resident pages by their index.
    pub resident: BTreeMap<usize, usize>,
    /// A page that cannot be brought in.
    pub bad_page: Option<usize>,
}

pub struct Page {
    /// The label of the address at which it was first brought in.
    pub name: String,
    pub index: usize,
    pub busy: bool,
    pub wire_count: usize,
    pub freed: bool,
    /// Only says that a fault is at work in its object, on a page of an object below.
    pub stands_in: bool,
    /// Where C finds it; boxed, as C may keep its address.
    #[cfg(feature = "sound")]
    pub raw: Box<crate::bindings::vm_page>,
}

/// An object's number from what the kernel's structures hold. The machine stops if that is
/// what a freed entry held.
pub fn number(object: *mut vm_object) -> Option<usize> {
    if object.is_null() {
        return None;
    }
    let number = with(|k| k.object_at(object));
    number.or_else(|| super::stop("follows a freed entry's object"))
}

pub fn pointer(number: usize) -> *mut vm_object {
    with(|k| &raw mut *k.objects[number].raw)
}

impl Object {
    /// Whether nobody but one entry has it, and nobody works on its pages.
    pub fn is_lone(&self) -> bool {
        let counts = self.raw.ref_count == 1 && self.raw.paging_in_progress() == 0;
        counts && self.raw.shadow.is_null()
    }

    fn count_paging(&mut self, by: i32) {
        let count = self.raw.paging_in_progress().wrapping_add_signed(by);
        self.raw.set_paging_in_progress(count);
    }
}

impl Kernel {
    pub fn new_object(&mut self) -> usize {
        // SAFETY: zero is a value for each of the structure's fields.
        let mut raw: Box<vm_object> = Box::new(unsafe { std::mem::zeroed() });
        raw.ref_count = 1;
        raw.set_internal(1);
        self.objects.push(Object { raw, resident: BTreeMap::new(), bad_page: None });
        self.objects.len() - 1
    }

    /// The object at an address, if there is one.
    pub fn object_at(&self, object: *mut vm_object) -> Option<usize> {
        self.objects.iter().position(|other| std::ptr::eq(&*other.raw, object))
    }

    /// Adds a page to an object.
    pub fn insert_page(&mut self, object: usize, index: usize, address: usize) -> usize {
        let page = self.new_page(self.label(address), index);
        self.objects[object].resident.insert(index, page);
        page
    }

    /// A page that is in no object yet.
    pub fn new_page(&mut self, name: String, index: usize) -> usize {
        self.pages.push(Page {
            name,
            index,
            busy: false,
            wire_count: 0,
            freed: false,
            stands_in: false,
            #[cfg(feature = "sound")]
            raw: super::sound::new_page(),
        });
        self.pages.len() - 1
    }

    /// The same place in the object that this one shadows, if it does: number and index.
    pub fn below(&self, object: usize, index: usize) -> Option<(usize, usize)> {
        let raw = &self.objects[object].raw;
        self.object_at(raw.shadow).map(|below| (below, index + raw.shadow_offset as usize / PAGE))
    }

    /// The page that who reads a place sees.
    pub fn seen_at(&self, object: usize, index: usize) -> Option<usize> {
        let here = self.objects[object].resident.get(&index).copied();
        here.filter(|page| !self.pages[*page].stands_in).or_else(|| {
            let (below, index) = self.below(object, index)?;
            self.seen_at(below, index)
        })
    }

    /// Takes a page out of its object, and out of all pmaps.
    pub fn free_page(&mut self, object: usize, page: usize) {
        let index = self.pages[page].index;
        self.objects[object].resident.remove(&index);
        self.pages[page].freed = true;
        self.pages[page].wire_count = 0;
        self.unmap_page(page);
    }

    /// Nobody has it busy any more, nor waits for that.
    pub fn forget_busy(&mut self, page: usize) {
        self.pages[page].busy = false;
        for thread in &mut self.threads {
            thread.busy.retain(|busy| *busy != page);
        }
        self.note(Step::NotBusy(page));
    }

    /// `pmap_page_protect` to none.
    pub fn unmap_page(&mut self, page: usize) {
        self.maps.iter_mut().for_each(|map| map.mapped.retain(|_, mapped| mapped.page != page));
    }

    /// Nobody may store to a page of an object, if it is there, without a fault.
    #[cfg(feature = "sound")]
    pub fn forbid_writing(&mut self, object: usize, index: usize) {
        let Some(page) = self.objects[object].resident.get(&index) else { return };
        let mapped = self.maps.iter_mut().flat_map(|map| map.mapped.values_mut());
        mapped.filter(|mapped| mapped.page == *page).for_each(|mapped| mapped.writable = false);
    }

    pub fn set_busy(&mut self, page: usize) {
        self.pages[page].busy = true;
        let thread = me();
        self.threads[thread].busy.push(page);
        self.note(Step::Busy(page));
    }
}

/// Takes the busy bit off and wakes who waits for it.
pub fn wakeup_done(page: usize) {
    with(|k| k.forget_busy(page));
    wake(Event::Page(page));
}

/// Counts a reference, and work on the object's pages.
pub fn paging_begin(object: usize) {
    counts_object(object);
    with(|k| {
        k.objects[object].raw.ref_count += 1;
        k.objects[object].count_paging(1);
    });
}

pub fn paging_end(object: usize) {
    counts_object(object);
    with(|k| k.objects[object].count_paging(-1));
    deallocate(object);
}

pub fn reference(object: usize) {
    counts_object(object);
    with(|k| k.objects[object].raw.ref_count += 1);
}

/// Gives up a reference; the last one takes the pages along.
pub fn deallocate(object: usize) {
    counts_object(object);
    let last = with(|k| {
        k.objects[object].raw.ref_count -= 1;
        k.objects[object].raw.ref_count == 0
    });
    if last {
        remove_pages(object, 0, usize::MAX);
        if let Some((below, _)) = with(|k| k.below(object, 0)) {
            deallocate(below);
        }
    }
}

/// `vm_object_page_remove`: frees the pages from one index up to another, busy
/// or wired as they may be.
pub fn remove_pages(object: usize, from: usize, to: usize) {
    writes_object(object);
    let pages: Vec<usize> =
        with(|k| k.objects[object].resident.range(from..to).map(|(_, page)| *page).collect());
    for page in pages {
        let index = with(|k| {
            k.free_page(object, page);
            k.pages[page].index
        });
        writes_page(object, index);
        wakeup_done(page);
    }
}

#[no_mangle]
pub extern "C" fn vm_object_allocate(_size: u64) -> *mut vm_object {
    let object = with(Kernel::new_object);
    pointer(object)
}

/// The new object takes over the reference to the one below.
#[no_mangle]
pub extern "C" fn vm_object_shadow(object: *mut *mut vm_object, offset: *mut u64, _length: u64) {
    let above = with(Kernel::new_object);
    // SAFETY: the caller passes where both stand, and where to store the new ones.
    let (below, at) = unsafe { (object.replace(pointer(above)), offset.replace(0)) };
    with(|k| {
        let raw = &mut k.objects[above].raw;
        (raw.shadow, raw.shadow_offset) = (below, at);
        k.note(Step::Changes("makes a shadow".to_string()));
    });
}

#[no_mangle]
#[allow(clippy::too_many_arguments)]
pub extern "C" fn vm_object_coalesce(
    prev: *mut vm_object,
    next: *mut vm_object,
    prev_offset: u64,
    next_offset: u64,
    prev_size: u64,
    next_size: u64,
    new_object: *mut *mut vm_object,
    new_offset: *mut u64,
) -> i32 {
    let merged = match (number(prev), number(next)) {
        (None, None) => Some((prev, 0)),
        (Some(object), Some(other)) if object == other => (prev_offset + prev_size == next_offset)
            .then(|| {
                deallocate(object);
                (prev, prev_offset)
            }),
        (Some(_), Some(_)) => None,
        (Some(object), None) => lone(object).then(|| {
            let end = prev_offset + prev_size;
            remove_pages(object, end as usize / PAGE, (end + next_size) as usize / PAGE);
            (prev, prev_offset)
        }),
        (None, Some(object)) => (lone(object) && next_offset >= prev_size).then(|| {
            let start = next_offset - prev_size;
            remove_pages(object, start as usize / PAGE, next_offset as usize / PAGE);
            (next, start)
        }),
    };
    let Some((object, offset)) = merged else { return 0 };
    // SAFETY: the caller passes where to store both.
    unsafe {
        new_object.write(object);
        new_offset.write(offset);
    }
    1
}

/// Whether nobody else uses the object, or works on its pages.
fn lone(object: usize) -> bool {
    writes_object(object);
    with(|k| k.objects[object].is_lone())
}
