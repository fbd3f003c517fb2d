// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's panic, as these functions raise it.

use crate::bindings;
use crate::kernel::c_str;

/// No memory for an entry.
#[cold]
pub(crate) fn no_entry() -> ! {
    const FILE: &core::ffi::CStr = c_str(concat!(file!(), "\0"));
    // SAFETY: static strings, and a format without arguments.
    unsafe {
        bindings::Panic(
            FILE.as_ptr(),
            line!() as _,
            c"_vm_map_entry_create".as_ptr(),
            c"vm_map_entry_create".as_ptr(),
        )
    }
}

/// A range of the kernel's map that is no virtual memory.
#[cold]
pub(crate) fn physical_range(start: usize, end: usize) -> ! {
    const FILE: &core::ffi::CStr = c_str(concat!(file!(), "\0"));
    // SAFETY: static strings, and the two numbers that the format names.
    unsafe {
        bindings::Panic(
            FILE.as_ptr(),
            line!() as _,
            c"vm_map_delete".as_ptr(),
            c"vm_map_delete(%lx-%lx) falls in physical memory area!\n".as_ptr(),
            start,
            end,
        )
    }
}
