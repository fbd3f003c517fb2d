// SPDX-License-Identifier: GPL-2.0-or-later
//! tools/lint.sh clippy, on a small workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

const WORKSPACE: &str = "[workspace]\nmembers = [\"ours\", \"kit\"]\nresolver = \"2\"\n";
const OURS: &str = "[package]\nname = \"ours\"\nedition = \"2021\"\n\
    [dependencies]\ntheirs = { path = \"../../theirs\" }\n[build-dependencies]\nkit = { path = \"../kit\" }\n";
/// What clippy refuses, and rustc does not.
const WRONG: &str = "pub fn wrong(x: u32) -> bool {\n    x == x\n}\n";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Status and messages of a command in the folder.
fn run(command: &mut Command, folder: &Path) -> (bool, String) {
    let output = command.current_dir(folder).env("CARGO_TERM_QUIET", "false").output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn clippy_looks_at_each_target_of_ours_and_compiles_nothing_else() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let there = Command::new(&cargo).args(["clippy", "--version"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        kit::skip::tell("this cargo has no clippy");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let top = scratch.path().join("top");
    write(
        scratch.path(),
        &[
            ("theirs/Cargo.toml", "[package]\nname = \"theirs\"\nedition = \"2021\"\n"),
            // Not ours, so nobody minds.
            ("theirs/src/lib.rs", WRONG),
            ("top/Cargo.toml", WORKSPACE),
            ("top/kit/Cargo.toml", "[package]\nname = \"kit\"\nedition = \"2021\"\n"),
            ("top/kit/src/lib.rs", "pub fn needed() {}\n"),
            ("top/ours/Cargo.toml", OURS),
            ("top/ours/build.rs", "fn main() {\n    kit::needed();\n}\n"),
            ("top/ours/src/lib.rs", "pub use theirs::wrong as used;\n"),
            ("top/ours/src/main.rs", "fn main() {\n    ours::used(1);\n}\n"),
            ("top/ours/tests/one.rs", "#[test]\nfn one() {\n    ours::used(1);\n}\n"),
        ],
    );
    let (made, said) =
        run(Command::new(&cargo).args(["build", "--tests", "--target-dir", "target"]), &top);
    assert!(made, "{said}");
    assert!(said.contains("Compiling theirs"), "{said}");
    let programs = || fs::read_dir(top.join("target/debug/deps")).unwrap().count();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lint.sh");
    let lint = || run(Command::new(&script).arg("clippy").arg(&top), &top);
    let executables = |name: &str| {
        let files = fs::read_dir(top.join("target/debug/deps")).unwrap().flatten();
        let starts = format!("{name}-");
        files
            .filter(|file| {
                let name = file.file_name().into_string().unwrap();
                name.starts_with(&starts) && !name.contains('.')
            })
            .count()
    };
    let before = (executables("ours"), executables("one"), programs());
    let (clean, said) = lint();
    assert!(clean, "{said}");
    assert!(!said.contains("theirs"), "{said}");
    assert_eq!((executables("ours"), executables("one")), (before.0, before.1), "{said}");
    assert!(programs() > before.2, "{said}");

    for file in ["ours/src/lib.rs", "ours/src/main.rs", "ours/tests/one.rs", "kit/src/lib.rs"] {
        let path = top.join(file);
        let right = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{right}{WRONG}")).unwrap();
        let (clean, said) = lint();
        assert!(!clean && said.contains(file) && said.contains("x == x"), "{file}: {said}");
        fs::write(&path, right).unwrap();
    }
}
