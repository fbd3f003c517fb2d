// SPDX-License-Identifier: GPL-2.0-or-later
//! Merging what has become alike, once nothing of it is in transition any more.

use crate::callers::bounds::Bounds;
use crate::lock::WriteLocked;
use crate::map::Map;

impl Map<WriteLocked> {
    /// Merges each entry of the range, and the one behind, into what is before, where the
    /// two agree.
    pub(crate) fn merge_within(self, bounds: Bounds) -> Self {
        let mut cursor = self.stand(bounds.start, |_, _| {}).1;
        loop {
            cursor = match cursor.step(bounds.end) {
                Ok(step) => step.merge_and_pass(),
                Err(cursor) => return cursor.merge(),
            };
        }
    }
}
