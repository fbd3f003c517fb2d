// SPDX-License-Identifier: GPL-2.0-or-later
//! Measures our functions beside the shipped ones: what they execute and touch,
//! how long they take, how big and how deep they are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};
use kit::graft::check_pair;
use kit::{exit, files};

mod budget;
mod maps;
mod measure;
mod report;
mod results;
mod rows;
mod sizes;
mod stage;
mod storms;
mod tables;
mod verdict;

use oracle_play::steps::{native, step};

use crate::low;
use crate::machine::NoModifyLdt;
use budget::Verdict;
use measure::Plan;
use results::Results;
use stage::Stage;

/// Measure our functions beside the kernel's own
///
/// Both run natively from the same maps, the kernel's callees with them; page faults, the slab
/// allocator and wake-ups are stubs. Our object has to be one without the crate's counters. Exit
/// status: 0 all well; 1 over the budget, or no storm passed; 2 bad usage, or files that do not fit; 77 skipped, as this
/// machine cannot run 32-bit kernel code, or as the budget does not name the kernel, or another compiler
/// than the object's.
#[derive(Parser)]
#[command(name = "oracle bench", bin_name = "oracle bench", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Measure(Measure),
    Budget(budget::Args),
    Storms(storms::Args),
    Report(report::Args),
}

/// Count and time both sides, and print tables
#[derive(clap::Args)]
struct Measure {
    #[command(flatten)]
    subject: Subject,
    /// That kernel grafted with that object, to count what its jump and thunk add; any other is refused
    #[arg(long, value_name = "FILE")]
    grafted: Option<PathBuf>,
    /// Leave rows with more entries out
    #[arg(long, value_name = "N", default_value_t = 65_536)]
    most_entries: u32,
    /// Take no times
    #[arg(long)]
    counts_only: bool,
    /// Keep the results there, for a report
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

impl Measure {
    fn check_graft(&self) -> Result<()> {
        let Some(grafted) = &self.grafted else { return Ok(()) };
        let record = check_pair(&self.subject.kernel, grafted)?;
        let object = files::sha256_of(&self.subject.object)?;
        ensure!(
            record.object_sha256 == object,
            "{} was grafted with another object than {}: with one of sha256 {}, and that one has {object}",
            grafted.display(),
            self.subject.object.display(),
            record.object_sha256
        );
        Ok(())
    }
}

#[derive(clap::Args)]
pub struct Subject {
    /// The kernel: an i386 or x86_64 ELF file with symbols and DWARF
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Our object for that kernel, without counters
    #[arg(long, value_name = "FILE")]
    object: PathBuf,
    /// What to call the kernel (default: the name of its folder)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Subject {
    fn measure(&self, plan: Plan) -> Result<Results> {
        let mut stage = Stage::new(&self.kernel, &self.object)?;
        Ok(Results {
            name: self.name.clone().unwrap_or_else(|| folder_of(&self.kernel)),
            version: stage.machine.kernel.version.clone(),
            compiler: sizes::compiler(&self.object)?,
            text: sizes::text(&stage.machine.kernel, &self.object)?,
            sound: stage.is_sound(),
            graft: None,
            rows: measure::all(&mut stage, plan)?,
        })
    }
}

fn folder_of(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name);
    folder.unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A trap takes microseconds.
const MOST_BY_TRAPS: u32 = 256;

/// `words`: the command line from `bench` on.
pub fn main(words: &[OsString]) -> ExitCode {
    match run(&Args::parse_from(words).command) {
        Ok(status) => status,
        Err(error) if error.is::<NoModifyLdt>() => {
            println!("SKIP: {error}");
            exit::SKIPPED.into()
        }
        Err(error) => {
            eprintln!("oracle bench: {error:#}");
            exit::USAGE.into()
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Measure(args) => natively(|| {
            args.check_graft()?;
            let mut results = args.subject.measure(Plan {
                most_entries: args.most_entries,
                most_by_traps: MOST_BY_TRAPS,
                times: !args.counts_only,
                ours_alone: false,
            })?;
            results.graft = args.grafted.as_deref().map(sizes::graft).transpose()?;
            tables::print(&results);
            if let Some(path) = &args.save {
                results::write(path, &toml::to_string(&results)?)?;
            }
            Ok(ExitCode::SUCCESS)
        }),
        Command::Budget(args) => natively(|| {
            Ok(match budget::run(args)? {
                Verdict::Within => ExitCode::SUCCESS,
                Verdict::Over => exit::FAILED.into(),
                Verdict::NotJudged => exit::SKIPPED.into(),
            })
        }),
        Command::Storms(args) => {
            Ok(if storms::run(args)? { ExitCode::SUCCESS } else { exit::FAILED.into() })
        }
        Command::Report(args) => report::run(args).map(|()| ExitCode::SUCCESS),
    }
}

/// What runs kernel code in this process.
fn natively(work: impl FnOnce() -> Result<ExitCode>) -> Result<ExitCode> {
    match low::try_32_bit_code() {
        Ok(()) => work(),
        Err(reason) => {
            println!("SKIP: {reason}");
            Ok(exit::SKIPPED.into())
        }
    }
}
