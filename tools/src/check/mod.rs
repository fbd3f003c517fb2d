// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool check`: every check of this project, side by side where there are cores for it.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use kit::exit;
use rustix::process::Signal;

mod command;
mod cpu;
mod judge;
mod report;
mod schedule;
mod skips;
mod table;

use command::{Ended, Running};
use cpu::Spent;
use judge::{judge, Rules, Verdict};
use report::Report;
use schedule::{Next, State};
use skips::Permitted;
use table::Step;

/// Run every check, or those named, and say which passed
///
/// The steps are those of the table; several run at one time if there are cores for them. The whole output
/// of each goes to a file, and the end of it is shown if the step fails. Beside the seconds that a step took
/// stand those that it kept a CPU busy, which are nearly the same on a machine with other work.
///
/// What cannot run here is skipped: a command that says so in a line that starts with SKIP and ends with
/// status 77, also behind make; and a test within a step that says so. Each skip is counted and named at
/// the end. In CI (the variable CI is `true`) a skip fails the step, unless the list of permitted skips
/// has it with a reason.
///
/// Exit status: 0 no step failed; 1 one did; 2 wrong usage; 130 interrupted.
#[derive(clap::Args)]
pub struct Args {
    /// Steps to run; all if none is named
    steps: Vec<String>,
    /// Print the names of the steps and what each checks
    #[arg(long)]
    list: bool,
    /// The table of steps
    #[arg(long, value_name = "FILE", default_value = "tools/steps.txt")]
    table: PathBuf,
    /// Kernels for the steps that are there for each: suite/flavour, or a list that the table names
    /// (also: the variable KERNELS)
    #[arg(long, value_name = "KERNELS")]
    kernels: Option<String>,
    /// What may be skipped in CI, a line each: step | always or perhaps | part of what it says | reason
    #[arg(long, value_name = "FILE", default_value = ".ci/skips.txt")]
    skips: PathBuf,
    /// Fail for any other skip; so it is if CI=true
    #[arg(long)]
    strict: bool,
    /// Cores to share; those of this machine if not given
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    cores: Option<u16>,
    /// Minutes after which a step is stopped, and has failed
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    limit: u64,
    /// Folder for the output of each step
    #[arg(long, value_name = "DIR", default_value = "build/check")]
    logs: PathBuf,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let kernels = args.kernels.clone().or_else(|| std::env::var("KERNELS").ok());
    let kernels = kernels.filter(|kernels| !kernels.trim().is_empty());
    let steps = table::read(&args.table, kernels.as_deref())?;
    for name in &args.steps {
        if !steps.iter().any(|step| step.name == *name) {
            eprintln!("vmtool check: no step {name}; --list names them");
            return Ok(ExitCode::from(exit::USAGE));
        }
    }
    let wanted = |step: &Step| args.steps.is_empty() || args.steps.contains(&step.name);
    if args.list {
        for step in steps.iter().filter(|step| wanted(step)) {
            println!("{:<24} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let strict = args.strict || std::env::var("CI").is_ok_and(|value| value == "true");
    let permitted = if strict { Permitted::read(&args.skips)? } else { Vec::new() };
    fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;
    let cores = match args.cores {
        Some(cores) => cores.into(),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let states: Vec<State> = steps
        .iter()
        .map(|step| if wanted(step) { State::Waiting } else { State::Unwanted })
        .collect();
    let (spent, before) = Spent::new()?;
    let count = states.iter().filter(|&&state| state == State::Waiting).count();
    let report = Report::new(count, &before);
    let rules = Rules { strict, permitted };
    Check { args, steps, states, running: Vec::new(), rules, report, cores, spent }.run()
}

/// As a shell says it.
const INTERRUPTED: u8 = 130;

struct Check<'a> {
    args: &'a Args,
    steps: Vec<Step>,
    states: Vec<State>,
    running: Vec<(usize, Running)>,
    rules: Rules,
    report: Report,
    cores: usize,
    spent: Spent,
}

impl Check<'_> {
    fn run(mut self) -> Result<ExitCode> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            signal_hook::flag::register(signal.as_raw(), interrupted.clone())
                .context("cannot catch signals")?;
        }
        let result = self.run_all(&interrupted);
        self.stop();
        result
    }

    fn run_all(&mut self, interrupted: &AtomicBool) -> Result<ExitCode> {
        loop {
            self.begin()?;
            if self.running.is_empty() {
                break;
            }
            if interrupted.load(Ordering::Relaxed) {
                eprintln!("\nvmtool check: interrupted");
                return Ok(ExitCode::from(INTERRUPTED));
            }
            let now =
                self.running.iter().map(|(step, it)| (&*self.steps[*step].name, it.seconds()));
            self.report.progress(now);
            std::thread::sleep(Duration::from_millis(50));
            for place in (0..self.running.len()).rev() {
                let (step, running) = &mut self.running[place];
                running.limit(self.args.limit);
                if let Some(ended) = running.ended(&mut self.spent)? {
                    let step = *step;
                    self.running.remove(place);
                    self.end(step, &ended);
                }
            }
        }
        ensure!(!self.states.contains(&State::Waiting), "a step was never begun");
        let done = |step: &Permitted| {
            let has_run =
                |(state, of): (&State, &Step)| *state == State::Done && step.is_for(&of.name);
            self.states.iter().zip(&self.steps).any(has_run)
        };
        self.report.end(&self.rules, done);
        Ok(if self.report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn begin(&mut self) -> Result<()> {
        loop {
            match schedule::next(&self.steps, &self.states, self.cores) {
                Next::Begin(step) => {
                    self.running.push((step, Running::begin(&self.steps[step], &self.args.logs)?));
                    self.states[step] = State::Running;
                }
                Next::GiveUp(step, other) => {
                    self.report.not_run(&self.steps[step], &self.steps[other].name);
                    self.states[step] = State::Failed;
                }
                Next::Wait => return Ok(()),
            }
        }
    }

    fn end(&mut self, step: usize, ended: &Ended) {
        let name = &self.steps[step].name;
        let verdict = judge(name, ended.end, &ended.output, &ended.skips, &self.rules);
        self.states[step] = match verdict {
            Verdict::Failed(_) => State::Failed,
            Verdict::Passed | Verdict::Skipped => State::Done,
        };
        self.report.ended(step, &self.steps[step], &verdict, ended);
    }

    /// Leaves nothing running.
    fn stop(&mut self) {
        let began = Instant::now();
        self.running.iter().for_each(|(_, running)| running.signal(Signal::TERM));
        while !self.running.is_empty() && began.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(20));
            self.running
                .retain_mut(|(_, running)| !matches!(running.ended(&mut self.spent), Ok(Some(_))));
        }
        self.running.iter().for_each(|(_, running)| running.signal(Signal::KILL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_table_and_list_are_right() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let steps = table::read(&root.join("tools/steps.txt"), None).unwrap();
        for permitted in Permitted::read(&root.join(".ci/skips.txt")).unwrap() {
            let is_there = steps.iter().any(|step| permitted.is_for(&step.name));
            assert!(is_there, "no step for: {}", permitted.line());
        }
    }

    /// A step may come after none that is there for some kernels alone.
    #[test]
    fn our_own_table_is_right_for_any_kernel() {
        let table = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/steps.txt");
        for kernels in ["all", "trixie/486-smp", "sid/486-smp", "sid/xen-486"] {
            assert!(table::read(&table, Some(kernels)).is_ok(), "KERNELS={kernels}");
        }
    }
}
