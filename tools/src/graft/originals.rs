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
    copies: Vec<u64>,
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
            let copies = facts.inlined(name).into_iter();
            let copies: Vec<u64> = copies.filter(|at| !found.contain(*at)).collect();
            if let Some(at) = copies.first().filter(|_| !function.may_stay_inlined) {
                bail!("{name}: {}", inlined(kernel, *at));
            }
            found.all[n].copies = copies;
        }
        for Original { function, symbol, convention, .. } in &mut found.all {
            *convention =
                facts.convention(kernel, function.name, symbol.address, function.parameters)?;
        }
        Ok(found)
    }

    /// Whether the code at this address is one's of them: after the graft it does not run.
    fn contain(&self, address: u64) -> bool {
        self.all.iter().any(|original| original.symbol.contains(address))
    }

    /// One line for each copy that stays.
    pub fn copies_told(&self, kernel: &Kernel) -> Vec<String> {
        let told = |original: &Original| {
            let name = original.function.name;
            let line = |at: &u64| {
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
            let parameters = original.function.parameters.len();
            (original.symbol.address, original.convention.registers(parameters))
        });
        let in_registers: HashMap<u64, &[Register]> = in_registers.collect();
        let mut liveness = Liveness::new(kernel, facts, in_registers);
        let mut lines = String::new();
        for &Original { function, symbol, .. } in &self.all {
            let name = function.name;
            // A result is in the first.
            let registers = &volatile(kernel)[usize::from(function.has_result)..];
            let calls = callers::calls(kernel, code, name, symbol)?;
            for after in facts.return_addresses(name) {
                let inside = self.contain(after);
                if !inside && !calls.iter().any(|i| i.next_ip() == after) {
                    bail!("{name}: the DWARF has a call that returns to {after:#x}, but there is none in the code");
                }
            }
            for call in calls.iter().filter(|call| !self.contain(call.ip())) {
                let place = kernel.describe(call.ip());
                for register in registers {
                    match liveness.fate(call.next_ip(), *register) {
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

/// The registers that code which follows the C convention may leave with anything in them.
fn volatile(kernel: &Kernel) -> &'static [Register] {
    use Register::{EAX, ECX, EDX, R10, R11, R8, R9, RAX, RCX, RDI, RDX, RSI};
    match kernel.is_64 {
        false => &[EAX, ECX, EDX],
        true => &[RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11],
    }
}

fn inlined(kernel: &Kernel, at: u64) -> String {
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
            (0, Some(at)) => bail!("{name}: {}", inlined(kernel, *at)),
            (many, _) => bail!("{name}: ambiguous, there are {many} symbols of that name"),
        }
    };
    let entry = kernel
        .decode(function.address)
        .with_context(|| format!("{name}: there is no code at {:#x}", function.address))?;
    let leaves = entry.flow_control() == FlowControl::UnconditionalBranch
        && !function.contains(entry.near_branch_target());
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
