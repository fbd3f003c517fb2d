// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool defects`: what known defects of upstream's do to the stock kernel, and to the one with our
//! functions.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure, Context, Result};

mod list;
pub mod outcome;
pub mod place;
mod status;
mod table;

use crate::boot::{MachineArgs, Module, Progress};
use crate::run::PORTS;
use list::{Defect, List};
use outcome::Outcome;
use place::Names;
use status::Status;
use table::Row;

/// Provoke known defects of upstream's on the stock kernel and on the grafted one, and print a table
///
/// Each is provoked in boots of its own, as most stop the kernel: a program of ours is told which, and
/// makes the calls. What the kernel does is a result, not a failure, as long as it is what the list
/// (tests/defects/defects.toml) says, and both kernels do it alike.
///
/// A call that never returns is told by the program itself, whose first thread goes on; a kernel that
/// stopped, by its silence. With --sound the list says what ours is to do: hold, mostly. Defects that
/// only a schedule shows are listed with the command that replays it.
///
/// Exit status: 0 each defect did what was expected, on both kernels alike; 10 a defect did something
/// else; 16 the two kernels differ; 17 one could not be tried; 1 no boot could be tried; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// The stock kernel
    #[arg(long, value_name = "KERNEL")]
    stock: PathBuf,
    /// The grafted kernel; without it, only the stock one is booted
    #[arg(long, value_name = "KERNEL")]
    rust: Option<PathBuf>,
    /// The program that provokes them
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The list of defects, and what is expected of each
    #[arg(long, value_name = "FILE", default_value = list::LIST)]
    list: PathBuf,
    /// Whose expectations hold for these kernels: a suite that the list names. Without it only the two
    /// kernels are compared
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Our functions have the feature sound: what the list says of that is expected of them
    #[arg(long, requires = "rust")]
    sound: bool,
    /// Boots of each kernel for each defect
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Folder for the serial output of each boot
    #[arg(long, value_name = "DIR", default_value = "build/defect-logs")]
    logs: PathBuf,
    /// First line of the table, for example the kernel's version
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Name the defects, and do nothing else
    #[arg(long)]
    names: bool,
    /// The defects to provoke; all, if none is named. `NAME` takes its further roads, `NAME.ROAD`, as well
    #[arg(value_delimiter = ',')]
    defects: Vec<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// A kernel to boot, with what names the functions in it.
struct Subject<'a> {
    name: &'static str,
    path: &'a Path,
    names: Names,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let list = List::read(&args.list)?;
    let (defects, schedules) = list.chosen(&args.defects)?;
    if args.names {
        defects.iter().for_each(|defect| println!("{:<28} {}", defect.name, defect.title));
        schedules.iter().for_each(|one| println!("{:<28} {}", one.name, one.title));
        return Ok(ExitCode::SUCCESS);
    }
    let suite = args.suite.as_deref();
    if let Some(suite) = suite {
        list.knows(suite)?;
    }
    ensure!(args.program.is_file(), "no program at {}: make defects", args.program.display());
    let mut subjects = vec![Subject::new("stock", &args.stock)?];
    if let Some(rust) = &args.rust {
        subjects.push(Subject::new("ours", rust)?);
    }
    std::fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;

    if let Some(title) = &args.title {
        println!("{title}");
    }
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name).collect();
    print!("{}", table::head(&names));
    let mut complaints = Vec::new();
    let mut status = Status::AsExpected;
    for defect in defects {
        let mut outcomes = Vec::new();
        for subject in &subjects {
            outcomes.push(boots(args, defect, subject)?);
        }
        let row = Row { defect, suite, outcomes, sound: args.sound };
        print!("{}", row.text());
        if let Some(why) = defect.stays_because().filter(|_| args.sound) {
            println!("    with sound as upstream: {why}");
        }
        let (verdict, why) = row.judge();
        status = status.max(verdict);
        complaints.extend(why.map(|why| format!("{}: {why}", defect.name)));
    }
    schedules.iter().for_each(|schedule| print!("{}", schedule.text()));
    complaints.iter().for_each(|complaint| println!("\n{complaint}"));
    println!("\n{}; logs in {}", status.text(), args.logs.display());
    Ok(ExitCode::from(status.exit_code()))
}

impl Subject<'_> {
    fn new<'a>(name: &'static str, path: &'a Path) -> Result<Subject<'a>> {
        Ok(Subject { name, path, names: Names::read(path)? })
    }
}

fn boots(args: &Args, defect: &Defect, subject: &Subject) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for round in 1..=args.repeats {
        let words = format!("{PORTS} {}", defect.words());
        let module = Module { path: args.program.clone(), args: words };
        let mut boot = args.machine.boot(subject.path.into(), vec![module]);
        let log = args.logs.join(format!("{}-{}-{round}.log", defect.name, subject.name));
        boot.log = Some(log.clone());
        let progress = Progress::new(format!(
            "{} on {}, {round} of {}",
            defect.name, subject.name, args.repeats
        ));
        let report = boot
            .run(&mut |status| progress.show(status))
            .with_context(|| format!("cannot boot the {} kernel", subject.name))?;
        let said = std::fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        outcomes.push(outcome::of(&report.verdict, &String::from_utf8_lossy(&said), &|address| {
            subject.names.at(address)
        }));
    }
    if outcomes.is_empty() {
        bail!("no boot of {}", defect.name);
    }
    Ok(outcomes)
}
