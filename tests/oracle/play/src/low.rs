// SPDX-License-Identifier: GPL-2.0-or-later
//! The memory below 4 GB that a kernel's code sees, and the way into that code
//! and back.
//!
//! Nothing but what is mapped here, the kernel's image and our object lies
//! below 4 GB, so 32-bit code cannot reach this program's own memory. 64-bit
//! code, called wide here, could; what it is given points to memory below 4 GB.

use std::arch::global_asm;
use std::io;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result};

mod segments;
pub(crate) use segments::set_segments;
pub use segments::try_32_bit_code;

/// The registers that both modes see, and a page of code that switches mode.
pub const GATE: u32 = 0x1000_0000;
/// Maps, entries, objects and threads of a case.
pub const ARENA: u32 = 0x2000_0000;
pub const ARENA_SIZE: u32 = 0x1_0000;
/// The stack of the kernel's code; a page without access lies below it.
pub const STACK: u32 = 0x3000_0000;
pub const STACK_SIZE: u32 = 0x1_0000;
/// Our object.
pub const OURS: u32 = 0x4000_0000;

pub const CODE: u32 = GATE + 0x1000;
/// The exits from the kernel's code, 16 bytes each, by number.
const EXITS: u32 = GATE + 0x2000;
pub const EXIT_SIZE: u32 = 16;
pub const MAX_EXITS: u32 = 96;
/// Copies of the first instructions of functions that were patched.
pub const TRAMPOLINES: u32 = GATE + 0x3000;
pub const TRAMPOLINES_SIZE: u32 = 0x1000;

pub const PAGE: u32 = 0x1000;
const SELECTOR_32: u16 = 0x23;
pub const SELECTOR_64: u16 = 0x33;

/// What stands at `GATE`: registers as the kernel's code is entered with and leaves. Of 32-bit
/// code's the upper halves stay as they are, and those from r8 on mean nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    /// By the processor's numbers.
    pub registers: [u64; 16],
    pub flags: u64,
    pub ip: u64,
    /// The exit that was taken.
    pub exit: u32,
    _pad: u32,
    host_rsp: u64,
    /// Far pointer to the code that enters 32-bit code.
    far_offset: u32,
    far_selector: u32,
}

/// Numbers of registers.
pub const AX: usize = 0;
pub const CX: usize = 1;
pub const DX: usize = 2;
pub const BX: usize = 3;
pub const SP: usize = 4;
pub const BP: usize = 5;
pub const SI: usize = 6;
pub const DI: usize = 7;

impl Gate {
    /// What the kernel's code left in a register. Of 32-bit code it is read as that wrote it: a processor is slow to read
    /// eight bytes of which it has just written four.
    #[inline]
    pub(crate) fn register(&self, number: usize) -> u64 {
        let register = self.registers[number];
        if is_wide() {
            register
        } else {
            u64::from(register as u32)
        }
    }

    #[inline]
    pub(crate) fn sp(&self) -> u32 {
        self.registers[SP] as u32
    }
}

static WIDE: AtomicBool = AtomicBool::new(false);

/// Says, before anything else is done here, that the kernel's code is 64-bit code.
pub(crate) fn set_wide(wide: bool) {
    WIDE.store(wide, Relaxed);
}

/// Whether the kernel's code is 64-bit code.
#[inline]
pub fn is_wide() -> bool {
    WIDE.load(Relaxed)
}

/// Bytes of a pointer, or of an address or a size in a structure.
#[inline]
pub(crate) fn word_size() -> u32 {
    if is_wide() {
        8
    } else {
        4
    }
}

/// As such a word: the upper half of the 32-bit address space, where kernels are, is that of the
/// 64-bit one.
#[inline]
pub(crate) fn widen(value: u32) -> u64 {
    if is_wide() {
        i64::from(value as i32) as u64
    } else {
        value.into()
    }
}

/// Writes such a word. To read one, `read32` does.
#[inline]
pub fn write_word(address: u32, value: u32) {
    write32(address, value);
    if is_wide() {
        write32(address + 4, (widen(value) >> 32) as u32);
    }
}

