// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's functions that the oracle sees being called, by a jump in place
//! of their first instruction.

use anyhow::{bail, Context, Result};
use iced_x86::{
    BlockEncoder, BlockEncoderOptions, Code, Decoder, DecoderOptions, Instruction, InstructionBlock,
};

use crate::ends::pages::{Do, TABLE_SIZE};
use crate::kernel::Kernel;
use crate::low;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The kernel's function runs.
    Run,
    /// The oracle returns this instead.
    Return(u32),
    /// Memory of the arena, as the bytes of the cache's objects need.
    Allocate,
    /// A failed assertion ends the run.
    Assert,
    /// So does a panic.
    Panic,
    /// Another thread may let go of the lock; if none holds it, the run ends.
    Sleep,
    /// The last reference to an object is not given up, so that what is freed stays seen;
    /// others are.
    Release,
    /// Another thread runs meanwhile.
    Block,
    /// Where end states are compared, how often pages are wired; else what there is instead.
    Page(Do, Otherwise),
    /// The oracle has no answer: the case must not lead here.
    Refuse,
}

/// Where nobody asks how often a page is wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    Fault,
    Nothing,
    Refuse,
}

/// A function, what to do, and how many arguments are recorded.
pub struct Spec(pub &'static str, pub Action, pub usize);

use Action::{Allocate, Assert, Block, Page, Panic, Refuse, Release, Return, Run, Sleep};

pub const SPECS: &[Spec] = &[
    Spec("vm_object_coalesce", Run, 8),
    Spec("vm_object_shadow", Run, 3),
    Spec("vm_object_allocate", Run, 1),
    Spec("rbtree_remove", Run, 2),
    Spec("rbtree_insert_rebalance", Run, 4),
    Spec("lock_write", Run, 1),
    Spec("lock_done", Run, 1),
    Spec("lock_set_recursive", Run, 1),
    Spec("lock_clear_recursive", Run, 1),
    Spec("lock_write_to_read", Run, 1),
    Spec("kmem_cache_alloc", Allocate, 1),
    Spec("kmem_cache_free", Return(0), 2),
    Spec("kmem_cache_init", Return(0), 2),
    Spec("vm_fault_wire", Page(Do::Wire, Otherwise::Fault), 2),
    Spec("vm_fault_unwire", Page(Do::Unwire, Otherwise::Nothing), 2),
    Spec("Assert", Assert, 0),
    Spec("Panic", Panic, 0),
    Spec("thread_sleep", Sleep, 3),
    Spec("thread_wakeup_prim", Return(0), 3),
    Spec("thread_block", Block, 1),
    Spec("assert_wait", Return(0), 2),
    Spec("ipc_port_alloc_special", Return(0x00ab_cde0), 1),
    Spec("ipc_kobject_set", Return(0), 3),
    Spec("ipc_port_dealloc_special", Return(0), 2),
    Spec("pmap_protect", Return(0), 4),
    Spec("pmap_remove", Return(0), 3),
    Spec("pmap_page_protect", Return(0), 2),
    Spec("pmap_enter", Refuse, 5),
    Spec("vm_object_terminate", Refuse, 1),
    Spec("kalloc", Refuse, 1),
    Spec("printf", Refuse, 2),
    Spec("vm_map_lookup_entry", Run, 2),
    Spec("vm_map_deallocate", Return(0), 1),
    Spec("vm_object_reference", Run, 1),
    Spec("vm_object_deallocate", Release, 1),
    Spec("vm_object_page_remove", Run, 3),
    Spec("vm_object_pmap_remove", Return(0), 3),
    Spec("vm_fault_wire_fast", Page(Do::WireFast, Otherwise::Refuse), 3),
    Spec("vm_fault", Page(Do::BringIn, Otherwise::Refuse), 6),
    Spec("vm_page_lookup", Page(Do::LookUp, Otherwise::Nothing), 2),
    Spec("vm_page_wire", Page(Do::WirePage, Otherwise::Refuse), 1),
    Spec("vm_page_unwire", Page(Do::UnwirePage, Otherwise::Refuse), 1),
    Spec("pmap_extract", Page(Do::Extract, Otherwise::Nothing), 2),
    Spec("pmap_pte", Page(Do::FindWord, Otherwise::Refuse), 2),
    Spec("pmap_change_wiring", Return(0), 3),
    Spec("vm_page_mem_free", Page(Do::CountFree, Otherwise::Refuse), 0),
    Spec("vm_page_table_size", Return(TABLE_SIZE), 0),
    Spec("vm_page_grab", Page(Do::Grab, Otherwise::Refuse), 1),
    Spec("vm_page_zero_fill", Return(0), 1),
    Spec("pmap_clear_modify", Return(0), 1),
    Spec("vm_page_insert", Page(Do::Insert, Otherwise::Refuse), 3),
];

/// Arguments that are ints, by number: 64-bit code leaves anything in the upper halves of those.
const INTS: &[(&str, &[usize])] = &[
    ("rbtree_insert_rebalance", &[2]),
    ("thread_sleep", &[2]),
    ("thread_wakeup_prim", &[1, 2]),
    ("assert_wait", &[1]),
    ("ipc_kobject_set", &[2]),
    ("pmap_protect", &[3]),
    ("pmap_page_protect", &[1]),
];

/// The bits that count of an argument.
#[inline]
pub(crate) fn mask(hook: usize, argument: usize) -> u64 {
    const MASKS: [[u64; MOST_ARGUMENTS]; SPECS.len()] = masks();
    MASKS[hook][argument]
}

const fn masks() -> [[u64; MOST_ARGUMENTS]; SPECS.len()] {
    let mut masks = [[u64::MAX; MOST_ARGUMENTS]; SPECS.len()];
    let mut at = 0;
    while at < INTS.len() {
        let (name, arguments) = INTS[at];
        let mut n = 0;
        while n < arguments.len() {
            masks[number(name) as usize][arguments[n]] = u32::MAX as u64;
            n += 1;
        }
        at += 1;
    }
    masks
}

/// Functions that some kernels inline wherever they are called.
const OPTIONAL: &[&str] = &["vm_object_terminate"];

pub const MOST_ARGUMENTS: usize = 8;
/// The exit by which calls return; hooks take the exits behind it.
pub const EXIT_RETURN: u32 = 0;
pub const FIRST_HOOK: u32 = 1;

/// The number of a hook by its name.
pub const fn number(name: &str) -> u8 {
    let mut at = 0;
    while at < SPECS.len() {
        if same(SPECS[at].0.as_bytes(), name.as_bytes()) {
            return at as u8;
        }
        at += 1;
    }
    panic!("no hook of that name")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The bytes that a hook takes of its function.
pub const JUMP: usize = 5;

/// What each hook has put away, by number.
#[derive(Default)]
pub struct PutAway {
    /// Where the function's own code goes on; 0: nowhere.
    pub trampolines: Vec<u32>,
    /// How the function began.
    pub beginnings: Vec<[u8; JUMP]>,
}

/// Patches every hook in.
pub fn install(kernel: &Kernel) -> Result<PutAway> {
    let mut trampoline = low::TRAMPOLINES;
    let PutAway { mut trampolines, mut beginnings } = PutAway::default();
    for (index, Spec(name, action, _)) in SPECS.iter().enumerate() {
        let Some(symbol) = kernel.symbols.get(*name) else {
            if OPTIONAL.contains(name) {
                trampolines.push(0);
                beginnings.push([0; JUMP]);
                continue;
            }
            bail!("the kernel has no symbol {name}");
        };
        if matches!(action, Run | Release) {
            trampolines.push(trampoline);
            trampoline += move_prologue(symbol.address, trampoline)
                .with_context(|| format!("the first instructions of {name} cannot be moved"))?;
        } else {
            trampolines.push(0);
        }
        let exit = low::exit_address(FIRST_HOOK + index as u32);
        let mut jump = vec![0xe9];
        jump.extend(exit.wrapping_sub(symbol.address + 5).to_le_bytes());
        let beginning = low::bytes(symbol.address, JUMP as u32);
        beginnings.push((&*beginning).try_into()?);
        beginning.copy_from_slice(&jump);
    }
    low::protect(low::TRAMPOLINES, low::TRAMPOLINES_SIZE, low::RX);
    Ok(PutAway { trampolines, beginnings })
}

/// Copies the whole instructions in the first five bytes of a function, and a
/// jump to the next one; returns the bytes that the copy takes.
fn move_prologue(function: u32, to: u32) -> Result<u32> {
    let (bits, code) = match low::is_wide() {
        false => (32, Code::Jmp_rel32_32),
        true => (64, Code::Jmp_rel32_64),
    };
    let bytes = low::bytes(function, 32);
    let mut decoder = Decoder::with_ip(bits, bytes, function.into(), DecoderOptions::NONE);
    let mut instructions = Vec::new();
    while decoder.position() < JUMP {
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            bail!("no instruction at {:#x}", instruction.ip32());
        }
        instructions.push(instruction);
    }
    instructions.push(Instruction::with_branch(code, decoder.ip())?);
    let block = InstructionBlock::new(&instructions, to.into());
    let code = BlockEncoder::encode(bits, block, BlockEncoderOptions::NONE)
        .map_err(|e| anyhow::anyhow!("{e}"))?
        .code_buffer;
    if to + code.len() as u32 > low::TRAMPOLINES + low::TRAMPOLINES_SIZE {
        bail!("no room");
    }
    low::bytes(to, code.len() as u32).copy_from_slice(&code);
    Ok(code.len() as u32)
}
