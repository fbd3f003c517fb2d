// SPDX-License-Identifier: GPL-2.0-or-later
//! The segments that a kernel's code addresses memory by, and whether this machine has them.

use std::io;

use super::{enter, exit_address, gate, is_wide, set_up, ARENA, SP, STACK, STACK_SIZE};

const DATA_SELECTOR: u16 = 0x2b;
/// Entry 0 of the local descriptor table, privilege 3.
const GS_SELECTOR: u16 = 7;

/// Lets gs address the memory from `base` on, and ds, es and ss all memory.
///
/// Fails where the kernel of this machine has no modify_ldt.
pub(crate) fn set_segments(base: u32) -> io::Result<()> {
    if is_wide() {
        const ARCH_SET_GS: libc::c_int = 0x1001;
        // SAFETY: sets where gs begins, which this program does not use.
        let result = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, u64::from(base)) };
        return if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    }
    #[repr(C)]
    struct UserDesc {
        entry_number: u32,
        base_addr: u32,
        limit: u32,
        flags: u32,
    }
    // 32-bit data, writable, limit in pages, useable.
    let descriptor = UserDesc { entry_number: 0, base_addr: base, limit: 0xf_ffff, flags: 0x51 };
    // SAFETY: modify_ldt reads the descriptor alone.
    let result =
        unsafe { libc::syscall(libc::SYS_modify_ldt, 0x11, &descriptor, size_of::<UserDesc>()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this program uses neither ds, es nor gs; the selectors are valid.
    unsafe {
        std::arch::asm!(
            "mov ds, {data:x}", "mov es, {data:x}", "mov gs, {gs:x}",
            data = in(reg) DATA_SELECTOR, gs = in(reg) GS_SELECTOR,
            options(nostack, preserves_flags)
        );
    }
    Ok(())
}

/// Whether this machine's Linux lets a process run 32-bit code with segments of
/// its own; tried in a child, which it may kill. Not needed for 64-bit code.
pub fn try_32_bit_code() -> std::result::Result<(), &'static str> {
    if is_wide() {
        return Ok(());
    }
    const NO_SEGMENTS: i32 = 3;
    // SAFETY: this process has one thread, so the child may do anything.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let status = match set_up().map(|()| set_segments(ARENA)) {
            Ok(Ok(())) => {
                let gate = gate();
                gate.registers[SP] = (STACK + STACK_SIZE - 16).into();
                gate.ip = exit_address(1).into();
                enter();
                if super::gate().exit == 1 {
                    0
                } else {
                    1
                }
            }
            _ => NO_SEGMENTS,
        };
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    if child == -1 || waited != child {
        return Err("cannot start a process to try 32-bit code in");
    }
    match libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)) {
        Some(0) => Ok(()),
        Some(NO_SEGMENTS) => {
            Err("this machine's Linux has no modify_ldt, which 32-bit kernel code needs for gs")
        }
        _ => Err("this machine does not run 32-bit code"),
    }
}
