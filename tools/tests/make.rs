// SPDX-License-Identifier: GPL-2.0-or-later
//! The Makefile where a user's own settings or folder names could lead it astray: on a copy of it, with crates that hold
//! next to nothing, a real cargo and no git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Copy {
    _folder: tempfile::TempDir,
    top: PathBuf,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tools/ lies in it")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-R").args([from, to]).status().unwrap().success());
}

impl Copy {
    fn new(name: &str) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join(name);
        for part in [
            "Makefile",
            "c-shim",
            "gnumach-headers",
            "tests/storm",
            "tools/env.sh",
            "tools/make",
            "tools/find-rustc.sh",
        ] {
            copy(&repository().join(part), &top.join(part));
        }
        let write = |name: &str, text: &str| {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[workspace]\nmembers = [\".\", \"tools\"]\n[package]\nname = \"gnumach-vm-map\"\nversion = \"0.1.0\"\n\
             edition = \"2021\"\n[lib]\nname = \"gnumach_vm_map\"\n[features]\npanic-handler = []\n",
        );
        write(
            "Cargo.lock",
            "version = 3\n[[package]]\nname = \"gnumach-vm-map\"\nversion = \"0.1.0\"\n\
             [[package]]\nname = \"vmtool\"\nversion = \"0.1.0\"\n",
        );
        write("build.rs", "fn main() {}\n");
        write("src/lib.rs", "#[no_mangle]\npub extern \"C\" fn here() {}\n");
        write(
            "tools/Cargo.toml",
            "[package]\nname = \"vmtool\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        );
        write("tools/src/main.rs", "fn main() {}\n");
        // What it does is tried in packages.rs.
        write("tools/install-packages.sh", "#!/bin/sh\n");
        assert!(Command::new("chmod")
            .arg("+x")
            .arg(top.join("tools/install-packages.sh"))
            .status()
            .unwrap()
            .success());
        Copy { _folder: folder, top }
    }

    fn make(&self, words: &[&str]) -> Command {
        let mut make = Command::new("make");
        make.arg("-C").arg(&self.top).args(words);
        make.env("GNUMACH_TOOLS", repository().join("build/tools"));
        for name in ["MAKE", "MAKEFLAGS", "MAKELEVEL", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]
        {
            make.env_remove(name);
        }
        make
    }

    /// Everything was built, and where the rules look for it.
    fn built(&self, output: Output) {
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(!said.contains("jobserver"), "{said}");
        for file in ["target/debug/vmtool", "build/lib/libgnumach_vm_map.a", "build/storm/storm"] {
            assert!(self.top.join(file).is_file(), "no {file}: {said}");
        }
    }
}

const TARGETS: [&str; 4] = ["-j8", "lib", "vmtool", "storm"];

#[test]
fn what_is_there_is_not_looked_for_if_make_is_told_so_and_not_by_chance() {
    let copy = Copy::new("plain");
    let program = copy.top.join("target/debug/vmtool");
    let said = copy.make(&["vmtool", "ALL_IS_THERE=1"]).output().unwrap();
    assert!(said.status.success() && !program.exists(), "{said:?}");
    let said = copy.make(&["vmtool"]).env("ALL_IS_THERE", "1").output().unwrap();
    assert!(said.status.success() && program.exists(), "{said:?}");
}

#[test]
fn a_target_folder_of_the_users_own_is_left_alone() {
    let copy = Copy::new("plain");
    let elsewhere = copy.top.with_file_name("elsewhere");
    copy.built(copy.make(&TARGETS).env("CARGO_TARGET_DIR", &elsewhere).output().unwrap());
    assert!(!elsewhere.exists());
}

#[test]
fn a_target_folder_in_the_users_settings_is_left_alone() {
    let copy = Copy::new("plain");
    let elsewhere = copy.top.with_file_name("elsewhere");
    let settings = copy.top.with_file_name(".cargo");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("config.toml"), format!("[build]\ntarget-dir = {elsewhere:?}\n"))
        .unwrap();
    copy.built(copy.make(&TARGETS).output().unwrap());
    assert!(!elsewhere.exists());
}

#[test]
fn a_path_may_have_spaces_and_nobody_needs_git() {
    let copy = Copy::new("a folder of mine");
    assert!(!copy.top.join(".git").exists());
    copy.built(copy.make(&TARGETS).output().unwrap());
}

#[test]
fn cargo_is_told_of_no_job_server() {
    let copy = Copy::new("plain");
    let cargo = copy.top.join("cargo");
    fs::write(&cargo, "#!/bin/sh\necho \"[$MAKEFLAGS$MFLAGS]\" >>told\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&cargo).status().unwrap().success());
    let output = copy.make(&["-j8", "vmtool", "CARGO=./cargo"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(copy.top.join("told")).unwrap(), "[]\n");
}

#[test]
fn what_make_would_take_apart_is_refused_before_anything_is_done() {
    let copy = Copy::new("a:b");
    let output = copy.make(&TARGETS).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("has a colon"), "{said}");
    for word in ["GNUMACH=my tree", "IMAGE=a disk", "HURD=a folder", "OUT=a file"] {
        let copy = Copy::new("plain");
        let output = copy.make(&["vmtool", word]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let name = word.split('=').next().unwrap();
        assert!(
            !output.status.success()
                && said.contains(&format!("{name}='"))
                && said.contains("a link to it"),
            "{said}"
        );
        assert!(!copy.top.join("target").exists() && !copy.top.join("build").exists());
    }
}
