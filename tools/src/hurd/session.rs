// SPDX-License-Identifier: GPL-2.0-or-later
//! One scripted session on one boot of a Hurd: shell prompt, steps, counters, reboot.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::console::{Console, Line, Patience, Trouble};
use super::requires::Found;
use super::steps::{asking_for_end, end_in, Needs, Step, PRELUDE};

/// How often it is looked at where the CPUs are while they should be at work.
const GLANCE: Duration = Duration::from_millis(100);
/// The startup server's last words before it calls the kernel to reboot, which says nothing itself. A machine that
/// ends without them has reset.
const LAST_WORDS: &str = "rebooting Mach";
/// What stands at the end of the console when something waits for us.
const PROMPTS: [(&str, Prompt); 6] = [
    ("login: ", Prompt::Login("root")),
    ("login> ", Prompt::Login("login root")),
    ("Password: ", Prompt::Login("")),
    ("Password:", Prompt::Login("")),
    ("# ", Prompt::Shell),
    ("$ ", Prompt::Shell),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompt {
    Login(&'static str),
    Shell,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub shell: Duration,
    pub step: Duration,
    pub silence: Duration,
    /// As `silence`, while there is only the kernel: it has little to do, and hangs at times.
    pub start: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Passed { seconds: f64, result: String },
    Skipped(String),
    Failed,
}

/// What went wrong, in the order of what is looked at first; the numbers are exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Step = 10,
    Panic = 11,
    Silence = 12,
    NoShell = 13,
}

#[derive(Debug)]
pub struct Session {
    /// By the names of `rows`, as far as it came.
    pub outcomes: Vec<Outcome>,
    pub fault: Option<(Fault, String)>,
    /// The last lines on the console.
    pub end: String,
    /// Whether any program started; if not, the kernel hung on its own, which stock ones do too.
    pub came_up: bool,
    /// The counters' words, read before the reboot.
    pub words: Option<Vec<u32>>,
    /// Which CPUs besides the first were seen running programs.
    pub other_cpus: BTreeSet<usize>,
}

/// What a session reports on, in order.
pub fn rows(steps: &[Step]) -> Vec<&'static str> {
    let names = steps.iter().map(|step| step.name);
    ["shell prompt"].into_iter().chain(names).chain(["clean reboot"]).collect()
}

pub struct Script<'a> {
    pub steps: &'a [Step],
    pub limits: Limits,
    /// What was found in the Hurd's file system before the boot.
    pub found: &'a Found,
    /// Why no step can run on other CPUs, if none can.
    pub one_cpu: Option<&'a str>,
}

