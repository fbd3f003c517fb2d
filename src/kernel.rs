// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's assertion, as this crate raises it.

use core::ffi::{c_int, CStr};

use crate::bindings;

/// Stops in the kernel's `Assert` unless `$holds`, like upstream's `assert`.
///
/// `$text` is the condition in the words of upstream's C, so that a report
/// reads the same from either implementation; `$function` is upstream's too.
/// The file and line are where the check stands in this crate. With the feature
/// `no-assertions` nothing is evaluated, as in C with NDEBUG.
macro_rules! kassert {
    ($holds:expr, $text:literal, $function:literal) => {
        if cfg!(not(feature = "no-assertions")) && !$holds {
            $crate::kernel::assertion_failed(
                const { $crate::kernel::c_str(concat!($text, "\0")) },
                const { $crate::kernel::c_str(concat!(file!(), "\0")) },
                line!(),
                const { $crate::kernel::c_str(concat!($function, "\0")) },
            )
        }
    };
}
pub(crate) use kassert;

/// `text`, which ends in a NUL, as C wants it.
pub(crate) const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a C string ends in its only NUL"),
    }
}

#[cold]
pub(crate) fn assertion_failed(text: &CStr, file: &CStr, line: u32, function: &CStr) -> ! {
    // SAFETY: four arguments as the C prototype has them, all static strings.
    unsafe {
        bindings::Assert(text.as_ptr(), file.as_ptr(), line as c_int, function.as_ptr());
    }
}
