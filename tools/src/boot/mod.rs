// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool boot`: a kernel in QEMU, and what became of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{bail, Result};

pub mod judge;

mod iso;
mod last;
mod machine;
mod memory;
mod progress;
mod session;

pub use iso::{drive as boot_drive, image as boot_image};
pub use last::Mark;
pub use machine::{Heard, Machine};
pub use memory::{Kernel as KernelMap, Read};
pub use progress::Progress;
pub use session::{Boot, Limits, Loader, Report, Status};

/// A multiboot module: its file and the words after its name.
#[derive(Clone, Debug)]
pub struct Module {
    pub path: PathBuf,
    pub args: String,
}

impl Module {
    /// The first word of its command line: the file's name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Boot a kernel in QEMU with a test program as its module, and judge its serial output
///
/// The program prints KTAP: `# storm: start` first, a plan `1..N`, `ok n` or `not ok n` for each
/// test, and `# storm: verdict PASS` or `FAIL` last, each on a line of its own.
///
/// Exit status: 0 PASS; 10 FAIL (its verdict, a `not ok`, or a PASS with tests missing); 11 PANIC
/// (the kernel gave up, or the machine reset, after the start line); 12 HANG (no verdict in time
/// after the start line); 13 NEVER CAME UP (no start line; only this is tried again); 1 no boot
/// could be tried; 2 wrong usage.
#[derive(clap::Args)]
pub struct Args {
    /// The kernel: an i386 or x86-64 multiboot ELF file
    kernel: PathBuf,
    /// A multiboot module; may be given several times
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,
    /// The words after a module's name; the first --args is the first module's, and so on
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    args: Vec<String>,
    /// Memory to print after PASS or FAIL: a symbol of the kernel or 0xADDRESS (virtual; the program
    /// headers tell where that is), with :N for N 32-bit words; may be given several times
    #[arg(long, value_name = "PLACE[:N]")]
    read: Vec<Read>,
    /// Write the serial output there
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// As QEMU takes it, but for none at all, which it takes for its default.
pub fn memory_size(text: &str) -> Result<String, String> {
    let number = text.strip_suffix(['k', 'K', 'M', 'G', 'T']).unwrap_or(text);
    let size = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    if size && number.bytes().any(|digit| digit != b'0') {
        Ok(text.to_owned())
    } else {
        Err("a size from 1 on is wanted, in MB or with k, M, G, T behind it".to_owned())
    }
}

/// Options that `vmtool boot` and `vmtool run` share.
#[derive(clap::Args, Clone)]
pub struct MachineArgs {
    /// Number of CPUs
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=255))]
    smp: u32,
    /// QEMU's memory
    #[arg(long, default_value = "512M", value_parser = memory_size)]
    memory: String,
    /// QEMU's accelerator
    #[arg(long, default_value = "tcg,thread=multi")]
    accel: String,
    /// How the kernel is loaded
    #[arg(long, value_enum, default_value_t = Loader::Grub)]
    loader: Loader,
    /// The kernel's command line
    #[arg(long, value_name = "WORDS", default_value = "console=com0")]
    append: String,
    /// Seconds from QEMU's start to the verdict
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Seconds from QEMU's start to the start line
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    banner_timeout: u64,
    /// Seconds without any output after the start line
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    silence: u64,
    /// The most boots tried when the start line does not come
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Folder that keeps boot images for the next time, and loses the oldest: a new one, or one that vmtool made
    #[arg(long, value_name = "DIR", default_value = "build/images")]
    images: PathBuf,
}

impl MachineArgs {
    pub fn boot(&self, kernel: PathBuf, modules: Vec<Module>) -> Boot {
        Boot {
            kernel,
            modules,
            command_line: self.append.clone(),
            loader: self.loader,
            cpus: self.smp,
            memory: self.memory.clone(),
            accelerator: self.accel.clone(),
            limits: Limits {
                banner: Duration::from_secs(self.banner_timeout),
                verdict: Duration::from_secs(self.timeout),
                silence: Duration::from_secs(self.silence),
            },
            tries: self.tries,
            log: None,
            reads: Vec::new(),
            last_words: None,
            cache: self.images.clone(),
        }
    }
}

pub fn run(args: &Args) -> Result<ExitCode> {
    if args.args.len() > args.module.len() {
        bail!("{} --args for {} --module", args.args.len(), args.module.len());
    }
    let words = args.args.iter().cloned().chain(std::iter::repeat(String::new()));
    let modules =
        args.module.iter().cloned().zip(words).map(|(path, args)| Module { path, args }).collect();
    let boot = Boot {
        log: args.log.clone(),
        reads: args.read.clone(),
        ..args.machine.boot(args.kernel.clone(), modules)
    };
    let report = {
        let progress = Progress::new("boot");
        boot.run(&mut |status| progress.show(status))?
    };
    let (passed, skipped) = report.tests;
    let boots = if report.boots == 1 { "1 boot".into() } else { format!("{} boots", report.boots) };
    println!(
        "{}: {passed} tests passed, {skipped} skipped, {} calls, {:.1} s, {boots}",
        report.verdict.name(),
        report.calls,
        report.seconds
    );
    for line in report.verdict.text().lines() {
        println!("  {line}");
    }
    for (read, words) in args.read.iter().zip(&report.words) {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        println!("{}: {}", read.place, words.join(" "));
    }
    Ok(ExitCode::from(report.verdict.exit_code()))
}
