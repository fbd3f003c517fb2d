// SPDX-License-Identifier: GPL-2.0-or-later
//! What a patched tree's configure and make call: tools/tree-object.sh and tools/tree.mk.

use crate::patch;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use patch::{repository, text, MiniTree};

/// A makefile such as automake and configure make of Makefile.am, with the option on or off.
fn configure(tree: &MiniTree, option: bool) -> impl Fn(&[&str]) -> Output {
    let build = tree.beside(if option { "on" } else { "off" });
    fs::create_dir(&build).expect("a folder of ours");
    let mut inside = false;
    let mut makefile = format!(
        "with_rust_vm_map = {0}\nVM_MAP_RUST_WORK = {0}/build\nsrcdir = {1}\nsystype = i386\nLD = ld -m elf_i386\n\
         COMPILE = gcc -m32 -ffreestanding -nostdinc -O2 -g -I{1} -I{0}/gnumach-headers $(DEFINES)\n",
        repository().display(),
        tree.path().display()
    );
    if option {
        makefile.push_str("DEFINES = -DVM_MAP_RUST\n");
    }
    for line in tree.read("Makefile.am").lines() {
        match line {
            "if enable_rust_vm_map" => inside = true,
            "endif" => inside = false,
            _ if inside && !option => {}
            _ => makefile.push_str(&format!("{line}\n")),
        }
    }
    fs::write(build.join("Makefile"), makefile).expect("a folder of ours");
    move |words| {
        Command::new("make")
            .arg("-C")
            .arg(&build)
            .args(words)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKE")
            .output()
            .expect("make is installed")
    }
}

fn built(output: &Output) {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// Which file's symbols a linked object holds, by the names of functions and shims.
fn defined(path: &Path) -> Vec<String> {
    use object::{Object, ObjectSymbol};
    let data = fs::read(path).expect("a linked object");
    let file = object::File::parse(&*data).expect("an ELF file");
    file.symbols()
        .filter(|symbol| symbol.is_definition())
        .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()))
        .collect()
}

fn kernel_compiler() -> bool {
    let found = Command::new(repository().join("tools/find-rustc.sh")).output().expect("a shell");
    if !found.status.success() {
        kit::skip::tell(&format!("no rustc for kernel code: {}", text(&found.stderr)));
    }
    found.status.success()
}