impl Script<'_> {
    /// Plays the session; an error means that QEMU failed, not the Hurd.
    pub fn play<L: Line>(
        &self,
        console: &mut Console<L>,
        counters: &mut dyn FnMut(&mut L) -> Result<Option<Vec<u32>>>,
        progress: &mut dyn FnMut(&str, &str),
    ) -> Result<Session> {
        let mut session = Session {
            outcomes: Vec::new(),
            fault: None,
            end: String::new(),
            came_up: false,
            words: None,
            other_cpus: BTreeSet::new(),
        };
        let played = self.try_play(console, counters, progress, &mut session);
        session.came_up = has_started_programs(console.text());
        session.end = console.end();
        let Err(trouble) = played else { return Ok(session) };
        let at = session.outcomes.len();
        let name = rows(self.steps)[at];
        let fault = match trouble {
            Stop::Wrong(text) => (Fault::Step, format!("step '{name}' failed: {text}")),
            Stop::Trouble(Trouble::Broken(error)) => return Err(error),
            Stop::Trouble(Trouble::Panic(text)) => {
                (Fault::Panic, format!("kernel panic at '{name}':\n{text}"))
            }
            Stop::Trouble(Trouble::Silence(seconds)) => {
                (Fault::Silence, format!("silence at '{name}': not a word for {seconds} s"))
            }
            Stop::Trouble(Trouble::TooLong(seconds)) if at == 0 => {
                (Fault::NoShell, format!("no shell within {seconds} s"))
            }
            Stop::Trouble(Trouble::TooLong(seconds)) => {
                (Fault::Silence, format!("'{name}' was not done within {seconds} s"))
            }
            Stop::Trouble(Trouble::Stopped) if at == 0 => (
                Fault::NoShell,
                "no shell: the machine reset or switched itself off before there was one".into(),
            ),
            Stop::Trouble(Trouble::Stopped) => {
                (Fault::Panic, format!("the machine reset or switched itself off at '{name}'"))
            }
            Stop::Unannounced => (
                Fault::Panic,
                format!("the machine reset or switched itself off at '{name}', without '{LAST_WORDS}' before"),
            ),
        };
        session.outcomes.push(Outcome::Failed);
        session.fault = Some(fault);
        Ok(session)
    }

    fn try_play<L: Line>(
        &self,
        console: &mut Console<L>,
        counters: &mut dyn FnMut(&mut L) -> Result<Option<Vec<u32>>>,
        progress: &mut dyn FnMut(&str, &str),
        session: &mut Session,
    ) -> Result<(), Stop> {
        let start = Instant::now();
        self.reach_shell(console, &mut |_, last| progress("shell prompt", last))?;
        session.outcomes.push(passed(start, String::new()));

        let mut number = 1;
        let mut ask = |console: &mut Console<L>, line: &str, tick: &mut dyn FnMut(&mut L, &str)| {
            number += 1;
            console.say(&asking_for_end(line, number))?;
            console.wait(self.step_patience(), &mut |text| end_in(text, number), tick)
        };
        for line in PRELUDE {
            let (status, _) = ask(console, line, &mut |_, last| progress("set-up", last))?;
            if status != 0 {
                return Err(Stop::Wrong(format!("exit status {status} of the set-up: {line}")));
            }
        }
        for step in self.steps {
            if let (Needs::OtherCpus, Some(reason)) = (step.needs, self.one_cpu) {
                session.outcomes.push(Outcome::Skipped(reason.into()));
                continue;
            }
            let start = Instant::now();
            let absent: Vec<&str> = step
                .programs
                .iter()
                .copied()
                .filter(|name| self.found.absent.contains(name))
                .collect();
            if !absent.is_empty() {
                let why = format!("no {} in this Hurd", absent.join(", "));
                session.outcomes.push(Outcome::Skipped(why));
                continue;
            }
            for program in step.programs {
                let line = format!("x=$(command -v {program})");
                if ask(console, &line, &mut |_, last| progress(step.name, last))?.0 != 0 {
                    return Err(Stop::Wrong(format!("the shell finds no {program}")));
                }
            }
            let mut glanced: Option<Instant> = None;
            let mut cpus = BTreeSet::new();
            let mut result = String::new();
            for line in step.lines {
                let answer = ask(console, line, &mut |machine: &mut L, last: &str| {
                    progress(step.name, last);
                    let due = glanced.is_none_or(|at| at.elapsed() >= GLANCE);
                    if step.needs == Needs::OtherCpus && due {
                        glanced = Some(Instant::now());
                        // A glance that fails shows nothing, and nothing seen is a failure below.
                        cpus.extend(machine.in_user_code().unwrap_or_default());
                    }
                })?;
                result = answer.1;
                if answer.0 != 0 {
                    let status = answer.0;
                    let text = format!("exit status {status}, result '{result}', after: {line}");
                    return Err(Stop::Wrong(text));
                }
            }
            step.known.judge(&result, &self.found.shell).map_err(Stop::Wrong)?;
            cpus.remove(&0);
            if step.needs == Needs::OtherCpus && cpus.is_empty() {
                return Err(Stop::Wrong("no CPU but the first was seen running a program".into()));
            }
            session.other_cpus.extend(cpus);
            session.outcomes.push(passed(start, result));
        }

        let start = Instant::now();
        let line = "cd / && rm -rf $w && sync";
        let (status, _) = ask(console, line, &mut |_, last| progress("clean reboot", last))?;
        if status != 0 {
            return Err(Stop::Wrong(format!("exit status {status} of: {line}")));
        }
        session.words = counters(&mut console.line).map_err(Trouble::Broken)?;
        console.say("reboot")?;
        console
            .wait_for_end(self.step_patience(), &mut |_, last| progress("clean reboot", last))?;
        if !console.since().contains(LAST_WORDS) {
            return Err(Stop::Unannounced);
        }
        session.outcomes.push(passed(start, String::new()));
        Ok(())
    }

    /// Logs in where that is asked for, and makes sure that the prompt is one that answers.
    fn reach_shell<L: Line>(
        &self,
        console: &mut Console<L>,
        tick: &mut dyn FnMut(&mut L, &str),
    ) -> Result<(), Stop> {
        let begin = Instant::now();
        let patience = |silence| Patience {
            limit: self.limits.shell.saturating_sub(begin.elapsed()),
            silence,
        };
        let whole = |trouble| match trouble {
            Trouble::TooLong(_) => Trouble::TooLong(self.limits.shell.as_secs()),
            other => other,
        };
        let Limits { silence, start, .. } = self.limits;
        let started = &mut |text: &str| {
            (has_started_programs(text) || prompt_in(text).is_some()).then_some(((), 0))
        };
        console.wait(patience(start.min(silence)), started, tick).map_err(whole)?;
        loop {
            match console.wait(patience(silence), &mut prompt_in, tick).map_err(whole)? {
                Prompt::Login(answer) => console.say(answer)?,
                Prompt::Shell => {
                    console.say(&asking_for_end("r=$((6*7))", 0))?;
                    let find = &mut |text: &str| end_in(text, 0);
                    let answer = console.wait(patience(silence), find, tick).map_err(whole)?;
                    if answer != (0, "42".into()) {
                        return Err(Stop::Wrong(format!("the shell's 6*7 is {answer:?}")));
                    }
                    return Ok(());
                }
            }
        }
    }

    fn step_patience(&self) -> Patience {
        Patience { limit: self.limits.step, silence: self.limits.step.min(self.limits.silence) }
    }
}

enum Stop {
    Trouble(Trouble),
    Wrong(String),
    /// The machine ended when it was told to reboot, and nobody said that it would.
    Unannounced,
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        Stop::Trouble(trouble)
    }
}

fn passed(start: Instant, result: String) -> Outcome {
    Outcome::Passed { seconds: start.elapsed().as_secs_f64(), result }
}

fn prompt_in(text: &str) -> Option<(Prompt, usize)> {
    let line = text.rsplit('\n').next()?;
    let (_, prompt) = PROMPTS.iter().find(|(mark, _)| line.ends_with(mark))?;
    Some((*prompt, text.len()))
}

/// What a Hurd's first server prints; before that there is only the kernel.
fn has_started_programs(text: &str) -> bool {
    text.contains("bootstrap") || text.lines().any(|line| line.contains("ext2fs:"))
}

#[cfg(test)]
mod tests;
