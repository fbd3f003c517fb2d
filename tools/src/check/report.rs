// SPDX-License-Identifier: GPL-2.0-or-later
//! What is told while the steps run, and at the end.

use std::time::{Duration, Instant};

use kit::progress::{self, Line};

use super::command::Ended;
use super::cpu::Before;
use super::judge::{Rules, Verdict};
use super::skips::Permitted;
use super::table::Step;

/// Lines of a failed step's output that are shown.
const SHOWN: usize = 40;

pub struct Report {
    line: Line,
    began: Instant,
    cpu: Duration,
    all: usize,
    passed: usize,
    failed: usize,
    /// Steps that were skipped as a whole.
    skipped: usize,
    /// Place of the step in the table, its name, and what it skipped.
    skips: Vec<(usize, String, String)>,
}

impl Report {
    pub fn new(all: usize, before: &Before) -> Report {
        let took = took(before.clock.as_secs(), before.cpu);
        if before.cpu >= Duration::from_secs(1) {
            println!("        {:<24} {took}  what was done before the first step", "before them");
        }
        let line = progress::line();
        let now = Instant::now();
        let (began, cpu) = (now.checked_sub(before.clock).unwrap_or(now), before.cpu);
        Report { line, began, cpu, all, passed: 0, failed: 0, skipped: 0, skips: Vec::new() }
    }

    pub fn failed(&self) -> bool {
        self.failed > 0
    }

    /// On a terminal, one line with what is running.
    pub fn progress<'a>(&self, running: impl Iterator<Item = (&'a str, u64)>) {
        let done = self.passed + self.failed + self.skipped;
        self.line.set_message(line(done, self.all, running));
    }

    /// The line goes, and the next is another.
    fn clear(&mut self) {
        self.line = progress::line();
    }

    pub fn ended(&mut self, place: usize, step: &Step, verdict: &Verdict, ended: &Ended) {
        self.clear();
        self.cpu += ended.cpu;
        let (name, took) = (&step.name, took(ended.seconds, ended.cpu));
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                let inside = match ended.skips.len() {
                    0 => String::new(),
                    count => format!(" ({count} skipped)"),
                };
                println!("ok      {name:<24} {took}  {}{inside}", step.about);
            }
            Verdict::Skipped => {
                self.skipped += 1;
                println!("SKIP    {name:<24} {took}  {}", ended.skips.join("; "));
            }
            Verdict::Failed(why) => {
                self.failed += 1;
                println!(
                    "not ok  {name:<24} {took}  {} ({why}); the end of {}:",
                    step.about,
                    ended.log.display()
                );
                let lines: Vec<&str> = ended.output.lines().collect();
                for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                    println!("    {line}");
                }
            }
        }
        self.skips.extend(ended.skips.iter().map(|skip| (place, name.clone(), skip.clone())));
    }

    pub fn not_run(&mut self, step: &Step, failed: &str) {
        self.clear();
        self.failed += 1;
        println!(
            "not ok  {:<24} {:>19}  {} (not run, as {failed} failed)",
            step.name, "-", step.about
        );
    }

    /// `done`: whether the step that a permitted skip is for has run to its end.
    pub fn end(&mut self, rules: &Rules, done: impl Fn(&Permitted) -> bool) {
        self.clear();
        self.skips.sort_by_key(|(place, ..)| *place);
        let mut lines = Vec::new();
        for (_, step, skip) in &self.skips {
            lines.push(match (rules.strict, rules.reason(step, skip)) {
                (true, Some(reason)) => format!("    {step}: {skip} (permitted: {reason})"),
                (true, None) => format!("    {step}: {skip} (NOT PERMITTED)"),
                (false, _) => format!("    {step}: {skip}"),
            });
        }
        if !lines.is_empty() {
            println!("skipped:\n{}", lines.join("\n"));
        }
        let due = |permitted: &&Permitted| permitted.is_always() && done(permitted);
        for permitted in rules.permitted.iter().filter(due) {
            if !self.skips.iter().any(|(_, step, skip)| permitted.permits(step, skip)) {
                println!("permitted, but not skipped any more: {}", permitted.line());
            }
        }
        println!("all of it: {}", took(self.began.elapsed().as_secs(), self.cpu).trim_start());
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skips.len());
    }
}

/// Seconds by the clock, and those of CPU.
fn took(seconds: u64, cpu: Duration) -> String {
    format!("{seconds:>4} s, {:>4} of CPU", (cpu.as_secs_f64()).round())
}

/// How far all is, and what is running for how many seconds.
fn line<'a>(done: usize, all: usize, running: impl Iterator<Item = (&'a str, u64)>) -> String {
    let running: Vec<String> =
        running.map(|(name, seconds)| format!("{name} {seconds} s")).collect();
    format!("{done} of {all} done; running: {}", running.join(", "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn cpu_seconds_stand_beside_those_of_the_clock() {
        let took = |seconds, cpu| super::took(seconds, Duration::from_millis(cpu));
        assert_eq!(took(41, 79_400), "  41 s,   79 of CPU");
        assert_eq!(took(1041, 2_080_500), "1041 s, 2081 of CPU");
    }

    #[test]
    fn progress_says_what_runs_and_how_far_it_is() {
        let line = |running: &[(&str, u64)]| super::line(3, 9, running.iter().copied());
        assert_eq!(line(&[("a", 1), ("b", 70)]), "3 of 9 done; running: a 1 s, b 70 s");
    }
}
