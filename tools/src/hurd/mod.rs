// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool hurd`: a whole Hurd on a kernel, for use or for a scripted session.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};
use tempfile::TempDir;

use crate::boot::{memory_size, Machine, Progress, Status};

mod console;
mod directory;
mod ext2;
mod flavour;
mod grub;
mod image;
mod known;
mod overlay;
mod requires;
mod session;
mod source;
mod steps;
mod table;
#[cfg(test)]
pub mod testing;

use console::Console;
use flavour::Kernel;
use requires::Found;
use session::{Limits, Script, Session};
use source::Source;
use table::Column;

/// Boot a Hurd on a GNU Mach kernel: its console on the terminal, or a scripted session (--check)
///
/// --image takes a disk image with GRUB and a Hurd, as Debian GNU/Hurd's: raw, qcow2, or the published
/// .tar.xz. It is never written to. A copy-on-write overlay is made in which the kernel takes the place
/// of the one that GRUB's first Hurd entry boots, and in which GRUB's menu picks that entry at once with
/// its console on the serial line; the modules stay the image's own. Each boot starts from that state.
///
/// --directory takes a folder with ext2fs.static, exec.static (or exec; with ld.so.1 if it is linked
/// dynamically) and a RAM-disk root image (ext2, perhaps gzipped). They are loaded as modules.
///
/// Which flavour of kernel is needed: UP kernels have disk drivers inside, SMP ones have none. So an
/// image whose GRUB entry starts rumpdisk takes both (SMP is the one to choose), one that does not
/// takes UP kernels only, and a RAM disk takes both (SMP). --need prints it.
///
/// The console: what is typed goes to the Hurd; Ctrl-A X ends QEMU; `reboot` in it ends it too.
///
/// The scripted session, on the stock kernel (--stock; without it the image's own) and on --kernel, by
/// turns: reach a shell prompt (as root, if asked), fork, pipe, write files and read them, map and run
/// copies of the shell, have the kernel wire memory, all of that at one time, then on the other CPUs
/// through /sbin/smp, count the entries of the file system's map while 2,000 files are written, and
/// reboot. What each step must come to is known before the boot, and must be the same on both kernels.
/// Before that the file system is looked into: programs that the session cannot do without are
/// missed at once, a line for each, and steps that need others are skipped. If the kernel has
/// vm_map_rust_counters (in its symbols or in the graft's record beside it), they are read before the
/// reboot and must show that both functions ran.
///
/// Exit status of --check: 0 all passed; 10 a step failed or results differ; 11 the kernel panicked, or
/// the machine reset; 12 silence, or a step without an end; 13 no shell in time (a boot in which no
/// program was started is tried again, and counted); 14 all passed but the counters prove nothing;
/// 15 only the stock kernel failed; 1 nothing could be booted; 2 wrong usage.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A disk image with a Hurd: raw, qcow2 or .tar.xz
    #[arg(long, value_name = "FILE", required_unless_present = "directory")]
    image: Option<PathBuf>,
    /// A folder with ext2fs.static, exec.static and a RAM disk
    #[arg(long, value_name = "DIR", conflicts_with = "image")]
    directory: Option<PathBuf>,
    /// The kernel to boot
    #[arg(long, value_name = "KERNEL", required_unless_present = "need")]
    kernel: Option<PathBuf>,
    /// Print the flavour of kernel that this Hurd needs (486-smp, ...), say why, and boot nothing
    #[arg(long)]
    need: bool,
    /// Play the scripted session and print a table
    #[arg(long)]
    check: bool,
    /// With --check: the kernel to compare with
    #[arg(long, value_name = "KERNEL", requires = "check")]
    stock: Option<PathBuf>,
    /// With --check: sessions on each kernel
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Number of CPUs
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=255))]
    smp: u32,
    /// QEMU's memory
    #[arg(long, default_value = "1G", value_parser = memory_size)]
    memory: String,
    /// QEMU's accelerator
    #[arg(long, default_value = "tcg,thread=multi")]
    accel: String,
    /// With --check: seconds from QEMU's start to a shell prompt
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    shell_timeout: u64,
    /// With --check: seconds for one command of a step
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    step_timeout: u64,
    /// With --check: seconds without any output
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    silence: u64,
    /// With --check: the same before any program's output
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    start_silence: u64,
    /// With --check: the most boots tried when no program was started
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// Folder for overlays, and for what was unpacked from images
    #[arg(long, value_name = "DIR", default_value = "build/hurd")]
    work: PathBuf,
    /// Folder for the whole console output of each session
    #[arg(long, value_name = "DIR", default_value = "build/logs")]
    logs: PathBuf,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    if let (Some(stock), Some(kernel)) = (&args.stock, &args.kernel) {
        kit::graft::check_pair_if_grafted(stock, kernel)?;
    }
    let source = match (&args.image, &args.directory) {
        (Some(image), _) => Source::Image(Box::new(image::open(image, &args.work)?)),
        (None, Some(folder)) => Source::Directory(directory::open(folder, &args.work)?),
        (None, None) => bail!("no image: give --image FILE or --directory DIR"),
    };
    let need = source.need()?;
    eprintln!("flavour {}: {}", need.flavour(), need.why);
    if args.need {
        println!("{}", need.flavour());
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.kernel.as_ref().context("no kernel: give --kernel")?;
    let kernel = Kernel::of(path, &crate::elf::read(path)?)?;
    need.accepts(path, &kernel)?;
    eprintln!("kernel  {}: {}", path.display(), kernel.describe());
    fs::create_dir_all(&args.work)
        .with_context(|| format!("cannot make folder {}", args.work.display()))?;
    let scratch = tempfile::tempdir_in(&args.work)?;
    if args.check {
        return check(args, &source, &need, &kernel, path, &scratch);
    }
    let prepared = source.prepare(Some(path), scratch.path(), &args.work)?;
    interact(args, prepared)
}

