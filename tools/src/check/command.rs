// SPDX-License-Identifier: GPL-2.0-or-later
//! A step's command while it runs: in a process group of its own, its output in a file.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{kill_process_group, Pid, Signal};

use super::cpu::Spent;
use super::judge::End;
use super::skips;
use super::table::Step;

pub struct Running {
    child: Child,
    began: Instant,
    pub log: PathBuf,
    skips: PathBuf,
    too_long: Option<u64>,
}

/// A command that has ended.
pub struct Ended {
    pub end: End,
    pub seconds: u64,
    pub cpu: Duration,
    pub output: String,
    /// What the output tells of, and what tests wrote down.
    pub skips: Vec<String>,
    pub log: PathBuf,
}

impl Running {
    pub fn begin(step: &Step, logs: &Path) -> Result<Running> {
        let log = logs.join(format!("{}.log", step.name));
        let skips = logs.join(format!("{}.skips", step.name));
        let file = |path: &Path| {
            File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let output = file(&log)?;
        file(&skips)?;
        let child = Command::new("sh")
            .args(["-c", &step.command])
            .env(kit::skip::FILE_VARIABLE, fs::canonicalize(&skips)?)
            // Of the make that runs this; and its messages are read.
            .env_remove("MAKEFLAGS")
            .env_remove("MFLAGS")
            .env_remove("MAKELEVEL")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run sh for {}", step.name))?;
        Ok(Running { child, began: Instant::now(), log, skips, too_long: None })
    }

    pub fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Stops it if it has run for longer.
    pub fn limit(&mut self, minutes: u64) {
        if self.too_long.is_none() && self.began.elapsed() >= Duration::from_secs(minutes * 60) {
            self.too_long = Some(minutes);
            self.signal(Signal::KILL);
        }
    }

    /// What it is made of is gone already, or gets the signal.
    pub fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// What became of it; none while it runs. `spent` by all that ended before.
    pub fn ended(&mut self, spent: &mut Spent) -> Result<Option<Ended>> {
        let Some(status) = self.child.try_wait().context("cannot wait for a step")? else {
            return Ok(None);
        };
        let cpu = spent.since()?;
        let output = text(&self.log)?;
        let skips = skips::told(&format!("{output}\n{}", text(&self.skips)?));
        Ok(Some(Ended {
            end: self.too_long.map_or_else(|| end(status), End::TooLong),
            seconds: self.seconds(),
            cpu,
            output,
            skips,
            log: self.log.clone(),
        }))
    }
}

fn end(status: ExitStatus) -> End {
    match status.code() {
        Some(code) => End::Status(code),
        None => End::Signal(status.signal().unwrap_or_default()),
    }
}

fn text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
