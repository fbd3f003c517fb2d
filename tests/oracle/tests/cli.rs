// SPDX-License-Identifier: GPL-2.0-or-later
//! The oracle's exit codes and messages; and that it can fail.
//!
//! ORACLE_KERNEL, ORACLE_OBJECT and ORACLE_HEADERS name a kernel, our object for
//! it and the folder of its structs.h; without them, what needs these says SKIP.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kit::workshop::Workshop;

fn oracle(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oracle")).args(arguments).output().expect("it starts")
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// Runs with the kernel and object at hand; none where there are none, or where
/// this machine cannot run them.
fn on_kernel(arguments: &[&str]) -> Option<Output> {
    let file = |name: &str| std::env::var(name).ok();
    let (Some(kernel), Some(object)) = (file("ORACLE_KERNEL"), file("ORACLE_OBJECT")) else {
        kit::skip::tell("ORACLE_KERNEL and ORACLE_OBJECT name no kernel and object");
        return None;
    };
    let output = oracle(&[&["--kernel", &kernel, "--object", &object], arguments].concat());
    if output.status.code() == Some(77) {
        kit::skip::tell(text(&output).trim_start_matches("SKIP: "));
        return None;
    }
    Some(output)
}

/// A file of this test's own.
fn scratch(name: &str, contents: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, contents).expect("the folder takes files");
    path.to_str().expect("a path in UTF-8").to_string()
}

#[test]
fn help_tells_the_exit_codes() {
    let output = oracle(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for word in ["--kernel", "--seed", "--case", "--reach", "--wrong", "77"] {
        assert!(text(&output).contains(word), "{word}");
    }
}

#[test]
fn missing_arguments_are_bad_usage() {
    assert_eq!(oracle(&[]).status.code(), Some(2));
    assert_eq!(
        oracle(&["--kernel", "x", "--object", "y", "--cases", "many"]).status.code(),
        Some(2)
    );
}

#[test]
fn no_case_at_all_is_bad_usage() {
    let output = oracle(&["--kernel", "x", "--object", "y", "--cases", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output).starts_with("error: invalid value '0' for '--cases"),
        "{}",
        text(&output)
    );
}

#[test]
fn wrong_versions_are_not_made_where_somebodys_files_are() {
    let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("somebodys");
    let theirs = work.join("crate/thesis");
    fs::create_dir_all(theirs.parent().expect("a folder")).expect("the folder takes files");
    fs::write(&theirs, "").expect("the folder takes files");
    let work = work.to_str().expect("a path in UTF-8");
    let wrong = ["--wrong", "x", "--headers", "x", "--work", work];
    let output = oracle(&[&["--kernel", "x", "--object", "y"], &wrong[..]].concat());
    if output.status.code() != Some(77) {
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(
            text(&output).contains("holds files that no tool of ours made"),
            "{}",
            text(&output)
        );
    }
    assert!(theirs.exists());
}

#[test]
fn a_file_that_is_no_kernel_is_named() {
    let file = scratch("no-kernel", "hello");
    let output = oracle(&["--kernel", &file, "--object", &file]);
    if output.status.code() != Some(77) {
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains("no-kernel: not an ELF file"), "{}", text(&output));
    }
}

