// SPDX-License-Identifier: GPL-2.0-or-later
//! The code that a function may run and its deepest stack, by walking every path through its
//! machine code.

use std::collections::{HashMap, HashSet};

use anyhow::{bail, Context, Result};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

use super::image::{Image, Place, Target};
use super::symbols::NEVER_RETURN;

pub struct Extent {
    /// Bytes of the instructions of the function and of what it calls inside the object.
    pub code: u64,
    /// Bytes of stack from the function's return address, included, to the deepest point of it and
    /// of what it calls inside the object; a call that leaves it counts its return address only.
    pub stack: u64,
}

pub fn extent(image: &Image, function: Place) -> Result<Extent> {
    let mut walker = Walker {
        image,
        word: i64::from(image.bits / 8),
        known: HashMap::new(),
        open: Vec::new(),
        returns: HashSet::new(),
        lengths: HashMap::new(),
    };
    let stack = u64::try_from(walker.function(function)?)?;
    Ok(Extent { code: walker.lengths.values().map(|length| *length as u64).sum(), stack })
}

/// How far the stack pointer, and the frame pointer where it holds a frame, are below the address
/// just above the return address.
#[derive(Clone, Copy, PartialEq)]
struct Depth {
    stack: i64,
    frame: Option<i64>,
}

struct Walker<'a> {
    image: &'a Image,
    word: i64,
    known: HashMap<Place, i64>,
    open: Vec<Place>,
    /// Functions with a path that returns.
    returns: HashSet<Place>,
    /// Bytes of each instruction met.
    lengths: HashMap<Place, usize>,
}