/// The console on the terminal, until the Hurd reboots or the user ends it.
fn interact(args: &Args, prepared: source::Prepared) -> Result<ExitCode> {
    let status = tool(prepared.program)
        .args(["-display", "none", "-vga", "none", "-nodefaults", "-no-reboot"])
        .args(["-serial", "mon:stdio"])
        .args(machine_arguments(args))
        .args(prepared.arguments)
        .status();
    let status = started(prepared.program, status)?;
    ensure!(status.success(), "QEMU ended with {status}");
    Ok(ExitCode::SUCCESS)
}

fn check(
    args: &Args,
    source: &Source,
    need: &flavour::Need,
    kernel: &Kernel,
    path: &Path,
    scratch: &TempDir,
) -> Result<ExitCode> {
    let found = requires::to_play(source.system(), steps::STEPS)?;
    fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;
    let mut sides = Vec::new();
    if let Some(stock) = &args.stock {
        let facts = Kernel::of(stock, &crate::elf::read(stock)?)?;
        need.accepts(stock, &facts)?;
        sides.push(Side::new(args, "stock", Some(stock), facts.multiprocessor)?);
    } else if matches!(source, Source::Image(_)) {
        sides.push(Side::new(args, "stock", None, None)?);
    }
    sides.push(Side::new(args, "ours", Some(path), kernel.multiprocessor)?);
    // By turns: what else the machine does meanwhile meets both.
    for round in 1..=args.repeats {
        for side in &mut sides {
            side.play(args, source, &found, round, scratch)?;
        }
    }
    report(&sides.into_iter().map(|side| side.column).collect::<Vec<_>>())
}

/// Prints the table and what is wrong, and says so by the exit status.
fn report(columns: &[Column]) -> Result<ExitCode> {
    let rows = session::rows(steps::STEPS);
    print!("{}", table::text(columns, steps::STEPS));
    columns.iter().flat_map(|column| column.skips(&rows)).for_each(|skip| println!("{skip}"));
    let faults = columns.iter().flat_map(Column::faults);
    faults.for_each(|(_, text)| println!("\n{text}"));
    let differences = table::differences(columns, steps::STEPS);
    differences.iter().for_each(|text| println!("\n{text}"));
    let (status, why) = table::verdict(columns, &differences);
    if !why.is_empty() {
        println!("\n{why}");
    }
    Ok(ExitCode::from(status))
}

