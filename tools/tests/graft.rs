// SPDX-License-Identifier: GPL-2.0-or-later
//! The graft on small kernels: it works when run, and each reason to refuse one refuses it.

use crate::common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{text, vmtool, Bench, Kernel};

const ORIGINAL: i32 = 10;
const REPLACED: i32 = 20;

fn kernel(flags: &[&str]) -> (Bench, std::path::PathBuf) {
    let bench = Bench::new();
    let kernel = bench.kernel(&Kernel { flags, ..Kernel::default() });
    (bench, kernel)
}

/// Runs a mini kernel as a Linux program; none if this machine cannot run 32-bit code.
fn run(kernel: &Path) -> Option<i32> {
    fs::set_permissions(kernel, fs::Permissions::from_mode(0o755)).expect("made executable");
    match Command::new(kernel).status() {
        Ok(status) => Some(status.code().unwrap_or_else(|| panic!("the kernel died: {status}"))),
        Err(error) => {
            kit::skip::tell(&format!("this machine cannot run i386 programs ({error})"));
            None
        }
    }
}

fn grafts_and_runs(flags: &[&str]) {
    let (bench, kernel) = kernel(flags);
    let object = bench.object(&[]);
    let output = bench.graft(&kernel, &object);
    assert!(output.status.success(), "{}", text(&output));
    if let Some(status) = run(&kernel) {
        assert_eq!(status, ORIGINAL, "the stock kernel");
        assert_eq!(run(&bench.output()), Some(REPLACED), "the grafted kernel");
    }
}

#[test]
fn code_runs_with_the_scan_in_registers() {
    grafts_and_runs(&[]);
}

#[test]
fn code_runs_with_the_scan_on_the_stack() {
    grafts_and_runs(&["-DSCAN_CDECL"]);
}

#[test]
fn code_runs_with_older_dwarf() {
    grafts_and_runs(&["-gdwarf-4"]);
}

#[test]
fn callers_run_where_the_object_has_them() {
    let (bench, kernel) = kernel(&["-DCALLERS"]);
    // The two alone: what calls them stays.
    assert!(bench.graft(&kernel, &bench.object(&[])).status.success());
    let of_the_two = fs::read(bench.output()).unwrap();
    let output = bench.graft(&kernel, &bench.object(&["-DCALLERS"]));
    assert!(output.status.success(), "{}", text(&output));
    assert_ne!(fs::read(bench.output()).unwrap(), of_the_two);
    // What of the originals still runs is said.
    let said = text(&output);
    let left = "vm_map_remove: a copy of the kernel's own stays at wrong_callers";
    assert!(said.lines().count() == 2 && said.contains(left), "{said}");
    if let Some(status) = run(&kernel) {
        assert_eq!(status, ORIGINAL, "the stock kernel");
        assert_eq!(run(&bench.output()), Some(REPLACED), "the grafted kernel");
    }
}

#[test]
fn refuses_callers_that_would_be_replaced_in_part() {
    let refused = |of_kernel: &[&str], of_object: &[&str], words: &[&str]| {
        let (bench, kernel) = kernel(&[&["-DCALLERS"], of_kernel].concat());
        bench.refused(&kernel, &bench.object(&[&["-DCALLERS"], of_object].concat()), words);
    };
    refused(&["-DNO_PAGEABLE_ALL"], &[], &["vm_map_pageable_all: function missing"]);
    refused(&[], &["-DLACKS_ONE"], &["vm_map_pageable_all", "the object does not define it"]);
    refused(&["-DPROTECT_INLINED"], &[], &["vm_map_protect: inlined at wrong_callers"]);
    let caller = "-DCALLER=\"call vm_map_remove; mov %ecx, %eax; ret\"";
    refused(&[caller], &[], &["vm_map_remove: ECX is live after the call at caller"]);
    // There is a result in eax after one, none after the other.
    let caller = "-DCALLER=\"call vm_map_inherit; mov %eax, %ecx; call vm_map_entry_delete; mov %eax, %ecx; ret\"";
    refused(&[caller], &[], &["vm_map_entry_delete: EAX is live"]);
    refused(&["-DLEAVES_REGISTERS", "-DKEEPS_VALUE"], &[], &["is live after the call at keeper"]);
}

