// SPDX-License-Identifier: GPL-2.0-or-later
//! CPU seconds: what a step takes of a machine, whatever else runs there.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Of the commands that have ended and been waited for, with all that they waited for themselves.
pub struct Spent {
    so_far: Duration,
}

impl Spent {
    pub fn new() -> Result<Spent> {
        Ok(Spent { so_far: of_children()? })
    }

    /// What has come since the last call: that of one command, if this is called after each.
    pub fn since(&mut self) -> Result<Duration> {
        let before = self.so_far;
        self.so_far = of_children()?;
        Ok(self.so_far.saturating_sub(before))
    }
}

fn of_children() -> Result<Duration> {
    let path = "/proc/self/stat";
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} is not as proc(5) says: {text}"))?;
    let of_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks * 1000 / of_second))
}

/// Fields 16 and 17, cutime and cstime, counted from behind the program's name, which may have anything in it.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13).map(|field| field.parse::<u64>().ok());
    Some(fields.next()?? + fields.next()??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_of_children_are_added() {
        let stat = "7 (a) b c) S 1 7 7 0 -1 4194304 90 80 0 0 11 12 130 14 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(144));
        assert_eq!(ticks("7 (a) S 1 7 7"), None);
        assert_eq!(ticks(""), None);
    }
}