/// Runs with a filter that denies one system call.
fn without(call: libc::c_long, arguments: &[&str]) -> Output {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(LOAD, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, call as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_oracle"));
    command.args(arguments);
    // SAFETY: the closure makes two system calls, which is allowed between fork
    // and exec; the filter outlives it.
    unsafe {
        command.pre_exec(move || {
            let program =
                libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) != 0
            {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.output().expect("it starts")
}

#[test]
fn a_machine_without_modify_ldt_is_skipped() {
    let output = without(libc::SYS_modify_ldt, &["--kernel", "x", "--object", "y"]);
    assert_eq!(output.status.code(), Some(77), "{}", text(&output));
    assert!(text(&output).contains("SKIP: this machine's Linux has no modify_ldt"));
}

#[test]
fn a_64_bit_kernel_needs_no_modify_ldt() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wide");
    let mut start = [0; 64];
    start[..4].copy_from_slice(b"\x7fELF");
    start[18] = 0x3e;
    fs::write(&file, start).expect("the folder takes files");
    let file = file.to_str().expect("a path in UTF-8");
    let output = without(libc::SYS_modify_ldt, &["--kernel", file, "--object", "y"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("damaged ELF file"), "{}", text(&output));
}

#[test]
fn a_seed_gives_the_same_cases_on_any_number_of_processes() {
    let run = |workers| on_kernel(&["--seed", "7", "--cases", "20000", "--workers", workers]);
    let (Some(one), Some(three)) = (run("1"), run("3")) else { return };
    assert_eq!(one.status.code(), Some(0), "{}", text(&one));
    let counts = |output: &Output| -> Vec<String> {
        text(output).lines().filter(|line| line.starts_with("  ")).map(str::to_string).collect()
    };
    assert!(!counts(&one).is_empty());
    assert_eq!(counts(&one), counts(&three));
}

#[test]
fn a_case_is_printed_with_both_maps() {
    let Some(output) = on_kernel(&["--seed", "7", "--case", "12"]) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for word in ["map before:", "map after", "hdr.nentries=", "calls:", "no difference"] {
        assert!(text(&output).contains(word), "{word} in {}", text(&output));
    }
}

#[test]
fn a_branch_that_went_a_listed_way_fails() {
    let Some(output) = on_kernel(&["--seed", "1", "--cases", "1"]) else { return };
    let version = text(&output).split(": seed").next().expect("a first line").to_string();
    let list = format!(
        "[[unreachable]]\nkernels = [\"{version}\"]\nfunction = \"vm_map_pageable_scan\"\n\
         offset = 0\ntaken = true\nreason = \"a test\"\n"
    );
    let list = scratch("reach.toml", &list);
    let run = |list: &str| on_kernel(&["--seed", "1", "--cases", "2000", "--reach", list]);
    let output = run(&list).expect("ran before");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("no branch at vm_map_pageable_scan+0x0, which is listed"));
    assert!(text(&output).contains("has no reason for it"));

    // A list that names no such kernel judges nothing, and says so.
    let kernel = std::env::var("ORACLE_KERNEL").expect("ran before");
    let object = std::env::var("ORACLE_OBJECT").expect("ran before");
    let nobody = scratch("nobody.toml", "");
    let output =
        oracle(&["--kernel", &kernel, "--object", &object, "--cases", "100", "--reach", &nobody]);
    assert_eq!(output.status.code(), Some(77));
    let told = |output: &Output| {
        let said = text(output);
        said.lines().any(|line| line.starts_with("SKIP: ") && line.contains("To extend it"))
    };
    assert!(told(&output));
    // Where it is told beside a comparison that is whole, that is no reason to call all of it skipped.
    let part = ["--seed", "1", "--cases", "2000", "--reach-cases", "64", "--reach", &nobody];
    let output = on_kernel(&part).expect("ran before");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(told(&output) && text(&output).contains("2000 cases compared"));
}

#[test]
fn branches_count_in_the_first_cases_only() {
    let list = scratch("all.toml", "");
    let ways = |cases: &str, part: &str| -> Option<String> {
        let words = [
            "--seed",
            "1",
            "--cases",
            cases,
            "--reach-cases",
            part,
            "--reach",
            &list,
            "--workers",
            "1",
        ];
        let output = on_kernel(&words)?;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        Some(text(&output).lines().skip_while(|line| !line.starts_with("branch ")).collect())
    };
    let Some(part) = ways("3200", "320") else { return };
    assert_eq!(Some(&part), ways("320", "320").as_ref());
    assert_ne!(Some(&part), ways("3200", "3200").as_ref());
}

#[test]
fn kernels_that_do_not_belong_together_are_not_measured() {
    let [stock, other, grafted] =
        ["stock", "other", "grafted"].map(|name| scratch(&format!("pair-{name}"), name));
    let record = kit::graft::Record {
        stock_sha256: kit::files::sha256(b"stock"),
        object_sha256: kit::files::sha256(b"object"),
        grafted_sha256: kit::files::sha256(b"grafted"),
        tool_sha256: String::new(),
        symbols: [].into(),
        parts: [].into(),
        text_bytes: 0,
        room: 0,
    };
    scratch("pair-grafted.json", &serde_json::to_string(&record).expect("it has no odd keys"));
    let refused = |arguments: &[&str], why: &str| {
        let output = oracle(arguments);
        if output.status.code() != Some(77) {
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            assert!(text(&output).contains(why), "{}", text(&output));
        }
    };
    let why = "do not belong together";
    let logs = format!("{grafted}-logs");
    let storms = [
        "bench",
        "storms",
        "--storm",
        "absent",
        "--vmtool",
        "absent",
        "--logs",
        &logs,
        "--grafted",
        &grafted,
    ];
    refused(&[&storms[..], &["--stock", &other]].concat(), why);
    refused(&[&storms[..], &["--stock", &stock]].concat(), "cannot start absent");
    let measure = ["bench", "measure", "--object", &stock, "--grafted", &grafted];
    refused(&[&measure[..], &["--kernel", &other]].concat(), why);
    refused(&[&measure[..], &["--kernel", &stock]].concat(), "was grafted with another object");
}

/// Runs wrong versions; none where there is nothing to build them with.
fn wrong(name: &str, list: &str) -> Option<Output> {
    let Ok(headers) = std::env::var("ORACLE_HEADERS") else {
        kit::skip::tell("ORACLE_HEADERS names no folder with a structs.h");
        return None;
    };
    let list = scratch(&format!("{name}.toml"), list);
    let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let work = work.to_str().expect("a path in UTF-8");
    on_kernel(&[
        "--wrong",
        &list,
        "--headers",
        &headers,
        "--work",
        work,
        "--cases",
        "20000",
        "--seed",
        "1",
    ])
}

#[test]
fn a_wrong_version_that_is_right_is_not_caught() {
    let list = "[[wrong]]\nname = \"words\"\nbreaks = \"\"\ncaught_by = [\"oracle\"]\n[[wrong.change]]\nfile = \"src/scan.rs\"\n\
                from = \"//! Bringing the wiring\"\nto = \"//! Getting the wiring\"\n";
    let Some(output) = wrong("right", list) else { return };
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("NOT CAUGHT in 20000 cases: words"));
}

#[test]
fn a_change_of_text_that_is_not_there_is_an_error() {
    let list = "[[wrong]]\nname = \"nothing\"\nbreaks = \"\"\ncaught_by = [\"oracle\"]\n[[wrong.change]]\nfile = \"src/scan.rs\"\n\
                from = \"no such text\"\nto = \"\"\n";
    let Some(output) = wrong("absent", list) else { return };
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("src/scan.rs has this text 0 times"));
}

#[test]
fn a_difference_is_made_small_and_printed() {
    // The object of a wrong version, run as if it were ours.
    let list = "[[wrong]]\nname = \"hint\"\nbreaks = \"\"\ncaught_by = [\"oracle\"]\n[[wrong.change]]\nfile = \"src/coalesce.rs\"\n\
                from = \"    map.move_hints(entry, prev);\\n\"\nto = \"\"\n";
    let named = |what: &str| std::env::var(what).ok();
    let (Some(kernel), Some(headers)) = (named("ORACLE_KERNEL"), named("ORACLE_HEADERS")) else {
        kit::skip::tell("ORACLE_KERNEL and ORACLE_HEADERS name no kernel and folder");
        return;
    };
    let versions = kit::wrong::read(Path::new(&scratch("hint.toml", list))).expect("a list");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hint");
    let mut workshop = Workshop::open(&top, Path::new(&headers), work).expect("a place for it");
    let object = workshop.make_wrong(&versions[0]).expect("it compiles");
    let object = object.to_str().expect("a path in UTF-8");
    let output = oracle(&["--kernel", &kernel, "--object", object, "--seed", "1"]);
    if output.status.code() == Some(77) {
        kit::skip::tell(text(&output).trim_start_matches("SKIP: "));
        return;
    }
    assert_eq!(output.status.code(), Some(1));
    for word in ["  S map ", "  O map ", "difference: ", "hint=", "--case "] {
        assert!(text(&output).contains(word), "{word} in {}", text(&output));
    }
}
