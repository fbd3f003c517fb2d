// SPDX-License-Identifier: GPL-2.0-or-later
//! Whether a range has a projected buffer in it, which `vm_protect`, `vm_inherit`,
//! `vm_wire`, `vm_wire_all` and `vm_machine_attribute` ask before anything else.

use core::ptr::NonNull;

use crate::bindings::{self, boolean_t, vm_map, vm_offset_t};
use crate::callers::bounds::Bounds;
use crate::callers::locking::lock;
use crate::lock::WriteLocked;
use crate::map::Map;
use crate::scan::Left;

/// Whether there is one from `start` up to `end`, in bytes, `end` included. Not in the
/// kernel's own map, nor in none.
///
/// Lock: taken, where upstream's has none, and let go. Upstream's
/// `projected_buffer_in_range`.
///
/// # Safety
/// `map` is null, or live, and this thread has not locked it.
#[no_mangle]
pub unsafe extern "C" fn projected_buffer_in_range(
    map: *mut vm_map,
    start: vm_offset_t,
    end: vm_offset_t,
) -> boolean_t {
    // SAFETY: set when the kernel starts, and never changed.
    let kernels = unsafe { bindings::kernel_map };
    let Some(map) = NonNull::new(map).filter(|map| map.as_ptr() != kernels) else { return 0 };
    // SAFETY: the caller's.
    let (map, lent) = unsafe { lock(map) }.lend();
    let bounds = Bounds { start: start as usize, end: (end as usize).saturating_add(1) };
    let (found, map) = has_projected(map, bounds);
    lent.unlock(Left::Written(map.held()));
    found.into()
}

fn has_projected(map: Map<WriteLocked>, bounds: Bounds) -> (bool, Map<WriteLocked>) {
    let cursor = map.stand(bounds.start, |_, _| {}).1;
    let none = cursor.each_below(bounds.end, |entry| !entry.is_projected());
    (!none, cursor.into_map())
}
