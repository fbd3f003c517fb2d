// SPDX-License-Identifier: GPL-2.0-or-later
//! The panic handler that a build without `std` must have.
//!
//! No code here panics: the object's check (`vmtool object`) refuses one that
//! holds a panic's symbols, and the kernel build makes what is left a trap.

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
