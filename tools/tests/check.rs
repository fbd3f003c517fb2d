// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool check` on tables of made-up steps: what passes, fails and is skipped, and that nothing hides a failure.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// With these steps, and with these skips permitted.
    fn new(steps: &str, skips: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("steps"), steps).unwrap();
        fs::write(folder.path().join("skips"), skips).unwrap();
        Bench { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmtool"));
        command
            .current_dir(self.folder.path())
            .args(["check", "--table", "steps", "--skips", "skips", "--logs", "logs"])
            .args(arguments)
            .env_remove("CI")
            .env_remove("KERNELS");
        command
    }

    /// Exit status, and all that was said.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        said(self.command(arguments).output().unwrap())
    }

    fn run_in_ci(&self) -> (i32, String) {
        said(self.command(&[]).env("CI", "true").output().unwrap())
    }
}

fn said(output: Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

fn last(said: &str) -> &str {
    said.lines().last().unwrap_or_default()
}

const MIXED: &str = "good | 1 | | echo fine | passes\n\
    bad | 1 | | echo alas; exit 3 | fails\n\
    off | 1 | | echo 'SKIP: no kernel'; exit 77 | is skipped\n\
    part | 1 | | echo 'ok 1 - a # SKIP one CPU'; echo 'SKIP disks: no xz' >>\"$VM_MAP_SKIPS\" | has skips inside\n";

#[test]
fn each_outcome_is_told_and_counted() {
    let bench = Bench::new(MIXED, "");
    let (code, said) = bench.run(&[]);
    assert_eq!(code, 1, "{said}");
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("ok      good").ends_with("passes"), "{said}");
    assert!(line("not ok  bad").contains("fails (status 3); the end of logs/bad.log:"), "{said}");
    assert!(said.contains("\n    alas\n"), "{said}");
    assert!(line("SKIP    off").ends_with("no kernel"), "{said}");
    assert!(line("ok      part").ends_with("has skips inside (2 skipped)"), "{said}");
    let skips =
        "skipped:\n    off: no kernel\n    part: a: one CPU\n    part: disks: no xz\nall of it: ";
    assert!(said.contains(skips), "{said}");
    assert_eq!(last(&said), "2 passed, 1 failed, 3 skipped", "{said}");
    assert_eq!(fs::read_to_string(bench.path("logs/good.log")).unwrap(), "fine\n");
}

/// A command that ends when it and what it waited for have used so many hundredths of a second of CPU, by its own count.
fn busy(hundredths: u32) -> String {
    format!("while set -- $(cat /proc/$$/stat) && shift 13 && [ $(($1 + $2 + $3 + $4)) -lt {hundredths} ]; do :; done")
}

#[test]
fn cpu_seconds_are_told_of_each_step_and_of_all() {
    let bench = Bench::new(
        &format!(
            "busy | 1 | | {} | x\nnested | 1 | | make -s busy | x\nidle | 1 | | sleep 1 | x\n",
            busy(100)
        ),
        "",
    );
    let makefile = format!("busy:\n\t@{}\n", busy(100).replace('$', "$$"));
    fs::write(bench.path("Makefile"), makefile).unwrap();
    let (code, said) = bench.run(&["--cores", "3"]);
    assert_eq!(code, 0, "{said}");
    let cpu = |said: &str, start: &str| -> u32 {
        let line = said.lines().find(|line| line.starts_with(start)).unwrap_or_default();
        let (_, rest) = line.split_once(" s, ").unwrap_or_default();
        let (count, _) = rest.split_once(" of CPU").unwrap_or_default();
        count.trim().parse().unwrap_or_else(|_| panic!("{start}: {said}"))
    };
    // Whoever runs beside costs none of it.
    assert!(cpu(&said, "ok      busy") >= 1 && cpu(&said, "ok      nested") >= 1, "{said}");
    assert_eq!(cpu(&said, "ok      idle"), 0, "{said}");
    assert!(cpu(&said, "all of it") >= 2 && !said.contains("before them"), "{said}");

    // As tools/check.sh does, which compiles vmtool and then becomes it.
    let script = "make -s busy && exec \"$0\" check --table steps --skips skips --logs logs idle";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_vmtool")]).current_dir(bench.folder.path());
    shell.env_remove("CI").env_remove("KERNELS");
    let (code, said) = self::said(shell.output().unwrap());
    assert_eq!(code, 0, "{said}");
    assert!(cpu(&said, "        before them") >= 1 && cpu(&said, "all of it") >= 1, "{said}");
}

#[test]
fn only_steps_that_are_named_run() {
    let bench = Bench::new(MIXED, "");
    let (code, said) = bench.run(&["good", "off"]);
    assert_eq!((code, last(&said)), (0, "1 passed, 0 failed, 1 skipped"), "{said}");
    let (code, said) = bench.run(&["good", "none"]);
    assert_eq!(code, 2);
    assert!(said.contains("no step none") && !said.contains("passed"), "{said}");
    let (code, said) = bench.run(&["--list"]);
    assert_eq!((code, said.lines().count()), (0, 4), "{said}");
}

