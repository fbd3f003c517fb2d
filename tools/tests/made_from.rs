// SPDX-License-Identifier: GPL-2.0-or-later
//! An object is built anew when anything that it was made from is another, and only then; with stand-ins for rustc and
//! cargo, and the scripts copied into a small workspace of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Workspace(tempfile::TempDir);

const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src/lib.rs",
    "gnumach-headers/structs.h",
    "c-shim/bindings.h",
];

/// A cargo that goes by the files' times and finds nothing newer than what it made once.
const CARGO: &str = "folder=build/cargo/i686-gnumach/release
case $1 in
clean) rm -r $folder ;;
rustc) [ -d $folder ] || {
    mkdir -p $folder
    echo 'void vm_map_coalesce_entry(void) {} void vm_map_pageable_scan(void) {} int vm_map_rust_counters;' |
        gcc -m32 -c -o $folder/a.o -x c - && ar rcs $folder/libgnumach_vm_map.a $folder/a.o
    } ;;
esac";

impl Workspace {
    fn new() -> Workspace {
        let workspace = Workspace(tempfile::tempdir().unwrap());
        let ours = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in SOURCES
            .iter()
            .chain(&["headers/structs.h", "rust/lib/rustlib/src/rust/library/core/src/lib.rs"])
        {
            workspace.write(name, "");
        }
        for file in fs::read_dir(ours).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "sh") {
                let name = file.file_name().unwrap().to_str().unwrap();
                workspace.write(&format!("tools/{name}"), "");
                fs::copy(&file, workspace.path("tools").join(name)).unwrap();
            }
        }
        workspace.write("tools/targets/i686-gnumach.json", "{}");
        workspace.program("cargo", CARGO);
        workspace.rustc("1.96.0");
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let old = fs::read_to_string(self.path(name)).unwrap();
        fs::write(self.path(name), old + text).unwrap();
    }

    fn program(&self, name: &str, body: &str) {
        let name = format!("bin/{name}");
        self.write(&name, &format!("#!/bin/sh\necho \"{name} $1\" >>calls\n{body}\n"));
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn rustc(&self, version: &str) {
        let root = self.path("rust").display().to_string();
        self.program(
            "rustc",
            &format!("case \"$*\" in '--print sysroot') echo {root} ;; --version | -vV) echo 'rustc {version} (x)' ;; esac"),
        );
    }

    fn try_build(&self, options: &[&str]) -> Output {
        Command::new(self.path("tools/build-object.sh"))
            .current_dir(self.0.path())
            .args(["--headers", "headers"])
            .args(options)
            .arg("out/vm_map.o")
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("BUILD", self.path("build"))
            .env("GNUMACH_TOOLS", self.path("build/tools"))
            .env("KERNEL_RUSTC", self.path("bin/rustc"))
            .env_remove("GNUMACH_PREPROCESSED")
            .output()
            .unwrap()
    }

    /// What of cargo was run.
    fn build(&self, options: &[&str]) -> Vec<String> {
        let calls = self.path("calls");
        let _ = fs::remove_file(&calls);
        let output = self.try_build(options);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let calls = fs::read_to_string(calls).unwrap();
        calls
            .lines()
            .filter_map(|line| line.strip_prefix("bin/cargo "))
            .map(str::to_string)
            .collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_was_made_from_the_same_is_kept() {
    let workspace = Workspace::new();
    assert_eq!(workspace.build(&[]), ["rustc"]);
    assert_eq!(workspace.build(&[]), NOTHING);
}

/// Changes something in the workspace, or gives build-object.sh other options.
type Change<'a> = (&'a str, &'a dyn Fn(&Workspace), &'a [&'a str]);

#[test]
fn each_thing_that_it_is_made_from_counts() {
    let source = SOURCES.map(|name| move |w: &Workspace| w.append(name, "// changed"));
    let mut changes: Vec<Change> = vec![
        ("features", &|_| (), &["--features", "counters"]),
        ("level", &|_| (), &["--opt-level", "2"]),
        ("headers", &|w| w.append("headers/structs.h", "// changed"), &[]),
        ("rustc", &|w| w.rustc("1.97.0"), &[]),
        ("target", &|w| w.append("tools/targets/i686-gnumach.json", " "), &[]),
        ("script", &|w| w.append("tools/build-object.sh", "# changed"), &[]),
        ("sysroot's script", &|w| w.append("tools/sysroot.sh", "# changed"), &[]),
        ("the object", &|w| w.append("out/vm_map.o.made-from", "more"), &[]),
        ("the record", &|w| fs::remove_file(w.path("out/vm_map.o.made-from")).unwrap(), &[]),
    ];
    for (name, change) in SOURCES.iter().zip(&source) {
        changes.push((name, change, &[]));
    }
    let workspace = Workspace::new();
    workspace.build(&[]);
    for (name, change, options) in changes {
        change(&workspace);
        assert_ne!(workspace.build(options), NOTHING, "{name}");
    }
    assert_eq!(workspace.build(&[]), NOTHING);
}

#[test]
fn an_object_that_was_put_there_is_not_taken_for_ours() {
    let workspace = Workspace::new();
    workspace.build(&[]);
    let object = fs::read(workspace.path("out/vm_map.o")).unwrap();
    fs::write(workspace.path("out/vm_map.o"), "another").unwrap();
    assert_eq!(workspace.build(&[]), ["rustc"]);
    assert_eq!(fs::read(workspace.path("out/vm_map.o")).unwrap(), object);
}

#[test]
fn sources_older_than_what_was_built_are_compiled_all_the_same() {
    let workspace = Workspace::new();
    workspace.build(&[]);
    workspace.append("src/lib.rs", "// from last year");
    assert_eq!(workspace.build(&[]), ["rustc", "clean", "rustc"]);
}

/// What a folder of another crate's gets of what cargo made for this workspace.
fn lent(build_script: &str) -> Vec<String> {
    let workspace = Workspace::new();
    workspace.write("build.rs", "fn main() {}");
    workspace.write("build/cargo/lock", "");
    for name in [
        ".fingerprint/gnumach-vm-map-aa/dep",
        "build/gnumach-vm-map-aa/build-script-build",
        "build/cc-bb/out",
    ] {
        workspace.write(&format!("build/cargo/release/{name}"), "");
    }
    workspace.write("build/cargo/release/deps/libgnumach_vm_map-cc.rlib", "");
    for name in SOURCES {
        workspace.write(&format!("other/{name}"), "");
    }
    for name in ["c-shim/callers/bindings.h", "c-shim/sound/bindings.h"] {
        workspace.write(name, "");
        workspace.write(&format!("other/{name}"), "");
    }
    workspace.write("other/build.rs", build_script);
    let other = workspace.path("other");
    let cargo = "exit 1";
    workspace.program("cargo", cargo);
    workspace.try_build(&["--crate", other.to_str().unwrap()]);
    let folder = fs::read_dir(workspace.path("build")).unwrap().flatten();
    let folder = folder
        .map(|file| file.path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("cargo-"));
    let folder = folder.expect("a folder for the crate").join("release");
    let mut all: Vec<String> = [".fingerprint", "build", "deps"]
        .iter()
        .flat_map(|part| fs::read_dir(folder.join(part)).unwrap().flatten())
        .map(|file| file.file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

#[test]
fn a_build_script_is_lent_to_a_crate_with_the_same_alone() {
    assert_eq!(lent("fn main() {}"), ["cc-bb", "gnumach-vm-map-aa", "gnumach-vm-map-aa"]);
    assert_eq!(lent("fn main() { }"), ["cc-bb"]);
}
