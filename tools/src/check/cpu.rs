// SPDX-License-Identifier: GPL-2.0-or-later
//! CPU seconds: what a step takes of a machine, whatever else runs there.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Of the commands that have ended and been waited for, with all that they waited for themselves.
pub struct Spent {
    so_far: Duration,
}

/// How long this process has been there, and what its commands have spent. It may have been a shell that ran some before it
/// became this program.
pub struct Before {
    pub clock: Duration,
    pub cpu: Duration,
}

impl Spent {
    pub fn new() -> Result<(Spent, Before)> {
        let stat = Stat::of_this()?;
        let uptime = read("/proc/uptime")?;
        let uptime = uptime.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok());
        let uptime = uptime.context("/proc/uptime is not as proc(5) says")?;
        let clock = Duration::from_secs_f64((uptime - stat.began.as_secs_f64()).max(0.0));
        Ok((Spent { so_far: stat.of_children }, Before { clock, cpu: stat.of_children }))
    }

    /// What has come since the last call: that of one command, if this is called after each.
    pub fn since(&mut self) -> Result<Duration> {
        let before = self.so_far;
        self.so_far = Stat::of_this()?.of_children;
        Ok(self.so_far.saturating_sub(before))
    }
}

/// Of /proc/PID/stat.
#[derive(Debug, PartialEq)]
struct Stat {
    /// User and system time.
    of_children: Duration,
    /// After the machine.
    began: Duration,
}

impl Stat {
    fn of_this() -> Result<Stat> {
        let path = "/proc/self/stat";
        Stat::parse(&read(path)?, rustix::param::clock_ticks_per_second())
            .with_context(|| format!("{path} is not as proc(5) says"))
    }

    /// cutime, cstime and starttime, fields 16, 17 and 22, are counted from behind the program's name, which may have
    /// anything in it.
    fn parse(text: &str, ticks: u64) -> Option<Stat> {
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let time = |count: u64| Duration::from_millis(count * 1000 / ticks);
        Some(Stat { of_children: time(field(16)? + field(17)?), began: time(field(22)?) })
    }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_of_children_are_added() {
        let stat = "7 (a) b c) S 1 7 7 0 -1 4194304 90 80 0 0 11 12 130 14 20 0 1 0 500 6 7";
        let (of_children, began) = (Duration::from_millis(1440), Duration::from_secs(5));
        assert_eq!(Stat::parse(stat, 100), Some(Stat { of_children, began }));
        assert_eq!(Stat::parse("7 (a) S 1 7 7", 100), None);
        assert_eq!(Stat::parse("", 100), None);
    }
}
