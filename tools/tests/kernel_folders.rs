// SPDX-License-Identifier: GPL-2.0-or-later
//! What `make` builds for a kernel belongs to that kernel, whatever was built before; with small kernels, and C in place
//! of the Rust.

use crate::common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use common::{text, Bench, Kernel};

/// Two kernels, `make` with what it would fetch or compile left out.
struct Stage {
    bench: Bench,
    first: PathBuf,
    second: PathBuf,
}

impl Stage {
    fn new() -> Stage {
        let bench = Bench::new();
        let kernel = |flags, name| {
            let made = bench.kernel(&Kernel { flags, ..Kernel::default() });
            let kept = bench.path(name);
            fs::rename(made, &kept).unwrap();
            kept
        };
        let first = kernel(&[], "first.elf");
        let second = kernel(&["-DSCAN_CDECL"], "second.elf");
        let object = bench.object(&[]);
        let stage = Stage { bench, first, second };
        stage.program(
            "build-object",
            &format!("for last; do :; done; cp '{}' \"$last\"", object.display()),
        );
        stage.vmtool("");
        stage
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.bench.write(name, format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A vmtool that does this first.
    fn vmtool(&self, first: &str) {
        let body = format!(
            "{first}\ncase $1 in object) ;; run) echo \"$@\" ;; *) exec '{}' \"$@\" ;; esac",
            env!("CARGO_BIN_EXE_vmtool")
        );
        self.program("vmtool", &body);
    }

    fn try_make(&self, words: &[&str]) -> Output {
        let path = |name: &str| self.bench.path(name).display().to_string();
        Command::new("make")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .env_remove("MAKE")
            .arg("--silent")
            .args(
                ["packages-build", "packages-kernel", "packages-run", "vmtool", "storm"]
                    .map(|name| format!("-o{name}")),
            )
            .arg(format!("BUILD={}", path("build")))
            .arg(format!("VMTOOL={}", path("vmtool")))
            .arg(format!("BUILD_OBJECT={}", path("build-object")))
            .args(words)
            .output()
            .unwrap()
    }

    /// The last line that make printed.
    fn make(&self, words: &[&str]) -> String {
        let output = self.try_make(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().last().unwrap_or_default().to_string()
    }

    fn graft(&self, kernel: &Path) -> PathBuf {
        self.make(&["graft", &format!("KERNEL={}", kernel.display())]).into()
    }
}

fn belongs(stock: &Path, grafted: &Path) {
    kit::graft::check_pair(stock, grafted).unwrap();
}

fn long_ago(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
}

#[test]
fn a_kernel_older_than_what_is_built_gets_its_own_graft() {
    let stage = Stage::new();
    let of_first = stage.graft(&stage.first);
    long_ago(&stage.second);
    let of_second = stage.graft(&stage.second);
    assert_ne!(of_first, of_second);
    belongs(&stage.first, &of_first);
    belongs(&stage.second, &of_second);

    // Another kernel by the same name, and older too.
    fs::copy(&stage.second, &stage.first).unwrap();
    long_ago(&stage.first);
    belongs(&stage.first, &stage.graft(&stage.first));
}

#[test]
fn a_kernel_that_was_named_once_is_not_run_as_debians() {
    let stage = Stage::new();
    let debians = stage.bench.path("build/kernels/trixie-486-smp");
    fs::create_dir_all(&debians).unwrap();
    fs::copy(&stage.first, debians.join("gnumach")).unwrap();
    fs::write(debians.join("VERSION"), "2:1.8-1\n").unwrap();
    stage.graft(&stage.second);
    let ran = stage.make(&["run"]);
    let words: Vec<&str> = ran.split(' ').collect();
    let after = |option| {
        let at = words.iter().position(|word| *word == option).unwrap();
        PathBuf::from(words[at + 1])
    };
    assert_eq!(after("--stock"), debians.join("gnumach"));
    belongs(&stage.first, &after("--rust"));
    let folder = after("--rust").parent().unwrap().file_name().unwrap().to_owned();
    let hash = kit::files::sha256_of(&stage.first).unwrap();
    assert_eq!(folder.to_str(), Some(&*format!("trixie-486-smp-{}", &hash[..8])));
}

#[test]
fn a_hurd_is_not_run_on_a_pair_that_does_not_belong_together() {
    let stage = Stage::new();
    let grafted = stage.graft(&stage.first);
    let hurd = |stock: &PathBuf| {
        let output = common::vmtool(&[
            &"hurd",
            &"--directory",
            &"absent",
            &"--check",
            &"--kernel",
            &grafted,
            &"--stock",
            stock,
        ]);
        assert_eq!(output.status.code(), Some(1));
        text(&output)
    };
    let said = hurd(&stage.second);
    assert!(said.contains("do not belong together"), "{said}");
    let said = hurd(&stage.first);
    assert!(!said.contains("do not belong together"), "{said}");
}

#[test]
fn what_is_there_is_kept_and_what_was_changed_is_made_anew() {
    let stage = Stage::new();
    let grafted = stage.graft(&stage.first);
    let time = || fs::metadata(&grafted).unwrap().modified().unwrap();
    long_ago(&grafted);
    let before = time();
    stage.graft(&stage.first);
    assert_eq!(time(), before);
    fs::write(&grafted, "something else").unwrap();
    stage.graft(&stage.first);
    belongs(&stage.first, &grafted);
    // Another object.
    let other = stage.bench.object(&["-O1"]);
    stage.program(
        "build-object",
        &format!("for last; do :; done; cp '{}' \"$last\"", other.display()),
    );
    let old = fs::read(&grafted).unwrap();
    stage.graft(&stage.first);
    assert_ne!(fs::read(&grafted).unwrap(), old);
}

#[test]
fn a_layout_is_read_and_an_object_checked_once_by_each_vmtool() {
    let stage = Stage::new();
    let calls = stage.bench.path("calls");
    let write_down = format!("echo \"$*\" >>'{}'", calls.display());
    let graft = || {
        fs::write(&calls, "").unwrap();
        let grafted = stage.graft(&stage.first);
        let calls = fs::read_to_string(&calls).unwrap();
        let count = |start: &str, part: &str| {
            calls.lines().filter(|line| line.starts_with(start) && line.contains(part)).count()
        };
        (grafted, [count("layout", " -o "), count("layout", " --check "), count("object", "")])
    };
    stage.vmtool(&write_down);
    let (grafted, count) = graft();
    assert_eq!(count, [1, 1, 1]);
    assert_eq!(graft().1, [0, 0, 0]);
    // Another, by its size or time alone.
    stage.vmtool(&format!("{write_down} #"));
    assert_eq!(graft().1, [1, 1, 1]);
    long_ago(&stage.bench.path("vmtool"));
    assert_eq!(graft().1, [1, 1, 1]);
    // What it made was changed.
    let layout = grafted.with_file_name("include").join("structs.h");
    let right = fs::read(&layout).unwrap();
    fs::write(&layout, "").unwrap();
    assert_eq!(graft().1, [1, 0, 0]);
    assert_eq!(fs::read(&layout).unwrap(), right);
}

#[test]
fn what_has_the_callers_and_what_has_not_are_two_things() {
    let stage = Stage::new();
    let kernel = stage.bench.kernel(&Kernel { flags: &["-DCALLERS"], ..Kernel::default() });
    let with_callers = stage.bench.path("with-callers.o");
    fs::rename(stage.bench.object(&["-DCALLERS"]), &with_callers).unwrap();
    let without = stage.bench.object(&[]);
    stage.program(
        "build-object",
        &format!(
            "for last; do :; done; case \" $* \" in *' counters,callers '*) cp '{}' \"$last\" ;; \
             *' counters '*) cp '{}' \"$last\" ;; esac",
            with_callers.display(),
            without.display()
        ),
    );
    let kernel_is = format!("KERNEL={}", kernel.display());
    let graft = |more: &[&str]| PathBuf::from(stage.make(&[&["graft", &kernel_is], more].concat()));
    let two = graft(&[]);
    let of_two = fs::read(&two).unwrap();
    let all = graft(&["CALLERS=1"]);
    assert_eq!(fs::read(&two).unwrap(), of_two, "the one without is left alone");
    assert_eq!(graft(&[]), two);
    belongs(&kernel, &two);
    belongs(&kernel, &all);
    let symbols = |path: &Path| kit::graft::check_pair(&kernel, path).unwrap().symbols;
    assert!(!symbols(&two).contains_key("vm_map_protect"));
    assert!(symbols(&all).contains_key("vm_map_protect"));
    // And it is this one that runs, by a name that says so.
    let ran = stage.make(&["run", &kernel_is, "CALLERS=1"]);
    assert!(ran.contains(all.to_str().unwrap()) && ran.contains("with the callers"), "{ran}");
}

#[test]
fn two_kernels_whose_hashes_start_alike_do_not_share_a_folder() {
    let stage = Stage::new();
    let grafted = stage.graft(&stage.first);
    fs::write(grafted.with_file_name("kernel.sha256"), "0123\n").unwrap();
    let output = stage.try_make(&["graft", &format!("KERNEL={}", stage.first.display())]);
    assert!(!output.status.success());
    assert!(text(&output).contains("is of another kernel than"), "{}", text(&output));
}

#[test]
fn the_object_is_compiled_for_the_kernels_machine() {
    let stage = Stage::new();
    let object = stage.bench.object(&[]);
    let object_64 = stage.bench.path("object-64.o");
    fs::rename(stage.bench.object(&["-m64"]), &object_64).unwrap();
    stage.bench.object(&[]);
    stage.program(
        "build-object",
        &format!(
            "for last; do :; done\ncase \"$*\" in\n*'--target x86_64-gnumach '*) cp '{}' \"$last\" ;;\n\
             *'--target i686-gnumach '*) cp '{}' \"$last\" ;;\nesac",
            object_64.display(),
            object.display()
        ),
    );
    let kernel_64 = stage.bench.kernel(&Kernel { flags: &["-m64"], ..Kernel::default() });
    // The graft takes no object for another machine.
    belongs(&kernel_64, &stage.graft(&kernel_64));
    let output = stage.try_make(&["of-i386", &format!("KERNEL={}", kernel_64.display())]);
    assert!(!output.status.success());
    assert!(text(&output).contains("is for x86_64, and make of-i386 is for i386 alone"));
    belongs(&stage.first, &stage.graft(&stage.first));
}

#[test]
fn a_file_that_is_no_such_kernel_is_refused_in_a_line() {
    let stage = Stage::new();
    let mut bytes = fs::read(&stage.first).unwrap();
    bytes[18] = 0x28;
    let arm = stage.bench.write("arm.elf", &bytes);
    let text_file = stage.bench.write("notes.txt", "these are just some notes");
    for kernel in [arm, text_file] {
        let output = stage.try_make(&["graft", &format!("KERNEL={}", kernel.display())]);
        assert!(!output.status.success());
        let said = text(&output);
        let why = "is no kernel for i386 or x86_64";
        assert!(said.starts_with("for-kernel.sh: ") && said.contains(why), "{said}");
        assert_eq!(said.lines().filter(|line| !line.starts_with("make: ***")).count(), 1, "{said}");
    }
}

/// Nothing but make itself may run before it refuses.
#[test]
fn what_cannot_be_done_is_refused_before_anything_is_compiled() {
    for (words, line) in [
        (&["run", "SMP=0"][..], "SMP=0: it is a number from 1 on"),
        (&["run", "REPEATS=-1"], "REPEATS=-1: it is a number from 1 on"),
        (&["oracle", "CASES=0"], "CASES=0: it is a number from 1 on"),
        (&["run", "SUITE=woody"], "SUITE=woody: it is trixie or sid"),
        (&["run", "FLAVOUR=arm"], "FLAVOUR=arm: it is one of 486-smp"),
        (
            &["window", "FLAVOUR=amd64-up"],
            "make window: not for amd64-up, but for i386 alone so far. For amd64 there are make fetch, layout, object",
        ),
        (&["graft", "CALLERS=0"], "CALLERS=0: it is 1, or left out"),
        (&["fuzz", "FIXED=1"], "FIXED=1 is for a kernel that has our C fixes"),
        (&["fuzz", "FIXED=1", "KERNEL=x", "SOUND=1"], "FIXED=1 runs a kernel as it is"),
        (&["fuzz", "FLAVOUR=amd64-up"], "make fuzz: not for amd64-up,"),
        (&["prove", "FLAVOUR=amd64-up"], "make prove: not for amd64-up,"),
        (&["fuzz", "FLAVOUR=xen-486"], "make fuzz: xen-486 boots only as a guest of Xen"),
        (&["run", "FLAVOUR=xen-486"], "make run: xen-486 boots only as a guest of Xen"),
        (&["hurd"], "make hurd: say which Hurd"),
        (&["patch"], "make patch: say which tree"),
        (&["integrate"], "make integrate: say which tree"),
    ] {
        let output = Command::new("make")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .env_remove("MAKE")
            .args(["--no-print-directory", "CARGO=false"])
            .args(words)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let said = text(&output);
        assert!(said.contains(line), "{words:?}: {said}");
        let said: Vec<&str> =
            said.lines().filter(|line| !line.starts_with("make: *** [")).collect();
        assert_eq!(said.len(), 1, "{words:?}: {said:?}");
    }
}

#[test]
fn wrong_versions_are_not_made_where_somebodys_files_are() {
    let bench = Bench::new();
    let theirs = bench.path("work/sources/thesis");
    fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    fs::write(&theirs, "").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = common::vmtool(&[&"wrong", &"--root", &root, &"--scratch", &bench.path("work")]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("holds files that no tool of ours made"), "{}", text(&output));
    assert!(theirs.exists());
}