impl Walker<'_> {
    fn function(&mut self, entry: Place) -> Result<i64> {
        if let Some(depth) = self.known.get(&entry) {
            return Ok(*depth);
        }
        if self.open.contains(&entry) {
            bail!("recursion at {}", self.image.describe(entry));
        }
        self.open.push(entry);
        let mut deepest = self.word;
        let mut seen: HashMap<Place, Depth> = HashMap::new();
        let start = Depth { stack: self.word, frame: None };
        let mut todo = vec![(entry, start)];
        while let Some((place, depth)) = todo.pop() {
            let mut depth = depth;
            if let Some(before) = seen.get(&place) {
                if before.stack != depth.stack {
                    bail!(
                        "{} is reached with two different stack depths",
                        self.image.describe(place)
                    );
                }
                if before.frame == depth.frame || before.frame.is_none() {
                    continue;
                }
                // The paths disagree about the frame pointer: rely on neither.
                depth.frame = None;
            }
            seen.insert(place, depth);
            let (after, below, next) = self
                .step(place, depth)
                .with_context(|| format!("at {}", self.image.describe(place)))?;
            deepest = deepest.max(below).max(after.stack);
            todo.extend(next.into_iter().map(|place| (place, after)));
        }
        self.open.pop();
        self.known.insert(entry, deepest);
        Ok(deepest)
    }

    /// Follows one instruction: depth after it, deepest point during it, where control goes.
    fn step(&mut self, place: Place, depth: Depth) -> Result<(Depth, i64, Vec<Place>)> {
        let instruction = self.decode(place)?;
        self.lengths.insert(place, instruction.len());
        let next = (place.0, instruction.next_ip());
        let mut below = depth.stack;
        let mut after = depth;
        let successors = match instruction.flow_control() {
            FlowControl::Next => {
                after = self.moved(&instruction, depth)?;
                vec![next]
            }
            FlowControl::Return if depth.stack != self.word => {
                bail!("`{instruction}`: {} bytes are left on the stack", depth.stack - self.word);
            }
            FlowControl::Return => {
                self.returns.extend(self.open.last());
                vec![]
            }
            FlowControl::Exception => vec![],
            FlowControl::Call => match self.branch_target(place, &instruction)? {
                Target::Outside(name) => {
                    below += self.word;
                    match NEVER_RETURN.contains(&name.as_str()) {
                        true => vec![],
                        false => vec![next],
                    }
                }
                Target::Inside(callee) => {
                    let deepest = self.function(callee)?;
                    below += deepest;
                    match self.returns.contains(&callee) {
                        true => vec![next],
                        false => vec![],
                    }
                }
            },
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                let mut places = match self.branch_target(place, &instruction)? {
                    Target::Inside(target) => vec![target],
                    Target::Outside(_) => {
                        // A tail call: the callee returns in this function's stead.
                        self.returns.extend(self.open.last());
                        vec![]
                    }
                };
                if instruction.flow_control() == FlowControl::ConditionalBranch {
                    places.push(next);
                }
                places
            }
            FlowControl::IndirectBranch => self.table_targets(place)?,
            other => bail!("`{instruction}`: {other:?} cannot be followed"),
        };
        Ok((after, below, successors))
    }

    fn decode(&self, place: Place) -> Result<Instruction> {
        let section = self.image.sections.get(&place.0);
        let data = section.filter(|s| s.is_text).context("control leaves the code")?;
        let rest = data
            .data
            .get(usize::try_from(place.1)?..)
            .filter(|rest| !rest.is_empty())
            .context("control runs off the end of the section")?;
        let mut decoder = Decoder::with_ip(self.image.bits, rest, place.1, DecoderOptions::NONE);
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            bail!("bytes that are no instruction");
        }
        Ok(instruction)
    }

    fn branch_target(&self, place: Place, instruction: &Instruction) -> Result<Target> {
        let section = &self.image.sections[&place.0];
        let mut fields = section.references.range(place.1..instruction.next_ip());
        Ok(match fields.next() {
            Some((_, reference)) => reference.target.clone(),
            None => Target::Inside((place.0, instruction.near_branch_target())),
        })
    }

    /// Where a jump through a table may go: any code that data holds the address of.
    fn table_targets(&self, place: Place) -> Result<Vec<Place>> {
        let targets: Vec<Place> = self
            .image
            .sections
            .values()
            .filter(|section| section.is_loaded && !section.is_text)
            .flat_map(|section| section.references.values())
            .filter(|reference| reference.is_absolute)
            .filter_map(|reference| match reference.target {
                Target::Inside(target) if target.0 == place.0 => Some(target),
                _ => None,
            })
            .filter(|target| self.same_function(place, *target))
            .collect();
        if targets.is_empty() {
            bail!("a jump through a register whose targets are not known");
        }
        Ok(targets)
    }

    fn same_function(&self, a: Place, b: Place) -> bool {
        self.image.symbols.iter().any(|s| {
            let holds =
                |p: Place| s.place.0 == p.0 && (s.place.1..s.place.1 + s.size).contains(&p.1);
            holds(a) && holds(b)
        })
    }

    /// The depth after an instruction that does not branch.
    fn moved(&self, i: &Instruction, depth: Depth) -> Result<Depth> {
        let (stack, frame) = if self.image.bits == 64 {
            (Register::RSP, Register::RBP)
        } else {
            (Register::ESP, Register::EBP)
        };
        let mut after = depth;
        let first = i.op0_register();
        let from_frame =
            || depth.frame.context("the stack pointer comes from a register that holds no frame");
        match i.mnemonic() {
            Mnemonic::Leave => {
                after.stack = from_frame()? - self.word;
                after.frame = None;
            }
            Mnemonic::Mov if first == stack && i.op1_register() == frame => {
                after.stack = from_frame()?;
            }
            Mnemonic::Mov if first == frame && i.op1_register() == stack => {
                after.frame = Some(depth.stack);
            }
            Mnemonic::Lea if first == stack && i.memory_index() == Register::None => {
                let distance = i.memory_displacement64() as i32 as i64;
                after.stack = match i.memory_base() {
                    base if base == stack => depth.stack - distance,
                    base if base == frame => from_frame()? - distance,
                    _ => bail!("`{i}`: a stack frame of unknown size"),
                };
            }
            Mnemonic::Sub | Mnemonic::Add if first == stack => {
                if i.op1_kind() == OpKind::Register || i.op1_kind() == OpKind::Memory {
                    bail!("`{i}`: a stack frame whose size is known only at run time");
                }
                let size = i.immediate(1) as i64;
                after.stack += if i.mnemonic() == Mnemonic::Sub { size } else { -size };
            }
            // Alignment: at most this much further down.
            Mnemonic::And if first == stack && i.op1_kind() != OpKind::Register => {
                after.stack += -(i.immediate(1) as i32 as i64) - 1;
            }
            _ if i.stack_pointer_increment() != 0 => {
                after.stack -= i64::from(i.stack_pointer_increment());
                if i.mnemonic() == Mnemonic::Pop && first == frame {
                    after.frame = None;
                }
            }
            _ => {
                let mut factory = InstructionInfoFactory::new();
                for used in factory.info(i).used_registers() {
                    let written = !matches!(
                        used.access(),
                        OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
                    );
                    if written && used.register().full_register() == Register::RSP {
                        bail!("`{i}`: a stack frame of unknown size");
                    }
                    if written && used.register().full_register() == Register::RBP {
                        after.frame = None;
                    }
                }
            }
        }
        if after.stack < self.word {
            bail!("`{i}`: more is popped than was pushed");
        }
        Ok(after)
    }
}
