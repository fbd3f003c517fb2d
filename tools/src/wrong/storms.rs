// SPDX-License-Identifier: GPL-2.0-or-later
//! Wrong versions in a real kernel, and the loads of the storm that catch them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use kit::workshop::Workshop;
use kit::wrong::{Load, Wrong, LISTS};

use super::catch::{catch, Outcome, Subject, Trial};
use crate::boot::judge::Verdict;
use crate::boot::{Boot, Limits, Loader, Module, Progress, Report};
use crate::run::PORTS;
use crate::{elf, graft};

/// The unchanged version's name in the table and among the folders.
const UNCHANGED: &str = "unchanged";

#[derive(clap::Args)]
#[command(next_help_heading = "With --storms")]
pub struct StormArgs {
    /// Boot the versions in a kernel instead, and check that the loads of the storm catch them
    ///
    /// Tried are those versions that list loads (`loads` in tests/wrong/). Each is compiled for the
    /// kernel, grafted into it, and booted with each of its loads, until the load fails: by a panic of the
    /// kernel, a hang, or the load's own `not ok` line, after the storm's start line. The unchanged version
    /// must pass each of these loads first. How long it takes sets how long silence must last to be a
    /// hang, and a hang counts only if the unchanged version passes once more, right after it.
    #[arg(long, requires_all = ["kernel", "headers", "storm"])]
    storms: bool,
    /// The stock kernel: unpacked ELF with symbols and DWARF
    #[arg(long, value_name = "FILE", requires = "storms")]
    kernel: Option<PathBuf>,
    /// The storm program
    #[arg(long, value_name = "FILE", requires = "storms")]
    storm: Option<PathBuf>,
    /// The most storms of one load on a version until it is caught
    #[arg(long, value_name = "COUNT", default_value_t = 8, requires = "storms", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Number of CPUs
    #[arg(long, default_value_t = 4, requires = "storms", value_parser = clap::value_parser!(u32).range(2..))]
    smp: u32,
    /// QEMU's accelerator
    #[arg(long, default_value = "tcg,thread=multi", requires = "storms")]
    accel: String,
}

impl StormArgs {
    /// What is to be booted, if storms are asked for.
    pub fn plan<'a>(&'a self, all: &'a super::Args, scratch: &Path) -> Result<Option<Plan<'a>>> {
        let (true, Some(kernel), Some(headers), Some(storm)) =
            (self.storms, &self.kernel, &all.headers, &self.storm)
        else {
            return Ok(None);
        };
        let folder = scratch.join("storms");
        let mut workshop = Workshop::open(&all.root, headers, folder.clone())?;
        workshop.target = elf::target_for(&elf::parse(kernel, &elf::read(kernel)?)?)
            .with_context(|| kernel.display().to_string())?;
        let unchanged = PathBuf::new();
        Ok(Some(Plan { args: self, kernel, storm, folder, workshop: Some(workshop), unchanged }))
    }
}

pub struct Plan<'a> {
    args: &'a StormArgs,
    kernel: &'a Path,
    storm: &'a Path,
    /// Gets a folder for each version.
    folder: PathBuf,
    /// Until it is needed.
    workshop: Option<Workshop>,
    /// The kernel with the unchanged version.
    unchanged: PathBuf,
}

