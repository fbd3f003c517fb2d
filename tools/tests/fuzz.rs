// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool fuzz` under QEMU for real, with the fake kernel in place of both.

use std::process::Command;

use crate::bench;

use bench::Bench;

const START: &str = "# storm: start\n\r1..2\n\rok 1 - arguments\n\r";
const PASS: &str = "# calls 9\n\rok 2 - cases\n\r# storm: verdict PASS\n\r";

fn fuzz(bench: &Bench, options: &[&str]) -> (i32, String, String) {
    let output = Command::new(bench::VMTOOL)
        .arg("fuzz")
        .current_dir(bench.folder.path())
        .args(["--loader", "direct", "--smp", "1", "--memory", "64M"])
        .args(["--silence", "1"].iter().filter(|_| !options.contains(&"--silence")))
        .args(["--title", "A title", "--program", "script"])
        .args(["--calls", "96"].iter().filter(|_| !options.contains(&"--calls")))
        .arg("--stock")
        .arg(bench.kernel)
        .args(options)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn both(bench: &Bench, options: &[&str]) -> (i32, String, String) {
    let kernel = bench.kernel.to_str().unwrap();
    fuzz(bench, &[&["--rust", kernel], options].concat())
}

#[test]
fn cases_that_end_well_are_counted() {
    let script = format!("{START}# case 0 9a 40 2\n\r# case 1 7 41 0\n\r{PASS}");
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said, _) = both(&bench, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("# A title\nKTAP version 1\n1..3\n"), "{said}");
    let counts = "2 of 2 cases, 81 calls, 2 left out for known defects, 1 boots";
    assert!(
        said.contains(&format!(
            "ok 1 - stock: {counts}\nok 2 - ours: {counts}\nok 3 - both kernels"
        )),
        "{said}"
    );
    assert!(bench.folder.path().join("build/fuzz-logs/ours-0.log").is_file());
}

#[test]
fn what_the_model_does_not_have_is_found_and_replayed_by_a_line() {
    let wrong = "# wrong 0, call 12: vm_copy: result, at 0: 0 instead of 1\n\r";
    let Some(bench) = Bench::new(&format!("{START}{wrong}# case 1 7 41 0\n\r{PASS}")) else {
        return;
    };
    let (code, said, _) = both(&bench, &["--shorten", "0", "--replay", "make fuzz SUITE=x"]);
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("not ok 4 - vm_copy: result: 0 instead of 1: 1 case\n"), "{said}");
    assert!(said.contains("# make fuzz SUITE=x SEED=1 CASE=0 KEEP=0-63\n"), "{said}");
}

#[test]
fn a_kernel_that_stops_is_booted_again_behind_the_case() {
    let panic = "{cpu1} ../vm/a.c:1: f: Assertion `x' failed.Debugger invoked: a\n\rdb{1}> ";
    let Some(bench) = Bench::new(&format!("{START}# case 0 9a 40 2\n\r{panic}")) else { return };
    // The fake kernel says the same again, so the second boot's case is one that ran already.
    let (code, said, _) = fuzz(&bench, &["--shorten", "0", "--stops", "0"]);
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("ok 1 - stock: 2 of 2 cases"), "{said}");
    assert!(said.contains("not ok 2 - assertion x in f: 1 case\n"), "{said}");
    let (code, said, _) = fuzz(&bench, &["--shorten", "0", "--stops", "0", "--calls", "144"]);
    assert_eq!(code, 17, "{said}");
    assert!(said.contains("case 2 and those behind it were not tried"), "{said}");
}

/// A boot that is ended for its length says nothing of the kernel: the next goes on, here with nothing.
#[test]
fn a_boot_that_lasts_too_long_is_no_stop() {
    let Some(bench) = Bench::new(&format!("{START}# case 0 9a 40 2\n\r")) else { return };
    let options = ["--timeout", "4", "--silence", "60"];
    let (code, said, complaint) = fuzz(&bench, &options);
    assert_eq!((code, said.as_str()), (1, "# A title\n"), "{complaint}");
    let why = "case 1 did not end (--timeout): no verdict within 4 s";
    assert!(complaint.contains(why), "{complaint}");
}

#[test]
fn a_replay_tells_the_calls_of_both() {
    let told = "# call 0: vm_read, page 3\n\r# after 0: 7b\n\r# case 5 9a 1 0\n\r";
    let Some(bench) = Bench::new(&format!("{START}{told}{PASS}")) else { return };
    let (code, said, _) = both(&bench, &["--case", "5", "--keep", "0"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(
            "# stock\n0: vm_read, page 3  [7b]\nstock: ended, digest 0000009a\n# ours\n0:"
        ),
        "{said}"
    );
}

#[test]
fn a_program_that_cannot_go_on_is_an_error() {
    let script = format!(
        "{START}# vm_statistics: at 0: got -303\n\rnot ok 2 - cases\n\r# storm: verdict FAIL\n\r"
    );
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said, complaint) = both(&bench, &[]);
    assert_eq!((code, said.as_str()), (1, "# A title\n"), "{complaint}");
    assert!(complaint.contains("could not go on: vm_statistics: at 0: got -303"), "{complaint}");
}

#[test]
fn wrong_words_are_refused_before_any_boot() {
    let Some(bench) = Bench::new("") else { return };
    for (options, status, text) in [
        (&["--keep", "0"][..], 2, "--case"),
        (&["--case", "1", "--keep", "0,99"], 2, "'99' is no call or range of calls from 0 to 63"),
        (&["--calls", "0"], 2, "0 is not in"),
        (&["--program", "missing"], 1, "no program at missing"),
    ] {
        let mut options = options.to_vec();
        let output = if options[0] == "--program" {
            let stock = bench.kernel.to_str().unwrap();
            options.extend(["--stock", stock]);
            Command::new(bench::VMTOOL).arg("fuzz").args(&options).output().unwrap()
        } else {
            let defaults = ["--program", "script", "--stock", "x"];
            Command::new(bench::VMTOOL).arg("fuzz").args(defaults).args(&options).output().unwrap()
        };
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{options:?}: {complaint}");
        assert!(complaint.contains(text), "{complaint}");
    }
}