#[test]
fn the_tree_links_our_object_and_rebuilds_what_changed() {
    if !kernel_compiler() {
        return;
    }
    let tree = MiniTree::new();
    assert!(tree.vmtool(&["integrate", "--allow-changed"]).status.success());

    let off = configure(&tree, false);
    built(&off(&["gnumach.o"]));
    let names = defined(&tree.beside("off/gnumach.o"));
    assert!(
        names.contains(&"vm_map_coalesce_entry".into())
            && !names.contains(&"shim_hint_lock".into())
    );

    let on = configure(&tree, true);
    built(&on(&["gnumach.o"]));
    let names = defined(&tree.beside("on/gnumach.o"));
    for name in ["vm_map_coalesce_entry", "vm_map_pageable_scan", "shim_hint_lock", "vm_map_wire"] {
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
    }
    built(&on(&["--question", "gnumach.o"]));

    // A header of the tree, and nothing but our object was made from it here.
    let later = SystemTime::now() + Duration::from_secs(2);
    let header =
        File::options().append(true).open(tree.path().join("kern/lock.h")).expect("a header");
    header.set_modified(later).expect("a time");
    assert_eq!(on(&["--question", "vm/vm_map.o"]).status.code(), Some(0));
    assert_eq!(on(&["--question", "rust-vm-map/vm_map.o"]).status.code(), Some(1));

    // Assertions follow the tree's.
    let assert_is_used = || {
        use object::{Object, ObjectSymbol};
        let data = fs::read(tree.beside("on/rust-vm-map/vm_map.o")).expect("our object");
        let file = object::File::parse(&*data).expect("an ELF file");
        let used = file.symbols().any(|symbol| symbol.name() == Ok("Assert"));
        used
    };
    assert!(assert_is_used());
    built(&on(&["rust-vm-map/vm_map.o", "DEFINES=-DVM_MAP_RUST -DNDEBUG"]));
    assert!(!assert_is_used());

    // Their callers are for a configure that chose them.
    fs::remove_file(tree.beside("on/rust-vm-map/vm_map.o")).expect("our object");
    built(&on(&["rust-vm-map/vm_map.o", "DEFINES=-DVM_MAP_RUST -DVM_MAP_RUST_CALLERS"]));
    let names = defined(&tree.beside("on/rust-vm-map/vm_map.o"));
    for name in ["vm_map_protect", "_vm_map_clip_end", "vm_map_pageable_scan", "shim_object_lock"] {
        assert!(names.contains(&name.into()), "{name}: {names:?}");
    }

    // So is what `sound` has besides.
    fs::remove_file(tree.beside("on/rust-vm-map/vm_map.o")).expect("our object");
    let all = "DEFINES=-DVM_MAP_RUST -DVM_MAP_RUST_CALLERS -DVM_MAP_RUST_SOUND";
    built(&on(&["rust-vm-map/vm_map.o", all]));
    let names = defined(&tree.beside("on/rust-vm-map/vm_map.o"));
    for name in ["vm_map_protect", "vm_page_convert", "shim_page_queues_lock"] {
        assert!(names.contains(&name.into()), "{name}: {names:?}");
    }

    // Counters are for those who ask.
    let counters = || {
        let names = defined(&tree.beside("on/gnumach.o"));
        names.contains(&"vm_map_rust_counters".into())
    };
    fs::remove_file(tree.beside("on/rust-vm-map/vm_map.o")).expect("our object");
    built(&on(&["gnumach.o"]));
    assert!(!counters());
    fs::remove_file(tree.beside("on/rust-vm-map/vm_map.o")).expect("our object");
    built(&on(&["gnumach.o", "VM_MAP_RUST_FEATURES=counters"]));
    assert!(counters());

    built(&on(&["clean"]));
    assert!(!tree.beside("on/rust-vm-map").exists() && !tree.beside("on/gnumach.o").exists());
}

