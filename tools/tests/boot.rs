// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool boot` under QEMU for real, with a kernel of ours that prints whatever it is given; without
//! GRUB where a test is not about it, as that takes a tenth of the time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const START: &str = "GNU Mach\n\r\n\rKTAP version 1\n\r# storm: start\n\r1..2\n\rok 1 - a\n\r";
const VMTOOL: &str = env!("CARGO_BIN_EXE_vmtool");

/// The fake kernel, or why there is none here.
fn fake_kernel() -> &'static Result<PathBuf, String> {
    static KERNEL: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-kernel");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fake-kernel");
        let object = built.with_extension("o");
        let present = ["gcc", "ld", "setpriv", "qemu-system-i386", "grub-mkrescue"];
        for program in present {
            if Command::new(program).arg("--version").output().is_err() {
                return Err(format!("{program} is missing"));
            }
        }
        run(Command::new("gcc")
            .args([
                "-m32",
                "-O1",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-ffreestanding",
                "-fno-pic",
                "-c",
            ])
            .args(["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-o"])
            .args([object.as_path(), &source.join("kernel.c")]));
        run(Command::new("ld")
            .args(["-m", "elf_i386", "-static", "-nostdlib", "-z", "max-page-size=4096", "-T"])
            .args([source.join("kernel.ld").as_path(), &object, Path::new("-o"), &built]));
        Ok(built)
    })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder, with the script in it that the fake kernel is to print; None, with the reason said, where
/// nothing can be booted.
struct Bench {
    folder: tempfile::TempDir,
    kernel: &'static Path,
}

impl Bench {
    fn new(script: &str) -> Option<Bench> {
        match fake_kernel() {
            Ok(kernel) => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join("script"), script).unwrap();
                Some(Bench { folder, kernel })
            }
            Err(reason) => {
                // Past libtest's capture, which would swallow it.
                let _ = writeln!(std::io::stderr(), "SKIP a boot under QEMU: {reason}");
                None
            }
        }
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(VMTOOL);
        command.arg("boot").arg(self.kernel).current_dir(self.folder.path());
        command.args(["--module", "script", "--smp", "1", "--memory", "64M"]).args(options);
        command
    }

    fn boot(&self, options: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = self.command(options).output().unwrap();
        assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
        (status.code().unwrap(), String::from_utf8(stdout).unwrap())
    }
}

#[test]
fn a_pass_and_what_is_read_from_memory() {
    let script = format!("{START}# calls 9\n\rok 2 - b\n\r# storm: verdict PASS\n\r");
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said) = bench.boot(&[
        "--loader",
        "direct",
        "--read",
        "seen:3",
        "--read",
        "0xc0000008",
        "--log",
        "log",
    ]);
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
    let images =
        || std::fs::read_dir(bench.folder.path().join("build/boot-images")).unwrap().count();
    for args in ["${host-port} one", "${host-port} one", "two"] {
        let (code, said) = bench.boot(&["--loader", "grub", "--args", args]);
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
        let (code, said) = bench.boot(&options);
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
        let (code, said) = bench.boot(&[
            "--loader",
            "direct",
            "--banner-timeout",
            "1",
            "--tries",
            "2",
            "--log",
            "log",
        ]);
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
        (&["--module", "missing"], "missing"),
        (&["--args", "a", "--args", "b"], "2 --args for 1 --module"),
        (&["--args", "it's"], "GRUB"),
        (&["--accel", "warp"], "QEMU ended with"),
    ] {
        let output = bench.command(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{options:?}: {said}");
        assert!(said.contains(text), "{options:?}: {said}");
    }
    let script = bench.folder.path().join("script");
    let output = Command::new(VMTOOL).arg("boot").arg(&script).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not an ELF file"));
}

#[test]
fn qemu_ends_even_when_the_tool_is_killed() {
    let Some(bench) = Bench::new(START) else { return };
    let mut tool = bench
        .command(&["--loader", "direct", "--log", "log"])
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