#[test]
fn symbols_are_told() {
    let (bench, kernel) = kernel(&[]);
    let dump = bench.path("dump");
    let output =
        vmtool(&[&"graft", &kernel, &bench.object(&[]), &"-o", &bench.output(), &"--dump", &dump]);
    assert!(output.status.success(), "{}", text(&output));
    let json = fs::read(bench.path("grafted.json")).expect("a map of symbols");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let nm = Command::new("nm").arg(bench.output()).output().expect("nm runs");
    let nm = text(&nm);
    for (name, label) in [
        ("vm_map_coalesce_entry", "vm_map_coalesce_entry_rust"),
        ("vm_map_pageable_scan", "vm_map_pageable_scan_rust"),
        ("vm_map_pageable_scan_thunk", "vm_map_pageable_scan_thunk"),
        ("vm_map_rust_counters", "vm_map_rust_counters"),
    ] {
        let address = json["symbols"][name].as_u64().expect("an address");
        let line = format!("{address:08x} ");
        assert!(nm.lines().any(|l| l.starts_with(&line) && l.ends_with(label)), "{name}: {nm}");
    }
    // Both call it through a pointer, of which nothing is known; the thunk is the scan's.
    assert!(nm.lines().any(|line| line.ends_with(" tell")) && json["parts"].get("tell").is_none());
    for ours in ["vm_map_pageable_scan_rust", "vm_map_pageable_scan_thunk"] {
        assert_eq!(json["parts"][ours], serde_json::json!(["vm_map_pageable_scan"]));
    }
    assert!(json["text_bytes"].as_u64() > Some(0) && json["room"].as_u64() > Some(16384));
    for file in ["1-functions.txt", "2-calls.txt", "3-code.bin", "4-symbols.txt"] {
        assert!(dump.join(file).exists(), "{file}");
    }
}

#[test]
fn an_input_is_not_written_over_by_any_name() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    let before = [fs::read(&kernel).unwrap(), fs::read(&object).unwrap()];
    std::os::unix::fs::symlink(&kernel, bench.path("symlink")).unwrap();
    fs::hard_link(&kernel, bench.path("hard-link")).unwrap();
    // Where the record goes.
    fs::hard_link(&kernel, bench.path("record.json")).unwrap();
    for output in ["kernel", "symlink", "hard-link", "object.o", "record"] {
        let output = vmtool(&[&"graft", &kernel, &object, &"-o", &bench.path(output)]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains("which must stay as it is"), "{}", text(&output));
        assert_eq!(text(&output).lines().count(), 1, "{}", text(&output));
    }
    assert!(before == [fs::read(&kernel).unwrap(), fs::read(&object).unwrap()]);
    assert!(!bench.path("kernel.json").exists() && !bench.path("record").exists());
}

#[test]
fn refuses_what_is_no_elf_file() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    let text = bench.write("text", "not a kernel");
    bench.refused(&text, &object, &["not an ELF file"]);
    bench.refused(&kernel, &text, &["not an ELF file"]);
    bench.refused(&bench.path("absent"), &object, &["cannot read", "absent"]);
    let gzip = bench.write("gzip", [0x1f, 0x8b, 8, 0]);
    bench.refused(&gzip, &object, &["gzip"]);
}

#[test]
fn refuses_truncated_files() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    let whole = fs::read(&kernel).expect("read");
    for len in [20, 60, whole.len() / 2, whole.len() - 1] {
        let cut = bench.write("cut", &whole[..len]);
        bench.refused(&cut, &object, &["truncated"]);
    }
    // The headers are whole, but a section, or a segment, is not.
    let number = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().expect("4 bytes"));
    let (segments, sections) = (number(28) as usize, number(32) as usize);
    for size in [sections + 40 + 20, segments + 16] {
        let mut long = whole.clone();
        long[size..size + 4].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
        bench.refused(&bench.write("long", long), &object, &["truncated: ", "beyond the file's"]);
    }
    let mut short = fs::read(&object).expect("read");
    short.truncate(short.len() / 2);
    bench.refused(&kernel, &bench.write("short.o", short), &["truncated"]);
}

#[test]
fn refuses_other_machines() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    let object_64 = bench.object_of("wide.c", "int f(void) { return 1; }", &["-m64"]);
    bench.refused(&object_64, &object, &["other machine", "X86_64"]);
    bench.refused(&kernel, &object_64, &["other machine", "X86_64"]);
    bench.refused(&object, &object, &["other machine", "Relocatable"]);
}

#[test]
fn refuses_without_symbols() {
    let (bench, kernel) = kernel(&[]);
    let bare = bench.objcopy(&kernel, &["--strip-all"]);
    bench.refused(&bare, &bench.object(&[]), &["no symbols", "-dbg"]);
}

#[test]
fn refuses_without_dwarf() {
    let (bench, kernel) = kernel(&[]);
    let bare = bench.objcopy(&kernel, &["--strip-debug"]);
    bench.refused(&bare, &bench.object(&[]), &["no DWARF", "-dbg"]);
}

