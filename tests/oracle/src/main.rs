// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs our functions and the kernel's own machine code on the same memory, and
//! lets nothing differ. See docs/oracle.md.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Parser;
use kit::exit;

mod bench;
mod dump;
mod given;
mod image;
mod reach_list;
mod shrink;
mod wrong;

use oracle_play::{
    callers, campaign, case, ends, hooks, kernel, layout, low, machine, memory, ours, reach, run,
    script, state, watch,
};

use campaign::{Campaign, Found, Play, COUNT_NAMES, MOST_WORKERS};
use ends::conditions::CONDITIONS;
use machine::{Machine, NoModifyLdt};
use reach_list::Verdict;
use run::Bench;

/// Run our two functions beside the kernel's own machine code, and compare
///
/// Builds maps with the kernel's own functions, varies them, and calls vm_map_pageable_scan and
/// vm_map_coalesce_entry twice from the same state: the kernel's, unmodified (of a 64-bit kernel moved
/// below 4 GB, where a process can have it), and ours. Map,
/// entries, objects, the kernel's data, return values, the registers that C keeps and the ordered
/// calls of other functions must be the same. Exit status: 0 no difference; 1 a difference, which
/// is made small and printed; 2 bad usage, or files that do not fit; 77 skipped, as this machine
/// cannot run 32-bit kernel code.
#[derive(Parser)]
#[command(name = "oracle", version, after_help = "To measure instead: oracle bench --help")]
struct Args {
    /// The kernel: an i386 or x86_64 ELF file with symbols and DWARF
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Our object for that kernel, as tools/build-object.sh makes it
    #[arg(long, value_name = "FILE")]
    object: PathBuf,
    /// Play the functions that call the two instead: protect, inherit, pageable, delete and
    /// what is between; the object is made with the feature callers
    #[arg(long)]
    callers: bool,
    /// Compare how calls of these leave a map, and of the object, made with the feature sound, nothing else: but
    /// where it meets a defect of the shipped code's, of a list that is told with how often that was
    #[arg(long, conflicts_with_all = ["callers", "reach"])]
    sound: bool,
    /// How many cases to run; for --wrong, the most per wrong version
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    cases: u64,
    /// What the cases are made from (default: another one each time; it is printed)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Run this case of the seed alone, and print it: the map before and after, and all calls
    #[arg(long, value_name = "I", conflicts_with_all = ["reach", "wrong"])]
    case: Option<u64>,
    /// Processes to use (default: one per processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_WORKERS as i64))]
    workers: Option<u16>,
    /// Also tell which conditional branches of the shipped functions went both ways; those that
    /// did not must stand in this list, with the reason
    #[arg(long, value_name = "LIST", conflicts_with = "wrong")]
    reach: Option<PathBuf>,
    /// Tell it of the first cases only, as the breakpoints for it take time; ways that the list rules out
    /// are looked for in the first tenth of these. A kernel that the list does
    /// not name is then told of in a line that starts with SKIP, and all else is well: status 0
    #[arg(long, value_name = "N", requires = "reach", value_parser = clap::value_parser!(u64).range(1..))]
    reach_cases: Option<u64>,
    /// Instead of the object, run the wrong versions of this workspace's crate that this list, or
    /// the lists in this folder, say the oracle catches; each must differ within the cases
    #[arg(long, value_name = "LISTS", requires = "headers")]
    wrong: Option<PathBuf>,
    /// The folder of the kernel's structs.h, to compile wrong versions with
    #[arg(long, value_name = "DIR")]
    headers: Option<PathBuf>,
    /// Where wrong versions are made: a new folder, or one that the oracle made
    #[arg(long, value_name = "DIR", default_value = "build/wrong-versions")]
    work: PathBuf,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    match words.get(1).and_then(|word| word.to_str()) {
        Some("bench") => return bench::main(&words[1..]),
        Some("image") => return image::main(&words[1..]),
        Some("state") => return given::main(&words[1..]),
        _ => {}
    }
    let args = Args::parse();
    kernel::look(&args.kernel);
    if let Err(reason) = low::try_32_bit_code() {
        println!("SKIP: {reason}");
        return exit::SKIPPED.into();
    }
    match run(&args) {
        Ok(Verdict::AsListed) => ExitCode::SUCCESS,
        Ok(Verdict::NotAsListed) => exit::FAILED.into(),
        Ok(Verdict::NotJudged) => exit::SKIPPED.into(),
        Err(error) if error.is::<NoModifyLdt>() => {
            println!("SKIP: {error}");
            exit::SKIPPED.into()
        }
        Err(error) => {
            eprintln!("oracle: {error:#}");
            exit::USAGE.into()
        }
    }
}

