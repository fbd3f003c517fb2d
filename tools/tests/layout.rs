// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool layout`: what it reads from DWARF, it writes as C that means the same.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{done, gcc, text, vmtool, Bench};

/// A file of debugging information only, linked so that nothing is left to relocate.
fn linked(
    bench: &Bench,
    name: &str,
    include: Option<&Path>,
    flags: &[&str],
    units: &[&str],
) -> PathBuf {
    let mut gcc = gcc();
    gcc.arg("-static").arg("-no-pie").arg("-Wl,-e,0").args(flags);
    if let Some(include) = include {
        gcc.arg("-I").arg(include);
    }
    for (n, unit) in units.iter().enumerate() {
        gcc.arg(bench.write(&format!("{name}{n}.c"), unit));
    }
    let out = bench.path(name);
    gcc.arg("-o").arg(&out);
    done(gcc);
    out
}

const UNIT: &str = "#include \"structs.h\"\nstruct vm_map map; struct vm_map_entry entry;";

fn layout(kernel: &Path, to: &Path) -> String {
    let output = vmtool(&[&"layout", &kernel, &"-o", &to]);
    assert!(output.status.success(), "{}", text(&output));
    let header = fs::read_to_string(to).expect("a header");
    // The line that names the file the layouts came from.
    header.lines().filter(|l| !l.starts_with("/* Written by")).collect::<Vec<_>>().join("\n")
}

/// The two functions; the first is declared before, as headers do, without what it takes.
const FUNCTIONS: &str = "#include \"structs.h\"
typedef unsigned long vm_offset_t; typedef struct vm_map *vm_map_t;
int vm_map_coalesce_entry();
int vm_map_coalesce_entry(vm_map_t map, struct vm_map_entry *entry) { return map && entry; }
static __attribute__((used)) void vm_map_pageable_scan(vm_map_t map, struct vm_map_entry *const start, vm_offset_t end)
{ map->hint = start; map->size = end; }";

#[test]
fn the_header_means_what_was_read() {
    for flags in
        [["-m32", "-gdwarf-5"], ["-m32", "-gdwarf-4"], ["-m64", "-gdwarf-5"], ["-m64", "-gdwarf-4"]]
    {
        let bench = Bench::new();
        fs::create_dir(bench.path("made")).expect("made");
        let header = bench.path("made/structs.h");
        let before = layout(&linked(&bench, "first", None, &flags, &[UNIT]), &header);
        let again = linked(&bench, "second", Some(&bench.path("made")), &flags, &[UNIT]);
        assert_eq!(layout(&again, &bench.path("again.h")), before, "{flags:?}");
        assert!(before.contains("unsigned int in_transition:1;"), "{before}");
        assert!(before.contains("struct rbtree_node *children[2];"), "{before}");
    }
}

#[test]
fn up_locks_have_one_name_and_no_size() {
    let bench = Bench::new();
    let unit = format!(
        "struct simple_lock_data_empty {{ struct {{ }} is_a_simple_lock; }};
         #define slock unused
         #include \"structs.h\"
         #undef slock
         struct slock {{ unsigned int lock_data; }} spare;
         {}",
        "struct vm_map map; struct vm_map_entry entry;"
    );
    // As UP kernels have it: the structures hold the empty lock, the real one is defined beside.
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gnumach-headers/structs.h");
    let up = fs::read_to_string(headers).expect("read");
    let up = up.replace("struct slock interlock", "struct simple_lock_data_empty interlock");
    let up = up.replace("struct slock ref_lock", "struct simple_lock_data_empty ref_lock");
    let up = up.replace("struct slock hint_lock", "struct simple_lock_data_empty hint_lock");
    fs::create_dir(bench.path("up")).expect("made");
    fs::write(bench.path("up/structs.h"), up).expect("written");
    let kernel = linked(&bench, "kernel", Some(&bench.path("up")), &["-m32"], &[&unit]);
    let header = layout(&kernel, &bench.path("made.h"));
    assert!(header.contains("_Static_assert(sizeof(struct slock) == 0"), "{header}");
    assert!(header.contains("struct slock hint_lock;"), "{header}");
    assert!(header.contains("_Static_assert(sizeof(struct lock) == 8"), "{header}");
}

