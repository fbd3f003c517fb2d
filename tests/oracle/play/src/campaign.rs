// SPDX-License-Identifier: GPL-2.0-or-later
//! Many cases on many processes.
//!
//! Each worker is a fork of this process, with its own copy of everything below
//! 4 GB. Case N of a seed is the same whoever runs it.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{bail, Result};

use crate::case::{Base, Case};
use crate::ends::conditions::CONDITIONS;
use crate::reach::{self, Branch};
use crate::rng::Rng;
use crate::run::Bench;
use crate::{generate, generate_callers, generate_sound, watch};

/// Cases of one map, which is built once for all of them.
pub const GROUP: u64 = 32;
pub const MOST_WORKERS: usize = 64;
const NEVER: u64 = u64::MAX;

/// Makes the map of a case's group.
pub fn base_of(seed: u64, index: u64, base: &mut Base) {
    generate::base(&mut Rng::new(seed, index / GROUP * 2), base);
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// The two functions.
    Two,
    /// Their callers.
    Callers,
    /// These, in the form of `sound`: how they leave a map.
    Sound,
}

/// Makes a case for a map of `entries` entries.
pub fn case_of(play: Play, seed: u64, index: u64, entries: u32, case: &mut Case) {
    let rng = &mut Rng::new(seed, index * 2 + 1);
    match play {
        Play::Two => generate::case(rng, entries, case),
        Play::Callers => generate_callers::case(rng, entries, case),
        Play::Sound => generate_sound::case(rng, entries, case),
    }
}

/// What the workers share.
struct Board {
    next_group: AtomicU64,
    done: AtomicU64,
    /// The lowest case that differed.
    failed: AtomicU64,
    /// The case that each worker is at, for the time that it dies.
    at: [AtomicU64; MOST_WORKERS],
    stuck: AtomicBool,
    counts: [AtomicU64; COUNTS],
    /// By condition, in how many cases it held, and in how many of these the ends differed.
    met: [[AtomicU64; 2]; CONDITIONS.len()],
    strictly: AtomicU64,
    filled: AtomicU64,
    wired_as_mapped: AtomicU64,
    /// The lowest case in which a branch was taken, and not taken.
    ways: [[AtomicU64; 2]; reach::MOST],
}

pub const COUNTS: usize = 6;
pub const COUNT_NAMES: [&str; COUNTS] = [
    "merged or freed an entry",
    "took wire faults",
    "failed an assertion",
    "slept on a lock",
    "panicked",
    "waited for an entry in transition",
];

/// What came of a group.
#[derive(Default)]
struct Ran {
    differs: Option<u64>,
    counts: [u64; COUNTS],
    met: [[u64; 2]; CONDITIONS.len()],
    strictly: u64,
    filled: u64,
    wired_as_mapped: u64,
}

/// What a campaign found.
pub struct Found {
    pub cases: u64,
    pub seconds: f64,
    pub failed: Option<u64>,
    pub counts: [u64; COUNTS],
    pub met: [[u64; 2]; CONDITIONS.len()],
    pub strictly: u64,
    /// In how many cases ours brought in zeros without a fault.
    pub filled: u64,
    /// In how many it wired a page as it was mapped.
    pub wired_as_mapped: u64,
    /// Per branch, the first cases that took it and did not.
    pub ways: Vec<[Option<u64>; 2]>,
}

pub struct Campaign<'a> {
    pub cases: u64,
    pub seed: u64,
    pub play: Play,
    pub workers: usize,
    /// Breakpoints to serve, if any are armed.
    pub branches: &'a [Branch],
    /// Cases, the first ones, that run with them.
    pub reach_cases: u64,
    pub label: &'a str,
}

