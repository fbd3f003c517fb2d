// SPDX-License-Identifier: GPL-2.0-or-later
//! Fixes of a tree's own C: what `vmtool patch --fix` makes, and what it refuses.

use crate::patch;

use std::fs;

use patch::{repository, text, MiniTree};

const FIX: &[&str] = &["--fix", "projected-unlocked", "--allow-changed"];
const TEST: &str = "tests/test-vm-projected-unlocked.c";

#[test]
fn git_am_takes_a_fix_with_its_test() {
    let (by_hand, by_tool) = (MiniTree::new(), MiniTree::new());
    let file = by_hand.beside("the.patch");
    fs::write(&file, by_hand.patch(FIX)).expect("a folder of ours");
    by_hand.git(&["am", "--quiet", file.to_str().expect("UTF-8")]);
    let output = by_tool.vmtool(&[&["integrate"], FIX].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        by_hand.git(&["rev-parse", "HEAD^{tree}"]),
        by_tool.git(&["rev-parse", "HEAD^{tree}"])
    );

    let ours = repository().join("tests/fixes/test-vm-projected-unlocked.c");
    assert_eq!(by_hand.read(TEST), fs::read_to_string(ours).expect("our test"));
    let makefile = by_hand.read("tests/user-qemu.mk");
    let (listed, cpus) =
        ("\ttests/test-vm-projected-unlocked \\\n", "unlocked: QEMU_OPTS += -smp 4\n");
    assert!(makefile.contains(listed) && makefile.contains(cpus), "{makefile}");
    let source = by_hand.read("vm/vm_kern.c");
    let lock = source.find("\tvm_map_lock_read(map);\n").expect("the lock");
    let look = source.find("entry = map->hint").expect("the look");
    let unlock = source.find("\tvm_map_unlock_read(map);\n").expect("the unlock");
    assert!(lock < look && look < unlock, "{source}");
    let log = by_hand.git(&["log", "-1", "--format=%s"]);
    assert_eq!(log, "vm_kern: Lock the map to look for projected buffers\n");
}

#[test]
fn code_that_the_fix_was_not_written_for() {
    let tree = MiniTree::new();
    let message = tree.refusal(&["--fix", "projected-unlocked"]);
    let words = "code that the fix was not written for: projected_buffer_in_range";
    assert!(message.contains(words), "{message}");
    // Where our text has no place, saying that it does not matter does not help; nor is a part of a
    // series made then.
    for fix in ["crossing-end", "all"] {
        let message = tree.refusal(&["--fix", fix, "--allow-changed"]);
        let words = "in vm_map_pageable_scan, the place at `entry->vme_start < end` is not there";
        assert!(message.contains("crossing-end: ") && message.contains(words), "{message}");
    }
}

#[test]
fn a_tree_that_has_the_fix() {
    let tree = MiniTree::new();
    assert!(tree.vmtool(&[&["integrate"], FIX].concat()).status.success());
    let message = tree.refusal(FIX);
    assert!(message.contains("has this fix already") && message.contains(TEST), "{message}");
    tree.git(&["rm", "--quiet", TEST]);
    tree.commit("Lose the test");
    let message = tree.refusal(FIX);
    assert!(message.contains("has this fix already, without its test"), "{message}");
}

#[test]
fn a_tree_that_does_the_same_in_another_way() {
    let tree = MiniTree::new();
    let look = "\tvm_map_lookup_entry(map, start, &entry);\n";
    let protect =
        format!("void vm_map_protect(vm_map_t map)\n{{\n{look}{look}}}\n\nint vm_map_last");
    tree.edit("vm/vm_map.c", "int vm_map_last", &protect);
    tree.commit("Look it up again");
    let message = tree.refusal(&["--fix", "protect-freed-entry"]);
    assert!(message.contains("has a fix for this already: vm_map_protect"), "{message}");
}

#[test]
fn a_fix_of_a_function_that_comes_from_our_rust() {
    let tree = MiniTree::new();
    assert!(tree.vmtool(&["integrate", "--allow-changed"]).status.success());
    let message = tree.refusal(&["--fix", "crossing-end", "--allow-changed"]);
    assert!(message.contains("take that function from our Rust"), "{message}");
    // Others do not mind.
    assert!(tree.patch(FIX).contains("vm_map_lock_read"));
}

#[test]
fn changes_in_a_file_that_the_fix_touches() {
    let tree = MiniTree::new();
    tree.edit("vm/vm_kern.c", "Not upstream's", "Not upstreams'");
    let message = tree.refusal(FIX);
    assert!(message.contains("changes of yours") && message.contains("vm/vm_kern.c"), "{message}");
}

#[test]
fn a_name_that_no_fix_has() {
    let output = MiniTree::new().vmtool(&["patch", "--fix", "no-such"]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("crossing-end"), "{message}");
}
