// SPDX-License-Identifier: GPL-2.0-or-later
//! States that somebody else thought out, run on both sides: a prover's
//! counterexamples, and what its model of the processor is held against.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use clap::Parser;
use kit::files::write_all;
use kit::{elf, exit};
use serde::Deserialize;

use crate::callers::{CALLERS, MOST_ARGUMENTS};
use crate::case::{Case, Op, Poke};
use crate::hooks::{Spec, SPECS};
use crate::machine::{Machine, NoModifyLdt, Side};
use crate::run::Bench;
use crate::script::{put, Effect, Script, Write};
use crate::{dump, low, watch};

/// Run given states on both sides, and compare
///
/// Each state of FILE is bytes at addresses, a call, and what becomes of each call that it makes.
/// Exit status: 0 no difference; 1 a state differs, and is printed; 2 bad usage, or files that do
/// not fit; 77 skipped, as this machine cannot run 32-bit kernel code.
#[derive(Parser)]
#[command(name = "oracle state", bin_name = "oracle state", version)]
struct Args {
    /// The kernel: an i386 ELF file with symbols and DWARF
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Our object for that kernel
    #[arg(long, value_name = "FILE")]
    object: PathBuf,
    /// Write what each side did, for a program to read
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// The states, as tests/prove writes them
    file: PathBuf,
}

#[derive(Deserialize)]
struct File {
    state: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    name: String,
    /// The scan or the coalesce, from this entry, to this end.
    #[serde(default)]
    scan: bool,
    #[serde(default)]
    entry: u32,
    #[serde(default)]
    end: u32,
    /// Or one of their callers, with these arguments.
    caller: Option<String>,
    #[serde(default)]
    arguments: Vec<u32>,
    /// All entries, for reports.
    entries: Vec<u32>,
    /// The end of what is used of the arena.
    arena_end: u32,
    /// Another CPU holds the hint's lock at first.
    #[serde(default)]
    hold_hint: bool,
    memory: Vec<Write>,
    shipped: Vec<Effect>,
    ours: Vec<Effect>,
}

impl Given {
    /// Nothing may be written but the arena and the kernel's own data.
    fn check(&self, machine: &Machine) -> Result<()> {
        let arena = (low::ARENA, low::ARENA_SIZE);
        let effects = self.shipped.iter().chain(&self.ours).flat_map(|effect| &effect.writes);
        for (address, text) in self.memory.iter().chain(effects) {
            let what = || format!("state {}: bytes `{text}' at {address:#x}", self.name);
            let hexadecimal = text.bytes().all(|digit| digit.is_ascii_hexdigit());
            ensure!(hexadecimal && text.len() % 2 == 0, "{}: not hexadecimal", what());
            let size = text.len() as u32 / 2;
            let inside = |&(start, length): &(u32, u32)| {
                *address >= start
                    && u64::from(*address) + u64::from(size) <= u64::from(start) + u64::from(length)
            };
            let places = machine.kernel.data.iter().chain([&arena]);
            ensure!(
                { places }.any(inside),
                "{}: neither in the arena nor in the kernel's data",
                what()
            );
        }
        let in_arena =
            (low::ARENA..low::ARENA + low::ARENA_SIZE - 0x1000).contains(&self.arena_end);
        ensure!(in_arena, "state {}: the arena does not end at {:#x}", self.name, self.arena_end);
        self.op().map(|_| ())
    }

    fn op(&self) -> Result<Op> {
        let Some(name) = &self.caller else {
            return Ok(Op::Exact { scan: self.scan, entry: self.entry, end: self.end });
        };
        let caller = CALLERS.into_iter().find(|(_, known)| known == name);
        let (caller, _) =
            caller.with_context(|| format!("state {}: no caller {name}", self.name))?;
        let mut arguments = [0; MOST_ARGUMENTS];
        let given = arguments.get_mut(..self.arguments.len());
        given
            .with_context(|| format!("state {}: more than {MOST_ARGUMENTS} arguments", self.name))?
            .copy_from_slice(&self.arguments);
        Ok(Op::Given { caller, arguments })
    }

    fn case(&self) -> Result<Case> {
        let pokes = if self.hold_hint { vec![Poke::HoldHint] } else { Vec::new() };
        Ok(Case { pokes, ops: vec![self.op()?], acts: Vec::new() })
    }
}

pub fn main(words: &[OsString]) -> ExitCode {
    let args = Args::parse_from(words);
    if let Err(reason) = low::try_32_bit_code() {
        println!("SKIP: {reason}");
        return exit::SKIPPED.into();
    }
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => exit::FAILED.into(),
        Err(error) if error.is::<NoModifyLdt>() => {
            println!("SKIP: {error}");
            exit::SKIPPED.into()
        }
        Err(error) => {
            eprintln!("oracle state: {error:#}");
            exit::USAGE.into()
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let what = || args.file.display().to_string();
    let text = String::from_utf8(elf::read(&args.file)?).with_context(what)?;
    let file: File = toml::from_str(&text).with_context(what)?;
    let mut bench = Bench::new(Machine::new(&args.kernel, &args.object)?);
    ensure!(!low::is_wide(), "{}: for x86_64; the prover is for i386", args.kernel.display());
    for given in &file.state {
        given.check(&bench.machine)?;
    }
    watch::start_clock();
    bench.strict = true;
    let (mut results, mut differ) = (String::new(), 0);
    for given in file.state {
        let case = given.case()?;
        bench.machine.script = Some(Script { effects: [given.shipped, given.ours], next: 0 });
        bench.set(&given.entries, given.arena_end, || {
            given.memory.iter().for_each(|(address, text)| put(*address, text));
        });
        let difference = bench.run(&case);
        if args.results.is_some() {
            let _ = writeln!(results, "[[result]]\nname = {:?}", given.name);
            let _ = writeln!(results, "differs = {}", difference.is_some());
            let _ = writeln!(results, "arena = {:#x}", low::ARENA);
            for side in [Side::Shipped, Side::Ours] {
                outcome(&mut bench, side, given.arena_end, &mut results);
            }
        }
        if difference.is_some() {
            differ += 1;
            println!("state {}:", given.name);
            print!("{}", dump::compared(&mut bench, &case));
        }
    }
    if let Some(path) = &args.results {
        write_all(&[(path, results.as_bytes())], &[&args.file, &args.kernel, &args.object])?;
    }
    println!("{differ} states differ");
    Ok(differ == 0)
}

/// How a side ended, its calls, and its part of the arena.
fn outcome(bench: &mut Bench, side: Side, end: u32, text: &mut String) {
    let trace = match side {
        Side::Shipped => &bench.shipped,
        Side::Ours => &bench.ours,
    };
    let ended = match trace.returned.last() {
        Some(Ok(value)) => format!("{value}"),
        Some(Err(stop)) => format!("{:?}", bench.machine.describe(stop)),
        None => "\"nothing ran\"".to_string(),
    };
    let mut calls = String::new();
    for call in &trace.calls {
        let Spec(name, _, count) = SPECS[usize::from(call.hook)];
        let _ = write!(calls, "[{name:?}, {:?}], ", &call.arguments[..count]);
    }
    let side_name = if side == Side::Shipped { "shipped" } else { "ours" };
    let _ = write!(text, "{side_name} = {{ ended = {ended}, calls = [{calls}], memory = \"");
    bench.show_after(side);
    for byte in low::bytes(low::ARENA, end - low::ARENA).iter() {
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("\" }\n");
}
