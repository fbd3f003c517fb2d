// SPDX-License-Identifier: GPL-2.0-or-later
//! A page with memory in the place of one that has none, for what is to be filled with
//! zeros.

use core::ptr::addr_of;

use crate::bindings::{self, boolean_t, shim_VM_PAGE_HIGHMEM as HIGHMEM, vm_page};
use crate::map::QueueLock;

/// Puts a page with memory into the place of `*page`, which a fault has busy in its object,
/// and stores that page there. It is busy as well. Returns whether there was memory.
///
/// Who waits for the page that goes is woken, and looks again: upstream's wait until its
/// structure serves another fault, and that one wakes them by chance (docs/upstream.md,
/// convert-loses-waiters).
///
/// Lock: the object's is held, and stays so; that of the lists of pages is taken and let go.
/// Upstream's `vm_page_convert`. What that copies besides is what every free page has: the
/// page is busy and nothing else, as no pager has been asked for it.
///
/// # Safety
/// `page` points to a live page without memory, in an object whose lock this thread holds,
/// while it does not hold that of the lists.
#[no_mangle]
pub unsafe extern "C" fn vm_page_convert(page: *mut *mut vm_page) -> boolean_t {
    // SAFETY: the flags name where in memory it may lie.
    let real = unsafe { bindings::vm_page_grab(HIGHMEM) };
    if real.is_null() {
        return 0;
    }
    // SAFETY: the caller's. `real` is nobody else's, and in no object; the old page is in none
    // either when it is given up.
    unsafe {
        let old = page.read();
        let (object, offset) = (addr_of!((*old).object).read(), addr_of!((*old).offset).read());
        let _queues = QueueLock::take_of_queues();
        bindings::vm_page_remove(old);
        bindings::vm_page_insert(real, object, offset);
        bindings::vm_page_free(old);
        page.write(real);
    }
    1
}
