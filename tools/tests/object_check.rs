// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool object`: a fit object passes, and each kind of violation is found.

use crate::common;

use common::{text, vmtool, Bench};

/// Both functions, calling what they may; `$1` stands for what a test adds.
const FIT: &str = "
    extern void *kernel_pmap;
    void vm_map_lock(void *);
    void vm_map_unlock(void *);
    unsigned int vm_map_rust_counters[7];
    BEFORE
    static __attribute__((noinline)) int inner(void *map, int n)
    {
        volatile char frame[100];
        frame[n] = 1;
        vm_map_lock(map);
        return frame[n + 1];
    }
    int vm_map_coalesce_entry(void *map, void *entry)
    {
        vm_map_rust_counters[0]++;
        IN_COALESCE;
        return inner(map, entry == kernel_pmap) + 1;
    }
    void vm_map_pageable_scan(void *map, void *start_entry, unsigned long end)
    {
        if (end)
            vm_map_unlock(map);
    }
";

fn check(before: &str, in_coalesce: &str, flags: &[&str]) -> (Option<i32>, String) {
    let bench = Bench::new();
    let source = FIT.replace("BEFORE", before).replace("IN_COALESCE", in_coalesce);
    // What the machine code may hold is up to each test, and unwind tables are not wanted.
    let mut all = vec!["-fno-asynchronous-unwind-tables", "-march=pentium4"];
    all.extend(flags);
    let output = vmtool(&[&"object", &bench.object_of("object.c", &source, &all)]);
    (output.status.code(), text(&output))
}

/// Exactly the violations that hold these words, one each.
fn violates(before: &str, in_coalesce: &str, flags: &[&str], words: &[&str]) {
    let (status, text) = check(before, in_coalesce, flags);
    assert_eq!(status, Some(1), "{text}");
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("violation: ")).collect();
    assert_eq!(lines.len(), words.len(), "{text}");
    for word in words {
        assert!(lines.iter().any(|l| l.contains(word)), "`{word}` is not in:\n{text}");
    }
}