impl Plan<'_> {
    /// `named`: the versions were asked for by name, so each must have loads.
    pub fn run(mut self, chosen: &[&Wrong], named: bool) -> Result<ExitCode> {
        if let Some(wrong) = chosen.iter().find(|wrong| named && wrong.loads.is_empty()) {
            anyhow::bail!("{} lists no load of the storm; see {}", wrong.name, LISTS);
        }
        let chosen: Vec<&Wrong> =
            chosen.iter().copied().filter(|wrong| !wrong.loads.is_empty()).collect();
        ensure!(!chosen.is_empty(), "no version lists a load of the storm");
        ensure!(self.storm.is_file(), "no storm at {}: `make storm`", self.storm.display());

        let start = Instant::now();
        let line = super::saying("compiling the unchanged version".into());
        let mut workshop = self.workshop.take().context("a plan runs once")?;
        let unchanged = workshop.make_unchanged(UNCHANGED).and_then(|object| self.graft(object));
        drop(line);
        self.unchanged = unchanged.context("no kernel with the unchanged version")?;
        println!("{:<32} {:<6} {:>5} {:>8}  caught by", "version", "load", "boots", "seconds");
        let plan = &self;
        // Versions are compiled while others are booted.
        let (tried, missed) = std::thread::scope(|scope| {
            let (made, objects) = mpsc::channel();
            let versions = &chosen;
            scope.spawn(move || {
                versions.iter().try_for_each(|wrong| made.send(workshop.make_wrong(wrong)))
            });
            plan.boot_all(versions, &objects)
        })?;
        println!(
            "{} of {tried} storms on wrong versions caught them, {:.0} s in all; logs in {}",
            tried - missed,
            start.elapsed().as_secs_f32(),
            self.folder.display()
        );
        Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Boots the unchanged version, and each of these by the object that comes for it. Returns how many storms were to
    /// catch one, and how many did not.
    fn boot_all(
        &self,
        chosen: &[&Wrong],
        objects: &mpsc::Receiver<Result<PathBuf>>,
    ) -> Result<(usize, usize)> {
        let mut times = Vec::new();
        for load in Load::ALL {
            if chosen.iter().any(|wrong| wrong.loads.contains(&load)) {
                times.push((load, self.check_unchanged(load)?));
            }
        }
        let (mut tried, mut missed) = (0, 0);
        for wrong in chosen {
            let line = super::saying(format!("compiling {}", wrong.name));
            let object = objects.recv().context("whoever compiles the versions has ended")?;
            let kernel = object.and_then(|object| self.graft(object));
            drop(line);
            tried += wrong.loads.len();
            match kernel {
                Err(error) => {
                    println!("{:<32} ERROR: {error:#}", wrong.name);
                    missed += wrong.loads.len();
                }
                Ok(kernel) => {
                    for &(load, time) in times.iter().filter(|(load, _)| wrong.loads.contains(load))
                    {
                        let trial = self.try_one(&wrong.name, &kernel, load, time)?;
                        missed += usize::from(!matches!(trial.outcome, Outcome::Caught(_)));
                        println!("{}", row(&wrong.name, load, &trial));
                    }
                }
            }
        }
        Ok((tried, missed))
    }

    /// The kernel with a version's object in it, beside the object.
    fn graft(&self, object: PathBuf) -> Result<PathBuf> {
        let output = object.with_file_name("gnumach");
        graft::graft(&graft::Args {
            kernel: self.kernel.into(),
            object,
            output: output.clone(),
            dump: None,
            keep: false,
        })?;
        Ok(output)
    }

    /// Returns how long the unchanged version takes to pass.
    fn check_unchanged(&self, load: Load) -> Result<Duration> {
        let report = self.boot(UNCHANGED, &self.unchanged, load, "first", GENEROUS)?;
        let trial = Trial {
            boots: report.boots,
            seconds: report.seconds,
            outcome: Outcome::Missed(vec![report.verdict.name().into()]),
        };
        println!("{}", row(UNCHANGED, load, &trial));
        ensure!(
            report.verdict == Verdict::Pass,
            "the unchanged version does not pass load {}, so failures of wrong versions would prove \
             nothing: {}: {}",
            load.name(),
            report.verdict.name(),
            report.verdict.text()
        );
        Ok(Duration::from_secs_f64(report.seconds))
    }

    fn try_one(&self, name: &str, kernel: &Path, load: Load, time: Duration) -> Result<Trial> {
        let mut count = 0;
        catch(self.args.repeats, load, &mut |subject| {
            count += 1;
            let limits = limits_after(time);
            match subject {
                Subject::Wrong => self.boot(name, kernel, load, &count.to_string(), limits),
                Subject::Unchanged => {
                    self.boot(UNCHANGED, &self.unchanged, load, &format!("after-{name}"), limits)
                }
            }
        })
        .with_context(|| format!("cannot boot {name}"))
    }

    fn boot(
        &self,
        name: &str,
        kernel: &Path,
        load: Load,
        log: &str,
        limits: Limits,
    ) -> Result<Report> {
        let words = format!("{PORTS} {}", words_of(load));
        let boot = Boot {
            kernel: kernel.into(),
            modules: vec![Module { path: self.storm.into(), args: words }],
            command_line: "console=com0".into(),
            loader: Loader::Grub,
            cpus: self.args.smp,
            memory: "512M".into(),
            accelerator: self.args.accel.clone(),
            limits,
            tries: 3,
            log: Some(self.folder.join(name).join(format!("{}-{log}.log", load.name()))),
            reads: Vec::new(),
            last_words: None,
            cache: self.folder.join("images"),
        };
        let progress = Progress::new(format!("{name}, load {}", load.name()));
        boot.run(&mut |status| progress.show(status))
    }
}

/// Enough of a load for what it catches, and no more.
fn words_of(load: Load) -> &'static str {
    match load {
        Load::A => "load=a calls=2000",
        Load::B => "load=b rounds=400",
        Load::Maps => "load=maps",
        Load::Wired => "load=wired",
    }
}

/// For the unchanged version, on a machine as slow as may be.
const GENEROUS: Limits = Limits {
    banner: Duration::from_secs(60),
    verdict: Duration::from_secs(180),
    silence: Duration::from_secs(60),
};

/// For a wrong version: silent for longer than the unchanged one takes altogether, boot and all, is a
/// hang; but a machine may be busy with something else for a while.
fn limits_after(time: Duration) -> Limits {
    Limits {
        banner: GENEROUS.banner,
        verdict: GENEROUS.verdict,
        silence: (time * 3 / 2).clamp(Duration::from_secs(10), GENEROUS.silence),
    }
}

fn row(name: &str, load: Load, trial: &Trial) -> String {
    let outcome = match &trial.outcome {
        Outcome::Caught(verdict) => {
            let text = verdict.text().lines().next().unwrap_or_default();
            let text: String = text.trim().chars().take(100).collect();
            format!("{}: {text}", verdict.name())
        }
        Outcome::Missed(_) if name == UNCHANGED => String::new(),
        Outcome::Missed(each) => format!("NOTHING: {}", each.join(", ")),
    };
    format!("{name:<32} {:<6} {:>5} {:>8.1}  {outcome}", load.name(), trial.boots, trial.seconds)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_takes_longer_to_tell_on_a_slow_machine() {
        let silence = |seconds| limits_after(Duration::from_secs(seconds)).silence.as_secs();
        assert_eq!([silence(2), silence(20), silence(100)], [10, 30, 60]);
    }

    #[test]
    fn a_row_tells_what_caught_a_version() {
        let trial = |outcome| Trial { boots: 2, seconds: 3.25, outcome };
        let caught = trial(Outcome::Caught(Verdict::Panic("Assertion `x' failed\nmore".into())));
        let row_of = |name, trial: &Trial| row(name, Load::Maps, trial);
        let start = format!("{:<32} maps       2      3.2", "no-x");
        assert_eq!(row_of("no-x", &caught), format!("{start}  PANIC: Assertion `x' failed"));
        let missed = trial(Outcome::Missed(vec!["PASS".into(), "NEVER CAME UP".into()]));
        assert_eq!(row_of("no-x", &missed), format!("{start}  NOTHING: PASS, NEVER CAME UP"));
    }
}
