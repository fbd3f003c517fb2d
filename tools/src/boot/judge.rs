// SPDX-License-Identifier: GPL-2.0-or-later
//! Reads a storm's serial output and says what became of the boot.
//!
//! A serial line of a multiprocessor kernel is noisy: lines end in `\n\r`, kernel messages come in
//! between. So only whole lines count, verdicts must be the whole line, and what is not understood is
//! passed over. Only a panic is looked for in an unfinished line too: the debugger's prompt never ends.

use std::collections::BTreeSet;

use kit::exit;

const START: &str = "# storm: start";
const PASS: &str = "# storm: verdict PASS";
const FAIL: &str = "# storm: verdict FAIL";
/// How the text of a hang begins that is none for certain: time was up, and there may have been output to the end.
pub const TIME_WAS_UP: &str = "no verdict within";
/// How much of a panic's text is kept.
const PANIC_LINES: usize = 12;
/// What GNU Mach prints, and a storm never does, when it gives up.
const PANIC_MARKS: [&str; 8] = [
    "Assertion `",
    "panic {cpu",
    "Debugger invoked:",
    "Kernel page fault at address",
    " trap, eip 0x",
    " trap, rip 0x",
    "kernel trap, type ",
    "stack smashing detected",
];

/// What became of one boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// The program ran and found something wrong.
    Fail(String),
    /// The kernel gave up after the program had started; its last words.
    Panic(String),
    /// The program had started and there was no verdict in time.
    Hang(String),
    /// No start banner; the last words of whatever ran.
    NeverCameUp(String),
}

impl Verdict {
    /// The word that a table or a log shows.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail(_) => "FAIL",
            Verdict::Panic(_) => "PANIC",
            Verdict::Hang(_) => "HANG",
            Verdict::NeverCameUp(_) => "NEVER CAME UP",
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Verdict::Pass => "",
            Verdict::Fail(text)
            | Verdict::Panic(text)
            | Verdict::Hang(text)
            | Verdict::NeverCameUp(text) => text,
        }
    }

    /// The exit status of `vmtool boot`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::Pass => exit::DONE,
            Verdict::Fail(_) => exit::NOT_PASSED,
            Verdict::Panic(_) => exit::PANIC,
            Verdict::Hang(_) => exit::HANG,
            Verdict::NeverCameUp(_) => exit::NEVER_CAME_UP,
        }
    }
}

/// Why listening ended.
#[derive(Clone, Debug)]
pub enum End {
    /// A verdict or a panic was seen.
    Settled,
    /// QEMU ended by itself: the machine reset or switched itself off.
    MachineStopped,
    /// A limit was reached; which.
    TimedOut(String),
}

#[derive(Default)]
pub struct Judge {
    unfinished: Vec<u8>,
    started: bool,
    verdict: Option<bool>,
    plan: Option<u64>,
    passed: BTreeSet<u64>,
    skipped: u64,
    calls: u64,
    fault: Option<String>,
    panic: Vec<String>,
    last: String,
}

