// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's own functions that are to be replaced: whether they, and all who call them, allow it.

use std::collections::HashMap;

use anyhow::{bail, Context, Result};
use iced_x86::{FlowControl, Instruction, Register};

use super::callers;
use super::facts::{Convention, Facts};
use super::functions::Function;
use super::kernel::{Kernel, Symbol};
use super::liveness::{clobbers, Fate, Liveness};
use super::patch;

#[derive(Debug)]
pub struct Original<'a> {
    pub function: &'static Function,
    pub symbol: &'a Symbol,
    pub convention: Convention,
    /// Where it was inlined into functions that stay.
    copies: Vec<u32>,
}

#[derive(Debug)]
pub struct Originals<'a> {
    pub all: Vec<Original<'a>>,
}

impl<'a> Originals<'a> {
    /// Each there once, whole, with the parameters that it should have.
    pub fn find(
        kernel: &'a Kernel,
        facts: &Facts,
        replaced: &'static [Function],
    ) -> Result<Originals<'a>> {
        let mut all = Vec::new();
        for function in replaced {
            let symbol = find_one(kernel, facts, function.name)?;
            let convention = Convention::Cdecl;
            all.push(Original { function, symbol, convention, copies: Vec::new() });
        }
        let mut found = Originals { all };
        for (n, function) in replaced.iter().enumerate() {
            let name = function.name;
            let copies = facts.inlined(name).into_iter().map(|at| at as u32);
            let copies: Vec<u32> = copies.filter(|at| !found.contain(*at)).collect();
            if let Some(at) = copies.first().filter(|_| !function.may_stay_inlined) {
                bail!("{name}: {}", inlined(kernel, *at));
            }
            found.all[n].copies = copies;
        }
        for Original { function, symbol, convention, .. } in &mut found.all {
            let entry = u64::from(symbol.address);
            *convention = facts.convention(function.name, entry, function.parameters)?;
        }
        Ok(found)
    }

    /// Whether the code at this address is one's of them: after the graft it does not run.
    fn contain(&self, address: u32) -> bool {
        self.all.iter().any(|original| original.symbol.contains(address))
    }

    /// One line for each copy that stays.
    pub fn copies_told(&self, kernel: &Kernel) -> Vec<String> {
        let told = |original: &Original| {
            let name = original.function.name;
            let line = |at: &u32| {
                format!("{name}: a copy of the kernel's own stays at {}", kernel.describe(*at))
            };
            original.copies.iter().map(line).collect::<Vec<_>>()
        };
        self.all.iter().flat_map(told).collect()
    }

    /// Every call of one of the functions must do without the registers that ours may clobber. Returns
    /// one line per call.
    pub fn check_calls(
        &self,
        kernel: &Kernel,
        facts: &Facts,
        code: &[Instruction],
    ) -> Result<String> {
        let in_registers = self.all.iter().map(|original| {
            let registers = original.convention == Convention::Registers;
            let parameters = original.function.parameters.len();
            (original.symbol.address, if registers { parameters } else { 0 })
        });
        let in_registers: HashMap<u32, usize> = in_registers.collect();
        let mut liveness = Liveness::new(kernel, facts, in_registers);
        let mut lines = String::new();
        for &Original { function, symbol, .. } in &self.all {
            let name = function.name;
            // A result is in eax.
            let registers: &[Register] = match function.has_result {
                true => &[Register::ECX, Register::EDX],
                false => &[Register::EAX, Register::ECX, Register::EDX],
            };
            let calls = callers::calls(kernel, code, name, symbol)?;
            for after in facts.return_addresses(name) {
                let inside = self.contain(after as u32);
                if !inside && !calls.iter().any(|i| i.next_ip() == after) {
                    bail!("{name}: the DWARF has a call that returns to {after:#x}, but there is none in the code");
                }
            }
            for call in calls.iter().filter(|call| !self.contain(call.ip() as u32)) {
                let place = kernel.describe(call.ip() as u32);
                for register in registers {
                    match liveness.fate(call.next_ip() as u32, *register) {
                        Fate::Dead => {}
                        Fate::Returns if clobbers(kernel, facts, symbol, *register) => {}
                        Fate::Returns => bail!("{name}: {register:?} may be live after the call at {place}: the original leaves it alone, and so does the caller"),
                        Fate::Read(at) => bail!("{name}: {register:?} is live after the call at {place}: {} reads it", kernel.describe(at)),
                        Fate::Unknown(at) => bail!("{name}: {register:?} may be live after the call at {place}: the code at {} cannot be followed", kernel.describe(at)),
                    }
                }
                lines += &format!("{name}: called at {place}: {registers:?} dead\n");
            }
        }
        Ok(lines)
    }
}

fn inlined(kernel: &Kernel, at: u32) -> String {
    format!("inlined at {}; that copy would stay", kernel.describe(at))
}

fn find_one<'a>(kernel: &'a Kernel, facts: &Facts, name: &str) -> Result<&'a Symbol> {
    let clone = format!("{name}.");
    if let Some(clone) = kernel.symbols.keys().find(|other| other.starts_with(&clone)) {
        bail!("{name}: cloned or split by the compiler (symbol {clone}); that part would stay");
    }
    let all = kernel.symbols.get(name).map_or(&[][..], Vec::as_slice);
    let [function] = all else {
        match (all.len(), facts.inlined(name).first()) {
            (0, None) => bail!("{name}: function missing; kernels from before April 2024 lack it"),
            (0, Some(at)) => bail!("{name}: {}", inlined(kernel, *at as u32)),
            (many, _) => bail!("{name}: ambiguous, there are {many} symbols of that name"),
        }
    };
    let entry = kernel
        .decode(function.address)
        .with_context(|| format!("{name}: there is no code at {:#x}", function.address))?;
    let leaves = entry.flow_control() == FlowControl::UnconditionalBranch
        && !function.contains(entry.near_branch_target() as u32);
    if leaves {
        bail!(
            "{name}: already grafted (its entry is a jump elsewhere); start from the stock kernel"
        );
    }
    if !function.is_function || function.size < patch::JUMP {
        bail!("{name}: not a function of at least {} bytes", patch::JUMP);
    }
    Ok(function)
}
