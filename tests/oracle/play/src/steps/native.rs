// SPDX-License-Identifier: GPL-2.0-or-later
//! Code of the bench's own beside the kernel's: where counting starts, a timer,
//! and what stands in for functions that do not run here.

use std::arch::global_asm;
use std::mem::offset_of;

use anyhow::{bail, Context, Result};

use crate::hooks::{Action, PutAway, Spec, FIRST_HOOK, JUMP, SPECS};
use crate::kernel::Kernel;
use crate::low;

/// Three pages: code, the words it works with, and what the kernel's code for pages finds.
const CODE: u32 = 0x1800_0000;
const WORDS: u32 = CODE + 0x1000;
/// The one `vm_page`, and the current task, which counts faults.
pub const PAGE: u32 = CODE + 0x2000;
pub const TASK: u32 = PAGE + 0x200;
/// The page's physical address, and the word of a pmap's table for it.
pub const PHYSICAL: u32 = 0x1000;
const TABLE_WORD: u32 = TASK + 0x200;
/// There is a page, and it may be stored to.
const VALID_TO_STORE: u32 = 3;
/// Offsets in the code.
const BREAKPOINT: u32 = 0;
const NOTHING: u32 = 1;
const FULL: u32 = 2;
const TIMER: u32 = 16;
const RECORD: u32 = 128;

/// The most that a function takes.
pub const ARGUMENTS: usize = 6;

/// What the timer calls, how often, with what, and the ticks that it took; and
/// where records go.
#[repr(C)]
pub struct Words {
    function: u32,
    times: u32,
    arguments: [u32; ARGUMENTS],
    ticks: u32,
    pub next_record: u32,
    pub last_record: u32,
    /// Where the next thing that is allocated will lie; 0: the oracle's hook says.
    pub next_free: u32,
}

// The timer passes the arguments on the stack and the first in eax, edx, ecx, whatever the function
// wants, so that both sides are called by the very same code.
//
// The recorder is called before an instruction. It writes a `step::Registers`,
// with its own return address for eip, and changes nothing but the stack below.
global_asm!(
    r#"
    .pushsection .rodata.bench_native, "a", @progbits
    .globl bench_native_start, bench_native_end
    bench_native_start:
    .code32
        int3
        ret
    2:
        int3
        jmp 3f
        .balign 16, 0xcc
        pushl %ebp
        pushl %ebx
        pushl %esi
        pushl %edi
        movl 0x18001004, %esi
        lfence
        rdtsc
        lfence
        movl %eax, %ebx
    1:
        movl 0x18001008, %eax
        movl 0x1800100c, %edx
        movl 0x18001010, %ecx
        pushl 0x1800101c
        pushl 0x18001018
        pushl 0x18001014
        pushl %ecx
        pushl %edx
        pushl %eax
        call *0x18001000
        addl $24, %esp
        decl %esi
        jnz 1b
        lfence
        rdtsc
        subl %ebx, %eax
        movl %eax, 0x18001020
        popl %edi
        popl %esi
        popl %ebx
        popl %ebp
        ret
        .balign 32, 0xcc
        .org bench_native_start + 128, 0xcc
        pushfl
        pushal
        movl 36(%esp), %eax
        movl 0x18001024, %edi
        movl %eax, (%edi)
        movl 28(%esp), %eax
        movl %eax, 4(%edi)
        movl 24(%esp), %eax
        movl %eax, 8(%edi)
        movl 20(%esp), %eax
        movl %eax, 12(%edi)
        movl 16(%esp), %eax
        movl %eax, 16(%edi)
        movl 8(%esp), %eax
        movl %eax, 20(%edi)
        movl 4(%esp), %eax
        movl %eax, 24(%edi)
        movl (%esp), %eax
        movl %eax, 28(%edi)
        movl 12(%esp), %eax
        addl $8, %eax
        movl %eax, 32(%edi)
        addl $36, %edi
        movl %edi, 0x18001024
        cmpl 0x18001028, %edi
        jae 2b
    3:
        popal
        popfl
        ret
    bench_native_end:
    .code64
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    static bench_native_start: u8;
    static bench_native_end: u8;
}

const STUB_SIZE: u32 = 6;
type Stub = [u8; STUB_SIZE as usize];

/// What a function begins with that returns a value at once.
fn stub(value: u32) -> Stub {
    let [a, b, c, d] = value.to_le_bytes();
    // mov eax, value; ret
    [0xb8, a, b, c, d, 0xc3]
}

/// The kernel's functions that wire and unwire pages, for the rows that count them.
const OF_PAGES: [&str; 3] = ["vm_fault_wire", "vm_fault_unwire", "vm_fault_wire_fast"];

/// Bytes from one thing that is allocated to the next: an entry fits.
pub fn allocated() -> u32 {
    if low::is_wide() {
        160
    } else {
        112
    }
}

/// An allocator for `at`, which leaves it to the hook when it has nothing.
fn allocator(at: u32, hook: u32) -> Vec<u8> {
    let place = (WORDS + offset_of!(Words, next_free) as u32).to_le_bytes();
    // mov eax, [place]; test eax, eax; jz hook; add dword ptr [place], ALLOCATED; ret
    let (load, add): (&[u8], &[u8]) = match low::is_wide() {
        false => (&[0xa1], &[0x81, 0x05]),
        true => (&[0x8b, 0x04, 0x25], &[0x81, 0x04, 0x25]),
    };
    let mut code = [load, &place, &[0x85, 0xc0, 0x0f, 0x84]].concat();
    let behind = at + code.len() as u32 + 4;
    code.extend(hook.wrapping_sub(behind).to_le_bytes());
    code.extend([add, &place, &allocated().to_le_bytes(), &[0xc3]].concat());
    code
}

