// SPDX-License-Identifier: GPL-2.0-or-later
//! Boots a kernel, listens until there is a verdict, and tries again when it never came up.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

use super::iso;
use super::judge::{End, Judge, Verdict, TIME_WAS_UP};
use super::last::{self, Mark};
use super::machine::{Heard, Machine};
use super::memory::{Kernel, Read};
use super::Module;

/// After a verdict or a panic: time for what the kernel still has to say.
const AFTERMATH: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(100);

/// How the kernel gets into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Loader {
    /// A CD image with GRUB; every kernel takes it
    Grub,
    /// QEMU's own -kernel; quicker, but trixie's SMP kernels die of it
    Direct,
}

/// One thing to boot, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Boot {
    pub kernel: PathBuf,
    pub modules: Vec<Module>,
    pub command_line: String,
    pub loader: Loader,
    pub cpus: u32,
    pub memory: String,
    pub accelerator: String,
    pub limits: Limits,
    /// The most times that a boot without the start banner is tried.
    pub tries: u32,
    /// Gets all that comes over the serial line, as it comes.
    pub log: Option<PathBuf>,
    /// Read once there is a verdict, while the kernel idles.
    pub reads: Vec<Read>,
    /// If the kernel stops or stands still: the texts of a page in memory that begins with these bytes are
    /// added to the verdict, a line `last: TEXT` each.
    pub last_words: Option<Mark>,
    /// Folder for boot images.
    pub cache: PathBuf,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From QEMU's start to the start banner.
    pub banner: Duration,
    /// From QEMU's start to the verdict.
    pub verdict: Duration,
    /// Without a word between the banner and the verdict.
    pub silence: Duration,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    /// How often it was booted: 1, and one more for each boot that never came up.
    pub boots: u32,
    /// From QEMU's start to the verdict, of the last boot.
    pub seconds: f64,
    pub calls: u64,
    /// Tests that passed, and that were skipped.
    pub tests: (u64, u64),
    /// One answer for each of `Boot::reads`; empty unless the verdict is PASS or FAIL.
    pub words: Vec<Vec<u32>>,
}

/// For showing progress.
pub struct Status<'a> {
    pub boot: u32,
    pub seconds: u64,
    pub started: bool,
    pub last_line: &'a str,
}

impl Boot {
    /// Boots until there is a verdict; an error means that no boot could be tried at all.
    pub fn run(&self, progress: &mut dyn FnMut(&Status)) -> Result<Report> {
        let data = crate::elf::read(&self.kernel)?;
        let kernel = Kernel::parse(&self.kernel, &data)?;
        ensure!(
            has_multiboot_header(&data),
            "{}: no multiboot header, so neither GRUB nor QEMU can load it; Debian's xen-486 boots as a guest of Xen alone",
            self.kernel.display()
        );
        let places: Vec<u64> =
            self.reads.iter().map(|read| kernel.physical(read)).collect::<Result<_>>()?;
        let arguments = self.arguments(&data, &kernel)?;
        let mut log = match &self.log {
            Some(path) => Some(
                File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
            ),
            None => None,
        };
        let program = if kernel.is_64 { "qemu-system-x86_64" } else { "qemu-system-i386" };
        require(program)?;
        retry(self.tries, |boot| {
            if let (Some(log), true) = (&mut log, boot > 1) {
                writeln!(log, "\n=== boot {boot} ===")?;
            }
            let machine = Machine::start(program, &arguments)?;
            self.listen(machine, &kernel, &places, log.as_mut(), &mut |mut status| {
                status.boot = boot;
                progress(&status);
            })
        })
    }

    fn arguments(&self, data: &[u8], kernel: &Kernel) -> Result<Vec<String>> {
        let mut arguments: Vec<String> =
            ["-smp", &self.cpus.to_string(), "-m", &self.memory, "-accel", &self.accelerator]
                .map(String::from)
                .into();
        match self.loader {
            Loader::Grub => {
                let image = iso::image(&self.cache, data, &self.command_line, &self.modules)?;
                arguments.extend(iso::drive(&image, kernel)?);
            }
            Loader::Direct => {
                arguments.extend(["-kernel".into(), text_of(&self.kernel)?.into()]);
                arguments.extend(["-append".into(), self.command_line.clone()]);
                let modules: Vec<String> = self
                    .modules
                    .iter()
                    .map(|module| {
                        Ok(format!("{} {}", text_of(&module.path)?, module.args).replace(',', ",,"))
                    })
                    .collect::<Result<_>>()?;
                if !modules.is_empty() {
                    arguments.extend(["-initrd".into(), modules.join(",")]);
                }
            }
        }
        Ok(arguments)
    }

