// SPDX-License-Identifier: GPL-2.0-or-later
//! doctor.sh on a machine of stand-ins: each tool is told of, each that is missing is named, and nothing is done about it.

use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Machine(tempfile::TempDir);

/// Programs that are looked for where this machine has no say.
const TOOLS: [&str; 10] = [
    "make",
    "cargo",
    "gcc",
    "ld",
    "qemu-system-i386",
    "qemu-system-x86_64",
    "grub-mkrescue",
    "xorriso",
    "mformat",
    "qemu-img",
];
/// And others, which the script itself may need, or which stand where it always looks.
const MORE: [&str; 5] = ["debugfs", "sfdisk", "gzip", "tar", "xz"];

impl Machine {
    /// All that there is to have, unpacked or on PATH.
    fn new() -> Machine {
        // A name that comes after /usr: what is unpacked is looked at first, whatever it is called.
        let machine = Machine(tempfile::tempdir_in("/var/tmp").unwrap());
        for name in ["sh", "sed", "ls", "dirname", "realpath", "sort", "cat"] {
            let real = ["/usr/bin", "/bin"]
                .iter()
                .map(|bin| Path::new(bin).join(name))
                .find(|path| path.exists());
            fs::create_dir_all(machine.path("bin")).unwrap();
            symlink(real.unwrap(), machine.path("bin").join(name)).unwrap();
        }
        for name in ["apt-get", "dpkg-query"] {
            machine.program(
                &format!("bin/{name}"),
                &format!("echo {name} >>{}; exit 1", machine.path("calls").display()),
            );
        }
        for name in TOOLS.iter().chain(&MORE) {
            machine.program(
                &format!("bin/{name}"),
                "echo ${0##*/} 1.99.3 of 2026 | sed s/i386//\\;s/x86_64//",
            );
        }
        let source = machine.path("tools/kernel-build/lib/rustlib/src/rust/library/core/src");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("lib.rs"), "").unwrap();
        let root = machine.path("tools/kernel-build");
        machine.program(
            "tools/kernel-build/usr/bin/rustc",
            &format!(
                "case $1 in --print) echo {} ;; *) echo 'rustc 1.97.0 (x)' ;; esac",
                root.display()
            ),
        );
        machine.program("tools/kernel-build/usr/bin/cargo", "echo cargo 1.97.0");
        machine.program("tools/build/usr/lib/x86_64-linux-gnu/libclang-14.so.1", "");
        machine.program("tools/run/usr/share/keyrings/debian-archive-keyring.gpg", "");
        machine.program("tools/run/usr/lib/grub/i386-pc/moddep.lst", "");
        fs::write(machine.path("tools/run/RECORD"), "package grub-pc-bin 2.06-x\n").unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn doctor(&self) -> (i32, String) {
        let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("doctor.sh"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.0.path())
            .env("GNUMACH_TOOLS", self.path("tools"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }
}

#[test]
fn each_tool_is_told_of_with_version_and_place() {
    let machine = Machine::new();
    let (code, said) = machine.doctor();
    assert_eq!(code, 0, "{said}");
    for name in TOOLS {
        let line = said.lines().find(|line| line.starts_with(&format!("ok       {name} ")));
        let line = line.unwrap_or_else(|| panic!("no {name}: {said}"));
        assert!(
            line.contains(" 1.99.3 ")
                && line.ends_with(&format!("PATH: {}", machine.path("bin").join(name).display()))
        );
    }
    // Not by what this machine may have installed besides.
    if !Path::new("/usr/bin/rustc").exists() {
        let rustc = said.lines().find(|line| line.contains("rustc with its source")).unwrap();
        assert!(rustc.contains("1.97.0") && rustc.contains("build/tools: "), "{rustc}");
    }
    let loader = said.lines().find(|line| line.contains("GRUB's BIOS loader")).unwrap();
    assert!(loader.contains(" 2.06-x ") && loader.contains("build/tools: "), "{loader}");
    let libclang = said.lines().find(|line| line.contains("libclang")).unwrap();
    assert!(libclang.contains("build/tools: ") && libclang.contains("libclang-14"), "{libclang}");
    assert!(!fs::read_to_string(machine.path("calls")).unwrap_or_default().contains("apt-get"));
}

#[test]
fn each_tool_that_is_missing_or_does_not_run_is_named_with_its_cure() {
    let each_is_named = |machine: &Machine, what: &str| {
        let (code, said) = machine.doctor();
        assert_eq!(code, 1, "{said}");
        for name in TOOLS {
            let line = said.lines().find(|line| line.starts_with(&format!("missing  {name} ")));
            let line = line.unwrap_or_else(|| panic!("{name}, {what}: {said}"));
            assert!(line.contains("tools/install-packages.sh "), "{line}");
        }
    };
    let machine = Machine::new();
    for name in TOOLS {
        fs::remove_file(machine.path("bin").join(name)).unwrap();
    }
    each_is_named(&machine, "missing");
    for name in TOOLS {
        assert!(!machine.path("bin").join(name).exists(), "nothing is done about it");
        machine.program(&format!("bin/{name}"), "exit 127");
    }
    each_is_named(&machine, "not running");
    let machine = Machine::new();
    machine.program("bin/cargo", "echo cargo 1.63.0");
    let (code, said) = machine.doctor();
    assert!(code == 1 && said.contains("1.85 or newer; ") && said.contains(" is 1.63"), "{said}");
}
