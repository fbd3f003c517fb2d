// SPDX-License-Identifier: GPL-2.0-or-later
//! The trees that `vmtool patch` refuses, each with its reason.

use crate::patch;

use std::fs;
use std::process::Command;

use patch::{text, vmtool, MiniTree};

const ANY_CODE: &[&str] = &["--allow-changed"];

#[test]
fn code_that_the_rust_was_not_written_after() {
    // The miniature's functions are not upstream's, so this is how they look without --allow-changed.
    let message = MiniTree::new().refusal(&[]);
    assert!(message.contains("code that is not what our Rust was written after"), "{message}");
    for name in ["vm_map_coalesce_entry", "vm_map_pageable_scan", "vm_map_gap_remove (not there)"] {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn no_git_work_tree() {
    let tree = MiniTree::new();
    let plain = tree.beside("plain");
    fs::create_dir(&plain).expect("a folder");
    let message = text(&vmtool(&["patch"], &plain).stderr);
    assert!(message.contains("not a git work tree"), "{message}");
    let message = text(&vmtool(&["patch"], &tree.beside("nowhere")).stderr);
    assert!(message.contains("cannot be opened"), "{message}");
    let message = text(&vmtool(&["patch"], &tree.path().join("vm")).stderr);
    assert!(message.contains("not the top of a git work tree"), "{message}");
}

#[test]
fn no_gnu_mach_tree() {
    let tree = MiniTree::new();
    tree.git(&["rm", "--quiet", "kern/ipc_kobject.c"]);
    tree.commit("Be something else");
    let message = tree.refusal(ANY_CODE);
    assert!(message.contains("not a GNU Mach tree: it has no kern/ipc_kobject.c"), "{message}");
}

#[test]
fn no_commit() {
    let tree = MiniTree::new();
    tree.git(&["checkout", "--quiet", "--orphan", "empty"]);
    let message = tree.refusal(ANY_CODE);
    assert!(message.contains("no commit"), "{message}");
}

#[test]
fn older_than_the_series() {
    for statement in ["\tassert(!start_entry->in_transition);\n", " && !entry->in_transition"] {
        let tree = MiniTree::new();
        tree.edit("vm/vm_map.c", statement, "");
        tree.commit("Go back");
        let message = tree.refusal(ANY_CODE);
        assert!(message.contains("older than the series of April 2024"), "{message}");
    }
}

#[test]
fn a_function_that_is_not_there() {
    let tree = MiniTree::new();
    tree.edit("vm/vm_map.c", "vm_map_pageable_scan(\n", "vm_map_scan(\n");
    tree.commit("Rename");
    let message = tree.refusal(ANY_CODE);
    assert!(message.contains("defines no function vm_map_pageable_scan"), "{message}");
}

#[test]
fn a_function_that_is_there_twice() {
    let tree = MiniTree::new();
    tree.edit(
        "vm/vm_map.c",
        "int vm_map_last(void)",
        "static void vm_map_pageable_scan(void) {}\nint vm_map_last(void)",
    );
    tree.commit("Repeat");
    let message = tree.refusal(ANY_CODE);
    assert!(message.contains("defines vm_map_pageable_scan 2 times"), "{message}");
}

#[test]
fn no_blank_line_for_a_conditional() {
    let tree = MiniTree::new();
    tree.edit("vm/vm_map.c", "}\n\n/* No blank", "}\n/* No blank");
    tree.commit("Crowd");
    let message = tree.refusal(ANY_CODE);
    assert!(
        message.contains("no blank line in front of and behind vm_map_coalesce_entry"),
        "{message}"
    );
}

#[test]
fn patched_already() {
    let tree = MiniTree::new();
    assert!(tree.vmtool(&["integrate", "--allow-changed"]).status.success());
    assert!(tree.refusal(ANY_CODE).contains("has this patch already"));
    assert!(tree.vmtool(&["integrate", "--storm"]).status.success());
    assert!(tree.refusal(&["--storm"]).contains("has this patch already"));
}

#[test]
fn changes_in_a_file_that_the_patch_touches() {
    for staged in [false, true] {
        let tree = MiniTree::new();
        tree.edit("Makefile.am", "libkernel.a\n", "libkernel.a \n");
        if staged {
            tree.git(&["add", "Makefile.am"]);
        }
        let message = tree.refusal(ANY_CODE);
        assert!(
            message.contains("changes of yours") && message.contains("Makefile.am"),
            "{message}"
        );
        // The other patch leaves that file alone.
        assert!(tree.patch(&["--storm"]).contains("test-vm-storm"));
    }
    let tree = MiniTree::new();
    fs::write(tree.path().join("tests/test-vm-storm.c"), "").expect("the tree is writable");
    assert!(tree.refusal(&["--storm"]).contains("tests/test-vm-storm.c"));
}

#[test]
fn a_build_without_the_places_to_change() {
    let places = [
        ("Makefile.am", "gnumach_o_LDADD =", "gnumach_LDADD =", "gnumach_o_LDADD", ANY_CODE),
        ("configfrag.ac", "AC_CONFIG_LINKS", "AC_CONFIG_FILES", "AC_CONFIG_LINKS", ANY_CODE),
        ("vm/vm_map.h", "#endif", "#error", "include guard", ANY_CODE),
        ("tests/user-qemu.mk", "USER_TESTS :=", "TESTS :=", "USER_TESTS", &["--storm"]),
        ("tests/user-qemu.mk", "tests/test-%.iso:", "tests/%.iso:", "image", &["--storm"]),
    ];
    for (file, from, to, word, options) in places {
        let tree = MiniTree::new();
        tree.edit(file, from, to);
        tree.commit("Change");
        let message = tree.refusal(options);
        assert!(message.contains(word) && message.contains(file), "{message}");
    }
    let tree = MiniTree::new();
    tree.git(&["rm", "--quiet", "tests/user-qemu.mk"]);
    tree.commit("Remove");
    assert!(tree.refusal(&["--storm"]).contains("older than upstream's user tests"));
}

#[test]
fn integrating_in_the_middle_of_a_rebase() {
    let tree = MiniTree::new();
    fs::create_dir(tree.path().join(".git/rebase-apply")).expect("a folder");
    let message = text(&tree.vmtool(&["integrate", "--allow-changed"]).stderr);
    assert!(message.contains("git am or rebase is going on"), "{message}");
    assert_eq!(tree.git(&["log", "--format=%s"]), "Begin\n");
}

#[test]
fn integrating_over_staged_changes() {
    let tree = MiniTree::new();
    tree.edit("README", "miniature", "small one");
    tree.git(&["add", "README"]);
    let output = tree.vmtool(&["integrate", "--allow-changed"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("git am did not take the patch"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(tree.git(&["status", "--porcelain"]), "M  README\n");
    assert!(!tree.path().join(".git/rebase-apply").exists());
}

#[test]
fn nobody_to_be_the_author() {
    let tree = MiniTree::new();
    tree.git(&["config", "user.useConfigOnly", "true"]);
    tree.git(&["config", "user.name", ""]);
    let output = Command::new(env!("CARGO_BIN_EXE_vmtool"))
        .args(["patch", "--allow-changed"])
        .arg(tree.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("vmtool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not know who you are"), "{}", text(&output.stderr));
}
