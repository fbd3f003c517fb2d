// SPDX-License-Identifier: GPL-2.0-or-later
//! Splitting an entry in two. The entry that there was keeps its place in memory,
//! so every handle to it stays good.

use core::marker::PhantomData;
use core::mem::{offset_of, size_of};
use core::ptr::{addr_of_mut, null_mut, NonNull};

use crate::bindings::{self, rbtree_node, vm_map_entry, vm_map_header};
use crate::callers::stop;
use crate::entry::{Entry, Link};
use crate::kernel::kassert;
use crate::lock::WriteLocked;
use crate::map::{Map, Shared};

/// A ring of entries with its tree: a map's, or that of a copy, which no other thread
/// knows.
///
/// # Invariants
/// For as long as `'m` nobody else touches it.
#[derive(Clone, Copy)]
pub(crate) struct Header<'m>(NonNull<vm_map_header>, PhantomData<&'m ()>);

impl Map<WriteLocked> {
    /// Lets the entry begin no lower than `start`, in bytes: an entry before it
    /// takes what was below.
    ///
    /// Upstream's `vm_map_clip_start`.
    pub(crate) fn clip_start(&self, entry: Entry<'_, WriteLocked>, start: usize) {
        if start > entry.start() {
            self.share().split_front(entry, start);
        }
    }

    /// Lets the entry end no higher than `end`, in bytes: an entry behind it takes
    /// what was above.
    ///
    /// Upstream's `vm_map_clip_end`.
    pub(crate) fn clip_end(&self, entry: Entry<'_, WriteLocked>, end: usize) {
        if end < entry.end() {
            self.share().split_back(entry, end);
        }
    }
}

impl Shared<'_> {
    /// `clip_start` where there is something to split.
    ///
    /// Upstream's `_vm_map_clip_start`, for a map.
    #[inline(always)]
    pub(crate) fn split_front(self, entry: Entry<'_, WriteLocked>, start: usize) {
        split_front(Header::of(&self), Some(self), entry, start);
    }

    /// `clip_end` where there is something to split.
    ///
    /// Upstream's `_vm_map_clip_end`, for a map.
    #[inline(always)]
    pub(crate) fn split_back(self, entry: Entry<'_, WriteLocked>, end: usize) {
        split_back(Header::of(&self), Some(self), entry, end);
    }
}

impl<'m> Header<'m> {
    /// # Safety
    /// The invariants of [`Header`].
    pub(crate) unsafe fn new(header: NonNull<vm_map_header>) -> Self {
        Header(header, PhantomData)
    }

    /// That of a map.
    fn of(map: &Shared<'m>) -> Self {
        // SAFETY: the address lies inside a live map, which is locked for as long as `'m`.
        unsafe { Header::new(NonNull::new_unchecked(addr_of_mut!((*map.as_ptr()).hdr))) }
    }

    /// `Map::split_front` for a ring whose gaps nobody keeps.
    pub(crate) fn clip_copy_start(self, entry: Entry<'_, WriteLocked>, start: usize) {
        split_front(self, None, entry, start);
    }

    /// `Map::split_back` for such a ring.
    pub(crate) fn clip_copy_end(self, entry: Entry<'_, WriteLocked>, end: usize) {
        split_back(self, None, entry, end);
    }

    /// Puts a new entry behind `after` and into the tree. `taken`: its first address
    /// is another's.
    #[inline(always)]
    fn link(self, after: Link<'_, WriteLocked>, entry: Entry<'_, WriteLocked>, taken: impl Fn()) {
        let (header, new) = (self.0.as_ptr(), entry.as_ptr());
        let after = after.as_non_null().as_ptr();
        // SAFETY: the ring is nobody else's, and its links lead to entries and header.
        unsafe {
            (*header).nentries = (*header).nentries.wrapping_add(1);
            let next = (*after).links.next;
            (*new).links.prev = after;
            (*new).links.next = next;
            (*next).links.prev = new;
            (*after).links.next = new;
        }
        let (parent, index) = self.place(entry.start(), taken);
        // SAFETY: the entry is in no tree, and the place is free in this one.
        unsafe {
            let (tree, node) = (addr_of_mut!((*header).tree), addr_of_mut!((*new).tree_node));
            bindings::rbtree_insert_rebalance(tree, parent, index, node);
        }
    }

    /// Where an entry that begins at `start` belongs in the tree: below which node, and
    /// on which side.
    fn place(self, start: usize, taken: impl Fn()) -> (*mut rbtree_node, i32) {
        let (mut parent, mut index) = (null_mut(), -1);
        // SAFETY: the header is there.
        let mut node = unsafe { (*self.0.as_ptr()).tree.root };
        while !node.is_null() {
            // SAFETY: the tree's nodes are those of the ring's entries.
            let at: Entry<'_, WriteLocked> = unsafe {
                let entry = node.byte_sub(offset_of!(vm_map_entry, tree_node)).cast();
                Entry::new(NonNull::new_unchecked(entry))
            };
            index = i32::from(start >= at.start());
            if index == 1 && start < at.end() {
                taken();
                index = 0;
            }
            parent = node;
            // SAFETY: a node has two children.
            node = unsafe { (*node).children[index as usize & 1] };
        }
        (parent, index)
    }
}

