// SPDX-License-Identifier: GPL-2.0-or-later
//! The graft on small kernels for x86_64: what differs from i386's, and that the rest holds there too.

use crate::common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{text, Bench, Kernel};

const ORIGINAL: i32 = 10;
const REPLACED: i32 = 20;

fn kernel(flags: &[&str]) -> (Bench, PathBuf) {
    let bench = Bench::new();
    let kernel = bench.kernel(&Kernel { flags: &[&["-m64"], flags].concat(), ..Kernel::default() });
    (bench, kernel)
}

fn object(bench: &Bench, flags: &[&str]) -> PathBuf {
    bench.object(&[&["-m64"], flags].concat())
}

fn run(kernel: &Path) -> Option<i32> {
    fs::set_permissions(kernel, fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(kernel).status().unwrap().code()
}

fn grafts_and_runs(flags: &[&str], of_object: &[&str]) {
    let (bench, kernel) = kernel(flags);
    let output = bench.graft(&kernel, &object(&bench, of_object));
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(run(&kernel), Some(ORIGINAL), "the stock kernel");
    assert_eq!(run(&bench.output()), Some(REPLACED), "the grafted kernel");
}

fn refused(flags: &[&str], words: &[&str]) {
    let (bench, kernel) = kernel(flags);
    bench.refused(&kernel, &object(&bench, &[]), words);
}

fn refused_caller(caller: &str, more: &[&str], words: &[&str]) {
    refused(&[&[format!("-DCALLER=\"{caller}\"").as_str()], more].concat(), words);
}

#[test]
fn code_runs() {
    grafts_and_runs(&[], &[]);
    grafts_and_runs(&["-DSCAN_CDECL", "-gdwarf-4"], &["-mcmodel=kernel"]);
    // Whole addresses, in code too.
    grafts_and_runs(&[], &["-mcmodel=large"]);
}

#[test]
fn callers_run_where_the_object_has_them() {
    grafts_and_runs(&["-DCALLERS"], &["-DCALLERS"]);
}

#[test]
fn our_symbols_are_in_the_table() {
    let (bench, kernel) = kernel(&[]);
    assert!(bench.graft(&kernel, &object(&bench, &[])).status.success());
    let record = kit::graft::check_pair(&kernel, &bench.output()).unwrap();
    let nm = text(&Command::new("nm").arg("-S").arg(bench.output()).output().unwrap());
    for name in ["vm_map_coalesce_entry", "vm_map_pageable_scan"] {
        let line = format!("{:016x} ", record.symbols[name]);
        let label = format!(" T {name}_rust");
        assert!(nm.lines().any(|l| l.starts_with(&line) && l.ends_with(&label)), "{name}: {nm}");
        assert!(!record.symbols.contains_key(&format!("{name}_thunk")), "none is needed");
    }
}

#[test]
fn a_kernel_at_the_highest_addresses_is_grafted() {
    let bench = Bench::new();
    let flags = &["-m64", "-mcmodel=kernel"];
    let high = Some(0xffff_ffff_8101_6000);
    let kernel = bench.kernel(&Kernel { flags, start: high, ..Kernel::default() });
    let output = bench.graft(&kernel, &object(&bench, &["-mcmodel=kernel"]));
    assert!(output.status.success(), "{}", text(&output));
    let record = kit::graft::check_pair(&kernel, &bench.output()).unwrap();
    let mut objdump = Command::new("objdump");
    objdump.args(["-d", "--no-show-raw-insn", "--disassemble=vm_map_pageable_scan"]);
    let code = text(&objdump.arg(bench.output()).output().unwrap());
    let jump = format!("jmp    {:x} <", record.symbols["vm_map_pageable_scan"]);
    assert!(code.contains(&jump), "{jump}: {code}");
    // Code for the lowest addresses does not reach these.
    let low = "-DNEEDS=asm volatile(\"mov $seen_map, %%eax\" ::: \"eax\");";
    let low = object(&bench, &["-mcmodel=kernel", low]);
    fs::remove_file(bench.output()).unwrap();
    fs::remove_file(bench.path("grafted.json")).unwrap();
    bench.refused(&kernel, &low, &["the relocation at", "is out of reach of"]);
}

#[test]
fn refuses_a_mix_of_machines() {
    let (bench, kernel) = kernel(&[]);
    bench.refused(&kernel, &bench.object(&[]), &["other machine", "I386", "X86_64 is needed"]);
}

#[test]
fn refuses_parameters_in_unexpected_places() {
    let words = ["vm_map_pageable_scan: parameters not where expected (in rdi, rsi"];
    refused(&["-DSCAN_ODD_PLACES"], &words);
}

#[test]
fn refuses_any_volatile_register_that_is_live_at_a_call() {
    for (register, name) in [
        ("%rsi", "RSI"),
        ("%rdi", "RDI"),
        ("%r8", "R8"),
        ("%r9", "R9"),
        ("%r10", "R10"),
        ("%r11", "R11"),
    ] {
        let caller = format!("call vm_map_coalesce_entry; mov {register}, %rax; ret");
        let words = format!("vm_map_coalesce_entry: {name} is live after the call at caller");
        refused_caller(&caller, &[], &[&words]);
    }
    refused_caller("call vm_map_pageable_scan; push %rax; ret", &[], &["RAX is live"]);
    // Eight bits of a register are not all of it, and where they are read it is.
    let parts = "call vm_map_coalesce_entry; mov $1, %sil; add %sil, %al; ret";
    refused_caller(parts, &[], &["RSI is live after the call at caller"]);
    let words = ["RCX may be live after the call at caller", "the original leaves it alone"];
    refused_caller("call vm_map_coalesce_entry; ret", &["-DLEAVES_REGISTERS"], &words);
}

#[test]
fn a_write_of_32_bits_is_one_of_64() {
    let writes: Vec<String> = ["ecx", "edx", "esi", "edi", "r8d", "r9d", "r10d", "r11d"]
        .iter()
        .flat_map(|register| [format!("mov %eax, %{register}")])
        .collect();
    let reads = "add %rcx, %rdx; add %rsi, %rdi; add %r8, %r9; add %r10, %r11";
    let caller = format!("call vm_map_coalesce_entry; {}; {reads}; ret", writes.join("; "));
    grafts_and_runs(&[&format!("-DCALLER=\"{caller}\"")], &[]);
}

#[test]
fn refuses_a_register_that_gcc_keeps_a_value_in() {
    // Here gcc keeps something in one of so many registers in run as well.
    refused(&["-DKEEPS_VALUE", "-DLEAVES_REGISTERS"], &["is live after the call at"]);
}

#[test]
fn refuses_jumps_and_hidden_calls() {
    refused(&["-DTAIL_JUMP"], &["tail+", "tail jump"]);
    let words = ["caller", "enters the function in the middle"];
    refused_caller("jmp vm_map_coalesce_entry + 2", &[], &words);
    let hidden = ".byte 0xb8, 0xe8; .long vm_map_coalesce_entry - . - 4; ret";
    refused_caller(hidden, &[], &["look like a call or jump"]);
}

#[test]
fn refuses_where_the_room_is_used() {
    refused(&["-DDATA_IN_ROOM"], &["no room: the data at", "refers to .eh_frame"]);
    refused(&["-DSHORT_DATA_IN_ROOM"], &["no room: the data at", "refers to .eh_frame"]);
    for operand in ["lea .Lroom(%rip), %rax", "movabs $.Lroom, %rax", "mov $.Lroom, %rax"] {
        let define = format!("-DMOVE_ROOM=\"{operand}\"");
        refused(&["-DOPERAND_IN_ROOM", &define], &["no room: caller", "refers to .eh_frame"]);
    }
}

#[test]
fn refuses_layouts_that_differ() {
    refused(&["-DEXTRA_MEMBER"], &["layouts or functions differ", "vm_map:", "vm_map.timestamp:"]);
}
