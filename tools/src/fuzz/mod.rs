// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool fuzz`: random VM calls on the stock kernel and on the one with our functions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use kit::exit;

mod fate;
mod findings;
mod known;
mod narrow;
mod report;
mod shorten;
mod stub;
mod subject;
mod wrong;

use crate::boot::MachineArgs;
use findings::{differences, groups};
use report::Report;
use shorten::Keep;
use subject::{Plan, Run, Subject};

/// Make random VM calls on the stock kernel and on the grafted one, and compare them
///
/// A program of ours makes cases of random calls, each in a task of its own, and holds what the kernel
/// answers against a model. Each case follows from the seed and its number. A kernel must not stop, each
/// call must return, the answers must be the model's, nothing may be left when the tasks are gone; and both
/// kernels must answer alike, call by call: a difference is a fault of ours.
///
/// Calls that would meet a known defect of upstream's (tests/fuzz/known.toml) are left out, unless --known
/// is given. What is found is grouped by where it stopped; of each group one case is made short, by leaving
/// calls out, and printed with the line that replays it.
///
/// Exit status: 0 nothing found; 10 something found, the same on both kernels; 16 the two kernels differ;
/// 17 not all could be tried; 1 no boot could be tried; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// The stock kernel
    #[arg(long, value_name = "KERNEL")]
    stock: PathBuf,
    /// The grafted kernel; without it, only the stock one is booted
    #[arg(long, value_name = "KERNEL")]
    rust: Option<PathBuf>,
    /// The program that makes the calls
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// What the calls follow from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u32,
    /// The number of the first case
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    first: u32,
    /// Calls on each kernel, about so many
    #[arg(long, value_name = "COUNT", default_value_t = 20000, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Replay one case, and tell its calls
    #[arg(long, value_name = "NUMBER")]
    case: Option<u32>,
    /// With --case: make these calls alone, as in 0,3-5,17
    #[arg(long, value_name = "CALLS", requires = "case")]
    keep: Option<Keep>,
    /// Make calls that meet known defects, too
    #[arg(long)]
    known: bool,
    /// Use the privileged host port, too: for vm_wire_all, and for some calls of vm_wire
    #[arg(long)]
    privileged: bool,
    /// The grafted kernel's functions have the feature sound: it alone runs, beside the model, and calls that meet
    /// defects which that keeps away are made
    #[arg(long, requires = "rust")]
    sound: bool,
    /// The kernel has the C fixes of `vmtool patch`: calls that meet defects which these keep away are made
    #[arg(long, conflicts_with = "rust")]
    fixed: bool,
    /// Threads that make the calls of a case; with more than one nothing is compared, as their order is
    /// nobody's answer, and without --known the kernels are copies in which the function of
    /// projected-unlocked answers at once
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=6))]
    threads: u32,
    /// Boots for making one finding short; 0: none
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    shorten: u32,
    /// The most times that a kernel may stop
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    stops: u32,
    /// Kernels at one time
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=2))]
    jobs: u32,
    /// What a line that replays a case begins with
    #[arg(long, value_name = "TEXT", default_value = "make fuzz")]
    replay: String,
    /// Folder for the serial output of each boot
    #[arg(long, value_name = "DIR", default_value = "build/fuzz-logs")]
    logs: PathBuf,
    /// First line, for example the kernel's version
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    wrong: wrong::WrongArgs,
    /// Name the known defects, and when they are met, and do nothing else
    #[arg(long)]
    list_known: bool,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Calls of a case: all that it can have. What begins and ends one takes as long as twenty of them.
const CALLS: u32 = 64;