#[test]
fn a_fit_object_passes() {
    let (status, text) = check("", "", &[]);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn sizes_are_measured() {
    let (_, text) = check("", "", &[]);
    let number = |name: &str, before: &str| -> u64 {
        let line = text.lines().find(|l| l.starts_with(name)).expect("a line");
        let head = line.split(before).next().expect("text");
        head.rsplit([' ']).find(|w| !w.is_empty()).and_then(|w| w.parse().ok()).expect("a number")
    };
    let deepest = number("vm_map_coalesce_entry", "bytes of stack");
    // The inner function's frame of 100 bytes counts; four times that would be wrong too.
    assert!((112..400).contains(&deepest), "{text}");
    // Return address, at most 12 bytes to align, argument, return address of the call.
    let shallow = number("vm_map_pageable_scan", "bytes of stack");
    assert!((4..=36).contains(&shallow), "{text}");
    assert!(
        number("all code", "bytes") > number("vm_map_coalesce_entry", "bytes of code"),
        "{text}"
    );
}

#[test]
fn exact_stack_depth() {
    let bench = Bench::new();
    // Code: 14 of its own, 13 of what it calls. Stack: 4 (return address) + 4 + 8 + 4 (call) + 4 + 16, and 4 for the call that leaves the object.
    let source = "
        .globl vm_map_coalesce_entry, vm_map_pageable_scan
        .type vm_map_coalesce_entry, @function
        .type vm_map_pageable_scan, @function
        vm_map_coalesce_entry: push %ebx; sub $8, %esp; call inner; add $8, %esp; pop %ebx; ret
        .size vm_map_coalesce_entry, . - vm_map_coalesce_entry
        inner: push %ebp; mov %esp, %ebp; sub $16, %esp; call vm_map_lock; leave; ret
        vm_map_pageable_scan: push %eax; call Assert
        .size vm_map_pageable_scan, . - vm_map_pageable_scan
        .section .note.GNU-stack";
    let output = vmtool(&[&"object", &bench.object_of("depth.S", source, &[])]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("coalesce_entry: 27 bytes of code, 44 bytes of stack"), "{text}");
    assert!(text.contains("pageable_scan: 6 bytes of code, 12 bytes of stack"), "{text}");
}

#[test]
fn unbalanced_stacks() {
    let source = "
        .globl vm_map_coalesce_entry, vm_map_pageable_scan
        .type vm_map_coalesce_entry, @function
        .type vm_map_pageable_scan, @function
        vm_map_coalesce_entry: push %ebp; mov %esp, %ebp; push %ebx; leave; push %ebx; ret
        vm_map_pageable_scan: pop %eax; jmp *%eax
        .section .note.GNU-stack";
    let output = vmtool(&[&"object", &Bench::new().object_of("odd.S", source, &[])]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("4 bytes are left on the stack"), "{text}");
    assert!(text.contains("more is popped than was pushed"), "{text}");
}

#[test]
fn jumps_through_tables_are_followed() {
    let cases: String = (0..8)
        .map(|n| {
            format!(
                "case {n}: {{ volatile char f[{}]; f[0] = 1; vm_map_unlock((void *)f); break; }}",
                8 << n
            )
        })
        .collect();
    let code = format!("switch ((unsigned)entry) {{ {cases} }}");
    let (status, text) = check("", &code, &["-fjump-tables"]);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn other_undefined_symbols() {
    violates("void vm_map_enter(void);", "vm_map_enter()", &[], &["undefined symbol vm_map_enter"]);
}

#[test]
fn panic_unwind_and_allocation_symbols() {
    for (name, why) in [
        ("rust_begin_unwind", "panic code"),
        ("_ZN4core9panicking5panic17h0123456789abcdefE", "panic code"),
        ("_RNvNtCs1_4core9panicking9panic_fmt", "panic code"),
        ("rust_eh_personality", "unwinding"),
        ("_Unwind_Resume", "unwinding"),
        ("__rust_alloc", "allocation"),
        ("malloc", "allocation"),
        ("memcpy", "a memory routine"),
        ("memset", "a memory routine"),
    ] {
        let word = format!("symbol {name}: {why}");
        violates(&format!("void {name}();"), &format!("{name}()"), &[], &[&word]);
        // Defined is as bad.
        violates(&format!("void {name}() {{}}"), "", &[], &[&word]);
    }
}

#[test]
fn personality_routines() {
    let personality =
        "asm(\".cfi_sections .eh_frame; .section .text.extra, \\\"ax\\\"; .cfi_startproc; \
                       .cfi_personality 0, vm_map_lock; nop; .cfi_endproc; .text\");";
    violates(personality, "", &[], &["personality"]);
    let table = "asm(\".section .gcc_except_table, \\\"a\\\"; .long 0; .text\");";
    violates(table, "", &[], &["gcc_except_table: unwinding"]);
}

#[test]
fn instructions_beyond_an_i686_without_coprocessor() {
    for (instruction, feature) in [
        ("fld1", "FPU"),
        ("fwait", "x87"),
        ("movq %mm0, %mm1", "MMX"),
        ("emms", "MMX"),
        ("addps %xmm0, %xmm1", "SSE"),
        ("movdqa %xmm0, %xmm1", "SSE2"),
        ("lfence", "SSE2"),
        ("vaddps %ymm0, %ymm1, %ymm2", "AVX"),
        ("fxsave (%eax)", "FXSR"),
    ] {
        let statement = format!("asm volatile(\"{instruction}\")");
        violates("", &statement, &[], &[feature]);
    }
    // Compiled, not written.
    let number = "volatile int n = (int)entry * 1.5";
    let (status, text) = check("", number, &["-msse2", "-mfpmath=sse"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("SSE"), "{text}");
}

#[test]
fn bytes_that_are_no_instruction() {
    // Nothing leads there: it is not the walk through the code that finds them.
    let unreached = "asm(\".section .text.unreached, \\\"ax\\\"; .byte 0x0f, 0x04; .text\");";
    violates(unreached, "", &[], &["unreached+0x0: bytes that are no instruction"]);
}

#[test]
fn bitcode() {
    let named = "asm(\".section .llvmbc; .long 0; .text\");";
    violates(named, "", &[], &["section .llvmbc: bitcode"]);
    let magic = "asm(\".section .other; .byte 0x42, 0x43, 0xc0, 0xde; .text\");";
    violates(magic, "", &[], &["section .other: bitcode"]);
}

#[test]
fn writable_data() {
    violates("int state = 1;", "state++", &[], &["section .data: 4 bytes of writable data"]);
    violates("int state;", "state++", &["-fdata-sections"], &["section .bss.state"]);
    let common = ["symbol state: writable data", "symbol vm_map_rust_counters: writable data"];
    violates("int state;", "state++", &["-fcommon"], &common);
}

#[test]
fn frames_that_cannot_be_measured() {
    let word = "vm_map_coalesce_entry: stack depth not known";
    violates("", "vm_map_lock(__builtin_alloca((long)entry))", &[], &[word]);
    let recursion = "int again(int n, void *m) { if (n < 2) return 1; vm_map_lock(m); \
                     return again(n - 1, m) + again(n - 2, m); }";
    violates(recursion, "again((int)entry, map)", &["-fno-optimize-sibling-calls"], &["recursion"]);
    violates("", "((void (*)(void))entry)()", &[], &[word]);
}

#[test]
fn missing_functions() {
    let bench = Bench::new();
    let object = bench.object_of("half.c", "int vm_map_coalesce_entry(void) { return 0; }", &[]);
    let output = vmtool(&[&"object", &object]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("vm_map_pageable_scan: not defined"), "{}", text(&output));
}

#[test]
fn files_that_are_no_objects() {
    let bench = Bench::new();
    for (bytes, word) in [(&b"text"[..], "not an ELF file"), (b"\x7fELF\x01\x01", "truncated")] {
        let output = vmtool(&[&"object", &bench.write("file", bytes)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).contains(word), "{}", text(&output));
    }
}
