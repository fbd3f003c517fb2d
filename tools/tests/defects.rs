// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool defects` under QEMU for real, with the fake kernel on both sides.

use std::path::Path;
use std::process::Command;

use crate::bench;

use bench::Bench;
use object::{Object, ObjectSymbol};

const LIST: &str = r#"
    suites = ["trixie"]
    [[defect]]
    name = "one"
    title = "the first"
    takes = "task"
    does = "never returns: vm_copy"
    sound = "nothing"
    [[schedule]]
    name = "two"
    title = "the second"
    scenario = "4b"
    schedule = "A1B2"
    shows = "a freed entry"
"#;
const START: &str = "# storm: start\n\r1..1\n\r";

fn defects(bench: &Bench, options: &[&str]) -> (i32, String, String) {
    defects_of(bench, bench.kernel, options)
}

fn defects_of(bench: &Bench, ours: &Path, options: &[&str]) -> (i32, String, String) {
    std::fs::write(bench.folder.path().join("list"), LIST).unwrap();
    let mut command = Command::new(bench::VMTOOL);
    command.arg("defects");
    for default in [["--program", "script"], ["--list", "list"]] {
        if !options.contains(&default[0]) {
            command.args(default);
        }
    }
    let output = command
        .current_dir(bench.folder.path())
        .args(["--loader", "direct"])
        .arg("--stock")
        .arg(bench.kernel)
        .arg("--rust")
        .arg(ours)
        .args(["--smp", "1", "--memory", "64M", "--title", "A title", "--silence", "1"])
        .args(options)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What each end of a boot is taken for, and the exit status that it leads to.
#[test]
fn each_end_has_its_own_words_and_status() {
    let ends = [
        (
            "# outcome: never returns: vm_copy\n\rok 1\n\r# storm: verdict PASS\n\r",
            0,
            "never returns: vm_copy",
        ),
        ("# outcome: nothing\n\rok 1\n\r# storm: verdict PASS\n\r", 10, "nothing"),
        ("# outcome: never returns: vm_c", 10, "the kernel stands still"),
        (
            "{cpu1} ../vm/a.c:1: f: Assertion `x' failed.Debugger invoked: a\n\rdb{1}> ",
            10,
            "assertion x in f",
        ),
        ("not ok 1\n\r# storm: verdict FAIL\n\r", 17, "not tried: FAIL without an outcome"),
    ];
    for (end, status, text) in ends {
        let Some(bench) = Bench::new(&format!("{START}{end}")) else { return };
        let (code, said, _) = defects(&bench, &["--suite", "trixie"]);
        assert_eq!(code, status, "{end:?}: {said}");
        assert!(said.starts_with("A title\n"), "{said}");
        let row = said.lines().find(|line| line.starts_with("one ")).unwrap();
        assert!(row.contains(&format!("1 of 1: {text}")) && row.ends_with("the same"), "{said}");
        assert!(bench.folder.path().join("build/defect-logs/one-ours-1.log").is_file());
    }
}

#[test]
fn a_kernel_without_expectations_is_only_compared() {
    let script = format!("{START}# outcome: nothing\n\rok 1\n\r# storm: verdict PASS\n\r");
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said, _) = defects(&bench, &["--repeats", "2"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 of 2: nothing"), "{said}");
    assert!(said.contains("--scenario 4b --replay A1B2"), "{said}");
}

/// Both kernels stop in one function of the fake kernel's; of ours the record says what that stands for.
#[test]
fn a_stop_in_our_code_is_one_in_what_it_stands_for() {
    let Some(bench) = Bench::new("") else { return };
    let data = kit::elf::read(bench.kernel).unwrap();
    let file = kit::elf::parse(bench.kernel, &data).unwrap();
    let function = file.symbols().find(|symbol| symbol.name() == Ok("print_module")).unwrap();
    let trap = format!("{START}Kernel Page fault trap, eip {:#x}, code 0\n\r", function.address());
    std::fs::write(bench.folder.path().join("script"), trap).unwrap();
    let ours = bench.folder.path().join("ours");
    std::fs::copy(bench.kernel, &ours).unwrap();
    for (of, status, text) in [
        (&["print_module"][..], 0, "the same"),
        (&["vm_map_protect"], 16, "page fault in vm_map_protect"),
        (&["print_module", "f"], 0, "page fault in print_module, of print_module or f"),
        (&["vm_map_protect", "f"], 16, "page fault in print_module, of vm_map_protect or f"),
    ] {
        let of = of.iter().map(|name| name.to_string()).collect();
        let parts = [("print_module".to_string(), of)].into();
        bench::write_record(&ours, &kit::graft::Record { parts, ..bench::no_record(&ours) });
        let (code, said, complaint) = defects_of(&bench, &ours, &[]);
        assert_eq!(code, status, "{said}{complaint}");
        let row = said.lines().find(|line| line.starts_with("one ")).unwrap();
        assert!(
            row.contains("1 of 1: page fault in print_module ") && row.ends_with(text),
            "{said}"
        );
    }
}

/// The kernel of both sides does what upstream does.
#[test]
fn with_sound_a_defect_that_stays_needs_a_reason() {
    let script =
        format!("{START}# outcome: never returns: vm_copy\n\rok 1\n\r# storm: verdict PASS\n\r");
    let Some(bench) = Bench::new(&script) else { return };
    let (code, said, _) = defects(&bench, &["--suite", "trixie", "--sound"]);
    assert_eq!(code, 10, "{said}");
    let reason = r#"sound = { as_upstream = "vm_copy is C" }"#;
    let list = LIST.replace(r#"sound = "nothing""#, reason);
    std::fs::write(bench.folder.path().join("with-reason"), list).unwrap();
    let options = ["--suite", "trixie", "--sound", "--list", "with-reason"];
    let (code, said, _) = defects(&bench, &options);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("with sound as upstream: vm_copy is C"), "{said}");
}

#[test]
fn what_is_not_known_is_refused_before_any_boot() {
    let Some(bench) = Bench::new("") else { return };
    for (options, text) in [
        (&["three"][..], "no defect three"),
        (&["--suite", "etch"], "no expectations for etch; there are trixie"),
        (&["--program", "missing"], "no program at missing"),
        (&["--list", "missing"], "missing"),
        (&["--list", "script"], "no list of defects"),
    ] {
        let (code, said, complaint) = defects(&bench, options);
        assert_eq!((code, said.as_str()), (1, ""), "{options:?}: {complaint}");
        assert!(complaint.contains(text), "{complaint}");
        assert!(!bench.folder.path().join("build/defect-logs").exists());
    }
    let (code, said, _) = defects(&bench, &["--names"]);
    assert_eq!(code, 0);
    assert!(said.contains("the first") && said.contains("the second"), "{said}");
}
