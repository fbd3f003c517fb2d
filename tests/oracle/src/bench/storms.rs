// SPDX-License-Identifier: GPL-2.0-or-later
//! Calls a second under the storms' loads, of the stock kernel and the grafted
//! one, in pairs of boots that alternate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

use super::results::{self, Load, Storms};
use super::tables;

/// Boot both kernels under the storms' loads, in turns, and compare calls a second
///
/// Each pair of boots gives one ratio per load; which kernel goes first changes from pair to pair.
/// A load's time is from the line that begins it to its count of calls, as the lines come out of the
/// serial port: guest time cannot be trusted under emulation. A pair with a boot that does not pass
/// counts for nothing, and is counted.
#[derive(clap::Args)]
pub struct Args {
    /// The stock kernel
    #[arg(long, value_name = "FILE")]
    stock: PathBuf,
    /// The same kernel grafted, any other is refused; with an object without counters, to be fair
    #[arg(long, value_name = "FILE")]
    grafted: PathBuf,
    /// The storm program
    #[arg(long, value_name = "FILE")]
    storm: PathBuf,
    /// The program that boots kernels
    #[arg(long, value_name = "FILE", default_value = "target/debug/vmtool")]
    vmtool: PathBuf,
    /// Pairs of boots
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Number of CPUs
    #[arg(long, value_name = "N", default_value_t = 4)]
    smp: u32,
    /// Words for the storm, after the ports that it is always given
    #[arg(long, value_name = "WORDS", default_value = "load=a+b")]
    options: String,
    /// What to call the kernel (default: the name of the stock kernel's folder)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Folder for the boots' serial output
    #[arg(long, value_name = "DIR", default_value = "build/bench/logs")]
    logs: PathBuf,
    /// Keep the results there, for a report
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

const PORTS: &str = "${host-port} ${device-port} ${kernel-task} $(task-create) $(task-resume)";
/// How the line begins that each load is announced with, and what the load is.
const LOADS: [(&str, &str); 2] =
    [("# load a", "load a, port names"), ("# load b", "load b, kernel map")];
const POLL: Duration = Duration::from_millis(2);

/// Returns whether at least one pair counts.
pub fn run(args: &Args) -> Result<bool> {
    kit::graft::check_pair(&args.stock, &args.grafted)?;
    fs::create_dir_all(&args.logs)
        .with_context(|| format!("cannot make folder {}", args.logs.display()))?;
    let name = args.name.clone().unwrap_or_else(|| super::folder_of(&args.stock));
    let loads = LOADS.map(|(_, what)| Load { what: what.to_string(), pairs: Vec::new() });
    let mut storms = Storms { name, loads: loads.to_vec(), failed: 0 };
    let line = kit::progress::line();
    for pair in 0..args.pairs {
        line.set_message(format!("pair {} of {}", pair + 1, args.pairs));
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut rates = [None, None];
        for side in order {
            let log = args.logs.join(format!("{}-{pair}.log", ["stock", "grafted"][side]));
            rates[side] = boot(args, [&args.stock, &args.grafted][side], &log)?;
            storms.failed += u32::from(rates[side].is_none());
        }
        if let [Some(stock), Some(grafted)] = rates {
            for (load, rates) in storms.loads.iter_mut().zip(stock.into_iter().zip(grafted)) {
                load.pairs.push(rates.into());
            }
        }
        if let Some(path) = &args.save {
            results::write(path, &toml::to_string(&storms)?)?;
        }
    }
    drop(line);
    tables::print_storms(&storms);
    Ok(storms.loads.iter().all(|load| !load.pairs.is_empty()))
}

/// Calls a second of each load; none if the storm did not pass.
fn boot(args: &Args, kernel: &Path, log: &Path) -> Result<Option<Vec<f64>>> {
    // What an earlier boot left there must not be taken for this one's.
    let _ = fs::remove_file(log);
    let mut child = Command::new(&args.vmtool)
        .arg("boot")
        .arg(kernel)
        .arg("--module")
        .arg(&args.storm)
        .arg("--args")
        .arg(format!("{PORTS} {}", args.options))
        .arg("--log")
        .arg(log)
        .args(["--smp", &args.smp.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", args.vmtool.display()))?;
    let lines = listen(&mut child, log)?;
    let output = child.wait_with_output()?;
    match output.status.code() {
        Some(0) => {}
        // The kernel's verdicts, as opposed to a boot that could not be tried.
        Some(10..=13) => return Ok(None),
        _ => bail!(
            "{} boot {}: {}{}",
            args.vmtool.display(),
            kernel.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
    let rates: Option<Vec<f64>> = LOADS.iter().map(|(start, _)| rate(&lines, start)).collect();
    ensure!(rates.is_some(), "{}: not all loads ran: --options?", log.display());
    Ok(rates)
}

/// The lines of the log, each with the time when it was seen to end.
fn listen(child: &mut Child, log: &Path) -> Result<Vec<(Instant, String)>> {
    let mut lines = Vec::new();
    let mut seen = 0;
    loop {
        let ended = child.try_wait()?.is_some();
        let text = fs::read(log).unwrap_or_default();
        let now = Instant::now();
        while let Some(length) = text[seen..].iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(&text[seen..seen + length]).into_owned();
            lines.push((now, line.trim().to_string()));
            seen += length + 1;
        }
        if ended {
            return Ok(lines);
        }
        sleep(POLL);
    }
}

/// Of the load that a line beginning with `start` announces.
fn rate(lines: &[(Instant, String)], start: &str) -> Option<f64> {
    let first = lines.iter().position(|(_, line)| line.starts_with(start))?;
    let (begun, _) = &lines[first];
    lines[first..].iter().find_map(|(ended, line)| {
        let calls: f64 = line.strip_prefix("# calls ")?.parse().ok()?;
        Some(calls / ended.duration_since(*begun).as_secs_f64())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &[(u64, &str)]) -> Vec<(Instant, String)> {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        words.iter().map(|&(seconds, line)| (at(seconds), line.to_string())).collect()
    }

    #[test]
    fn a_load_lasts_from_its_line_to_its_own_count() {
        let lines = lines(&[
            (0, "# storm: start"),
            (1, "# load a: 16 threads"),
            (2, "# 10 of 80 calls"),
            (5, "# calls 80"),
            (5, "# load b: 8 threads"),
            (7, "# calls 30"),
        ]);
        assert_eq!(rate(&lines, "# load a"), Some(20.0));
        assert_eq!(rate(&lines, "# load b"), Some(15.0));
    }

    #[test]
    fn a_load_that_did_not_end_has_no_rate() {
        let lines = lines(&[(1, "# load a: 16 threads"), (2, "# 10 of 80 calls")]);
        assert_eq!(rate(&lines, "# load a"), None);
        assert_eq!(rate(&lines, "# load b"), None);
    }
}
