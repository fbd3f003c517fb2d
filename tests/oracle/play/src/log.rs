// SPDX-License-Identifier: GPL-2.0-or-later
//! Calls that 32-bit code notes for itself, and answers where that takes no thought.
//!
//! To cross to 64-bit code and back takes as long as some hundred instructions, and a case would
//! do so twenty times. So while many cases run, hooked functions lead to the code below. It copies
//! what `Machine::serve` sums up (the arguments, the map, entries and objects among the arguments,
//! the thread's privilege) to a log of the side that runs, and lets the function's own code go on,
//! returns in its place, or leaves as before. A case that differs is run again without it, by
//! `serve` alone.

use std::arch::global_asm;

use anyhow::{ensure, Result};

use crate::hooks::{self, Action, Otherwise, PutAway, Spec, FIRST_HOOK, SPECS};
use crate::layout::{Field, Layout};
use crate::low;
use crate::machine::{self, Side};

/// What becomes of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each leaves.
    Leave,
    /// They are answered, and not noted.
    Answer,
    /// Also, that each function was called.
    Mark,
    /// Also, each call and the state at it.
    Note,
}

const MODE: u32 = low::GATE + 0x200;
/// Where the next call is noted, from where on there is no room, and where the log begins.
const NEXT: u32 = MODE + 0x4;
const LIMIT: u32 = MODE + 0x8;
const BASE: u32 = MODE + 0xc;
const ARENA_END: u32 = MODE + 0x10;
const ARENA_LIMIT: u32 = MODE + 0x14;
const MAP: u32 = MODE + 0x18;
const MAP_SIZE: u32 = MODE + 0x1c;
const ENTRY_SIZE: u32 = MODE + 0x20;
/// Behind this in the arena no entry begins.
const LAST_ENTRY: u32 = MODE + 0x24;
/// The word with the thread's privilege, and its bits there.
const PRIVILEGE: u32 = MODE + 0x28;
const PRIVILEGE_MASK: u32 = MODE + 0x2c;
const ENTRY_CACHE: u32 = MODE + 0x30;
/// Bytes of the arena that an entry takes, and an object.
const ENTRY_ROOM: u32 = MODE + 0x34;
const OBJECT_ROOM: u32 = MODE + 0x38;
const REFERENCES: u32 = MODE + 0x3c;
/// Where hooked functions led to before.
const LEAVE: u32 = MODE + 0x40;
const TARGET: u32 = MODE + 0x44;
/// By exit: a `Kind`, how many arguments, where the function's own code goes on, what is returned.
const TABLE: u32 = low::GATE + 0x300;
const TABLE_END: u32 = TABLE + 16 * (FIRST_HOOK + SPECS.len() as u32);
const _: () = assert!(size_of::<low::Gate>() <= 0x200 && TABLE_END <= low::GATE + 0x800);

#[derive(Clone, Copy)]
enum Kind {
    Leave = 0,
    Run = 1,
    Return = 2,
    Allocate = 3,
    /// Runs, unless it would give up an object's last reference.
    Release = 4,
}

/// The logs of both sides, with room for more calls than a case may make. First in each is a byte
/// for each exit that was taken.
const LOGS: u32 = 0x5000_0000;
const LOG_SIZE: u32 = 0x120_0000;
const MARKS: u32 = low::MAX_EXITS;
/// More than any call takes.
const MOST_OF_A_CALL: u32 = 0x1000;

const RECORDER: u32 = low::CODE + 0x800;

