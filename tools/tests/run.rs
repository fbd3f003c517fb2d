// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool run` under QEMU for real, with the fake kernel on both sides.

use std::process::Command;

use object::{Object, ObjectSymbol};

use crate::bench;

use bench::Bench;

const STORM: &str = "# storm: start\n\r1..1\n\r# calls 9\n\rok 1 - a\n\r# storm: verdict ";

/// Puts a copy of the fake kernel there as the grafted one, with the record that a graft leaves.
fn graft(bench: &Bench, counters: &str) {
    let data = std::fs::read(bench.kernel).unwrap();
    let kernel = object::File::parse(&*data).unwrap();
    let at = kernel.symbols().find(|symbol| symbol.name() == Ok(counters)).unwrap().address();
    std::fs::write(bench.folder.path().join("gnumach-rust"), &data).unwrap();
    record(bench, &kit::files::sha256(&data), &[("vm_map_rust_counters", at)]);
}

fn record(bench: &Bench, stock: &str, symbols: &[(&str, u64)]) {
    bench::record(&bench.folder.path().join("gnumach-rust"), stock, symbols);
}

fn run(bench: &Bench, options: &[&str]) -> (i32, String, String) {
    let output = Command::new(bench::VMTOOL)
        .current_dir(bench.folder.path())
        .args([
            "run",
            "--rust",
            "gnumach-rust",
            "--storm",
            "script",
            "--loader",
            "direct",
            "--stock",
        ])
        .arg(bench.kernel)
        .args(["--smp", "1", "--memory", "64M", "--title", "A title", "--silence", "1"])
        .args(options)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn storms_that_pass_with_counters_that_moved() {
    let Some(bench) = Bench::new(&format!("{STORM}PASS\n\r")) else { return };
    graft(&bench, "counters_after_work");
    let (code, said, _) = run(&bench, &["--repeats", "2"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("A title\n"), "{said}");
    for (row, stock, rust) in
        [("storms passed", "2 of 2", "2 of 2"), ("calls made", "18", "18"), ("  merges", "-", "80")]
    {
        let line = said.lines().find(|line| line.starts_with(row)).unwrap();
        let cells: Vec<&str> =
            line[row.len()..].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells, [stock, rust], "{said}");
    }
    assert!(bench.folder.path().join("build/logs/rust-2.log").is_file());
}

#[test]
fn counters_that_did_not_move_are_no_pass() {
    let Some(bench) = Bench::new(&format!("{STORM}PASS\n\r")) else { return };
    graft(&bench, "counters_without_work");
    let (code, said, _) = run(&bench, &[]);
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("no scan dropped the lock"), "{said}");
}

#[test]
fn storms_that_do_not_pass_are_told_one_by_one() {
    for (end, verdict) in [("FAIL\n\r", "FAIL"), ("PA", "HANG")] {
        let Some(bench) = Bench::new(&format!("{STORM}{end}")) else { return };
        graft(&bench, "counters_after_work");
        let (code, said, _) = run(&bench, &[]);
        assert_eq!(code, 10, "{said}");
        for side in ["stock", "Rust"] {
            assert!(said.contains(&format!("\n{side}: {verdict}: ")), "{said}");
        }
    }
}

#[test]
fn a_kernel_without_a_record_of_counters_is_refused_before_any_boot() {
    let Some(bench) = Bench::new(&format!("{STORM}PASS\n\r")) else { return };
    graft(&bench, "counters_after_work");
    let place = bench.folder.path().join("gnumach-rust.json");
    let refused = |text: &str| {
        let (code, said, complaint) = run(&bench, &[]);
        assert_eq!((code, said.as_str()), (1, ""));
        assert!(complaint.contains(text), "{complaint}");
        assert!(!bench.folder.path().join("build/logs").exists());
        complaint
    };
    std::fs::remove_file(&place).unwrap();
    refused("no record of the graft");
    std::fs::write(&place, "{}").unwrap();
    refused("is no record");
    let stock = kit::files::sha256_of(bench.kernel).unwrap();
    record(&bench, &stock, &[]);
    refused("names no vm_map_rust_counters");
    // The graft of another kernel.
    record(&bench, "0123", &[("vm_map_rust_counters", 5)]);
    let said = refused("do not belong together");
    for word in ["gnumach-rust", bench.kernel.to_str().unwrap(), "0123", &stock] {
        assert!(said.contains(word), "{word}: {said}");
    }
}
