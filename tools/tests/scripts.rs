// SPDX-License-Identifier: GPL-2.0-or-later
//! The shell scripts, with stand-ins for apt, dpkg, rustc and cargo first on PATH: no network, no root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with stand-ins in bin/, and build/ for what a script makes.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Stage {
        let stage = Stage(tempfile::tempdir().unwrap());
        fs::create_dir(stage.path("bin")).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A program that first notes how it was called.
    fn program(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        let calls = self.path("calls");
        fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >>{}\n{body}\n", calls.display()))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &str, args: &[&str]) -> (i32, String) {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let output = Command::new(tools.join(script))
            .args(args)
            .env("PATH", path)
            .env("BUILD", self.path("build"))
            .env("GNUMACH_TOOLS", self.path("build/tools"))
            .env("HOME", self.0.path())
            .env("KERNEL_RUSTC", self.path("bin/rustc"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    fn called(&self, what: &str) -> bool {
        self.calls().lines().any(|call| call.starts_with(what))
    }

    /// What there is in a folder of the stage, hidden files too.
    fn left_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    /// A machine on which only these packages are installed, and these can be.
    fn packages(&self, installed: &[&str], offered: &[&str]) {
        let shown = installed
            .iter()
            .fold(String::new(), |all, name| all + &format!("echo '{name}=1 installed'\n"));
        let now = self.path("now");
        self.program("dpkg-query", &format!("{shown}cat {} 2>/dev/null || :", now.display()));
        let offers = offered.join("|");
        self.program("apt-cache", &format!("case $2 in {offers}) echo '  Candidate: 1' ;; *) echo '  Candidate: (none)' ;; esac"));
        let install = "[ \"$1\" != install ] || for name; do echo \"$name=1 installed\"";
        self.program("apt-get", &format!("{install}; done >>{}", now.display()));
        self.program("id", "echo 0");
    }
}

const RUN: [&str; 6] = [
    "qemu-system-x86",
    "grub-pc-bin",
    "grub-common",
    "xorriso",
    "mtools",
    "debian-archive-keyring",
];
const BUILD: [&str; 6] =
    ["gcc", "libc6-dev", "make", "binutils", "libclang1-19", "ca-certificates"];

#[test]
fn nothing_is_said_or_done_when_all_packages_are_there() {
    let stage = Stage::new();
    stage.packages(&[&RUN[..], &BUILD[..]].concat(), &["none"]);
    assert_eq!(stage.run("install-packages.sh", &["run", "build"]), (0, String::new()));
    assert!(!stage.called("apt"), "{}", stage.calls());
}

#[test]
fn only_what_is_missing_is_installed_and_lists_are_fetched_only_if_needed() {
    let stage = Stage::new();
    stage.packages(&BUILD[..4], &["libclang1-17", "ca-certificates"]);
    let (code, said) = stage.run("install-packages.sh", &["build"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        stage.called("apt-get install") && !stage.called("apt-get update"),
        "{}",
        stage.calls()
    );
    assert!(
        stage
            .calls()
            .contains("--no-remove -o DPkg::Lock::Timeout=600 libclang1-17 ca-certificates\n"),
        "{}",
        stage.calls()
    );
}

/// apt and dpkg-deb that deliver `image` as the kernel of trixie's package.
fn archive(stage: &Stage, image: &str) {
    stage.program(
        "apt-get",
        "case \"$*\" in\n\
         *REPO_URI*) echo 'http://localhost/debian/ main Debian' ;;\n\
         *LABEL*) echo Debian ;;\n\
         *download*) touch gnumach-image-1.8-486-smp-dbg_1_i386.deb ;;\n\
         esac",
    );
    stage.program("apt-cache", "echo 'Version: 2:1.8-1'");
    stage.program("dpkg-deb", &format!("mkdir -p \"$3/boot\"\n{image}"));
}

const GOOD_IMAGE: &str =
    "printf '\\177ELF\\001rest' | gzip >\"$3/boot/gnumach-1.8-486-smp-dbg.gz\"";

/// A machine without Debian's keys stops before all that these tests are about.
fn has_keys() -> bool {
    let has = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists()
        || Path::new("/usr/share/keyrings/debian-archive-keyring.pgp").exists();
    if !has {
        kit::skip::tell("fetching kernels: no debian-archive-keyring here");
    }
    has
}

#[test]
fn a_kernel_is_fetched_once() {
    if !has_keys() {
        return;
    }
    let stage = Stage::new();
    archive(&stage, GOOD_IMAGE);
    assert_eq!(stage.run("fetch-kernel.sh", &["trixie", "486-smp"]), (0, String::new()));
    assert_eq!(stage.left_in("build/kernels"), ["trixie-486-smp"]);
    let kept = stage.path("build/kernels/trixie-486-smp");
    assert_eq!(fs::read(kept.join("gnumach")).unwrap(), b"\x7fELF\x01rest");
    assert_eq!(fs::read_to_string(kept.join("VERSION")).unwrap(), "2:1.8-1\n");
    fs::remove_file(stage.path("calls")).unwrap();
    assert_eq!(stage.run("fetch-kernel.sh", &["trixie", "486-smp"]), (0, String::new()));
    assert_eq!(stage.calls(), "", "nothing is asked when it is there");
}

#[test]
fn the_private_lists_leave_the_machines_alone() {
    if !has_keys() {
        return;
    }
    let stage = Stage::new();
    archive(&stage, GOOD_IMAGE);
    stage.run("fetch-kernel.sh", &["trixie", "486-smp"]);
    for call in
        stage.calls().lines().filter(|call| call.contains("update") || call.contains("download"))
    {
        let build = stage.path("build/kernels");
        assert!(call.contains(&format!("Dir::State={}", build.display())), "{call}");
        assert!(call.contains(&format!("Dir::Cache={}", build.display())), "{call}");
    }
}

/// What breaks the machine's side, the exit status it must lead to, and a part of the message.
type Trouble<'a> = (&'a dyn Fn(&Stage), i32, &'a str);

#[test]
fn each_way_not_to_get_a_kernel_is_told_apart_and_leaves_nothing() {
    if !has_keys() {
        return;
    }
    let bad: [Trouble; 7] = [
        (&|s| s.program("apt-get", ""), 1, "no mirror found"),
        (
            &|s| {
                s.program("apt-get", "case \"$*\" in *REPO_URI*) echo 'u main Debian' ;; *) echo 'E: expired'; exit 100 ;; esac")
            },
            77,
            "SKIP trixie-486-smp: suite trixie cannot be had",
        ),
        (
            &|s| {
                s.program(
                    "apt-get",
                    "case \"$*\" in *REPO_URI*) echo 'u main Debian' ;; *) echo Other ;; esac",
                )
            },
            77,
            "its label is 'Other'",
        ),
        (&|s| s.program("apt-cache", "exit 100"), 1, "package missing"),
        (&|s| s.program("dpkg-deb", "mkdir -p \"$3/boot\""), 1, "package not as expected"),
        (
            &|s| archive(s, "echo text | gzip >\"$3/boot/gnumach-1.8-486-smp-dbg.gz\""),
            1,
            "is no i386 ELF file",
        ),
        (
            &|s| archive(s, "echo text >\"$3/boot/gnumach-1.8-486-smp-dbg.gz\""),
            1,
            "kernel is damaged",
        ),
    ];
    for (break_it, status, text) in bad {
        let stage = Stage::new();
        archive(&stage, GOOD_IMAGE);
        break_it(&stage);
        let (code, said) = stage.run("fetch-kernel.sh", &["trixie", "486-smp"]);
        assert_eq!(code, status, "{text}: {said}");
        assert!(said.contains(text), "{said}");
        assert!(
            stage.left_in("build/kernels").is_empty(),
            "{text}: {:?}",
            stage.left_in("build/kernels")
        );
    }
    let stage = Stage::new();
    for wrong in [&["trixie"][..], &["woody", "486-smp"], &["trixie", "arm"]] {
        assert_eq!(stage.run("fetch-kernel.sh", wrong).0, 2);
    }
}

/// A rustc 1.`minor` whose own source is there or not; what it compiles comes to nothing.
fn rustc(stage: &Stage, minor: u32, source: bool) {
    let root = stage.path("rust");
    if source {
        let core = root.join("lib/rustlib/src/rust/library/core/src");
        fs::create_dir_all(&core).unwrap();
        fs::write(core.join("lib.rs"), "").unwrap();
    }
    let body = format!(
        "case \"$*\" in\n'--print sysroot') echo {} ;;\n--version | -vV) echo 'rustc 1.{minor}.0 (x)' ;;\n*) echo no such target; exit 1 ;;\nesac",
        root.display()
    );
    stage.program("rustc", &body);
}

#[test]
fn a_rustc_must_be_new_enough_and_have_its_source() {
    for (minor, source, text) in
        [(90, true, "older than 1.96"), (96, false, "its source is not installed")]
    {
        let stage = Stage::new();
        rustc(&stage, minor, source);
        let (code, said) = stage.run("find-rustc.sh", &[]);
        assert_eq!(code, 1);
        assert!(said.contains(text) && said.contains("To get one:"), "{said}");
    }
    let stage = Stage::new();
    rustc(&stage, 96, true);
    let (code, said) = stage.run("find-rustc.sh", &[]);
    let library = stage.path("rust/lib/rustlib/src/rust/library");
    let found =
        format!("{}\n{}\nrustc 1.96.0 (x)\n", stage.path("bin/rustc").display(), library.display());
    assert_eq!((code, said), (0, found));
}

#[test]
fn scripts_that_call_each_other_ask_a_rustc_once() {
    let stage = Stage::new();
    rustc(&stage, 96, true);
    let calls = stage.path("calls");
    let body = fs::read_to_string(stage.path("bin/rustc")).unwrap();
    let (_, body) = body.split_once('\n').unwrap();
    stage.program("rustc", &format!("echo \"$*\" >>'{}'\n{body}", calls.display()));
    stage.program("cargo", "");
    // Its core is not compiled; it was asked before.
    assert_eq!(stage.run("build-object.sh", &["out.o"]).0, 1);
    let calls = fs::read_to_string(calls).unwrap();
    let asked = |what| calls.lines().filter(|line| *line == what).count();
    assert_eq!((asked("--print sysroot"), asked("-vV"), asked("--version")), (1, 1, 0), "{calls}");
}

#[test]
fn a_core_that_does_not_compile_leaves_no_sysroot() {
    let stage = Stage::new();
    rustc(&stage, 96, true);
    let (code, said) = stage.run("sysroot.sh", &["i686-gnumach"]);
    assert_eq!(code, 1);
    assert!(said.contains("could not compile core for i686-gnumach:\nno such target"), "{said}");
    assert!(stage.left_in("build/sysroot").is_empty());
    assert_eq!(stage.run("sysroot.sh", &["sparc"]).0, 2);
}

#[test]
fn a_core_is_compiled_without_what_no_kernel_uses_or_whole_if_it_must_be() {
    for (fails, bytes) in [("none", "0 5 5"), ("*/source/*", "5 5 5")] {
        let stage = Stage::new();
        rustc(&stage, 96, true);
        let library = stage.path("rust/lib/rustlib/src/rust/library");
        fs::create_dir_all(library.join("stdarch")).unwrap();
        let files = ["stdarch/avx512f.rs", "stdarch/avx2.rs", "core/src/lib.rs"];
        for file in files {
            fs::write(library.join(file), "whole").unwrap();
        }
        let rustc = fs::read_to_string(stage.path("bin/rustc")).unwrap();
        // It tells how long the files are that it is given.
        let body = format!(
            "case \"$*\" in {fails}) exit 1 ;; */core/src/lib.rs) ;; *) exit ;; esac\n\
             for last; do :; done; cd \"${{last%core/src/lib.rs}}\"; stat -Lc %s {} | xargs >{}",
            files.join(" "),
            stage.path("bytes").display()
        );
        stage.program(
            "rustc",
            &rustc.split_once('\n').unwrap().1.replace("echo no such target; exit 1", &body),
        );
        let (code, said) = stage.run("sysroot.sh", &["i686-gnumach"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(fs::read_to_string(stage.path("bytes")).unwrap().trim(), bytes);
        let sysroots = stage.left_in("build/sysroot");
        assert_eq!(sysroots.len(), 1);
        assert_eq!(stage.left_in(&format!("build/sysroot/{}", sysroots[0])), ["lib"]);
    }
}

#[test]
fn an_object_without_both_functions_is_no_object() {
    let stage = Stage::new();
    rustc(&stage, 96, true);
    // A rustc that makes a sysroot of nothing, and a cargo whose library holds what C is given.
    let rustc = fs::read_to_string(stage.path("bin/rustc")).unwrap();
    stage.program(
        "rustc",
        rustc.split_once('\n').unwrap().1.replace("echo no such target; exit 1", "").as_str(),
    );
    let cargo = |code: &str| {
        let folder = stage.path("build/cargo/i686-gnumach/release");
        let make = format!("mkdir -p {0}; cd {0}; echo '{code}' | gcc -m32 -ffunction-sections -c -o a.o -x c -; ar rcs libgnumach_vm_map.a a.o", folder.display());
        stage.program("cargo", &make);
    };
    let output = stage.path("out/vm_map.o");
    let build = || stage.run("build-object.sh", &[output.to_str().unwrap()]);
    cargo("int vm_map_coalesce_entry(void) { return 0; }");
    let (code, said) = build();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("defines no vm_map_pageable_scan"), "{said}");
    assert!(stage.left_in("out").is_empty());
    cargo("int vm_map_coalesce_entry(void) { return 0; } void vm_map_pageable_scan(void) {}");
    let (code, said) = build();
    assert_eq!(code, 0, "{said}");
    let mut left = stage.left_in("out");
    left.sort();
    assert_eq!(left, ["vm_map.o", "vm_map.o.made-from"]);
}

#[test]
fn a_line_of_prose_that_no_terminal_shows_is_told() {
    let stage = Stage::new();
    let folder = stage.path("text");
    fs::create_dir_all(folder.join("docs")).unwrap();
    let lint = |line: &str| {
        fs::write(folder.join("docs/page.md"), format!("short\n{line}\n")).unwrap();
        stage.run("lint.sh", &["prose", folder.to_str().unwrap()])
    };
    let words = "word → ".repeat(15);
    let long = format!("{}12345", words.trim_end());
    assert_eq!(long.chars().count(), 109);
    assert_eq!(lint(&long[..long.char_indices().nth(100).unwrap().0]), (0, String::new()));
    let (code, said) = lint(&long);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("docs/page.md:2:word"), "{said}");
    for unbroken in [format!("| {long} |"), format!("    {long}"), "x".repeat(120)] {
        assert_eq!(lint(&unbroken), (0, String::new()), "{unbroken}");
    }
}

#[test]
fn a_tree_of_somebody_else_stays() {
    let stage = Stage::new();
    let mine = stage.path("work/tree/mine");
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::write(&mine, "").unwrap();
    let work = stage.path("work");
    let (code, said) = stage.run("same-object.sh", &["object", "headers", work.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("work/tree is not of its making: name another folder"), "{said}");
    assert!(mine.exists());
}
