// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool run`: the storms on the stock kernel and on the one with our functions, side by side.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use kit::exit;
use kit::graft::{check_pair, Record};

use crate::boot::{MachineArgs, Module, Progress, Read, Report};
use crate::object_check::CALLERS;

pub mod counters;
mod table;

use counters::Counters;
use table::Column;

pub const COUNTERS: &str = "vm_map_rust_counters";
/// What the storm wants first: ports by name, and to be a task that runs.
pub const PORTS: &str = "${host-port} ${device-port} ${kernel-task} $(task-create) $(task-resume)";

/// Run the storm on the stock kernel and on the grafted one, and print a table of both
///
/// The grafted kernel's counters are read from its memory after each storm; where they lie is read
/// from the record that vmtool graft leaves beside it (same name, extension json). The record also
/// names the stock kernel by its SHA-256: any other is refused.
///
/// Exit status: 0 if every storm passed on both and the counters prove that our functions ran: each
/// was called, entries were merged, and scans dropped the lock, and C called the callers if those are
/// ours too; 10 if a storm did not pass; 14 if all
/// passed but the counters prove nothing; 1 no boot could be tried; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// The stock kernel
    #[arg(long, value_name = "KERNEL")]
    stock: PathBuf,
    /// The grafted kernel
    #[arg(long, value_name = "KERNEL")]
    rust: PathBuf,
    /// The storm program
    #[arg(long, value_name = "FILE")]
    storm: PathBuf,
    /// Words for the storm, after the ports that it is always given
    #[arg(long, value_name = "WORDS", default_value = "", allow_hyphen_values = true)]
    options: String,
    /// Storms on each kernel
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Folder for the serial output of each storm
    #[arg(long, value_name = "DIR", default_value = "build/logs")]
    logs: PathBuf,
    /// First line of the table, for example the kernel's version
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let record = check_pair(&args.stock, &args.rust)?;
    let counters = counters_in(&record, &args.rust)?;
    std::fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;
    let stock = storms(args, "stock", &args.stock, None)?;
    let rust = storms(args, "Rust", &args.rust, Some(counters))?;

    if let Some(title) = &args.title {
        println!("{title}");
    }
    print!("{}", table::text(&stock, &rust));
    let failures = [&stock, &rust].map(Column::failures).concat();
    if !failures.is_empty() {
        failures.iter().for_each(|failure| println!("\n{failure}"));
        return Ok(ExitCode::from(exit::NOT_PASSED));
    }
    let doubts = rust.counters.map_or_else(Vec::new, |counters| counters.doubts());
    if !doubts.is_empty() {
        println!("\nthe counters do not prove that our code ran: {}", doubts.join("; "));
        return Ok(ExitCode::from(exit::PROVES_NOTHING));
    }
    Ok(ExitCode::SUCCESS)
}

fn storms(
    args: &Args,
    name: &'static str,
    kernel: &Path,
    counters: Option<Read>,
) -> Result<Column> {
    let mut column = Column::new(name);
    for round in 1..=args.repeats {
        let words = format!("{PORTS} {}", args.options);
        let mut boot = args
            .machine
            .boot(kernel.into(), vec![Module { path: args.storm.clone(), args: words }]);
        let log = args.logs.join(format!("{}-{round}.log", name.to_lowercase()));
        boot.reads = counters.iter().cloned().collect();
        boot.log = Some(log.clone());
        let progress = Progress::new(format!("{name} {round} of {}", args.repeats));
        let report: Report = boot
            .run(&mut |status| progress.show(status))
            .with_context(|| format!("cannot run the storm on the {name} kernel"))?;
        if let Some(words) = report.words.first() {
            column.add_counters(Counters::from_words(words)?);
        }
        column.add(report, log);
    }
    Ok(column)
}

/// Where the grafted kernel's counters are and how many, by the record that the graft left.
pub fn counters_of(kernel: &Path) -> Result<Read> {
    counters_in(&Record::read(kernel)?, kernel)
}

fn counters_in(record: &Record, kernel: &Path) -> Result<Read> {
    let address = record.symbols.get(COUNTERS).with_context(|| {
        format!(
            "{} names no {COUNTERS}: graft an object that was built with the feature `counters`",
            Record::place(kernel).display()
        )
    })?;
    let words = Counters::words(record.symbols.contains_key(CALLERS[0]));
    Ok(Read { place: format!("{address:#x}"), words })
}