#[test]
fn compile_units_must_agree() {
    let bench = Bench::new();
    let flags = ["-m32"];
    // The same twice, and a mere declaration, are fine.
    let same = UNIT.replace("map;", "map2;").replace("entry;", "entry2;");
    let fine = ["struct vm_map; struct vm_map *pointer;", UNIT, &same];
    layout(&linked(&bench, "fine", None, &flags, &fine), &bench.path("fine.h"));

    let other = format!("#define size_none size_none, one_more\n{same}");
    let kernel = linked(&bench, "differs", None, &flags, &[UNIT, &other]);
    let output = vmtool(&[&"layout", &kernel, &"-o", &bench.path("none.h")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("disagree about struct vm_map"), "{}", text(&output));
    assert!(!bench.path("none.h").exists());
}

#[test]
fn a_kernel_without_the_structures_is_refused() {
    let bench = Bench::new();
    let kernel = linked(&bench, "other", None, &["-m32"], &["int nothing;"]);
    let output = vmtool(&[&"layout", &kernel]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("nowhere defines"), "{}", text(&output));
    let bare = bench.objcopy(&kernel, &["--strip-debug"]);
    let output = vmtool(&[&"layout", &bare]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no DWARF"), "{}", text(&output));
}

#[test]
fn a_record_is_compared_row_by_row() {
    let bench = Bench::new();
    let kernel = linked(&bench, "kernel", None, &["-m32"], &[UNIT, FUNCTIONS]);
    let check = |flags: &[&str]| {
        let output = vmtool(&[&"layout", &kernel, &"--check", &bench.object(flags)]);
        (output.status.code(), text(&output))
    };
    let (status, said) = check(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("6 rows and 2 signatures agree"), "{said}");

    let (status, said) = check(&["-Dsize_none=size_none, one_more"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("vm_map: the kernel has it at bit 0, 768 bits"), "{said}");
    assert!(said.contains("vm_map.timestamp:") && said.contains("2 differences"), "{said}");

    // One bit-field moves by one bit; nothing else changes.
    let (status, said) = check(&["-DWRONG_BIT"]);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("vm_map_entry.in_transition:") && said.contains("1 differences"),
        "{said}"
    );

    // All that is there agrees, but a structure that matters is not.
    let (status, said) = check(&["-DUNNAMED_ENTRY"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("vm_map_entry: missing from the object's record"), "{said}");

    let (status, said) = check(&["-DNO_RECORD"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("no layout record"), "{said}");
}

#[test]
fn a_changed_parameter_or_result_is_refused() {
    let bench = Bench::new();
    let kernel = |functions: &str| linked(&bench, "kernel", None, &["-m32"], &[UNIT, functions]);
    let check = |kernel: &Path, flags: &[&str]| {
        let output = vmtool(&[&"layout", &kernel, &"--check", &bench.object(flags)]);
        (output.status.code(), text(&output))
    };

    // In the kernel: a type, one more, a result, and none of that name.
    let scan = "vm_map_pageable_scan: the kernel's is void (*vm_map, *vm_map_entry, ";
    for (from, to, expected) in [
        ("vm_offset_t end)", "unsigned short end)", [scan, "u16); the object's"].concat()),
        ("vm_offset_t end)", "vm_offset_t end, int one_more)", [scan, "u32, i32); "].concat()),
        ("vm_offset_t end)", "long end)", [scan, "i32); "].concat()),
        ("struct vm_map_entry *const", "struct vm_map_entry **", "*vm_map, **vm_map_entry".into()),
        ("used)) void", "used)) void *", "kernel's is *void (*vm_map".into()),
        ("vm_map_pageable_scan(", "vm_map_other_scan(", "defines no such thing".into()),
    ] {
        let changed = FUNCTIONS.replace(from, to).replace("map->hint = start;", "");
        assert_ne!(changed, FUNCTIONS, "{from}");
        let (status, said) = check(&kernel(&changed), &[]);
        assert_eq!(status, Some(1), "{to}: {said}");
        assert!(said.contains(&expected) && said.contains("1 differences"), "{to}: {said}");
    }

    // In the object.
    let right = kernel(FUNCTIONS);
    let signature = |text: &str| format!("-DSCAN_SIGNATURE=\"{text}\"");
    let changed =
        signature("fn vm_map_pageable_scan void *vm_map *vm_map_entry *vm_offset_t:u32\\n");
    let (status, said) = check(&right, &[&changed]);
    assert!(
        status == Some(1) && said.contains("the object's void (*vm_map, *vm_map_entry, *u32)"),
        "{said}"
    );
    let (status, said) = check(&right, &[&signature("")]);
    assert!(
        status == Some(1) && said.contains("missing from the object's record of sig"),
        "{said}"
    );
    let (status, said) = check(&right, &[&signature("fn what\\n")]);
    assert!(status == Some(1) && said.contains("damaged signature record: \"fn what\""), "{said}");
    let (status, said) = check(&right, &["-DNO_SIGNATURES"]);
    assert!(status == Some(1) && said.contains("no signature record"), "{said}");
}

#[test]
fn the_kernel_is_not_written_over() {
    let bench = Bench::new();
    let kernel = bench.write("kernel", "not even an ELF file");
    std::os::unix::fs::symlink(&kernel, bench.path("symlink")).unwrap();
    for output in ["kernel", "symlink"] {
        let output = vmtool(&[&"layout", &kernel, &"-o", &bench.path(output)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).contains("which must stay as it is"), "{}", text(&output));
    }
    assert_eq!(fs::read_to_string(&kernel).unwrap(), "not even an ELF file");
}