#[test]
fn refuses_a_missing_function() {
    let (bench, kernel) = kernel(&["-DNO_COALESCE"]);
    let words = ["vm_map_coalesce_entry", "function missing", "April 2024"];
    bench.refused(&kernel, &bench.object(&[]), &words);
}

#[test]
fn refuses_an_inlined_function() {
    let (bench, kernel) = kernel(&["-DSCAN_INLINED"]);
    bench.refused(&kernel, &bench.object(&[]), &["vm_map_pageable_scan: inlined at"]);
}

#[test]
fn refuses_a_cloned_function() {
    let (bench, kernel) = kernel(&["-DCLONE"]);
    let words = ["cloned or split", "vm_map_pageable_scan.part.0"];
    bench.refused(&kernel, &bench.object(&[]), &words);
}

#[test]
fn refuses_unexpected_parameters() {
    let (bench, kernel) = kernel(&["-DSCAN_ONE_MORE"]);
    let words = ["parameters not as expected", "one_more"];
    bench.refused(&kernel, &bench.object(&[]), &words);
}

#[test]
fn refuses_parameters_in_unexpected_places() {
    let (bench, kernel) = kernel(&["-DSCAN_ODD_PLACES"]);
    bench.refused(&kernel, &bench.object(&[]), &["vm_map_pageable_scan: parameters not where"]);
}

fn refused_caller(caller: &str, more: &[&str], words: &[&str]) {
    let define = format!("-DCALLER=\"{caller}\"");
    let mut flags = vec![define.as_str()];
    flags.extend(more);
    let (bench, kernel) = kernel(&flags);
    bench.refused(&kernel, &bench.object(&[]), words);
}

#[test]
fn refuses_a_register_that_is_live_at_a_call() {
    let words = ["vm_map_coalesce_entry: ECX is live after the call at caller", "reads it"];
    refused_caller("call vm_map_coalesce_entry; mov %ecx, %eax; ret", &[], &words);
    // On one of two paths, and only part of the register.
    let branch = "call vm_map_coalesce_entry; test %eax, %eax; jz 1f; xor %ecx, %ecx; \
                  xor %edx, %edx; ret; 1: mov $1, %cl; add %cl, %dl; ret";
    refused_caller(branch, &[], &["ECX is live after the call at caller"]);
    refused_caller("call vm_map_pageable_scan; push %eax; ret", &[], &["EAX is live"]);
}

#[test]
fn refuses_a_register_that_gcc_keeps_a_value_in() {
    let (bench, kernel) = kernel(&["-DKEEPS_VALUE", "-DLEAVES_REGISTERS"]);
    bench.refused(&kernel, &bench.object(&[]), &["is live after the call at keeper"]);
}

#[test]
fn accepts_registers_that_are_written_first() {
    let caller = "call vm_map_coalesce_entry; test %eax, %eax; jz 1f; xor %ecx, %ecx; \
                  1: mov %esp, %ecx; mov %ecx, %edx; ret";
    grafts_and_runs(&[&format!("-DCALLER=\"{caller}\"")]);
}

#[test]
fn refuses_a_register_that_the_original_leaves_to_callers_of_the_caller() {
    let words = ["may be live after the call at caller", "the original leaves it alone"];
    refused_caller("call vm_map_coalesce_entry; ret", &["-DLEAVES_REGISTERS"], &words);
}

#[test]
fn refuses_code_after_a_call_that_it_cannot_follow() {
    let words = ["may be live", "cannot be followed"];
    refused_caller("call vm_map_coalesce_entry; jmp *%eax", &[], &words);
    refused_caller("call vm_map_coalesce_entry; call tell_end; ret", &[], &words);
}

#[test]
fn refuses_tail_jumps_and_jumps_into_the_middle() {
    let (bench, kernel) = kernel(&["-DTAIL_JUMP"]);
    bench.refused(&kernel, &bench.object(&[]), &["tail+", "tail jump"]);
    let words = ["caller", "enters the function in the middle"];
    refused_caller("jmp vm_map_coalesce_entry + 2", &[], &words);
}

#[test]
fn refuses_hidden_calls() {
    // A call whose bytes hide in the immediate of a mov, entered by a jump.
    let hidden = ".byte 0xb8, 0xe8; .long vm_map_coalesce_entry - . - 4; ret";
    refused_caller(hidden, &[], &["look like a call or jump"]);
}