/// Lets the entry begin at `start`: a new one before it takes what was below. `gaps`: the
/// map of the ring, if somebody keeps the gaps.
#[inline(never)]
fn split_front(
    ring: Header<'_>,
    gaps: Option<Shared<'_>>,
    entry: Entry<'_, WriteLocked>,
    start: usize,
) {
    let front = duplicate(entry);
    // SAFETY: the entry behind covers the rest.
    unsafe { front.set_end(start) }
    entry.set_offset(entry.offset().wrapping_add(start.wrapping_sub(entry.start())));
    // SAFETY: the front covers what was below, and comes before it.
    unsafe { entry.set_start(start) }
    ring.link(entry.prev(), front, || {
        kassert!(false, "___diff != 0", "_vm_map_clip_start");
    });
    if let Some(map) = gaps {
        map.update_gap(front.prev());
        // SAFETY: it has just entered the ring, and no more.
        unsafe { map.enter_gap(front) }
    }
    refer(entry, front);
}

/// Lets the entry end at `end`: a new one behind it takes what was above. `gaps` as for
/// `split_front`.
#[inline(never)]
fn split_back(
    ring: Header<'_>,
    gaps: Option<Shared<'_>>,
    entry: Entry<'_, WriteLocked>,
    end: usize,
) {
    let back = duplicate(entry);
    // SAFETY: the back covers what was above, and comes behind.
    unsafe {
        entry.set_end(end);
        back.set_start(end);
    }
    back.set_offset(back.offset().wrapping_add(end.wrapping_sub(entry.start())));
    // SAFETY: an entry is what a link may lead to.
    let after = unsafe { Link::new(entry.as_non_null()) };
    ring.link(after, back, || kassert!(false, "___diff != 0", "_vm_map_clip_end"));
    if let Some(map) = gaps {
        map.update_gap(back.prev());
        // SAFETY: it has just entered the ring, and no more.
        unsafe { map.enter_gap(back) }
    }
    refer(entry, back);
}

/// A new entry that is the same as this one, in no ring. The kernel stops if there is
/// no memory.
#[inline(always)]
fn duplicate<'m>(entry: Entry<'_, WriteLocked>) -> Entry<'m, WriteLocked> {
    // SAFETY: entries come from this cache.
    let new = unsafe { bindings::kmem_cache_alloc(addr_of_mut!(bindings::vm_map_entry_cache)) }
        as *mut vm_map_entry;
    let Some(new) = NonNull::new(new) else { stop::no_entry() };
    copy_words(entry.as_ptr().cast(), new.as_ptr().cast());
    // SAFETY: the new entry is nobody else's until it is linked.
    unsafe { Entry::new(new) }
}
const _: () = assert!(size_of::<vm_map_entry>() % size_of::<usize>() == 0);

const WORDS: usize = size_of::<vm_map_entry>() / size_of::<usize>();

/// Copies an entry. Compilers would call a memcpy, and there is none.
#[cfg(target_arch = "x86")]
fn copy_words(from: *const usize, to: *mut usize) {
    // SAFETY: inside both entries, which consist of whole words. LLVM keeps esi to itself, so it is
    // put aside.
    unsafe {
        core::arch::asm!(
            "xchg {from}, esi",
            "rep movsd",
            "xchg {from}, esi",
            from = inout(reg) from => _,
            inout("ecx") WORDS => _,
            inout("edi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// See above.
#[cfg(target_arch = "x86_64")]
fn copy_words(from: *const usize, to: *mut usize) {
    // SAFETY: inside both entries, which consist of whole words.
    unsafe {
        core::arch::asm!(
            "rep movsq",
            inout("rcx") WORDS => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// For hosts that no kernel of Debian's is for.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn copy_words(from: *const usize, to: *mut usize) {
    for word in 0..WORDS {
        // SAFETY: inside both entries, which consist of whole words.
        unsafe { to.add(word).write(from.add(word).read_volatile()) }
    }
}

/// One reference more to what both map.
#[inline(always)]
fn refer(entry: Entry<'_, WriteLocked>, new: Entry<'_, WriteLocked>) {
    // SAFETY: the entry that there was holds a reference to it; upstream passes null too.
    unsafe {
        if entry.is_sub_map() {
            bindings::vm_map_reference(new.sub_map());
        } else {
            bindings::vm_object_reference(new.object());
        }
    }
}
