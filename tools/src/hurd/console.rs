// SPDX-License-Identifier: GPL-2.0-or-later
//! A dialogue over a serial console: say a line, wait for what must come, and tell apart all the ways
//! in which it does not come.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::boot::judge::is_panic;
use crate::boot::{Heard, Machine};

const POLL: Duration = Duration::from_millis(100);
/// After a panic: time for what the kernel still has to say.
const AFTERMATH: Duration = Duration::from_millis(500);
/// How much of the console a failure shows.
const SHOWN: usize = 15;

/// What a dialogue needs of the machine; tests play it without one.
pub trait Line {
    fn hear(&mut self, patience: Duration) -> Heard;
    fn say(&mut self, bytes: &[u8]) -> Result<()>;
    /// After the line was closed: the machine's complaint, if it did not end in order.
    fn complaint(&mut self) -> Result<Option<String>>;
    /// Which CPUs run a user's program right now.
    fn in_user_code(&mut self) -> Result<Vec<usize>>;
}

/// Why a dialogue did not go on.
#[derive(Debug)]
pub enum Trouble {
    /// No word for so many seconds.
    Silence(u64),
    /// Words, but not the right ones within so many seconds.
    TooLong(u64),
    /// The kernel gave up; its last words.
    Panic(String),
    /// The machine reset or switched itself off.
    Stopped,
    /// QEMU, or the way to it, failed.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Trouble {
        Trouble::Broken(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::Broken(error.into())
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For what must come.
    pub limit: Duration,
    /// For any word at all.
    pub silence: Duration,
}

pub struct Console<'a, L> {
    pub line: L,
    log: &'a mut dyn Write,
    text: String,
    /// What was waited for so far ends here.
    done: usize,
    /// Panics are looked for from here.
    judged: usize,
    last_heard: Instant,
}

impl<'a, L: Line> Console<'a, L> {
    pub fn new(line: L, log: &'a mut dyn Write) -> Self {
        Console { line, log, text: String::new(), done: 0, judged: 0, last_heard: Instant::now() }
    }

    pub fn say(&mut self, line: &str) -> Result<(), Trouble> {
        self.last_heard = Instant::now();
        Ok(self.line.say(format!("{line}\n").as_bytes())?)
    }

    /// Listens until `find` is content with what came since the last time; it answers with what it
    /// made of it and how much of it is now behind us. `tick` is called again and again meanwhile.
    pub fn wait<T>(
        &mut self,
        patience: Patience,
        find: &mut dyn FnMut(&str) -> Option<(T, usize)>,
        tick: &mut dyn FnMut(&mut L, &str),
    ) -> Result<T, Trouble> {
        let start = Instant::now();
        self.last_heard = start;
        loop {
            if let Some((found, length)) = find(&self.text[self.done..]) {
                self.done += length;
                return Ok(found);
            }
            match self.line.hear(POLL) {
                Heard::Bytes(bytes) => self.take(&bytes)?,
                Heard::Nothing => {
                    if self.last_heard.elapsed() >= patience.silence {
                        return Err(Trouble::Silence(patience.silence.as_secs()));
                    }
                }
                Heard::Closed => return Err(self.stopped()?),
            }
            tick(&mut self.line, last_line(&self.text));
            if let Some(panic) = self.panic()? {
                return Err(Trouble::Panic(panic));
            }
            if start.elapsed() >= patience.limit {
                return Err(Trouble::TooLong(patience.limit.as_secs()));
            }
        }
    }

    /// Waits until the machine ends by itself, in order.
    pub fn wait_for_end(
        &mut self,
        patience: Patience,
        tick: &mut dyn FnMut(&mut L, &str),
    ) -> Result<(), Trouble> {
        match self.wait(patience, &mut |_| None::<((), usize)>, tick) {
            Err(Trouble::Stopped) => Ok(()),
            Err(trouble) => Err(trouble),
            Ok(()) => unreachable!("nothing was waited for"),
        }
    }

    /// What was heard since the last thing that was waited for and came.
    pub fn since(&self) -> &str {
        &self.text[self.done..]
    }

    /// Everything that was heard.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last lines, for a failure's report.
    pub fn end(&self) -> String {
        let lines: Vec<&str> = self.text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.log.write_all(bytes)?;
        self.last_heard = Instant::now();
        // Lines end in \n\r or \r\n; and a terminal's control characters mean nothing here.
        let clean: Vec<u8> =
            bytes.iter().copied().filter(|b| *b == b'\n' || *b == b'\t' || *b >= b' ').collect();
        self.text += &String::from_utf8_lossy(&clean);
        Ok(())
    }

    fn stopped(&mut self) -> Result<Trouble, Trouble> {
        if let Some(panic) = panic_in(&self.text[self.judged..]) {
            return Ok(Trouble::Panic(panic));
        }
        Ok(match self.line.complaint()? {
            Some(complaint) => Trouble::Broken(anyhow::anyhow!("QEMU ended with {complaint}")),
            None => Trouble::Stopped,
        })
    }

    fn panic(&mut self) -> Result<Option<String>, Trouble> {
        if panic_in(&self.text[self.judged..]).is_none() {
            self.judged = self.text.rfind('\n').map_or(0, |end| end + 1).max(self.judged);
            return Ok(None);
        }
        let start = Instant::now();
        while start.elapsed() < AFTERMATH {
            match self.line.hear(POLL) {
                Heard::Bytes(bytes) => self.take(&bytes)?,
                Heard::Nothing => {}
                Heard::Closed => break,
            }
        }
        Ok(panic_in(&self.text[self.judged..]))
    }
}

/// From the first line of a panic on.
fn panic_in(text: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !is_panic(line)).peekable();
    lines.peek()?;
    Some(lines.take(12).collect::<Vec<_>>().join("\n"))
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("")
}

impl Line for Machine {
    fn hear(&mut self, patience: Duration) -> Heard {
        Machine::hear(self, patience)
    }

    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        Machine::say(self, bytes)
    }

    fn complaint(&mut self) -> Result<Option<String>> {
        Machine::complaint(self)
    }

    fn in_user_code(&mut self) -> Result<Vec<usize>> {
        let levels = self.privilege_levels()?;
        Ok((0..levels.len()).filter(|&cpu| levels[cpu] == 3).collect())
    }
}

#[cfg(test)]
pub mod tests;
