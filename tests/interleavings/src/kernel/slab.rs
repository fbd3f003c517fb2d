// SPDX-License-Identifier: GPL-2.0-or-later
//! Where entries come from, and what becomes of them when they are freed.
//!
//! Each entry has a page of this process to itself. A freed one is filled with
//! poison and its page taken away, so that the processor itself reports who
//! touches it, whatever code that is; the page is then lent for the rest of that
//! step, with the poison for all to read. The poison's links lead to one more
//! such page, nowhere, where the execution ends.

use std::cell::{Cell, RefCell};
use std::sync::Once;

use super::{found, point, stop, uses_slab, with};
use crate::bindings::vm_map_entry;
use crate::trace::Step;

const SLOTS: usize = 48;
const SLOT: usize = 4096;
/// The slot that freed entries link to.
const NOWHERE: usize = SLOTS - 1;
const POISON: u8 = 0xdb;

struct Slab {
    base: usize,
    used: usize,
    free: Vec<usize>,
    /// Hand the entry freed last out first, as the kernel does; else never
    /// again in this execution, which shows every late access.
    reuse: bool,
}

thread_local! {
    static SLAB: RefCell<Slab> = RefCell::new(Slab { base: map_slots(), used: 0, free: Vec::new(), reuse: false });
    // Apart from the rest, for the signal handler.
    static BASE: Cell<usize> = const { Cell::new(0) };
    // The slots that were touched, as bits.
    static CAUGHT: Cell<u64> = const { Cell::new(0) };
}

fn map_slots() -> usize {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(install_handler);
    // SAFETY: an anonymous mapping at an address of the system's choice.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            SLOTS * SLOT,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert!(base != libc::MAP_FAILED, "no memory for entries");
    let base = base as usize;
    BASE.set(base);
    poison(base + NOWHERE * SLOT, base);
    base
}

/// Fills a slot with what no entry is, and watches it.
fn poison(slot: usize, base: usize) {
    let entry = slot as *mut vm_map_entry;
    let nowhere = (base + NOWHERE * SLOT) as *mut vm_map_entry;
    // SAFETY: a slot of the mapping that is nobody's any more.
    unsafe {
        entry.cast::<u8>().write_bytes(POISON, SLOT);
        (*entry).links.next = nowhere;
        (*entry).links.prev = nowhere;
    }
    protect(slot, false);
}

fn install_handler() {
    // SAFETY: `on_fault` has the signature that SA_SIGINFO asks for, and touches
    // constant thread-local cells and system calls only.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()), 0);
    }
}

/// Notes an access to a freed entry, and lets it happen. Any other fault kills
/// the process as it would have.
extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the system passes a valid record.
    let address = unsafe { (*info).si_addr() } as usize;
    let base = BASE.get();
    if base == 0 || !(base..base + SLOTS * SLOT).contains(&address) {
        // SAFETY: restores the default action, upon which the fault repeats.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    }
    let slot = (address - base) / SLOT;
    CAUGHT.set(CAUGHT.get() | 1 << slot);
    protect(base + slot * SLOT, true);
}

fn protect(slot: usize, accessible: bool) {
    let bits = if accessible { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
    // SAFETY: a page of the mapping above, which holds a freed entry or none.
    let result = unsafe { libc::mprotect(slot as *mut libc::c_void, SLOT, bits) };
    assert_eq!(result, 0);
}

/// Makes every slot new.
pub fn reset() {
    SLAB.with_borrow_mut(|slab| {
        for slot in slab.free.drain(..) {
            protect(slot, true);
        }
        slab.used = 0;
        slab.reuse = false;
        if CAUGHT.take() & 1 << NOWHERE != 0 {
            protect(slab.base + NOWHERE * SLOT, false);
        }
    });
}

/// Chooses whether a freed entry is handed out again.
pub fn set_reuse(reuse: bool) {
    SLAB.with_borrow_mut(|slab| slab.reuse = reuse);
}

/// Reports an access to a freed entry since the last call, and watches the entry
/// again.
pub fn watch_again() {
    let caught = CAUGHT.take();
    if caught == 0 {
        return;
    }
    SLAB.with_borrow(|slab| {
        let slots = (0..SLOTS).filter(|slot| caught & 1 << slot != 0);
        for slot in slots.map(|slot| slab.base + slot * SLOT) {
            if slab.free.contains(&slot) {
                protect(slot, false);
            }
        }
        if caught & 1 << NOWHERE != 0 {
            protect(slab.base + NOWHERE * SLOT, false);
        }
    });
    found("accesses a freed entry");
    if caught & 1 << NOWHERE != 0 {
        stop(crate::expect::FOLLOWS_FREED);
    }
}

/// A zeroed entry.
pub fn alloc() -> *mut vm_map_entry {
    let slot = SLAB.with_borrow_mut(|slab| {
        if slab.reuse {
            uses_slab();
            if let Some(slot) = slab.free.pop() {
                protect(slot, true);
                return slot;
            }
        }
        assert!(slab.used < NOWHERE, "the scenario makes too many entries");
        slab.used += 1;
        slab.base + (slab.used - 1) * SLOT
    });
    let entry = slot as *mut vm_map_entry;
    // SAFETY: the slot is mapped, aligned, large enough, and nobody's.
    unsafe { entry.write_bytes(0, 1) };
    entry
}

/// Whether an address is an entry in use.
pub fn is_live(entry: *mut vm_map_entry) -> bool {
    SLAB.with_borrow(|slab| {
        let at = entry as usize;
        at >= slab.base
            && at < slab.base + slab.used * SLOT
            && (at - slab.base) % SLOT == 0
            && !slab.free.contains(&at)
    })
}

/// Frees an entry.
pub fn free(entry: *mut vm_map_entry) {
    if !is_live(entry) {
        super::stop("frees an entry twice");
    }
    let reuse = SLAB.with_borrow_mut(|slab| {
        poison(entry as usize, slab.base);
        slab.free.push(entry as usize);
        slab.reuse
    });
    with(|k| k.note(Step::Frees));
    if reuse {
        // Another map's thread may be handed the entry at once.
        uses_slab();
        point();
    }
}

#[no_mangle]
extern "C" fn kmem_cache_free(_cache: *mut crate::bindings::kmem_cache, object: u64) {
    free(object as *mut vm_map_entry);
}

/// The cache's address is all that matters.
#[no_mangle]
static mut vm_map_entry_cache: u8 = 0;