global_asm!(
    r#"
    .pushsection .rodata.oracle_log, "a", @progbits
    .globl oracle_log_start, oracle_log_end
    .macro copy_to_log size
        movl \size, %esi
        leal -16(%esi), %edi
    1:  movups (%edx,%edi), %xmm0
        movups %xmm0, (%ecx,%edi)
        subl $16, %edi
        ja 1b
        movups (%edx), %xmm0
        movups %xmm0, (%ecx)
        addl %esi, %ecx
    .endm
    .code32
    # As an exit is taken: its number is at the gate, the arguments are on the stack.
    oracle_log_start:
        cmpl $0, {mode}
        je 9f
        movl %eax, {ax}
        movl %ecx, {cx}
        movl %edx, {dx}
        movl {exit}, %eax
        cmpl $2, {mode}
        jb 5f
        movl {base}, %edx
        movb $1, (%edx,%eax)
        je 5f
    # Which exit, the privilege, the map, and each argument with the entry that it is.
        movl {next}, %ecx
        cmpl {limit}, %ecx
        ja 8f
        pushl %ebx
        pushl %ebp
        pushl %esi
        pushl %edi
        movl %eax, (%ecx)
        movl {privilege}, %edx
        movl (%edx), %edx
        andl {privilege_mask}, %edx
        movl %edx, 4(%ecx)
        addl $8, %ecx
        movl {map}, %edx
        copy_to_log {map_size}
        shll $4, %eax
        movl {table}+4(%eax), %ebx
        leal 20(%esp), %ebp
    2:  subl $1, %ebx
        js 3f
        movl (%ebp), %edx
        addl $4, %ebp
        movl %edx, (%ecx)
        addl $4, %ecx
        cmpl {map}, %edx
        je 2b
        leal -{arena}(%edx), %esi
        cmpl {last_entry}, %esi
        jae 2b
        copy_to_log {entry_size}
        jmp 2b
    3:  movl %ecx, {next}
        popl %edi
        popl %esi
        popl %ebp
        popl %ebx
        movl {exit}, %eax
    # What becomes of it.
    5:  shll $4, %eax
        movl {table}(%eax), %ecx
        cmpl $2, %ecx
        je 6f
        jb 4f
        cmpl $3, %ecx
        je 7f
        cmpl $1, {mode}
        je 1f
        movl 4(%esp), %ecx
        testl %ecx, %ecx
        je 1f
        addl {references}, %ecx
        cmpl $1, (%ecx)
        jbe 8f
        jmp 1f
    4:  testl %ecx, %ecx
        je 8f
    # It runs.
    1:  movl {table}+8(%eax), %ecx
        movl %ecx, {target}
        movl {ax}, %eax
        movl {cx}, %ecx
        movl {dx}, %edx
        jmpl *{target}
    # It returns.
    6:  movl {table}+12(%eax), %eax
        movl ${dx_after}, %edx
        movl ${cx_after}, %ecx
        ret
    # It is given memory.
    7:  movl {entry_room}, %edx
        movl 4(%esp), %ecx
        cmpl {entry_cache}, %ecx
        je 1f
        movl {object_room}, %edx
    1:  movl {arena_end}, %eax
        addl %eax, %edx
        cmpl {arena_limit}, %edx
        ja 8f
        movl %edx, {arena_end}
        movl ${dx_after}, %edx
        movl ${cx_after}, %ecx
        ret
    # It leaves.
    8:  movl {ax}, %eax
        movl {cx}, %ecx
        movl {dx}, %edx
    9:  jmpl *{leave}
    oracle_log_end:
    .code64
    .purgem copy_to_log
    .popsection
    "#,
    mode = const MODE,
    ax = const low::GATE + 8 * low::AX as u32,
    cx = const low::GATE + 8 * low::CX as u32,
    dx = const low::GATE + 8 * low::DX as u32,
    exit = const low::GATE + std::mem::offset_of!(low::Gate, exit) as u32,
    next = const NEXT,
    limit = const LIMIT,
    base = const BASE,
    arena = const low::ARENA,
    arena_end = const ARENA_END,
    arena_limit = const ARENA_LIMIT,
    map = const MAP,
    map_size = const MAP_SIZE,
    entry_size = const ENTRY_SIZE,
    last_entry = const LAST_ENTRY,
    privilege = const PRIVILEGE,
    privilege_mask = const PRIVILEGE_MASK,
    entry_cache = const ENTRY_CACHE,
    entry_room = const ENTRY_ROOM,
    object_room = const OBJECT_ROOM,
    references = const REFERENCES,
    leave = const LEAVE,
    target = const TARGET,
    table = const TABLE,
    dx_after = const crate::machine::SCRATCH[1],
    cx_after = const crate::machine::SCRATCH[2],
    options(att_syntax)
);

extern "C" {
    static oracle_log_start: u8;
    static oracle_log_end: u8;
}