#[test]
fn refuses_code_that_is_not_what_the_dwarf_tells_of() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    let dump = bench.path("dump");
    let output =
        vmtool(&[&"graft", &kernel, &object, &"-o", &bench.path("first"), &"--dump", &dump]);
    assert!(output.status.success(), "{}", text(&output));
    let calls = fs::read_to_string(dump.join("2-calls.txt")).expect("a list of calls");
    let (_, call) = calls.split_once("(0x").expect("an address");
    let call = usize::from_str_radix(&call[..7], 16).expect("an address");
    // The first segment holds the code; its offset in the file and its address follow its type.
    let mut bytes = fs::read(&kernel).expect("read");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let segment = number(28) as usize;
    let at = call - number(segment + 8) as usize + number(segment + 4) as usize;
    assert_eq!(bytes[at], 0xe8, "a call");
    bytes[at..at + 5].fill(0x90);
    let changed = bench.write("changed", bytes);
    bench.refused(&changed, &object, &["the DWARF has a call that returns to"]);
}

#[test]
fn refuses_layouts_that_differ() {
    let (bench, kernel) = kernel(&["-DEXTRA_MEMBER"]);
    let words = ["layouts or functions differ", "vm_map:", "vm_map.timestamp:"];
    bench.refused(&kernel, &bench.object(&[]), &words);
    bench.refused(&kernel, &bench.object(&["-DNO_RECORD"]), &["no layout record"]);
}

#[test]
fn refuses_undefined_symbols_that_the_kernel_cannot_give() {
    let needs = |name: &str| format!("-DNEEDS=extern int {name}; {name} = 1;");
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[&needs("no_such_thing")]);
    bench.refused(&kernel, &object, &["undefined symbol no_such_thing", "lacks it"]);
    let object = bench.object(&[&needs("own_function")]);
    bench.refused(&kernel, &object, &["own_function", "static function"]);
    // Local data is fine while there is one of that name.
    let object = bench.object(&[&needs("own_data")]);
    assert!(bench.graft(&kernel, &object).status.success());
    fs::remove_file(bench.output()).expect("removed");
    fs::remove_file(bench.path("grafted.json")).expect("removed");
    let twice = bench.objcopy(&kernel, &["--add-symbol", "own_data=.data:0,local,object"]);
    bench.refused(&twice, &object, &["own_data", "ambiguous"]);
}

#[test]
fn refuses_where_there_is_no_room() {
    let bench = Bench::new();
    let object = bench.object(&[]);
    let small = bench.kernel(&Kernel { room: Some(0), ..Kernel::default() });
    bench.refused(&small, &object, &["no room: the code takes"]);
    let none = bench.kernel(&Kernel { room: None, ..Kernel::default() });
    bench.refused(&none, &object, &["no room", "no .eh_frame"]);
    let used = bench.kernel(&Kernel { flags: &["-DDATA_IN_ROOM"], ..Kernel::default() });
    bench.refused(&used, &object, &["no room: the data at", "refers to .eh_frame"]);
    let operand = bench.kernel(&Kernel { flags: &["-DOPERAND_IN_ROOM"], ..Kernel::default() });
    bench.refused(&operand, &object, &["no room: caller", "refers to .eh_frame"]);
}

#[test]
fn refuses_writable_data_where_the_kernel_protects_or_zeroes() {
    let bench = Bench::new();
    let object = bench.object(&[]);
    let protected = bench.kernel(&Kernel { etext_after_room: true, ..Kernel::default() });
    bench.refused(&protected, &object, &["no room", "read-only"]);
    let zeroed = bench.kernel(&Kernel { edata_before_room: true, ..Kernel::default() });
    bench.refused(&zeroed, &object, &["no room", "boot zeroes"]);
}

#[test]
fn refuses_a_grafted_kernel() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    assert!(bench.graft(&kernel, &object).status.success());
    let once = bench.path("once");
    fs::rename(bench.output(), &once).expect("renamed");
    fs::remove_file(bench.path("grafted.json")).expect("removed");
    bench.refused(&once, &object, &["already grafted"]);
}

#[test]
fn refuses_common_data_and_unknown_relocations() {
    let (bench, kernel) = kernel(&[]);
    let common = bench.object(&["-fcommon"]);
    bench.refused(&kernel, &common, &["common data"]);
    let short = "-DNEEDS=asm(\".pushsection .rodata; .word vm_map_coalesce_entry; .popsection\");";
    bench.refused(&kernel, &bench.object(&[short]), &["relocation", "of a kind not known"]);
}

#[test]
fn leaves_nothing_behind_when_it_cannot_write() {
    let (bench, kernel) = kernel(&[]);
    let object = bench.object(&[]);
    // The map's place is taken by a folder: the kernel must not appear without it.
    fs::create_dir(bench.path("grafted.json")).expect("made");
    let output = bench.graft(&kernel, &object);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("cannot"), "{}", text(&output));
    assert_eq!(bench.written(), ["grafted.json"]);
}