/// Where stubs stand, and their sizes.
pub type Places = Vec<(u32, u32)>;

/// What takes the place of stubs while the kernel's code for pages runs.
pub struct PageCode {
    text: (u32, u32),
    /// Where; the stub; the function's own beginning, or another stub.
    changes: Vec<(u32, Stub, Stub)>,
    /// The stubs that are left then.
    pub stubs: Places,
}

impl PageCode {
    /// `stubs`: those of `install`; `own`: what the functions in `OF_PAGES` begin with.
    ///
    /// Each place of each object has `PAGE`, which stays wired; pmaps have it wherever they are
    /// asked, to be stored to.
    pub fn new(kernel: &Kernel, mut stubs: Places, own: Vec<(u32, Stub)>) -> Result<Self> {
        stubs.retain(|(at, _)| own.iter().all(|(own, _)| own != at));
        let mut changes: Vec<_> = own.into_iter().map(|(at, own)| (at, stub(0), own)).collect();
        for (name, value) in [
            ("vm_page_lookup", PAGE),
            ("pmap_extract", PHYSICAL),
            ("pmap_pte", TABLE_WORD),
            ("vm_page_wire", 0),
            ("vm_page_unwire", 0),
            ("pmap_enter", 0),
        ] {
            let at = kernel.symbol(name)?.address;
            let was = &*low::bytes(at, STUB_SIZE);
            changes.push((at, was.try_into()?, stub(value)));
            if !stubs.iter().any(|&(stub, _)| stub == at) {
                stubs.push((at, STUB_SIZE));
            }
        }
        let text = *kernel.text.first().context("a kernel without code")?;
        Ok(PageCode { text, changes, stubs })
    }

    /// Whether it is to run from now on.
    pub fn set(&self, runs: bool) {
        let (text, size) = self.text;
        low::protect(text, size, low::RW);
        for (at, stub, own) in &self.changes {
            low::bytes(*at, STUB_SIZE).copy_from_slice(if runs { own } else { stub });
        }
        low::protect(text, size, low::RX);
    }
}

/// Maps the code; puts stubs in place of what was hooked, and the kernel's own
/// code back where it was to run. Returns the stubs, and what the functions for pages began with.
pub fn install(kernel: &Kernel, put_away: &PutAway) -> Result<(Places, Vec<(u32, Stub)>)> {
    low::map(CODE, 0x3000, low::RW)?;
    // SAFETY: the two symbols enclose the code.
    let code = unsafe {
        let start = &raw const bench_native_start;
        let size = (&raw const bench_native_end).offset_from(start) as usize;
        std::slice::from_raw_parts(start, size)
    };
    low::bytes(CODE, code.len() as u32).copy_from_slice(code);
    low::protect(CODE, 0x1000, low::RX);
    low::write32(TABLE_WORD, VALID_TO_STORE);

    let (mut stubs, mut of_pages) = (Vec::new(), Vec::new());
    let (text, size) = *kernel.text.first().context("a kernel without code")?;
    low::protect(text, size, low::RW);
    for (index, Spec(name, action, _)) in SPECS.iter().enumerate() {
        let Some(symbol) = kernel.symbols.get(*name) else { continue };
        let at = symbol.address;
        match action {
            Action::Run | Action::Release => {
                low::bytes(at, JUMP as u32).copy_from_slice(&put_away.beginnings[index]);
            }
            Action::Allocate => {
                let code = allocator(at, low::exit_address(FIRST_HOOK + index as u32));
                let size = code.len() as u32;
                if symbol.size < size {
                    bail!("{name} has no room for a stub");
                }
                low::bytes(at, size).copy_from_slice(&code);
                stubs.push((at, size));
            }
            Action::Return(_) | Action::Page(..) => {
                let value = if let Action::Return(value) = action { *value } else { 0 };
                if symbol.size < STUB_SIZE {
                    bail!("{name} has no room for a stub");
                }
                let place = low::bytes(at, STUB_SIZE);
                if OF_PAGES.contains(name) {
                    place[..JUMP].copy_from_slice(&put_away.beginnings[index]);
                    of_pages.push((at, (&*place).try_into()?));
                }
                place.copy_from_slice(&stub(value));
                stubs.push((at, STUB_SIZE));
            }
            _ => {}
        }
    }
    low::protect(text, size, low::RX);
    Ok((stubs, of_pages))
}

/// A trap: where a call that is counted enters.
pub(crate) const fn breakpoint() -> u32 {
    CODE + BREAKPOINT
}

/// The trap that the recorder meets when there is no room for one more record.
pub(crate) const fn records_full() -> u32 {
    CODE + FULL
}

/// What a copy calls before each instruction.
pub const fn recorder() -> u32 {
    CODE + RECORD
}

/// A function that returns at once.
pub const fn nothing() -> u32 {
    CODE + NOTHING
}

/// Sets the timer to a call; returns what to call instead.
pub fn set_timer(function: u32, times: u32, arguments: [u32; ARGUMENTS]) -> u32 {
    *words() = Words { function, times, arguments, ..*words() };
    CODE + TIMER
}

/// Ticks of the last timed calls.
pub fn ticks() -> u32 {
    words().ticks
}

pub fn words() -> &'static mut Words {
    // SAFETY: `install` mapped the page, and it holds a `Words` and nothing else;
    // no reference is kept while 32-bit code runs.
    unsafe { &mut *(WORDS as *mut Words) }
}
