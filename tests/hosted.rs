// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs the C tests (tests/*.c), each under its own name and in a process of
//! its own: a failed assertion or a crash ends that test alone.

use std::ffi::{c_char, c_int, c_uint, CStr};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

extern "C" {
    static harness_suites: [*const c_char; 0];
    fn harness_count() -> c_uint;
    fn harness_name(index: c_uint) -> *const c_char;
    fn harness_run(index: c_uint, output: *mut c_char, size: usize) -> c_int;
    // The functions under test, by the names C knows them by.
    fn vm_map_pageable_scan();
    fn vm_map_coalesce_entry();
}

#[cfg(feature = "callers")]
extern "C" {
    fn vm_map_pageable();
    fn vm_map_pageable_all();
    fn vm_map_protect();
    fn vm_map_inherit();
    fn vm_map_entry_delete();
    fn vm_map_delete();
    fn vm_map_remove();
    fn _vm_map_clip_start();
    fn _vm_map_clip_end();
}

// The C side calls these, and is linked after the crate: refer to them here,
// or the linker leaves them out.
use gnumach_vm_map as _;
#[used]
static UNDER_TEST: [unsafe extern "C" fn(); 2] = [vm_map_pageable_scan, vm_map_coalesce_entry];

#[cfg(feature = "callers")]
#[used]
static CALLERS: [unsafe extern "C" fn(); 9] = [
    vm_map_pageable,
    vm_map_pageable_all,
    vm_map_protect,
    vm_map_inherit,
    vm_map_entry_delete,
    vm_map_delete,
    vm_map_remove,
    _vm_map_clip_start,
    _vm_map_clip_end,
];

#[cfg(feature = "sound")]
extern "C" {
    fn projected_buffer_in_range();
    fn vm_page_convert();
}

#[cfg(feature = "sound")]
#[used]
static OF_SOUND: [unsafe extern "C" fn(); 2] = [projected_buffer_in_range, vm_page_convert];

/// Tells the C tests whether Rust's own debug checks are compiled in.
#[no_mangle]
#[used]
pub static harness_debug_assertions: c_int = cfg!(debug_assertions) as c_int;

const PASSED: c_int = 0;
const SKIPPED: c_int = 77;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = trials();
    let written = tests_in_sources();
    if trials.len() != written {
        eprintln!(
            "{} tests are linked, tests/*.c has {written}: is a file missing from tests/suites.c?",
            trials.len()
        );
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials() -> Vec<Trial> {
    // Refers to every file of tests, so that the linker takes them all.
    std::hint::black_box(&raw const harness_suites);
    // SAFETY: the list of tests is complete before main, and does not change.
    let count = unsafe { harness_count() };
    (0..count).map(trial).collect()
}

fn trial(index: c_uint) -> Trial {
    // SAFETY: the index is below the count; the string lives until this thread
    // asks for another name.
    let name = unsafe { CStr::from_ptr(harness_name(index)) };
    let name = name.to_str().expect("C identifiers are ASCII").to_owned();
    Trial::ignorable_test(name, move || run(index))
}

fn run(index: c_uint) -> Result<libtest_mimic::Completion, Failed> {
    let mut output = vec![0_u8; 1 << 16];
    // SAFETY: the index is below the count, and the buffer has that size; the
    // call ends it with a zero.
    let result = unsafe { harness_run(index, output.as_mut_ptr().cast(), output.len()) };
    let text = CStr::from_bytes_until_nul(&output).expect("ended by harness_run");
    let text = text.to_string_lossy();
    match result {
        PASSED => Ok(libtest_mimic::Completion::Completed),
        SKIPPED => Ok(libtest_mimic::Completion::ignored_with(text.trim_end())),
        _ => Err(text.into_owned().into()),
    }
}

/// How many tests the sources have: none may be lost on the way here.
fn tests_in_sources() -> usize {
    let folders: &[&str] = match (cfg!(feature = "sound"), cfg!(feature = "callers")) {
        (true, _) => &["tests/sound"],
        (_, true) => &["tests", "tests/callers"],
        _ => &["tests"],
    };
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = folders.iter().flat_map(|folder| fs::read_dir(top.join(folder)).expect("a folder"));
    files
        .map(|file| file.expect("tests/ can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .map(|path| fs::read_to_string(path).expect("C sources are text"))
        .map(|text| text.lines().filter(|line| line.starts_with("TEST(")).count())
        .sum()
}
