// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool boot` under QEMU for real, with a kernel of ours that prints whatever it is given; without
//! GRUB where a test is not about it, as that takes a tenth of the time.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::bench;

use bench::Bench;

const START: &str = "GNU Mach\n\r\n\rKTAP version 1\n\r# storm: start\n\r1..2\n\rok 1 - a\n\r";

fn command(bench: &Bench, options: &[&str]) -> Command {
    let mut command = Command::new(bench::VMTOOL);
    command.arg("boot").arg(bench.kernel).current_dir(bench.folder.path());
    command.args(["--module", "script", "--smp", "1", "--memory", "64M"]).args(options);
    command
}

fn boot(bench: &Bench, options: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = command(bench, options).output().unwrap();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

#[test]
fn a_pass_and_what_is_read_from_memory() {
    let script = format!("{START}# calls 9\n\rok 2 - b\n\r# storm: verdict PASS\n\r");
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said) = boot(
        &bench,
        &["--loader", "direct", "--read", "seen:3", "--read", "0xc0000008", "--log", "log"],
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("PASS: 2 tests passed, 0 skipped, 9 calls"), "{said}");
    let printed = script.len();
    assert!(
        said.contains(&format!("\nseen: {} {printed} {}\n", 0x12345678, 0xfedcba98_u32)),
        "{said}"
    );
    assert!(said.ends_with(&format!("\n0xc0000008: {}\n", 0xfedcba98_u32)), "{said}");
    assert!(std::fs::read_to_string(bench.folder.path().join("log")).unwrap().ends_with(&script));
}

#[test]
fn the_same_through_grub_whose_image_is_kept() {
    let Some(bench) = Bench::new(&format!("{START}ok 2 - b\n\r# storm: verdict PASS\n\r")) else {
        return;
    };
    let images = || {
        let files = std::fs::read_dir(bench.folder.path().join("build/images")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|end| end == "iso")).count()
    };
    for args in ["${host-port} one", "${host-port} one", "two"] {
        let (code, said) = boot(&bench, &["--loader", "grub", "--args", args]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(images(), if args == "two" { 2 } else { 1 });
    }
}

#[test]
fn each_bad_end_has_its_own_status_and_text() {
    let ends: [(&str, i32, &str, &[&str]); 6] = [
        ("not ok 2 - b\n\r# storm: verdict FAIL\n\r", 10, "FAIL:", &["not ok 2 - b"]),
        ("# storm: verdict PASS\n\r", 10, "FAIL:", &["reported nothing: 2"]),
        ("{cpu1} x.c:1: f: Assertion `y' failed.db{1}> ", 11, "PANIC:", &["Assertion `y'"]),
        ("panic {cpu0} x\n\rdb{0}> ", 11, "PANIC:", &["panic {cpu0} x"]),
        ("\u{1}", 11, "PANIC:", &["the machine reset"]),
        (
            "# half a li",
            12,
            "HANG:",
            &["no output for 1 s; last line: ok 1 - a", "cpu 0 at 0x1000"],
        ),
    ];
    for (end, status, name, texts) in ends {
        let Some(bench) = Bench::new(&format!("{START}{end}")) else { return };
        let options = ["--loader", "direct", "--silence", "1"];
        let (code, said) = boot(&bench, &options);
        assert_eq!(code, status, "{end:?}: {said}");
        assert!(said.starts_with(name) && said.contains("1 boot\n"), "{end:?}: {said}");
        for text in texts {
            assert!(said.contains(text), "{end:?}: {said}");
        }
    }
}

#[test]
fn a_boot_that_never_came_up_is_tried_again_and_counted() {
    for (script, text) in [
        ("GNU Mach\n\rloading", "GNU Mach"),
        ("panic early\n\r", "panic early"),
        ("\u{1}", "reset"),
    ] {
        let Some(bench) = Bench::new(script) else { return };
        let (code, said) = boot(
            &bench,
            &["--loader", "direct", "--banner-timeout", "1", "--tries", "2", "--log", "log"],
        );
        assert_eq!(code, 13, "{script:?}: {said}");
        assert!(
            said.starts_with("NEVER CAME UP:") && said.contains("2 boots"),
            "{script:?}: {said}"
        );
        assert!(said.contains(text), "{script:?}: {said}");
        assert!(std::fs::read_to_string(bench.folder.path().join("log"))
            .unwrap()
            .contains("=== boot 2 ==="));
    }
}