#[test]
fn in_ci_a_skip_fails_unless_it_is_listed() {
    let bench = Bench::new(
        "off | 1 | | echo 'SKIP: no kernel'; exit 77 | is skipped\n\
         part | 1 | | echo 'SKIP disks: no xz' | has a skip inside\n",
        "off | perhaps | no kernel | there is none for this machine\n",
    );
    let (code, said) = bench.run(&[]);
    assert_eq!((code, last(&said)), (0, "1 passed, 0 failed, 2 skipped"), "{said}");
    let (code, said) = bench.run_in_ci();
    assert_eq!((code, last(&said)), (1, "0 passed, 1 failed, 2 skipped"), "{said}");
    assert!(said.contains("not ok  part") && said.contains("not permitted"), "{said}");
    assert!(said.contains("off: no kernel (permitted: there is none for this machine)"), "{said}");
    assert!(said.contains("part: disks: no xz (NOT PERMITTED)"), "{said}");

    let more = "off | perhaps | no kernel | there is none\npart | always | disks | no such tool\n";
    fs::write(bench.path("skips"), more).unwrap();
    let (code, said) = bench.run_in_ci();
    assert_eq!((code, last(&said)), (0, "1 passed, 0 failed, 2 skipped"), "{said}");
}

#[test]
fn a_permission_that_nobody_needs_any_more_is_told() {
    let list =
        "good | always | no kernel | there is none\ngood | perhaps | no disk | some have none\n\
                other | always | x | not in this table\n";
    let bench = Bench::new("good | 1 | | true | passes\n", list);
    let (code, said) = bench.run_in_ci();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("permitted, but not skipped any more: good | no kernel"), "{said}");
    assert!(!said.contains("other |") && !said.contains("no disk"), "{said}");
    fs::write(bench.path("skips"), "good\n").unwrap();
    let (code, said) = bench.run_in_ci();
    assert!(code == 1 && said.contains("line 1"), "{said}");
}

#[test]
fn a_skip_survives_make_and_a_failure_does_too() {
    let bench = Bench::new(
        "skips | 1 | | make -s skips | x\nnested | 1 | | make -s nested | x\n\
         fails | 1 | | make -s fails | x\nsilent | 1 | | make -s silent | x\n\
         missing | 1 | | make -s missing | x\n",
        "",
    );
    let makefile = ".PHONY: skips nested fails silent\nskips:\n\t@echo 'SKIP: no kernel'; exit 77\nnested:\n\t@$(MAKE) -s skips\n\
                    fails:\n\t@-$(MAKE) -s skips\n\t@echo worse; exit 2\nsilent:\n\t@exit 77\n";
    fs::write(bench.path("Makefile"), makefile).unwrap();
    let (code, said) = bench.run(&[]);
    assert_eq!(code, 1, "{said}");
    for start in [
        "SKIP    skips ",
        "SKIP    nested ",
        "not ok  fails ",
        "not ok  silent ",
        "not ok  missing ",
    ] {
        assert!(said.lines().any(|line| line.starts_with(start)), "{start}: {said}");
    }
    assert!(last(&said).starts_with("0 passed, 3 failed,"), "{said}");
}

#[test]
fn what_builds_on_a_failed_step_fails_too() {
    let bench = Bench::new(
        "base | 1 | | false | x\nnext | 1 | base | true | x\nlast | 1 | next | true | x\n\
         free | 1 | | true | x\n",
        "",
    );
    let (code, said) = bench.run(&[]);
    assert_eq!((code, last(&said)), (1, "1 passed, 3 failed, 0 skipped"), "{said}");
    assert!(said.contains("not run, as base failed") && said.contains("not run, as next failed"));
    assert!(!bench.path("logs/next.log").exists());
    // By itself it does not wait for what nobody asked for.
    assert_eq!(last(&bench.run(&["next"]).1), "1 passed, 0 failed, 0 skipped");
}

#[test]
fn steps_run_side_by_side_and_none_before_what_it_needs() {
    // Each of the first two ends only when it has seen the other begin.
    let meet = |own, other| format!("touch {own}; until [ -e {other} ]; do sleep 0.05; done");
    let bench = Bench::new(
        &format!(
            "one | 1 | | {} | x\ntwo | 1 | | {} | x\nboth | 1 | one two | [ -e a ] && [ -e b ] | x\n",
            meet("a", "b"),
            meet("b", "a")
        ),
        "",
    );
    let (code, said) = bench.run(&["--cores", "2"]);
    assert_eq!((code, last(&said)), (0, "3 passed, 0 failed, 0 skipped"), "{said}");
}

#[test]
fn a_step_without_end_is_stopped_with_all_that_it_began() {
    let bench = Bench::new("hangs | 1 | | sleep 1000 & echo $! >pid; wait | x\n", "");
    let (code, said) = bench.run(&["--limit", "0"]);
    assert_eq!((code, last(&said)), (1, "0 passed, 1 failed, 0 skipped"), "{said}");
    assert!(said.contains("stopped, as it did not end in 0 minutes"), "{said}");
    assert_gone(&bench);
}

#[test]
fn an_interrupt_leaves_nothing_running() {
    let bench = Bench::new("hangs | 1 | | sleep 1000 & echo $! >pid; wait | x\n", "");
    let mut check = bench.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while fs::read_to_string(bench.path("pid")).unwrap_or_default().trim().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    // The shell's own: a small Debian has no program of that name.
    let kill = format!("kill {}", check.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(check.wait().unwrap().code(), Some(130));
    assert_gone(&bench);
}

/// The process that a step wrote down. The system may take a moment to let it go.
fn assert_gone(bench: &Bench) {
    let Ok(pid) = fs::read_to_string(bench.path("pid")) else { return };
    let status = format!("/proc/{}/status", pid.trim());
    let runs = || fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ"));
    for _ in 0..500 {
        if !runs() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("process {} still runs", pid.trim());
}