// Both switches keep the registers that the C ABI wants kept on the 64-bit
// stack: 32-bit code changes all of them, and so does whoever gives up 64-bit code.
global_asm!(
    r#"
    .pushsection .rodata.oracle_gate, "a", @progbits
    .globl oracle_gate_start, oracle_gate_end, oracle_leave32, oracle_leave_wide, oracle_leave64
    oracle_gate_start:
    .code32
        movl 0x10000000, %eax
        movl 0x10000008, %ecx
        movl 0x10000010, %edx
        movl 0x10000018, %ebx
        movl 0x10000020, %esp
        movl 0x10000028, %ebp
        movl 0x10000030, %esi
        movl 0x10000038, %edi
        cld
        jmpl *0x10000088
    oracle_leave32:
        movl %eax, 0x10000000
        movl %ecx, 0x10000008
        movl %edx, 0x10000010
        movl %ebx, 0x10000018
        movl %esp, 0x10000020
        movl %ebp, 0x10000028
        movl %esi, 0x10000030
        movl %edi, 0x10000038
        pushfl
        popl 0x10000080
        cld
        ljmpl $0x33, $(0x10001000 + oracle_leave64 - oracle_gate_start)
    .code64
    oracle_leave_wide:
        movq %rax, 0x10000000
        movq %rcx, 0x10000008
        movq %rdx, 0x10000010
        movq %rbx, 0x10000018
        movq %rsp, 0x10000020
        movq %rbp, 0x10000028
        movq %rsi, 0x10000030
        movq %rdi, 0x10000038
        movq %r8, 0x10000040
        movq %r9, 0x10000048
        movq %r10, 0x10000050
        movq %r11, 0x10000058
        movq %r12, 0x10000060
        movq %r13, 0x10000068
        movq %r14, 0x10000070
        movq %r15, 0x10000078
        pushfq
        popq 0x10000080
        cld
    oracle_leave64:
        movq 0x10000098, %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        popq %rbp
        ret
    oracle_gate_end:
    .popsection

    .pushsection .text.oracle_enter, "ax", @progbits
    .globl oracle_enter, oracle_enter_wide
    oracle_enter:
        pushq %rbp
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, 0x10000098
        ljmpl *0x100000a0
    oracle_enter_wide:
        pushq %rbp
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, 0x10000098
        movq 0x10000000, %rax
        movq 0x10000008, %rcx
        movq 0x10000010, %rdx
        movq 0x10000018, %rbx
        movq 0x10000020, %rsp
        movq 0x10000028, %rbp
        movq 0x10000030, %rsi
        movq 0x10000038, %rdi
        movq 0x10000040, %r8
        movq 0x10000048, %r9
        movq 0x10000050, %r10
        movq 0x10000058, %r11
        movq 0x10000060, %r12
        movq 0x10000068, %r13
        movq 0x10000070, %r14
        movq 0x10000078, %r15
        jmpq *0x10000088
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    static oracle_gate_start: u8;
    static oracle_gate_end: u8;
    static oracle_leave32: u8;
    static oracle_leave_wide: u8;
    static oracle_leave64: u8;
    fn oracle_enter();
    fn oracle_enter_wide();
}

/// Maps `size` bytes at `address`, where nothing may be mapped yet.
pub fn map(address: u32, size: u32, protection: i32) -> Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: a new mapping where there was none takes nothing from anyone.
    let got = unsafe { libc::mmap(address as _, size as usize, protection, flags, -1, 0) };
    if got as usize != address as usize {
        return Err(io::Error::last_os_error())
            .with_context(|| format!("cannot map {size:#x} bytes at {address:#x}"));
    }
    Ok(())
}

/// Changes the protection of whole pages of `map`.
pub fn protect(address: u32, size: u32, protection: i32) {
    // SAFETY: only mappings of this module's callers lie below 4 GB; Rust's own
    // memory is elsewhere.
    let result = unsafe { libc::mprotect(address as _, size as usize, protection) };
    assert_eq!(result, 0, "mprotect of mapped pages");
}

pub const RW: i32 = libc::PROT_READ | libc::PROT_WRITE;
pub const RX: i32 = libc::PROT_READ | libc::PROT_EXEC;
pub const READ: i32 = libc::PROT_READ;

/// Bytes of that memory.
///
/// The slice is made for one use and dropped before the kernel's code runs again.
#[inline]
pub fn bytes<'a>(address: u32, size: u32) -> &'a mut [u8] {
    // SAFETY: callers pass mapped memory below 4 GB, which holds plain bytes and
    // which no Rust value lives in; this program has one thread.
    unsafe { std::slice::from_raw_parts_mut(address as *mut u8, size as usize) }
}

