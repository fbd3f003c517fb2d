// SPDX-License-Identifier: GPL-2.0-or-later
//! Is a register that our code may clobber still needed after a call?
//!
//! gcc may see that a function leaves, say, ecx alone, and keep a value in ecx across calls of it
//! (-fipa-ra). Our code leaves only what the ABI says. So from each call every path is followed until
//! the register is written as a whole; a read before that makes the graft unsafe.
//!
//! gcc sees into functions of the same compile unit only: those are followed. A call of any other, or
//! through a pointer, is taken by gcc to clobber all that the ABI lets it, so nothing is kept there.
//! A function that is replaced too is not followed: its code does not run, and its calls are judged
//! one by one.

use std::collections::{HashMap, HashSet};

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};

use super::facts::Facts;
use super::kernel::{Kernel, Symbol};

/// What can happen to the value that a register has at some place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// Overwritten on every path before anything reads it.
    Dead,
    /// It may get as far as the function's return, unread.
    Returns,
    /// The instruction at this address reads it.
    Read(u64),
    /// The code at this address cannot be followed.
    Unknown(u64),
}

pub struct Liveness<'a> {
    kernel: &'a Kernel<'a>,
    facts: &'a Facts,
    never_return: HashSet<u64>,
    /// The registers in which each function that is replaced takes parameters.
    replaced: HashMap<u64, &'static [Register]>,
    known: HashMap<(u64, Register), Fate>,
    open: HashSet<(u64, Register)>,
}

impl<'a> Liveness<'a> {
    pub fn new(
        kernel: &'a Kernel<'a>,
        facts: &'a Facts,
        replaced: HashMap<u64, &'static [Register]>,
    ) -> Self {
        let named = facts.never_return().filter_map(|name| kernel.symbols.get(name));
        Self {
            kernel,
            facts,
            never_return: named.flatten().map(|symbol| symbol.address).collect(),
            replaced,
            known: HashMap::new(),
            open: HashSet::new(),
        }
    }

    /// The fate of `register`, as it is at `start`, within the function there.
    pub fn fate(&mut self, start: u64, register: Register) -> Fate {
        if let Some(fate) = self.known.get(&(start, register)) {
            return *fate;
        }
        if !self.open.insert((start, register)) {
            return Fate::Unknown(start);
        }
        let fate = self.walk(start, register);
        self.open.remove(&(start, register));
        self.known.insert((start, register), fate);
        fate
    }

    fn walk(&mut self, start: u64, register: Register) -> Fate {
        let mut fate = Fate::Dead;
        let mut seen = HashSet::new();
        let mut todo = vec![start];
        while let Some(ip) = todo.pop() {
            if !seen.insert(ip) {
                continue;
            }
            let Some(i) = self.kernel.decode(ip) else {
                return Fate::Unknown(ip);
            };
            let (reads, writes) = touches(&i, register);
            if reads {
                return Fate::Read(ip);
            }
            if writes {
                continue;
            }
            let next = i.next_ip();
            let target = i.near_branch_target();
            match i.flow_control() {
                FlowControl::Next => todo.push(next),
                FlowControl::ConditionalBranch => todo.extend([next, target]),
                FlowControl::UnconditionalBranch
                    if self.facts.in_same_unit(self.kernel, ip, target) =>
                {
                    todo.push(target);
                }
                FlowControl::UnconditionalBranch => {}
                // A debugger trap: it leaves all registers as they are.
                FlowControl::Interrupt if i.mnemonic() == Mnemonic::Int3 => todo.push(next),
                FlowControl::Return => fate = Fate::Returns,
                FlowControl::Exception => {}
                // The compiler cannot know what an unknown function leaves alone: nothing is kept.
                FlowControl::IndirectCall => {}
                FlowControl::Call if self.replaced.contains_key(&target) => {
                    if self.replaced[&target].contains(&register) {
                        return Fate::Read(ip);
                    }
                }
                FlowControl::Call if !self.facts.call_returns.contains(&next) => {
                    // In inline assembly, where gcc was told what is clobbered.
                    return Fate::Unknown(ip);
                }
                FlowControl::Call if !self.facts.in_same_unit(self.kernel, ip, target) => {}
                FlowControl::Call => match self.fate(target, register) {
                    Fate::Dead => {}
                    Fate::Returns if self.never_return.contains(&target) => {}
                    Fate::Returns => todo.push(next),
                    trouble => return trouble,
                },
                _ => return Fate::Unknown(ip),
            }
        }
        fate
    }
}

/// Whether an instruction reads any part of a register, and whether it surely writes all of it.
fn touches(i: &Instruction, register: Register) -> (bool, bool) {
    let mut factory = InstructionInfoFactory::new();
    let (mut reads, mut writes) = (false, false);
    for used in factory.info(i).used_registers() {
        if used.register().full_register() != register.full_register() {
            continue;
        }
        match used.access() {
            // Of a register of 64 bits a write to the lower 32 clears the others.
            OpAccess::Write => writes |= used.register().size() >= 4,
            OpAccess::None | OpAccess::NoMemAccess | OpAccess::CondWrite => {}
            _ => reads = true,
        }
    }
    (reads, writes)
}

/// Whether an instruction writes any part of a register.
fn writes_any(i: &Instruction, register: Register) -> bool {
    InstructionInfoFactory::new().info(i).used_registers().iter().any(|used| {
        used.register().full_register() == register.full_register()
            && matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite)
    })
}

/// Whether gcc counts the register as clobbered by the function, and so keeps nothing in it across a
/// call of this or of what calls it: its own code writes the register, or that of a function of the
/// same unit that it calls; or it calls what gcc does not see into.
pub fn clobbers(kernel: &Kernel, facts: &Facts, function: &Symbol, register: Register) -> bool {
    clobbers_beyond(kernel, facts, function, register, &mut HashSet::new())
}

/// `clobbers`, with those that are being asked left out: of a circle of calls gcc may know less.
fn clobbers_beyond(
    kernel: &Kernel,
    facts: &Facts,
    function: &Symbol,
    register: Register,
    asked: &mut HashSet<u64>,
) -> bool {
    if !asked.insert(function.address) {
        return false;
    }
    let mut ip = function.address;
    while function.contains(ip) {
        let Some(i) = kernel.decode(ip) else {
            return false;
        };
        if writes_any(&i, register)
            || facts.call_returns.contains(&i.next_ip())
                && match i.flow_control() {
                    FlowControl::IndirectCall => true,
                    FlowControl::Call => match kernel.function_starting(i.near_branch_target()) {
                        Some(callee) if facts.in_same_unit(kernel, ip, callee.address) => {
                            clobbers_beyond(kernel, facts, callee, register, asked)
                        }
                        _ => true,
                    },
                    _ => false,
                }
        {
            return true;
        }
        ip = i.next_ip();
    }
    false
}