#[test]
fn a_tree_whose_headers_lack_something_gets_no_object() {
    if !kernel_compiler() {
        return;
    }
    let tree = MiniTree::new();
    assert!(tree.vmtool(&["integrate", "--allow-changed"]).status.success());
    tree.edit("kern/lock.h", "#include_next <kern/lock.h>", "#include <kern/none.h>");
    let on = configure(&tree, true);
    let output = on(&["gnumach.o"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("kern/none.h"), "{}", text(&output.stderr));
    assert!(!tree.beside("on/rust-vm-map/vm_map.o").exists());
}

/// Whether gcc compiles what a script of tools/ makes of a part of the record, after `declarations`.
fn agrees(script: &str, declarations: &str, record: &str) -> bool {
    let awk = Command::new("awk")
        .arg("-f")
        .arg(repository().join("tools").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut awk = awk.expect("awk is installed");
    awk.stdin.take().expect("an input").write_all(record.as_bytes()).expect("awk reads");
    let checks = text(&awk.wait_with_output().expect("awk ends").stdout);
    let source = format!("{declarations}\n{checks}");
    let mut gcc = Command::new("gcc")
        .args(["-m32", "-ffreestanding", "-O2", "-x", "c", "-c", "-o", "/dev/null", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("gcc is installed");
    gcc.stdin.take().expect("an input").write_all(source.as_bytes()).expect("gcc reads");
    gcc.wait().expect("gcc ends").success()
}

#[test]
fn the_kernels_compiler_checks_every_row_of_the_layout() {
    let agrees = |rows: &str| {
        let declarations = "struct s { int a; unsigned b : 1, c : 3; char d;
            unsigned e : 16, f : 12, g : 4; };";
        agrees("tree-layout.awk", declarations, rows)
    };
    // A bit-field may be as wide as a number, and lie as one would.
    let right =
        "s 0 96\ns.a 0 32\ns.b: 32 1\ns.c: 33 3\ns.d 40 8\ns.e: 48 16\ns.f: 64 12\ns.g: 76 4\n";
    assert!(agrees(right));
    for (from, to) in [
        ("s 0 96", "s 0 64"),
        ("s.a 0", "s.a 32"),
        ("s.a 0 32", "s.a 0 64"),
        ("s.b: 32", "s.b: 33"),
        ("s.b: 32", "s.b: 40"),
        ("s.b: 32", "s.b 32"),
        ("s.c: 33 3", "s.c: 33 2"),
        ("s.e: 48", "s.e: 64"),
        ("s.e: 48 16", "s.e: 48 8"),
        ("s.e: 48 16", "s.e: 48 32"),
        ("s.f: 64 12", "s.f: 64 16"),
        ("s.f: 64 12", "s.f: 64 11"),
        ("s.g: 76 4", "s.g: 72 4"),
        ("s.d 40", "s.d 48"),
        ("s.d 40 8", "s.d 40"),
        (right, ""),
    ] {
        assert!(!agrees(&right.replace(from, to)), "{to:?} for {from:?} is not noticed");
    }
}

#[test]
fn the_kernels_compiler_checks_every_signature() {
    let declarations = "typedef unsigned int size; struct s; extern struct s *v;
        struct s *f(struct s **a, const char *b, size c); void g(void);
        void h(void (*then)(void)); void k(void (*then)(int), int a);
        void other(void (*then)(long long)); void p(const char *said, ...);";
    let agrees = |lines: &str| agrees("tree-signatures.awk", declarations, lines);
    let right = "fn f *s **s &char:i8 size:u32\nfn g void\nfn h void *function\nfn k void *function int:i32\nfn p void &char:i8 ...\nvar v *s\n";
    assert!(agrees(right));
    for (from, to) in [
        ("f *s", "f void"),
        ("f *s", "f &s"),
        ("**s", "*s"),
        ("&char:i8", "*char:i8"),
        ("&char:i8", "&char:u8"),
        ("size:u32", "size:u64"),
        ("size:u32", "size:i32"),
        ("size:u32", "unsigned-long:u32"),
        (" size:u32", ""),
        ("size:u32", "size:u32 int:i32"),
        ("g void", "g void int:i32"),
        ("h void *function", "h void"),
        ("h void *function", "h void *s"),
        ("h void *function", "other void *function"),
        ("k void *function", "k void *s"),
        ("i8 ...", "i8"),
        ("v *s", "v **s"),
        ("fn g", "fn h"),
        ("fn g", "function g"),
        (right, ""),
    ] {
        assert!(!agrees(&right.replacen(from, to, 1)), "{to:?} for {from:?} is not noticed");
    }
}

/// bindgen reads the tree's own prototypes, and then our calls do not fit.
#[test]
fn a_tree_whose_function_takes_another_parameter_gets_no_object() {
    if !kernel_compiler() {
        return;
    }
    let tree = MiniTree::new();
    assert!(tree.vmtool(&["integrate", "--allow-changed"]).status.success());
    let other = "#define lock_set_recursive(lock) lock_set_recursive(lock, int one_more)\n\
                 #include_next <kern/lock.h>";
    tree.edit("kern/lock.h", "#include_next <kern/lock.h>", other);
    let output = configure(&tree, true)(&["gnumach.o"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("lock_set_recursive"), "{}", text(&output.stderr));
    assert!(!tree.beside("on/rust-vm-map/vm_map.o").exists());
}

#[test]
fn configure_hears_what_is_missing() {
    let check = |systype: &str, rustc: Option<&str>| {
        let mut command = Command::new(repository().join("tools/tree-object.sh"));
        command.args(["--check", "--systype", systype]);
        if let Some(rustc) = rustc {
            command.env("KERNEL_RUSTC", rustc);
        }
        let output = command.output().expect("a shell");
        (output.status.code(), text(&output.stderr))
    };
    let (code, message) = check("i386", Some("/nonexistent/rustc"));
    assert!(code == Some(1) && message.contains("no rustc"), "{message}");
    let (code, message) = check("aarch64", None);
    assert!(code == Some(1) && message.contains("aarch64"), "{message}");
    if kernel_compiler() {
        let (code, message) = check("i386", None);
        assert_eq!(code, Some(0), "{message}");
    }
}
