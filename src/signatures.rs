// SPDX-License-Identifier: GPL-2.0-or-later
//! Whether the functions that this crate exports are those that their C header
//! declares.

use crate::{bindings, ffi};

/// Two functions meet in one place only if they have one type.
#[allow(path_statements, clippy::no_effect)]
const _: () = {
    if true {
        bindings::vm_map_pageable_scan
    } else {
        ffi::vm_map_pageable_scan
    };
    if true {
        bindings::vm_map_coalesce_entry
    } else {
        ffi::vm_map_coalesce_entry
    };
};