impl Judge {
    /// Takes the next piece of serial output, cut wherever.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.unfinished).into_owned();
                self.unfinished.clear();
                // A serial console's line end is \n\r, so a line's \r stands before it.
                self.line(line.trim_matches('\r').trim_end());
            } else {
                self.unfinished.push(byte);
            }
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.last = line.to_string();
        if !self.panic.is_empty() {
            if self.panic.len() < PANIC_LINES {
                self.panic.push(line.to_string());
            }
        } else if is_panic(line) {
            self.panic.push(line.to_string());
        } else if line == START {
            if self.started {
                self.fault("the program started twice".into());
            }
            self.started = true;
        } else if self.started {
            self.storm_line(line);
        }
    }

    fn storm_line(&mut self, line: &str) {
        if line == PASS {
            self.verdict = Some(true);
        } else if line == FAIL {
            self.verdict = Some(false);
        } else if let Some(count) = line.strip_prefix("1..").and_then(|n| n.parse().ok()) {
            self.plan = Some(count);
        } else if line.starts_with("Bail out!") || is_result(line, "not ok ").is_some() {
            self.fault(line.to_string());
        } else if let Some(number) = is_result(line, "ok ") {
            if !self.passed.insert(number) {
                self.fault(format!("test {number} reported twice"));
            }
            self.skipped += u64::from(line.contains("# SKIP"));
        } else if let Some(calls) =
            line.strip_prefix("# calls ").and_then(|n| n.parse::<u64>().ok())
        {
            self.calls += calls;
        }
    }

    /// The first fault is the one to tell.
    fn fault(&mut self, text: String) {
        self.fault.get_or_insert(text);
    }

    /// The start banner was seen.
    pub fn started(&self) -> bool {
        self.started
    }

    /// Nothing that may still come can make it better: a verdict or a panic was seen.
    pub fn settled(&self) -> bool {
        (self.started && self.verdict.is_some()) || self.panic_text().is_some()
    }

    fn panic_text(&self) -> Option<String> {
        let unfinished = String::from_utf8_lossy(&self.unfinished);
        let unfinished = unfinished.trim_matches('\r').trim_end();
        if self.panic.is_empty() {
            return is_panic(unfinished).then(|| unfinished.to_string());
        }
        let last =
            Some(unfinished).filter(|text| !text.is_empty() && self.panic.len() < PANIC_LINES);
        let lines: Vec<&str> = self.panic.iter().map(String::as_str).chain(last).collect();
        Some(lines.join("\n"))
    }

    pub fn last_line(&self) -> &str {
        &self.last
    }

    /// Sum of all `# calls N` lines.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Tests that passed and that were skipped.
    pub fn tests(&self) -> (u64, u64) {
        (self.passed.len() as u64 - self.skipped, self.skipped)
    }

    pub fn verdict(&self, end: &End) -> Verdict {
        if !self.started {
            return Verdict::NeverCameUp(self.never_came_up(end));
        }
        if let Some(text) = self.panic_text() {
            return Verdict::Panic(text);
        }
        match (self.verdict, end) {
            (Some(true), _) => match self.unfinished_business() {
                Some(text) => Verdict::Fail(text),
                None => Verdict::Pass,
            },
            (Some(false), _) => Verdict::Fail(
                self.fault.clone().unwrap_or_else(|| "the program's own verdict is FAIL".into()),
            ),
            (None, End::MachineStopped) => Verdict::Panic(format!(
                "the machine reset or switched itself off; last line: {}",
                self.last
            )),
            (None, _) if self.fault.is_some() => {
                Verdict::Fail(self.fault.clone().unwrap_or_default())
            }
            (None, End::TimedOut(limit)) => {
                Verdict::Hang(format!("{limit}; last line: {}", self.last))
            }
            (None, End::Settled) => Verdict::Hang(format!("no verdict; last line: {}", self.last)),
        }
    }

    /// What contradicts a PASS line: a verdict alone proves nothing if tests are missing.
    fn unfinished_business(&self) -> Option<String> {
        if let Some(fault) = &self.fault {
            return Some(fault.clone());
        }
        let Some(plan) = self.plan else {
            return Some("verdict PASS without a plan line (1..N)".into());
        };
        if plan == 0 || self.skipped == plan {
            return Some("verdict PASS though no test ran".into());
        }
        let missing: Vec<String> =
            (1..=plan).filter(|n| !self.passed.contains(n)).map(|n| n.to_string()).collect();
        if !missing.is_empty() {
            return Some(format!(
                "verdict PASS but of {plan} tests these reported nothing: {}",
                missing.join(", ")
            ));
        }
        self.passed
            .iter()
            .find(|n| !(1..=plan).contains(n))
            .map(|n| format!("test {n} reported, but the plan is 1..{plan}"))
    }

    fn never_came_up(&self, end: &End) -> String {
        let why = match end {
            End::TimedOut(limit) => limit.clone(),
            End::MachineStopped => "the machine reset or switched itself off".into(),
            End::Settled => "the kernel gave up".into(),
        };
        if let Some(text) = self.panic_text() {
            return format!("{why}:\n{text}");
        }
        if self.last.is_empty() {
            return format!("{why}; nothing on the serial line");
        }
        format!("{why}; last line: {}", self.last)
    }
}

/// The number of a top-level result line, `ok 3`, `ok 3 - text`.
fn is_result(line: &str, prefix: &str) -> Option<u64> {
    line.strip_prefix(prefix)?.split(' ').next()?.parse().ok()
}

/// What no program prints: the kernel gives up.
pub fn is_panic(line: &str) -> bool {
    PANIC_MARKS.iter().any(|mark| line.contains(mark))
        || line.starts_with("panic ")
        || is_debugger_prompt(line)
}

/// `db> `, `dbt> `, `db{3}> `, at the start of a line.
fn is_debugger_prompt(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("db") else { return false };
    let rest = rest.strip_prefix('t').unwrap_or(rest);
    let rest = match rest.strip_prefix('{') {
        Some(inner) => match inner.split_once('}') {
            Some((cpu, rest)) if !cpu.is_empty() && cpu.bytes().all(|b| b.is_ascii_digit()) => rest,
            _ => return false,
        },
        None => rest,
    };
    rest.starts_with('>')
}

#[cfg(test)]
mod tests;
