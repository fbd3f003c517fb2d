// SPDX-License-Identifier: GPL-2.0-or-later
//! Finds where vm_object_copy_delayed lets go of the old copy before it sets what the new one shadows.

use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};
use kit::dwarf::Layouts;

use crate::elf;
use crate::graft::kernel::Kernel;
use crate::graft::patch::JUMP;

const FUNCTION: &str = "vm_object_copy_delayed";
/// As far apart, in instructions, are things that belong together.
const NEAR: usize = 12;

#[derive(Debug)]
pub struct Window {
    /// The exchange that frees the old copy's lock, its bytes, and the number of its register.
    pub unlock: u64,
    pub unlock_bytes: Vec<u8>,
    pub unlock_register: u8,
    /// The jump behind it, and where that leads to.
    pub jump: u64,
    pub join: u64,
    /// From there on, up to the store to the new copy's shadow, which stands here.
    pub stores: Vec<u8>,
    pub store: u64,
}

/// Where the members of struct vm_object are.
pub struct Members {
    pub lock: u32,
    pub shadow: u32,
}

impl Window {
    pub fn find(path: &Path, kernel: &Kernel, file: &object::File) -> Result<Window> {
        ensure!(
            !kernel.is_64,
            "it is for x86_64; what this looks for is known of i386's code alone"
        );
        let sections = elf::dwarf_sections(path, file)?;
        let layouts = Layouts::read(&elf::dwarf(&sections), &["vm_object"])?;
        let place = |name: &str| layouts.place("vm_object", name);
        ensure!(place("Lock")?.bits > 0, "its locks are empty: only SMP kernels have this window");
        let members = Members { lock: place("Lock")?.byte(), shadow: place("shadow")?.byte() };
        let [function] = kernel.symbols.get(FUNCTION).map_or(&[][..], Vec::as_slice) else {
            bail!("it has not one {FUNCTION}");
        };
        let mut code = Vec::new();
        let mut at = function.address;
        while at < function.address + function.size {
            let i = kernel.decode(at).with_context(|| format!("no instruction at {at:#x}"))?;
            at = i.next_ip();
            code.push(i);
        }
        let mut windows = Vec::new();
        for n in 0..code.len() {
            windows.extend(window(kernel, &code, n, &members)?);
        }
        match windows.len() {
            1 => Ok(windows.remove(0)),
            0 => bail!("{FUNCTION} has no unlock with a jump to the stores behind it: it is repaired, or compiled otherwise"),
            many => bail!("{FUNCTION} has {many} such unlocks"),
        }
    }
}

/// The window whose unlock is instruction `n`, if it is one.
pub fn window(
    kernel: &Kernel,
    code: &[Instruction],
    n: usize,
    members: &Members,
) -> Result<Option<Window>> {
    let unlock = &code[n];
    let old = unlock.memory_base();
    if unlock.mnemonic() != Mnemonic::Xchg
        || plain(unlock) != Some(members.lock)
        || !code[n.saturating_sub(NEAR)..n].iter().any(|i| stores_to(i, members.shadow, Some(old)))
    {
        return Ok(None);
    }
    let Some(jump) = code.get(n + 1) else { return Ok(None) };
    if jump.flow_control() != FlowControl::UnconditionalBranch || jump.len() != JUMP as usize {
        return Ok(None);
    }
    let join = jump.near_branch_target();
    let mut at = join;
    for _ in 0..NEAR {
        let Some(i) = kernel.decode(at) else { return Ok(None) };
        if i.flow_control() != FlowControl::Next {
            return Ok(None);
        }
        let end = i.next_ip();
        if stores_to(&i, members.shadow, None) {
            let stores = bytes(kernel, join, end)?;
            check_movable(kernel, join, end, old)?;
            let register = (0..2).map(|op| (unlock.op_kind(op), unlock.op_register(op)));
            let (_, register) = register
                .into_iter()
                .find(|(kind, _)| *kind == OpKind::Register)
                .context("no register")?;
            return Ok(Some(Window {
                unlock: unlock.ip(),
                unlock_bytes: bytes(kernel, unlock.ip(), unlock.next_ip())?,
                unlock_register: register.number() as u8,
                jump: jump.ip(),
                join,
                stores,
                store: at,
            }));
        }
        at = end;
    }
    Ok(None)
}

/// The stores can be made before the unlock as they stand: they leave its object alone, and the stack.
fn check_movable(kernel: &Kernel, from: u64, to: u64, old: Register) -> Result<()> {
    let mut facts = InstructionInfoFactory::new();
    let mut at = from;
    while at < to {
        let i = kernel.decode(at).context("no instruction")?;
        for used in facts.info(&i).used_registers() {
            let register = used.register().full_register32();
            let writes = !matches!(
                used.access(),
                OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
            );
            ensure!(
                register != Register::ESP && !(writes && register == old.full_register32()),
                "{}, `{i}`, cannot be made before the unlock",
                kernel.describe(at)
            );
        }
        at = i.next_ip();
    }
    Ok(())
}

/// The displacement of a memory operand that is a register and that, and no place on the stack.
fn plain(i: &Instruction) -> Option<u32> {
    let memory = (0..i.op_count()).any(|op| i.op_kind(op) == OpKind::Memory);
    let base = i.memory_base();
    let on_stack = matches!(base, Register::None | Register::EBP | Register::ESP);
    (memory && !on_stack && i.memory_index() == Register::None).then(|| i.memory_displacement32())
}

fn stores_to(i: &Instruction, member: u32, base: Option<Register>) -> bool {
    i.mnemonic() == Mnemonic::Mov
        && i.op0_kind() == OpKind::Memory
        && i.op1_kind() == OpKind::Register
        && plain(i) == Some(member)
        && base.is_none_or(|base| i.memory_base() == base)
}

fn bytes(kernel: &Kernel, from: u64, to: u64) -> Result<Vec<u8>> {
    let at = kernel.file_offset(from).context("no place in the file")?;
    Ok(kernel.data[at..at + (to - from) as usize].to_vec())
}
