// SPDX-License-Identifier: GPL-2.0-or-later
//! Taking all that is in a range out of a map.

use crate::callers::bounds::Bounds;
use crate::callers::entry_delete::entry_delete;
use crate::callers::stop;
use crate::kernel::kassert;
use crate::lock::WriteLocked;
use crate::map::{Held, Map};

/// Frees the entries of the range, and what they map. Waits for entries in transition,
/// with the map unlocked; what was mapped meanwhile goes too.
///
/// Lock: held for writing (or the map is nobody's any more), and held again on return.
/// The kernel stops if a map of the kernel's pmap would lose what is no virtual memory.
/// Upstream's `vm_map_delete`, which returns KERN_SUCCESS.
pub(crate) fn delete(map: Map<WriteLocked>, bounds: Bounds) -> Held<WriteLocked> {
    let Bounds { start, end } = bounds;
    if map.has_kernel_pmap() && !map.is_kernel_virtual(start, end) {
        stop::physical_range(start, end);
    }
    // Without the kernel's lock debugging, whose lock it is cannot be asked.
    kassert!(
        map.ref_count() >= 0,
        "(map->ref_count > 0 && have_lock(&map->lock)) || (map->ref_count == 0)",
        "vm_map_delete"
    );
    let (_, mut cursor) = map.stand(start, |map, entry| {
        map.clip_start(entry, start);
        // Once, as no entry of the range may stay the hint.
        map.set_hint(entry.prev());
    });
    if cursor.map().first_free().start() >= start {
        cursor.map().set_first_free(cursor.link().prev());
    }
    loop {
        let step = match cursor.step(end) {
            Ok(step) => step,
            Err(cursor) => {
                cursor.map().wake_for_space();
                return cursor.into_map().held();
            }
        };
        step.clip_end(end);
        cursor = if step.entry().in_transition() {
            step.wait().stand(start, |_, _| {}).1
        } else {
            step.give_and_pass(entry_delete)
        };
    }
}
