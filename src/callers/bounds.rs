// SPDX-License-Identifier: GPL-2.0-or-later
//! A range of addresses.

use crate::lock::WriteLocked;
use crate::map::Map;

/// From `start` up to `end`, in bytes. Need not be page-aligned: upstream does not
/// look.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Bounds {
    /// What of it lies within the map's addresses.
    ///
    /// Upstream's `VM_MAP_RANGE_CHECK`.
    pub(crate) fn within(self, map: &Map<WriteLocked>) -> Self {
        let end = self.end.min(map.max_offset());
        Bounds { start: self.start.max(map.min_offset()).min(end), end }
    }
}