    fn listen(
        &self,
        mut machine: Machine,
        kernel: &Kernel,
        places: &[u64],
        mut log: Option<&mut File>,
        progress: &mut dyn FnMut(Status),
    ) -> Result<Report> {
        let start = Instant::now();
        let mut judge = Judge::default();
        let mut last_heard = start;
        let mut settled_at = None;
        let end = loop {
            match machine.hear(POLL) {
                Heard::Bytes(bytes) => {
                    judge.feed(&bytes);
                    last_heard = Instant::now();
                    if let Some(log) = &mut log {
                        log.write_all(&bytes)?;
                    }
                }
                Heard::Nothing => {}
                Heard::Closed => {
                    if let Some(complaint) = machine.complaint()? {
                        bail!("QEMU ended with {complaint}");
                    }
                    break End::MachineStopped;
                }
            }
            progress(Status {
                boot: 0,
                seconds: start.elapsed().as_secs(),
                started: judge.started(),
                last_line: judge.last_line(),
            });
            if judge.settled() {
                if settled_at.get_or_insert_with(Instant::now).elapsed() >= AFTERMATH {
                    break End::Settled;
                }
            } else if let Some(limit) =
                self.limits.exceeded(judge.started(), start.elapsed(), last_heard.elapsed())
            {
                break End::TimedOut(limit);
            }
        };
        let seconds = settled_at.unwrap_or_else(Instant::now).duration_since(start).as_secs_f64();
        let mut verdict = judge.verdict(&end);
        let mut words = Vec::new();
        match &mut verdict {
            Verdict::Pass | Verdict::Fail(_) if matches!(end, End::Settled) => {
                for (&place, read) in places.iter().zip(&self.reads) {
                    words.push(machine.words(place, read.words)?);
                }
            }
            Verdict::Hang(text) => *text += &where_cpus_stand(&machine, kernel),
            _ => {}
        }
        if let (Verdict::Hang(text) | Verdict::Panic(text), Some(mark)) =
            (&mut verdict, &self.last_words)
        {
            *text += &last::words(&machine, mark);
        }
        Ok(Report { verdict, boots: 1, seconds, calls: judge.calls(), tests: judge.tests(), words })
    }
}

impl Limits {
    fn exceeded(
        &self,
        started: bool,
        since_start: Duration,
        since_heard: Duration,
    ) -> Option<String> {
        if !started {
            return (since_start >= self.banner)
                .then(|| format!("no start banner within {} s", self.banner.as_secs()));
        }
        if since_start >= self.verdict {
            return Some(format!("{TIME_WAS_UP} {} s", self.verdict.as_secs()));
        }
        (since_heard >= self.silence).then(|| format!("no output for {} s", self.silence.as_secs()))
    }
}

/// Only a boot that never came up is tried again: anything later is the kernel's or the program's doing.
fn retry(tries: u32, mut boot: impl FnMut(u32) -> Result<Report>) -> Result<Report> {
    let mut count = 1;
    loop {
        let report = boot(count)?;
        if !matches!(report.verdict, Verdict::NeverCameUp(_)) || count >= tries {
            return Ok(Report { boots: count, ..report });
        }
        count += 1;
    }
}

/// Help for whoever looks into a hang; says so if the machine does not answer.
fn where_cpus_stand(machine: &Machine, kernel: &Kernel) -> String {
    match machine.instruction_pointers() {
        Err(error) => format!("\nQEMU's monitor does not tell where the CPUs stand: {error:#}"),
        Ok(pointers) => pointers
            .iter()
            .enumerate()
            .map(|(cpu, &at)| {
                format!(
                    "\ncpu {cpu} at {at:#x} {}",
                    kernel.function_at(at).unwrap_or("(outside the kernel)")
                )
            })
            .collect(),
    }
}

/// Its magic number stands, aligned, in the first 8192 bytes.
fn has_multiboot_header(kernel: &[u8]) -> bool {
    let start = &kernel[..kernel.len().min(8192)];
    start.chunks_exact(4).any(|word| word == 0x1bad_b002_u32.to_le_bytes())
}

fn require(program: &str) -> Result<()> {
    which::which(program)
        .map(|_| ())
        .with_context(|| format!("{program} is missing: tools/install-packages.sh run"))
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> Report {
        Report { verdict, boots: 1, seconds: 1.0, calls: 0, tests: (0, 0), words: Vec::new() }
    }

    fn boots_of(tries: u32, verdicts: &[Verdict]) -> (Verdict, u32) {
        let last = retry(tries, |n| Ok(report(verdicts[n as usize - 1].clone()))).unwrap();
        (last.verdict, last.boots)
    }

    #[test]
    fn only_a_boot_that_never_came_up_is_tried_again() {
        let never = || Verdict::NeverCameUp("x".into());
        assert_eq!(boots_of(3, &[Verdict::Pass]), (Verdict::Pass, 1));
        assert_eq!(boots_of(3, &[never(), Verdict::Pass]), (Verdict::Pass, 2));
        assert_eq!(boots_of(3, &[never(), never(), never(), Verdict::Pass]), (never(), 3));
        assert_eq!(boots_of(1, &[never(), Verdict::Pass]), (never(), 1));
        for final_one in
            [Verdict::Fail("x".into()), Verdict::Hang("x".into()), Verdict::Panic("x".into())]
        {
            assert_eq!(boots_of(3, &[final_one.clone(), Verdict::Pass]), (final_one, 1));
        }
    }

    #[test]
    fn each_limit_has_its_own_words() {
        let s = Duration::from_secs;
        let limits = Limits { banner: s(10), verdict: s(60), silence: s(20) };
        let says = |started, since_start, since_heard| {
            limits.exceeded(started, s(since_start), s(since_heard))
        };
        assert_eq!(says(false, 9, 9), None);
        assert!(says(false, 10, 0).unwrap().contains("banner"));
        assert_eq!(says(true, 30, 19), None);
        assert!(says(true, 30, 20).unwrap().contains("no output"));
        assert!(says(true, 60, 0).unwrap().contains("no verdict"));
    }
}
