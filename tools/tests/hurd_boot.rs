// SPDX-License-Identifier: GPL-2.0-or-later
//! Scripted sessions under QEMU for real, with a kernel of ours in the place of a Hurd: on a disk of
//! ours its own GRUB loads the kernel from the overlay, and the disk's module, which is what it prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench;
use crate::hurd_disk;

use bench::Bench;
use hurd_disk::{must, tool, Disk};

const BANNER: &str = "Hurd server bootstrap: ext2fs exec startup proc auth.\n\r";
const MENU: &str = "\
menuentry 'Something else' {
	true
}
menuentry 'GNU/Hurd' {
	multiboot /boot/gnumach.gz root=part:1:device:wd0
	module /hurd/script script
	module /hurd/rumpdisk.static rumpdisk
}
";

const PROGRAMS: [&str; 11] =
    ["sh", "cat", "cksum", "cp", "mkdir", "rm", "sync", "reboot", "portinfo", "vminfo", "ps"];
/// What a Hurd in order answers: parts of what is typed, and results. Its /bin/sh is empty.
const ANSWERS: &str = "\
6*7\t42
forks 100\t100
count 2000\t1999000
cksum <four\t3195465853 55560 3195465853 55560 4498500
./sh\t4294967295 0 4294967295 0 4294967295 0 4294967295 0 42 42 42 42\x20
p?.*\t3:36
in 0 1 2 3 4; do r=\t4 4094749949 31 4094749949 31 4094749949 31 4094749949 31 4094749949 31
set -- many\t2000: 90 91 90 89 90 90 90 90 90 90 91
reboot\tstartup: rebooting Mach (flags 0)...
";

/// GRUB's loader as this checkout has unpacked it, or the machine's.
fn grub() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/tools/run");
    let folders = [unpacked, "/".into()].map(|root| root.join("usr/lib/grub/i386-pc"));
    folders.into_iter().find(|folder| folder.is_dir()).expect("GRUB's BIOS loader (grub-pc-bin)")
}

/// A disk that boots: GRUB's loader in its first sectors, and what the fake kernel is to print.
fn bootable(bench: &Bench, script: &str) -> Option<Disk> {
    let disk = Disk::with(MENU, |tree| {
        fs::write(tree.join("hurd/script"), script).unwrap();
        must(Command::new("cp").arg(bench.kernel).arg(tree.join("boot/gnumach.gz")));
        fs::create_dir(tree.join("bin")).unwrap();
        for program in PROGRAMS {
            fs::write(tree.join("bin").join(program), "").unwrap();
        }
    })?;
    let core = disk.folder.path().join("core");
    must(
        tool("grub-mkimage")
            .arg("-d")
            .arg(grub())
            .args(["-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o"])
            .arg(&core)
            .args([
                "biosdisk",
                "part_msdos",
                "ext2",
                "multiboot",
                "normal",
                "serial",
                "terminal",
                "true",
            ]),
    );
    let mut bytes = fs::read(&disk.raw).unwrap();
    let sector = fs::read(grub().join("boot.img")).unwrap();
    let core = fs::read(core).unwrap();
    // The partition table stays.
    bytes[..440].copy_from_slice(&sector[..440]);
    bytes[512..][..core.len()].copy_from_slice(&core);
    fs::write(&disk.raw, bytes).unwrap();
    Some(disk)
}

fn command(disk: &Disk, kernel: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(bench::VMTOOL);
    command.args(["hurd", "--check", "--image"]).arg(&disk.raw).arg("--kernel").arg(kernel);
    command.args(["--smp", "1", "--memory", "64M"]).args(options).current_dir(disk.folder.path());
    command
}