/// One kernel's sessions; `kernel` none is the image's own.
struct Side<'a> {
    kernel: Option<&'a Path>,
    one_cpu: Option<&'static str>,
    counters: Option<(u64, usize)>,
    column: Column,
}

impl Side<'_> {
    fn new<'a>(
        args: &Args,
        name: &'static str,
        kernel: Option<&'a Path>,
        multiprocessor: Option<bool>,
    ) -> Result<Side<'a>> {
        let one_cpu = match (args.smp, multiprocessor) {
            (1, _) => Some("the machine has one CPU"),
            (_, Some(false)) => Some("this kernel uses one CPU"),
            _ => None,
        };
        let counters = match kernel {
            Some(path) => source::counters_place(path)?,
            None => None,
        };
        Ok(Side { kernel, one_cpu, counters, column: Column::new(name) })
    }

    /// One session more.
    fn play(
        &mut self,
        args: &Args,
        source: &Source,
        found: &Found,
        round: u32,
        scratch: &TempDir,
    ) -> Result<()> {
        let script = Script {
            steps: steps::STEPS,
            limits: Limits {
                shell: Duration::from_secs(args.shell_timeout),
                step: Duration::from_secs(args.step_timeout),
                silence: Duration::from_secs(args.silence),
                start: Duration::from_secs(args.start_silence),
            },
            found,
            one_cpu: self.one_cpu,
        };
        let name = self.column.name;
        let prepared = source.prepare(self.kernel, scratch.path(), &args.work)?;
        let mut arguments = machine_arguments(args);
        arguments.extend(prepared.arguments);
        let log = args.logs.join(format!("hurd-{name}-{round}.log"));
        let mut output =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let progress = Progress::new(format!("{name} {round} of {}", args.repeats));
        let (session, boots) = retry(args.tries, |boot| {
            let start = Instant::now();
            let machine = Machine::start(prepared.program, &arguments)?;
            let mut console = Console::new(machine, &mut output);
            script.play(
                &mut console,
                &mut |machine| {
                    let Some((place, count)) = self.counters else { return Ok(None) };
                    machine.words(place, count).map(Some)
                },
                &mut |step, last| {
                    progress.show(&Status {
                        boot,
                        seconds: start.elapsed().as_secs(),
                        started: true,
                        last_line: &format!("{step}: {last}"),
                    })
                },
            )
        })?;
        drop(progress);
        if args.repeats > 1 {
            let what = session.fault.as_ref().map_or("passed", |(_, text)| text);
            let line = what.lines().next().unwrap_or_default();
            eprintln!("{name} {round} of {}: {line}", args.repeats);
        }
        self.column.add(session, boots, log)
    }
}

/// Only a boot in which no program was started is tried again.
fn retry(tries: u32, mut boot: impl FnMut(u32) -> Result<Session>) -> Result<(Session, u32)> {
    let mut count = 1;
    loop {
        let session = boot(count)?;
        if session.fault.is_none() || session.came_up || count >= tries {
            return Ok((session, count));
        }
        count += 1;
    }
}

fn machine_arguments(args: &Args) -> Vec<String> {
    let smp = args.smp.to_string();
    ["-smp", &smp, "-m", &args.memory, "-accel", &args.accel].map(String::from).into()
}

/// A tool that some distributions keep where an ordinary user's PATH does not look.
fn tool(name: &str) -> Command {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    let found = which::which_in_global(name, Some(&path)).ok().and_then(|mut all| all.next());
    let mut command = Command::new(found.unwrap_or_else(|| name.into()));
    command.env("PATH", path);
    command
}

/// Says what to do if a tool is not there.
fn started<T>(name: &str, result: std::io::Result<T>) -> Result<T> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{name} is missing: tools/install-packages.sh run hurd")
        }
        other => other.with_context(|| format!("cannot run {name}")),
    }
}