#[inline]
pub fn read32(address: u32) -> u32 {
    // SAFETY: as in `bytes`; the kernel's structures may be misaligned on purpose.
    unsafe { (address as *const u32).read_unaligned() }
}

#[inline]
pub(crate) fn read64(address: u32) -> u64 {
    // SAFETY: as in `read32`.
    unsafe { (address as *const u64).read_unaligned() }
}

#[inline]
pub(crate) fn write64(address: u32, value: u64) {
    // SAFETY: as in `read32`.
    unsafe { (address as *mut u64).write_unaligned(value) }
}

#[inline]
pub(crate) fn write32(address: u32, value: u32) {
    // SAFETY: as in `read32`.
    unsafe { (address as *mut u32).write_unaligned(value) }
}

/// The registers at the gate.
#[inline]
pub(crate) fn gate() -> &'static mut Gate {
    // SAFETY: `set_up` mapped the page, and it holds a `Gate` and nothing else;
    // no reference is kept across `enter`.
    unsafe { &mut *(GATE as *mut Gate) }
}

/// Runs the kernel's code from the registers at the gate until it takes an exit.
#[inline]
pub fn enter() {
    if is_wide() {
        // SAFETY: the gate was set up; the code that runs is the kernel's or ours, on a stack
        // and with pointers of its own memory, and comes back through an exit or the fault
        // handler with this stack and the kept registers as they were.
        unsafe { oracle_enter_wide() }
    } else {
        // SAFETY: the gate was set up; the code that runs sees only memory below
        // 4 GB, and comes back through an exit or through the fault handler.
        unsafe { oracle_enter() }
    }
}

/// The address of an exit.
pub(crate) fn exit_address(number: u32) -> u32 {
    assert!(number < MAX_EXITS);
    EXITS + number * EXIT_SIZE
}

/// Leads an exit of 32-bit code, which is writable, to other code; returns where it led.
pub(crate) fn lead_exit(number: u32, to: u32) -> u32 {
    let (jump, behind) =
        (exit_address(number) + EXIT_SIZE - 5, exit_address(number) + EXIT_SIZE - 1);
    let before = behind.wrapping_add(read32(jump));
    write32(jump, to.wrapping_sub(behind));
    before
}

/// Where a signal handler sends the kernel's code when that has to be given up.
pub(crate) fn leave64_address() -> u64 {
    // SAFETY: addresses of symbols alone.
    let offset = unsafe { (&raw const oracle_leave64).offset_from(&raw const oracle_gate_start) };
    u64::from(CODE) + offset as u64
}

/// Maps everything but the kernel and our object, and writes the code of the
/// gate and its exits.
pub(crate) fn set_up() -> Result<()> {
    map(GATE, 4 * PAGE, RW)?;
    map(ARENA, ARENA_SIZE, RW)?;
    map(STACK, STACK_SIZE, RW)?;
    protect(STACK, PAGE, libc::PROT_NONE);
    // SAFETY: the two symbols enclose the gate's code.
    let (code, leave) = unsafe {
        let start = &raw const oracle_gate_start;
        let size = (&raw const oracle_gate_end).offset_from(start) as usize;
        let leave =
            if is_wide() { &raw const oracle_leave_wide } else { &raw const oracle_leave32 };
        (std::slice::from_raw_parts(start, size), CODE + leave.offset_from(start) as u32)
    };
    bytes(CODE, code.len() as u32).copy_from_slice(code);
    for number in 0..MAX_EXITS {
        // movl $number, the exit at the gate; jmp to leave
        let at = exit_address(number);
        let mut exit = if is_wide() { vec![0xc7, 0x04, 0x25] } else { vec![0xc7, 0x05] };
        exit.extend((GATE + offset_of!(Gate, exit) as u32).to_le_bytes());
        exit.extend(number.to_le_bytes());
        exit.push(0xe9);
        let size = exit.len() as u32 + 4;
        exit.extend(leave.wrapping_sub(at + size).to_le_bytes());
        bytes(at, size).copy_from_slice(&exit);
    }
    protect(CODE, 2 * PAGE, RX);
    let gate = gate();
    gate.far_offset = CODE;
    gate.far_selector = u32::from(SELECTOR_32);
    Ok(())
}