fn check(disk: &Disk, kernel: &Path, options: &[&str]) -> (i32, String) {
    let done = command(disk, kernel, options).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// A kernel that answers, with a record beside it of where its counters are.
fn counted(bench: &Bench, counters: &str) -> std::path::PathBuf {
    let kernel = bench.folder.path().join("ours");
    fs::copy(bench.kernel, &kernel).unwrap();
    let symbols = Command::new("nm").arg(&kernel).output().unwrap();
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    let line = symbols.lines().find(|line| line.ends_with(counters)).unwrap();
    let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
    bench::record(&kernel, "", &[("vm_map_rust_counters", address)]);
    kernel
}

#[test]
fn a_whole_session_and_what_the_counters_prove() {
    let Some(bench) = Bench::new("") else { return };
    let script = format!("{BANNER}login: \x02{ANSWERS}");
    let Some(disk) = bootable(&bench, &script) else { return };
    let before = fs::read(&disk.raw).unwrap();
    let (code, said) = check(&disk, &counted(&bench, "counters_after_work"), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("kernel  ") && said.contains("UP, no disk driver inside"), "{said}");
    let row = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap().to_string();
    assert_eq!(row("sessions passed").matches("1 of 1").count(), 2, "{said}");
    assert_eq!(row("clean reboot").matches("ok").count(), 2, "{said}");
    assert!(row("  with the map unlocked").ends_with("30"), "{said}");
    assert!(
        said.contains("SKIP all at one time, on the other CPUs (ours): the machine has one CPU"),
        "{said}"
    );
    assert!(fs::read(&disk.raw).unwrap() == before, "the image was written to");
    let log = fs::read_to_string(disk.folder.path().join("build/logs/hurd-ours-1.log")).unwrap();
    assert!(log.contains("root\n") && log.contains("end-0:0:42:"), "{log}");
    let row = row("entries of the file system's map");
    assert_eq!(row.matches("89 to 91").count(), 2, "{said}");

    let (code, said) = check(&disk, &counted(&bench, "counters_without_work"), &[]);
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("no scan dropped the lock"), "{said}");
    let (code, said) = check(&disk, bench.kernel, &[]);
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("has no vm_map_rust_counters"), "{said}");
}

#[test]
fn a_step_without_its_result_fails_and_so_does_an_end_without_a_word() {
    let Some(bench) = Bench::new("") else { return };
    let cases = [
        ("forks 100", 10, "step 'forks' failed: result '', which must be '100'"),
        ("set -- many", 10, "'map entries while files are written' failed: result ''"),
        ("reboot", 11, "off at 'clean reboot', without 'rebooting Mach' before"),
    ];
    for (without, code, text) in cases {
        let lines = ANSWERS.split_inclusive('\n').filter(|line| !line.starts_with(without));
        let script = format!("{BANNER}# \x02{}", lines.collect::<String>());
        let Some(disk) = bootable(&bench, &script) else { return };
        let (exit, said) = check(&disk, bench.kernel, &[]);
        assert_eq!(exit, code, "{said}");
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn each_failure_has_its_message_the_consoles_end_and_the_log() {
    let Some(bench) = Bench::new("") else { return };
    let cases: [(&str, &[&str], i32, &str); 4] = [
        ("\u{2}", &["--tries", "1", "--shell-timeout", "1"], 13, "no shell within 1 s"),
        ("the end\n", &["--silence", "5"], 12, "silence at 'shell prompt': not a word for 5 s"),
        ("panic {cpu0} vm_map.c: it broke\n\r", &[], 11, "kernel panic at 'shell prompt':"),
        ("\u{1}", &[], 13, "no shell: the machine reset"),
    ];
    for (script, options, code, text) in cases {
        let Some(disk) = bootable(&bench, &format!("{BANNER}{script}")) else { return };
        let (exit, said) = check(&disk, bench.kernel, options);
        assert_eq!(exit, code, "{said}");
        assert!(said.contains(&format!("stock: {text}")), "{said}");
        assert!(said.contains(&format!("ours: {text}")), "{said}");
        // A limit may end the boot before there was anything to show.
        if code == 11 {
            let (_, end) = said.split_once("the console's end:\n").expect(&said);
            assert!(end.contains("Hurd server bootstrap"), "{said}");
        }
        assert!(said.contains("whole log: build/logs/hurd-ours-1.log"), "{said}");
    }
}

#[test]
fn only_a_boot_that_started_no_program_is_tried_again() {
    let Some(bench) = Bench::new("") else { return };
    let Some(disk) = bootable(&bench, "GNU Mach\n\r") else { return };
    let (code, said) = check(&disk, bench.kernel, &["--silence", "1", "--tries", "2"]);
    assert_eq!(code, 12, "{said}");
    let boots = said.lines().find(|line| line.starts_with("boots")).unwrap();
    assert_eq!(boots.split_whitespace().rev().take(2).collect::<Vec<_>>(), ["2", "2"], "{said}");
}

#[test]
fn the_console_belongs_to_the_terminal() {
    let Some(bench) = Bench::new("") else { return };
    let Some(disk) = bootable(&bench, &format!("{BANNER}# \x01")) else { return };
    let done = Command::new(bench::VMTOOL)
        .args(["hurd", "--image", "disk", "--smp", "1", "--memory", "64M", "--kernel"])
        .arg(bench.kernel)
        .current_dir(disk.folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("Hurd server bootstrap"), "{said}");
}
