// SPDX-License-Identifier: GPL-2.0-or-later
//! Taking one entry out of a map, with what it maps.

use crate::entry::Entry;
use crate::lock::WriteLocked;
use crate::map::{Held, Map};
use crate::unlink::Single;

/// Unwires and frees what the entry maps, and frees the entry. One end of a projected
/// buffer whose other end is the kernel's stays as it is.
///
/// Lock: held for writing (or the map is nobody's any more), and kept. Upstream's
/// `vm_map_entry_delete`.
#[inline(always)]
pub(crate) fn entry_delete(mut map: Map<WriteLocked>, single: Single) -> Held<WriteLocked> {
    let entry = single.entry(&map);
    let size = entry.size();
    if !map.is_kernel_map() && entry.is_projected() {
        if entry.is_projected_back() {
            return map.held();
        }
        // The kernel's end holds the wiring. `size_wired` stays as it was, though, but
        // with `sound`.
        #[cfg(feature = "sound")]
        if entry.wired_count() != 0 {
            map.forget_wiring(entry);
        }
        entry.set_wired_count(0);
    }
    remove_pages(&map, entry);
    // After all that the pmaps had of it.
    map.release(entry);

    let inaccessible = entry.max_protection() == 0;
    let unlinked = map.unlink_single(single);
    let detached = map.forget_gap_of(unlinked);
    map.shrink_size(size);
    if inaccessible {
        map.grow_size_none(size.wrapping_neg());
    }
    map.free(detached);
    map.held()
}

#[cfg(feature = "sound")]
fn unwire(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    map.unwire(entry);
}

#[cfg(not(feature = "sound"))]
fn unwire(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    map.grow_size_wired(entry.size().wrapping_neg());
    entry.set_wired_count(0);
    map.fault_unwire(entry);
}

/// Takes the entry's pages out of the pmaps, and frees those that nobody else can reach.
/// An entry without an object has none.
///
/// For a submap upstream looks at the map as though it were an object, and so does this.
#[inline(always)]
fn remove_pages(map: &Map<WriteLocked>, entry: Entry<'_, WriteLocked>) {
    let Some(object) = entry.memory() else { return };
    // First: unwiring would enter the pages into the pmap again.
    if entry.wired_count() != 0 {
        unwire(map, entry);
    }
    let (first, end) = (entry.offset(), entry.offset().wrapping_add(entry.size()));
    if object.is_kernel_object() {
        object.lock().remove_pages(first, end);
    } else if entry.is_shared() {
        // Whoever shares it may have it in a pmap that this map does not know.
        object.pmap_remove(first, end);
    } else {
        map.pmap_remove(entry.start(), entry.end());
        let object = object.lock();
        if object.is_this_entrys_alone() {
            object.remove_pages(first, end);
        }
    }
}