impl Campaign<'_> {
    /// Runs every case, or until one differs; the lowest that differs is found.
    pub fn run(&self, bench: &mut Bench) -> Result<Found> {
        let board = Board::new();
        let started = Instant::now();
        std::io::stdout().flush()?;
        let mut workers = Vec::new();
        for number in 0..self.workers {
            // SAFETY: this process has one thread, so the child may do anything.
            match unsafe { libc::fork() } {
                -1 => bail!("cannot fork: {}", std::io::Error::last_os_error()),
                0 => {
                    let status = match self.work(bench, board, number) {
                        Ok(()) => 0,
                        Err(error) => {
                            eprintln!("oracle: {error:#}");
                            board.stuck.store(true, Relaxed);
                            1
                        }
                    };
                    // SAFETY: ends the child at once; its parent owns the output.
                    unsafe { libc::_exit(status) }
                }
                child => workers.push((number, child)),
            }
        }
        self.watch_over(board, &mut workers, started);
        if board.stuck.load(Relaxed) {
            bail!("a worker could not go on");
        }
        let some = |case: u64| (case != NEVER).then_some(case);
        let ways = &board.ways[..self.branches.len()];
        Ok(Found {
            cases: board.done.load(Relaxed),
            seconds: started.elapsed().as_secs_f64(),
            failed: some(board.failed.load(Relaxed)),
            counts: std::array::from_fn(|i| board.counts[i].load(Relaxed)),
            met: std::array::from_fn(|i| [0, 1].map(|way| board.met[i][way].load(Relaxed))),
            strictly: board.strictly.load(Relaxed),
            filled: board.filled.load(Relaxed),
            wired_as_mapped: board.wired_as_mapped.load(Relaxed),
            ways: ways.iter().map(|way| [0, 1].map(|i| some(way[i].load(Relaxed)))).collect(),
        })
    }

    /// Waits for the workers; one that dies has found a difference of its own.
    fn watch_over(&self, board: &Board, workers: &mut Vec<(usize, i32)>, started: Instant) {
        let line = kit::progress::line();
        while !workers.is_empty() {
            std::thread::sleep(Duration::from_millis(if line.is_hidden() { 5 } else { 100 }));
            workers.retain(|&(number, child)| {
                let mut status = 0;
                // SAFETY: waits for a child of this process.
                let ended = unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child;
                if ended && libc::WIFSIGNALED(status) {
                    board.failed.fetch_min(board.at[number].load(Relaxed), Relaxed);
                }
                !ended
            });
            let done = board.done.load(Relaxed);
            let rate = done as f64 / started.elapsed().as_secs_f64();
            let (label, all) = (self.label, self.cases);
            line.set_message(format!("{label}: {done} of {all} cases, {rate:.0} a second"));
        }
    }

    fn work(&self, bench: &mut Bench, board: &Board, number: usize) -> Result<()> {
        watch::start_clock();
        bench.machine.prepare_log()?;
        let mut base = Base::default();
        let mut armed = !self.branches.is_empty();
        let mut lenient = false;
        loop {
            let first = board.next_group.fetch_add(1, Relaxed) * GROUP;
            if first >= self.cases || first > board.failed.load(Relaxed) {
                return Ok(());
            }
            let end = (first + GROUP).min(self.cases);
            if armed && first >= self.reach_cases {
                reach::disarm(&bench.machine.kernel, self.branches)?;
                armed = false;
            }
            if armed && !lenient && first >= self.reach_cases / 10 {
                reach::be_lenient(&bench.machine.kernel, self.branches)?;
                lenient = true;
            }
            board.at[number].store(first, Relaxed);
            base_of(self.seed, first, &mut base);
            let mut ran = self.run_group(bench, board, number, &base, first..end, armed)?;
            if ran.differs.is_some() || !bench.is_clean() {
                // Once more, comparing everything: what was not compared yet may have changed
                // what came after.
                let known = bench.hot_lines();
                bench.strict = true;
                bench.clean_tail();
                ran = self.run_group(bench, board, number, &base, first..end, armed)?;
                bench.strict = false;
                if ran.differs.is_none() && bench.hot_lines() == known {
                    bail!("of cases {first} to {end} one differed, but none when run again");
                }
            }
            if let Some(index) = ran.differs {
                board.failed.fetch_min(index, Relaxed);
            }
            for (total, count) in board.counts.iter().zip(ran.counts) {
                total.fetch_add(count, Relaxed);
            }
            for (total, count) in board.met.iter().flatten().zip(ran.met.iter().flatten()) {
                total.fetch_add(*count, Relaxed);
            }
            board.strictly.fetch_add(ran.strictly, Relaxed);
            board.filled.fetch_add(ran.filled, Relaxed);
            board.wired_as_mapped.fetch_add(ran.wired_as_mapped, Relaxed);
            board.done.fetch_add(end - first, Relaxed);
        }
    }

    /// Runs the cases of a map, or until one differs.
    fn run_group(
        &self,
        bench: &mut Bench,
        board: &Board,
        number: usize,
        base: &Base,
        cases: std::ops::Range<u64>,
        armed: bool,
    ) -> Result<Ran> {
        bench.build(base)?;
        let (mut ran, mut case) = (Ran::default(), Case::default());
        for index in cases {
            board.at[number].store(index, Relaxed);
            case_of(self.play, self.seed, index, bench.entries(), &mut case);
            if bench.run(&case).is_some() {
                ran.differs = Some(index);
                break;
            }
            for (count, happened) in ran.counts.iter_mut().zip(bench.notes()) {
                *count += u64::from(happened);
            }
            if let Some(ends) = &bench.ends {
                for (count, met) in ran.met.iter_mut().zip(&ends.met) {
                    count[0] += u64::from(met.held);
                    count[1] += u64::from(met.differs);
                }
                ran.strictly += u64::from(ends.strictly);
                let pages = &bench.machine.pages;
                ran.filled += u64::from(pages.filled != 0);
                ran.wired_as_mapped += u64::from(pages.wired_as_mapped != 0);
            }
            if armed {
                self.note_ways(bench, board, index)?;
            }
        }
        Ok(ran)
    }

    fn note_ways(&self, bench: &Bench, board: &Board, index: u64) -> Result<()> {
        if reach::settle(&bench.machine.kernel, self.branches)? {
            for branch in 0..self.branches.len() {
                let seen = reach::seen(branch);
                for (way, bit) in [reach::TAKEN, reach::NOT_TAKEN].into_iter().enumerate() {
                    if seen & bit != 0 {
                        board.ways[branch][way].fetch_min(index, Relaxed);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Board {
    /// A board in memory that forks share; it is never unmapped.
    fn new() -> &'static Board {
        // SAFETY: fresh zeroed memory of the board's size, and zero is a valid
        // value of each of its atomics.
        let board = unsafe {
            let memory = libc::mmap(
                std::ptr::null_mut(),
                size_of::<Board>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(memory, libc::MAP_FAILED, "memory for the board");
            &*memory.cast::<Board>()
        };
        board.failed.store(NEVER, Relaxed);
        for way in board.ways.iter().flatten() {
            way.store(NEVER, Relaxed);
        }
        board
    }
}
