// SPDX-License-Identifier: GPL-2.0-or-later
//! A copy of a function that records its registers before each instruction.
//!
//! In front of every instruction that can be reached from the function's entry
//! without leaving it, the copy calls native code that writes the registers to a
//! buffer. Branches go to the call in front of their target. What the function
//! calls elsewhere runs as it is, and is not recorded.

use std::collections::{BTreeMap, HashMap};

use anyhow::{bail, Result};
use iced_x86::{
    BlockEncoder, BlockEncoderOptions, Code, Decoder, DecoderOptions, FlowControl, Instruction,
    InstructionBlock,
};

use super::native;
use super::step::Record;
use crate::low;

/// The copy, and behind it the records.
const COPY: u32 = 0x1900_0000;
const COPY_SIZE: u32 = 0x1_0000;
const RECORDS: u32 = COPY + COPY_SIZE;
const RECORDS_SIZE: u32 = 0x40_0000;

pub struct Recorder {
    copy: u32,
    /// The original of each instruction of the copy.
    originals: HashMap<u32, u32>,
}

impl Recorder {
    /// Copies `function`, of whose code is what `inside` says.
    pub fn new(function: u32, inside: impl Fn(u32) -> bool) -> Result<Self> {
        let instructions = reachable(function, inside)?;
        let mut list = Vec::new();
        for (index, instruction) in instructions.values().enumerate() {
            let mut call =
                Instruction::with_branch(Code::Call_rel32_32, native::recorder().into())?;
            call.set_ip32(instruction.ip32());
            list.push(call);
            // Branches name the address of the call; this one names nothing.
            let mut instruction = *instruction;
            instruction.set_ip32(u32::MAX - 16 * index as u32);
            list.push(instruction);
        }
        // A map once made stays; a second recorder takes its place.
        let _ = low::map(COPY, COPY_SIZE + RECORDS_SIZE, low::RW);
        low::protect(COPY, COPY_SIZE, low::RW);
        let block = InstructionBlock::new(&list, COPY.into());
        let options = BlockEncoderOptions::RETURN_NEW_INSTRUCTION_OFFSETS;
        let block = BlockEncoder::encode(32, block, options).map_err(|e| anyhow::anyhow!("{e}"))?;
        if block.code_buffer.len() > COPY_SIZE as usize {
            bail!("a function of {} instructions is too long to copy", instructions.len());
        }
        low::bytes(COPY, block.code_buffer.len() as u32).copy_from_slice(&block.code_buffer);
        low::protect(COPY, COPY_SIZE, low::RX);

        let place = |index: usize| COPY + block.new_instruction_offsets[index];
        let mut recorder = Recorder { copy: 0, originals: HashMap::new() };
        for (index, &ip) in instructions.keys().enumerate() {
            if ip == function {
                recorder.copy = place(2 * index);
            }
            recorder.originals.insert(place(2 * index + 1), ip);
        }
        native::words().next_record = RECORDS;
        native::words().last_record = RECORDS + RECORDS_SIZE - size_of::<Record>() as u32;
        Ok(recorder)
    }

    /// Where the copy is called.
    pub(crate) fn copy(&self) -> u32 {
        self.copy
    }

    /// The records since the last time, as of the original.
    pub(crate) fn take_records(&self) -> Vec<Record> {
        let end = std::mem::replace(&mut native::words().next_record, RECORDS);
        (RECORDS..end)
            .step_by(size_of::<Record>())
            .map(|at| {
                // SAFETY: the recorder wrote a whole record there.
                let mut registers = unsafe { (at as *const Record).read() };
                registers.eip = self.originals[&registers.eip];
                registers
            })
            .collect()
    }
}

/// The instructions that `function` can reach inside, by address.
fn reachable(function: u32, inside: impl Fn(u32) -> bool) -> Result<BTreeMap<u32, Instruction>> {
    let mut found = BTreeMap::new();
    let mut open = vec![function];
    while let Some(at) = open.pop() {
        if !inside(at) || found.contains_key(&at) {
            continue;
        }
        let code = low::bytes(at, 15);
        let instruction = Decoder::with_ip(32, code, at.into(), DecoderOptions::NONE).decode();
        let (next, target) = (instruction.next_ip32(), instruction.near_branch32());
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::IndirectCall => open.push(next),
            FlowControl::Call | FlowControl::ConditionalBranch => open.extend([next, target]),
            FlowControl::UnconditionalBranch => open.push(target),
            FlowControl::Return | FlowControl::Interrupt | FlowControl::Exception => {}
            _ => bail!("{:?} at {at:#x} goes somewhere unknown", instruction.code()),
        }
        found.insert(at, instruction);
    }
    Ok(found)
}
