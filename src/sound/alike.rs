// SPDX-License-Identifier: GPL-2.0-or-later
//! When the wirings of two entries do not keep them apart.

use crate::entry::Entry;
use crate::lock::WriteLocked;

/// Wired once or more often is the same. What is asked for must be too: or the request of
/// one would be lost, or spread to the other.
pub(crate) fn wired_alike(prev: Entry<'_, WriteLocked>, entry: Entry<'_, WriteLocked>) -> bool {
    prev.wired_access() == entry.wired_access()
        // Most are equal.
        && (prev.wired_count() == entry.wired_count()
            || prev.wired_count() != 0 && entry.wired_count() != 0)
}