pub fn run(args: &Args) -> Result<ExitCode> {
    if args.list_known {
        let list = known::List::read(known::LIST.as_ref())?;
        for known in &list.known {
            let sound = if known.sound { "; not with --sound" } else { "" };
            let fixed = if known.fixes { "; not with --fixed" } else { "" };
            println!("{:<24} {}{sound}{fixed}", known.name, known.when);
        }
        println!("in another way:");
        list.avoided.iter().for_each(|known| println!("{:<24} {}", known.name, known.when));
        println!("with several threads:");
        list.threads.iter().for_each(|known| println!("{:<24} {}", known.name, known.when));
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(args.program.is_file(), "no program at {}: make fuzz-program", args.program.display());
    std::fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;
    let lets_in = args.known || args.sound || args.fixed;
    let subject = |name, path: &PathBuf| match args.threads > 1 && !lets_in {
        true => Subject::new(name, &stub::copy(path, &args.logs, name)?),
        false => Subject::new(name, path),
    };
    let mut subjects = Vec::new();
    if !args.sound {
        subjects.push(subject("stock", &args.stock)?);
    }
    if let Some(rust) = &args.rust {
        subjects.push(subject("ours", rust)?);
    }
    let plan = Plan {
        program: &args.program,
        machine: &args.machine,
        logs: &args.logs,
        seed: args.seed,
        calls: CALLS,
        threads: args.threads,
        known: args.known,
        sound: args.sound,
        fixed: args.fixed,
        privileged: args.privileged,
        stops: args.stops,
    };
    if let Some(title) = &args.title {
        println!("# {title}");
    }
    if let Some(plan_of_wrong) = args.wrong.plan() {
        return plan_of_wrong.run(&subjects[0], &plan, args.first, args.calls.div_ceil(CALLS));
    }
    let status = match args.case {
        Some(number) => replay(&subjects, &plan, number, args.keep.unwrap_or(Keep::all(CALLS)))?,
        None => find(args, &subjects, &plan)?,
    };
    Ok(ExitCode::from(status))
}

fn find(args: &Args, subjects: &[Subject], plan: &Plan) -> Result<u8> {
    let cases = args.calls.div_ceil(CALLS * plan.rounds());
    let runs = run_all(args, subjects, plan, cases)?;
    let mut report = Report::new(args.seed, &args.replay, args.known);
    for (subject, run) in subjects.iter().zip(&runs) {
        report.run(&subject.name, cases, run);
    }
    let mut compared = Vec::new();
    if let (1, [stock, ours], [stock_run, our_run]) = (args.threads, subjects, &runs[..]) {
        compared = differences(stock_run, our_run);
        report.alike(&compared);
        if let Some(first) = compared.first() {
            let pair = [stock, ours];
            report.difference(first, &narrow::difference(pair, plan, first.number, args.shorten)?);
        }
    }
    for group in groups(&runs) {
        let (run, number) = group.first;
        // What only one kernel does was told above.
        if compared.iter().any(|difference| difference.number == number) {
            continue;
        }
        if args.threads > 1 {
            let last = runs[run].last.get(&number).map_or(&[][..], Vec::as_slice);
            report.of_threads(&group, args.threads, last);
            continue;
        }
        let narrowed = narrow::failure(&subjects[run], plan, number, &group.what, args.shorten)?;
        report.finding(&group, &narrowed);
    }
    print!("{}", report.text());
    println!("# logs in {}", args.logs.display());
    Ok(report.status())
}

/// Side by side, if they may.
fn run_all(args: &Args, subjects: &[Subject], plan: &Plan, cases: u32) -> Result<Vec<Run>> {
    let run = |subject: &Subject| subject.run(plan, args.first, cases);
    if args.jobs < 2 {
        return subjects.iter().map(run).collect();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            subjects.iter().map(|subject| scope.spawn(move || run(subject))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn replay(subjects: &[Subject], plan: &Plan, number: u32, keep: Keep) -> Result<u8> {
    let mut ends = Vec::new();
    for subject in subjects {
        let boot = subject.tell(plan, number, keep)?;
        println!("# {}", subject.name);
        for told in &boot.told {
            println!(
                "{}{}",
                told.call,
                told.digest.as_ref().map_or(String::new(), |digest| format!("  [{digest}]"))
            );
        }
        let Some(case) = boot.cases.last() else {
            let why = boot.broken.or(boot.cut_off).unwrap_or_default();
            anyhow::bail!("case {number} did not run: {why}");
        };
        println!("{}: {}", subject.name, case.fate);
        ends.push(case.fate.clone());
    }
    Ok(match &ends[..] {
        [one, other] if one != other => exit::KERNELS_DIFFER,
        ends if ends.iter().all(|fate| matches!(fate, fate::Fate::Ended(_))) => exit::DONE,
        _ => exit::NOT_PASSED,
    })
}