#[test]
fn what_cannot_be_booted_is_an_error_that_names_it() {
    let Some(bench) = Bench::new("") else { return };
    for (options, text) in [
        (&["--read", "nothing_here"][..], "no symbol nothing_here"),
        (&["--read", "0x10"], "in no segment"),
        (&["--read", "0xffffffffffffffff:2"], "in no segment"),
        (&["--module", "missing"], "missing"),
        (&["--args", "a", "--args", "b"], "2 --args for 1 --module"),
        (&["--args", "it's"], "GRUB"),
        (&["--accel", "warp"], "QEMU ended with"),
    ] {
        let output = command(&bench, options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{options:?}: {said}");
        assert!(said.contains(text), "{options:?}: {said}");
    }
    let script = bench.folder.path().join("script");
    let output = Command::new(bench::VMTOOL).arg("boot").arg(&script).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not an ELF file"));
}

#[test]
fn a_kernel_that_no_boot_loader_takes_is_refused() {
    let Some(bench) = Bench::new("") else { return };
    let mut bytes = std::fs::read(bench.kernel).unwrap();
    let magic = 0x1bad_b002_u32.to_le_bytes();
    let at = bytes.windows(4).position(|word| word == magic).unwrap();
    bytes[at] ^= 1;
    let kernel = bench.folder.path().join("xen");
    std::fs::write(&kernel, bytes).unwrap();
    let output = Command::new(bench::VMTOOL).arg("boot").arg(&kernel).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("xen: no multiboot header"), "{said}");
}

#[test]
fn numbers_that_no_machine_has_are_wrong_usage() {
    for (option, value) in [
        ("--smp", "0"),
        ("--smp", "256"),
        ("--timeout", "0"),
        ("--banner-timeout", "0"),
        ("--silence", "0"),
        ("--tries", "0"),
        ("--memory", "0M"),
        ("--memory", "M"),
        ("--memory", "1,maxmem=9G"),
    ] {
        let output =
            Command::new(bench::VMTOOL).args(["boot", "absent", option, value]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        let line = said.lines().next().unwrap();
        assert!(line.contains(&format!("invalid value '{value}' for '{option}")), "{line}");
    }
}

#[test]
fn images_do_not_go_where_somebodys_files_are() {
    let Some(bench) = Bench::new("") else { return };
    let theirs = bench.folder.path().join("isos/debian.iso");
    std::fs::create_dir(theirs.parent().unwrap()).unwrap();
    std::fs::write(&theirs, "").unwrap();
    let output = command(&bench, &["--images", "isos"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("isos holds files that no tool of ours made"), "{said}");
    assert_eq!(std::fs::read_dir(theirs.parent().unwrap()).unwrap().count(), 1);
}

/// Sockets that some process listens on, by the numbers of their inodes.
fn listening() -> Vec<String> {
    let accepts_connections = "00010000";
    let table = std::fs::read_to_string("/proc/net/unix").unwrap();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[3] == accepts_connections).map(|row| row[6].to_string()).collect()
}

#[test]
fn nobody_can_connect_to_qemu() {
    let Some(bench) = Bench::new(START) else { return };
    let mut tool = command(&bench, &["--loader", "direct", "--log", "log"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = bench.folder.path().join("log");
    wait_until("the start line", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ok 1"))
    });
    let qemu = children_of(tool.id())[0];
    let listening = listening();
    let files = std::fs::read_dir(format!("/proc/{qemu}/fd")).unwrap().flatten();
    let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    let targets: Vec<String> = targets.map(|target| target.display().to_string()).collect();
    let inode =
        |target: &str| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_string());
    let sockets: Vec<String> = targets.iter().filter_map(|target| inode(target)).collect();
    assert!(!sockets.is_empty(), "QEMU has a monitor: {targets:?}");
    assert!(sockets.iter().all(|socket| !listening.contains(socket)), "QEMU listens");
    tool.kill().unwrap();
    tool.wait().unwrap();
}

#[test]
fn qemu_ends_even_when_the_tool_is_killed() {
    let Some(bench) = Bench::new(START) else { return };
    let mut tool = command(&bench, &["--loader", "direct", "--log", "log"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = bench.folder.path().join("log");
    wait_until("the start line", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ok 1"))
    });
    let children = children_of(tool.id());
    assert_eq!(children.len(), 1, "the tool runs QEMU");
    tool.kill().unwrap();
    tool.wait().unwrap();
    wait_until("the end of QEMU", || !is_running(children[0]));
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The state letter and the parent of a process.
fn stat(process: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|&process| stat(process).is_some_and(|(_, its_parent)| its_parent == parent))
        .collect()
}

fn is_running(process: u32) -> bool {
    // A zombie has ended; only nobody has asked for it yet.
    stat(process).is_some_and(|(state, _)| state != 'Z')
}