/// Leads hooked functions to the code above; until `set` says otherwise, all leave as before.
pub fn install(
    layout: &Layout,
    put_away: &PutAway,
    arena_limit: u32,
    counts_pages: bool,
) -> Result<()> {
    low::map(LOGS, 2 * LOG_SIZE, low::RW)?;
    // SAFETY: the two symbols enclose the code.
    let code = unsafe {
        let start = &raw const oracle_log_start;
        let size = (&raw const oracle_log_end).offset_from(start) as usize;
        std::slice::from_raw_parts(start, size)
    };
    ensure!(RECORDER + code.len() as u32 <= low::exit_address(0), "no room behind the gate");
    low::protect(low::CODE, 2 * low::PAGE, low::RW);
    low::bytes(RECORDER, code.len() as u32).copy_from_slice(code);
    for (index, &Spec(_, action, count)) in SPECS.iter().enumerate() {
        let (kind, value) = kind(action, counts_pages);
        let row = [kind as u32, count as u32, put_away.trampolines[index], value];
        for (at, value) in (self::row(index)..).step_by(4).zip(row) {
            low::write32(at, value);
        }
        low::write32(LEAVE, low::lead_exit(FIRST_HOOK + index as u32, RECORDER));
    }
    low::protect(low::CODE, 2 * low::PAGE, low::RX);
    let (privilege, mask) = layout.word_of(layout.thread, Field::Privilege);
    let (references, _) = layout.word_of(0, Field::RefCount);
    for (at, value) in [
        (MODE, Mode::Leave as u32),
        (ARENA_LIMIT, arena_limit),
        (MAP, layout.map),
        (MAP_SIZE, layout.map_size),
        (ENTRY_SIZE, layout.entry_size),
        (LAST_ENTRY, low::ARENA_SIZE - layout.entry_size),
        (PRIVILEGE, privilege),
        (PRIVILEGE_MASK, mask),
        (ENTRY_CACHE, layout.entry_cache),
        (ENTRY_ROOM, machine::room(layout.entry_size)),
        (OBJECT_ROOM, machine::room(layout.vm_object_size)),
        (REFERENCES, references),
    ] {
        low::write32(at, value);
    }
    Ok(())
}

/// Begins the log of a side.
pub fn start(side: Side) {
    let base = base(side);
    low::bytes(base, MARKS).fill(0);
    low::write32(BASE, base);
    low::write32(NEXT, base + MARKS);
    low::write32(LIMIT, base + LOG_SIZE - MOST_OF_A_CALL);
}

/// What becomes of a call of a function that never takes thought, or always does.
fn kind(action: Action, counts_pages: bool) -> (Kind, u32) {
    match action {
        Action::Run => (Kind::Run, 0),
        Action::Release => (Kind::Release, 0),
        Action::Return(value) => (Kind::Return, value),
        Action::Page(_, Otherwise::Nothing) if !counts_pages => (Kind::Return, 0),
        _ => (Kind::Leave, 0),
    }
}

/// Whether memory is given without thought, and whether faults come to nothing.
pub(crate) fn answer(memory: bool, faults: bool) {
    const ALLOCATE: u8 = hooks::number("kmem_cache_alloc");
    const FAULT: u8 = hooks::number("vm_fault_wire");
    let set = |hook: u8, kind: Kind| low::write32(row(hook.into()), kind as u32);
    set(ALLOCATE, if memory { Kind::Allocate } else { Kind::Leave });
    set(FAULT, if faults { Kind::Return } else { Kind::Leave });
}

/// Before the kernel's code goes on: what becomes of calls, and where the use of the arena ends.
#[inline]
pub fn set(mode: Mode, arena_end: u32) {
    low::write32(MODE, mode as u32);
    low::write32(ARENA_END, arena_end);
}

/// When it has left: where the use of the arena ends.
#[inline]
pub fn arena_end() -> u32 {
    low::read32(ARENA_END)
}

#[inline]
pub(crate) fn is_full() -> bool {
    low::read32(NEXT) > low::read32(LIMIT)
}

/// Bytes of the log of the side that runs.
pub fn size() -> u32 {
    low::read32(NEXT) - low::read32(BASE)
}

/// The first bytes of a side's log.
pub fn bytes(side: Side, size: u32) -> &'static [u8] {
    low::bytes(base(side), size)
}

/// Whether a function was called, by its hook.
pub(crate) fn is_marked(side: Side, hook: u8) -> bool {
    bytes(side, MARKS)[FIRST_HOOK as usize + usize::from(hook)] != 0
}

fn base(side: Side) -> u32 {
    LOGS + side as u32 * LOG_SIZE
}

fn row(hook: usize) -> u32 {
    TABLE + 16 * (FIRST_HOOK + hook as u32)
}
