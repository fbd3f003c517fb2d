// SPDX-License-Identifier: GPL-2.0-or-later
//! Changing what a child of the task gets of a range.

use crate::callers::bounds::Bounds;
use crate::lock::WriteLocked;
use crate::map::{Held, Map};

/// Gives the entries of the range the inheritance `new`, and merges what is alike then.
///
/// Lock: held for writing, and kept. Upstream's `vm_map_inherit`, without the locking.
pub(crate) fn inherit(map: Map<WriteLocked>, bounds: Bounds, new: i32) -> Held<WriteLocked> {
    let bounds = bounds.within(&map);
    let cursor = map.clip_and_stand(bounds.start);
    let cursor = bounds.walk(cursor, |step| {
        step.entry().set_inheritance(new);
        step.merge_and_pass()
    });
    cursor.merge().held()
}