fn run(args: &Args) -> Result<Verdict> {
    let seed = args.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ now.as_secs() << 20
    });
    let workers = match args.workers {
        Some(number) => number.into(),
        None => std::thread::available_parallelism()?.get().min(MOST_WORKERS),
    };
    if args.wrong.is_some() {
        kit::folder::ours_alone(&args.work)?;
    }
    let mut bench = Bench::new(Machine::new(&args.kernel, &args.object)?);
    if args.sound {
        bench.compare_ends();
    }
    let version = bench.machine.kernel.version.clone();
    println!("{version}: seed {seed}");
    if let Some(index) = args.case {
        return Ok(verdict(replay(&mut bench, args, seed, index)?));
    }
    if let Some(lists) = &args.wrong {
        let headers = args.headers.as_ref().context("clap requires --headers")?;
        let plan = wrong::Plan {
            lists,
            headers,
            play: args.play(),
            kernel: &args.kernel,
            work: &args.work,
            cases: args.cases,
            seed,
            workers,
        };
        return Ok(verdict(wrong::run(&mut bench, &plan)?));
    }
    let list = args.reach.as_deref().map(reach_list::List::read).transpose()?;
    let mut branches = Vec::new();
    if let Some(list) = &list {
        branches = reach::branches(&bench.machine.kernel, args.callers)?;
        reach_list::mark(list, &version, &mut branches);
    }
    reach::arm(&bench.machine.kernel, &branches)?;
    let campaign = Campaign {
        cases: args.cases,
        seed,
        play: args.play(),
        workers,
        branches: &branches,
        reach_cases: args.reach_cases.unwrap_or(args.cases),
        label: &version,
    };
    let found = campaign.run(&mut bench)?;
    summary(&found, workers);
    if args.sound {
        told_of_ends(&found);
    }
    if let Some(index) = found.failed {
        explain(&mut bench, args, seed, index)?;
        return Ok(Verdict::NotAsListed);
    }
    let Some(list) = &list else { return Ok(Verdict::AsListed) };
    let judged = reach_list::judge(list, &version, &branches, &found.ways);
    Ok(match judged {
        Verdict::NotJudged if args.reach_cases.is_some() => Verdict::AsListed,
        judged => judged,
    })
}

impl Args {
    fn play(&self) -> Play {
        match (self.callers, self.sound) {
            (true, _) => Play::Callers,
            (_, true) => Play::Sound,
            _ => Play::Two,
        }
    }
}

fn verdict(all_well: bool) -> Verdict {
    if all_well {
        Verdict::AsListed
    } else {
        Verdict::NotAsListed
    }
}

fn summary(found: &Found, workers: usize) {
    let rate = found.cases as f64 / found.seconds;
    println!(
        "{} cases compared in {:.1} s on {workers} processes, {rate:.0} a second",
        found.cases, found.seconds
    );
    for (name, count) in COUNT_NAMES.iter().zip(found.counts) {
        println!("  {count} {name}");
    }
    match found.failed {
        Some(index) => println!("case {index} differs"),
        None => println!("no difference"),
    }
}

/// In how many cases each defect was met, and the ends differed by it.
fn told_of_ends(found: &Found) {
    println!("{} had ours bring in zeros without a fault", found.filled);
    println!("{} had it wire a page as it was mapped", found.wired_as_mapped);
    println!("{} met no defect, and were to end the same; of the others met", found.strictly);
    for (condition, [held, differed]) in CONDITIONS.iter().zip(found.met) {
        println!("  {held:>9} {}, and {differed} ended otherwise", condition.name);
    }
}

/// Runs one case, and prints it.
fn replay(bench: &mut Bench, args: &Args, seed: u64, index: u64) -> Result<bool> {
    let (base, case) = case_of(bench, args.play(), seed, index)?;
    watch::start_clock();
    bench.strict = true;
    print!("{}", dump::report(bench, &base, &case));
    Ok(bench.run(&case).is_none())
}

fn case_of(
    bench: &mut Bench,
    play: Play,
    seed: u64,
    index: u64,
) -> Result<(case::Base, case::Case)> {
    let (mut base, mut case) = (case::Base::default(), case::Case::default());
    campaign::base_of(seed, index, &mut base);
    bench.build(&base)?;
    campaign::case_of(play, seed, index, bench.entries(), &mut case);
    Ok((base, case))
}

/// Makes a failing case small, and prints it.
fn explain(bench: &mut Bench, args: &Args, seed: u64, index: u64) -> Result<()> {
    let (base, case) = case_of(bench, args.play(), seed, index)?;
    watch::start_clock();
    bench.strict = true;
    let (base, case) = shrink::shrink(bench, &base, &case);
    println!("\nthe smallest map and case found that differ like it:");
    print!("{}", dump::recipe(&base, &case));
    print!("{}", dump::report(bench, &base, &case));
    println!(
        "\nto see case {index} as it was: oracle{} --kernel {} --object {} --seed {seed} --case {index}",
        match args.play() {
            Play::Two => "",
            Play::Callers => " --callers",
            Play::Sound => " --sound",
        },
        args.kernel.display(),
        args.object.display()
    );
    Ok(())
}
