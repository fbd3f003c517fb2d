// SPDX-License-Identifier: GPL-2.0-or-later
//! What `vmtool patch` writes: git takes it, and without the option nothing changes.

use crate::patch;

use std::fs;
use std::process::Command;

use patch::{repository, text, MiniTree};

const REPLACE: &[&str] = &["--allow-changed"];

fn compile(tree: &MiniTree, options: &[&str]) -> Vec<u8> {
    compile_file(tree, "vm/vm_map.c", options)
}

/// Compiles a file of the tree as a kernel does, from the same place each time.
fn compile_file(tree: &MiniTree, file: &str, options: &[&str]) -> Vec<u8> {
    let object = tree.beside("file.o");
    let output = Command::new("gcc")
        .current_dir(tree.path())
        .args(["-m32", "-ffreestanding", "-nostdinc", "-g", "-O2", "-Wall", "-Werror", "-I."])
        .arg(format!("-I{}", repository().join("gnumach-headers").display()))
        .args(options)
        .args(["-c", file, "-o"])
        .arg(&object)
        .output()
        .expect("gcc is installed");
    assert!(output.status.success(), "{}", text(&output.stderr));
    fs::read(object).expect("an object")
}

/// Names that an object defines (true) or needs (false).
fn names(object: &[u8], defined: bool) -> Vec<String> {
    use object::{Object, ObjectSymbol};
    let file = object::File::parse(object).expect("an ELF file");
    file.symbols()
        .filter(|symbol| symbol.is_definition() == defined && symbol.is_undefined() != defined)
        .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()))
        .filter(|name| !name.is_empty())
        .collect()
}

fn apply(tree: &MiniTree, options: &[&str]) {
    let file = tree.beside("the.patch");
    fs::write(&file, tree.patch(options)).expect("a folder of ours");
    tree.git(&["am", "--quiet", file.to_str().expect("UTF-8")]);
}

#[test]
fn git_am_takes_it_and_integrate_does_the_same() {
    let (by_hand, by_tool) = (MiniTree::new(), MiniTree::new());
    for options in [REPLACE, &["--storm"]] {
        apply(&by_hand, options);
        let output = by_tool.vmtool(&[&["integrate"], options].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(
            by_hand.git(&["rev-parse", "HEAD^{tree}"]),
            by_tool.git(&["rev-parse", "HEAD^{tree}"])
        );
        assert_eq!(by_tool.git(&["status", "--porcelain"]), "");
    }
    assert_eq!(
        by_hand.git(&["log", "--format=%s"]),
        "tests: Storm the VM map from CPUs other than the first\n\
         vm: Let a Rust object replace two functions of vm_map\nBegin\n"
    );
    assert_eq!(
        by_hand.git(&["log", "-2", "--format=%an <%ae>"]),
        "A Tester <tester@example.org>\n".repeat(2)
    );
}

#[test]
fn habits_in_the_users_configuration_do_not_reach_the_patch() {
    let tree = MiniTree::new();
    for (key, value) in [
        ("diff.noprefix", "true"),
        ("format.noprefix", "true"),
        ("format.attach", "true"),
        ("diff.mnemonicPrefix", "true"),
    ] {
        tree.git(&["config", key, value]);
    }
    apply(&tree, REPLACE);
}

#[test]
fn the_second_patch_stands_alone_and_lists_its_test() {
    let tree = MiniTree::new();
    apply(&tree, &["--storm"]);
    let list: Vec<String> = tree
        .read("tests/user-qemu.mk")
        .lines()
        .skip_while(|line| !line.starts_with("USER_TESTS"))
        .take_while(|line| !line.is_empty())
        .map(|line| line.trim_matches([' ', '\t', '\\']).to_owned())
        .collect();
    assert_eq!(
        list,
        ["USER_TESTS :=", "tests/test-first", "tests/test-vm-storm", "tests/test-last"]
    );
    let ours = fs::read_to_string(repository().join("tests/storm/tree/test-vm-storm.c"))
        .expect("our test");
    assert_eq!(tree.read("tests/test-vm-storm.c"), ours);
}

#[test]
fn without_the_option_the_object_stays_the_same_to_the_byte() {
    stays_the_same(&MiniTree::new());
    stays_the_same(&MiniTree::with_callers());
}

fn stays_the_same(tree: &MiniTree) {
    let source = tree.read("vm/vm_map.c");
    let before = compile(tree, &[]);
    apply(tree, REPLACE);
    assert_ne!(tree.read("vm/vm_map.c"), source);
    assert!(compile(tree, &[]) == before, "the patch changes what is compiled without the option");

    // What the comparison is for: one more line in front of an assertion shows.
    tree.edit("vm/vm_map.c", "#ifndef VM_MAP_RUST\n", "\n#ifndef VM_MAP_RUST\n");
    assert!(compile(tree, &[]) != before, "the comparison does not see a moved line");
}

#[test]
fn with_the_option_both_functions_come_from_elsewhere() {
    let tree = MiniTree::new();
    apply(&tree, REPLACE);
    let object = compile(&tree, &["-DVM_MAP_RUST=1"]);
    for name in ["vm_map_pageable_scan", "vm_map_coalesce_entry"].map(str::to_owned) {
        assert!(!names(&object, true).contains(&name), "{name} is still there");
        assert!(names(&object, false).contains(&name), "{name} is not asked for");
    }
    assert!(names(&object, true).contains(&"vm_map_wire".to_owned()));
}

const CALLERS: [&str; 10] = [
    "_vm_map_clip_start",
    "_vm_map_clip_end",
    "vm_map_protect",
    "vm_map_inherit",
    "vm_map_pageable",
    "vm_map_pageable_current",
    "vm_map_pageable_all",
    "vm_map_entry_delete",
    "vm_map_delete",
    "vm_map_remove",
];

#[test]
fn the_callers_are_a_choice_of_their_own() {
    let tree = MiniTree::with_callers();
    apply(&tree, REPLACE);
    assert!(tree.git(&["log", "-1", "--format=%b"]).contains("--enable-rust-vm-map-callers"));
    let configure = tree.read("configfrag.ac");
    assert!(configure.contains("[rust-vm-map-callers]"), "{configure}");
    assert!(!configure.contains("VM_MAP_RUST_PROTECT_LOOKS_AGAIN"), "{configure}");

    let defined = |options: &[&str]| names(&compile(&tree, options), true);
    let two = defined(&["-DVM_MAP_RUST"]);
    let all = defined(&["-DVM_MAP_RUST", "-DVM_MAP_RUST_CALLERS"]);
    for name in CALLERS.map(str::to_owned) {
        // The compiler may put a static function into the one that calls it.
        assert!(two.contains(&name) || name == "vm_map_pageable_current", "{name} is gone");
        assert!(!all.contains(&name), "{name} is still there");
    }
    assert!(all.contains(&"vm_map_wire".to_owned()));
    assert!(!two.contains(&"vm_map_pageable_scan".to_owned()));
}

#[test]
fn sound_is_one_more_choice() {
    let files =
        [("vm/vm_kern.c", "projected_buffer_in_range"), ("vm/vm_resident.c", "vm_page_convert")];
    let tree = MiniTree::with_callers();
    let before = files.map(|(file, _)| compile_file(&tree, file, &[]));
    apply(&tree, REPLACE);
    assert!(tree.git(&["log", "-1", "--format=%b"]).contains("--enable-rust-vm-map-sound"));
    let configure = tree.read("configfrag.ac");
    let place = |option: &str| configure.find(option).expect("an option of configure's");
    assert!(
        place("enable_rust_vm_map_callers=yes") < place("[rust-vm-map-callers]"),
        "{configure}"
    );
    for ((file, name), before) in files.into_iter().zip(before) {
        assert!(compile_file(&tree, file, &[]) == before, "{file} is another without the option");
        let kept = names(&compile_file(&tree, file, &["-DVM_MAP_RUST_CALLERS"]), true);
        let left_out = names(&compile_file(&tree, file, &["-DVM_MAP_RUST_SOUND"]), true);
        assert!(kept.contains(&name.to_owned()) && !left_out.contains(&name.to_owned()), "{name}");
    }
}

#[test]
fn sound_is_not_offered_of_a_tree_that_has_not_what_it_replaces() {
    let told = |tree: &MiniTree, options: &[&str]| {
        let output = tree.vmtool(&[&["patch"], options].concat());
        let patch = text(&output.stdout);
        assert!(output.status.success() && !patch.contains("rust-vm-map-sound"), "{patch}");
        text(&output.stderr)
    };
    let tree = MiniTree::with_callers();
    tree.git(&["rm", "--quiet", "vm/vm_resident.c"]);
    tree.commit("Have no pages");
    let said = told(&tree, REPLACE);
    assert!(said.contains("does not offer sound: the tree has no vm/vm_resident.c"), "{said}");
    // Nor, in silence, where the callers are not.
    let said = told(&MiniTree::new(), REPLACE);
    assert!(!said.contains("sound"), "{said}");
}

#[test]
fn the_patch_says_whether_protect_looks_again() {
    let tree = MiniTree::with_callers();
    tree.edit(
        "vm/vm_map.c",
        "\tassert(clipped != 1);\n",
        "\tassert(clipped != 1);\n\tvm_map_lookup_entry(map, start, &entry);\n",
    );
    tree.commit("Look again");
    assert!(tree.patch(REPLACE).contains("VM_MAP_RUST_PROTECT_LOOKS_AGAIN"));
}

#[test]
fn callers_that_are_not_as_known_are_not_offered_and_the_reason_is_told() {
    let told = |tree: &MiniTree| {
        let output = tree.vmtool(&["patch", "--allow-changed"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let patch = text(&output.stdout);
        assert!(
            patch.contains("rust-vm-map]") && !patch.contains("rust-vm-map-callers"),
            "{patch}"
        );
        text(&output.stderr)
    };
    let none = told(&MiniTree::new());
    assert!(none.contains("not their callers: vm/vm_map.c defines no function"), "{none}");

    let between = MiniTree::with_callers();
    between.edit("vm/vm_map.c", "/* Only for the next. */", "int between;\n");
    between.commit("Put something between");
    let said = told(&between);
    assert!(said.contains("something else in front of vm_map_pageable_current: line "), "{said}");

    let never = MiniTree::with_callers();
    never.edit("vm/vm_map.c", "\tvm_map_lookup_entry(map, start, &entry);\n", "");
    never.commit("Look up nothing");
    let said = told(&never);
    assert!(said.contains("looks up an entry 0 times"), "{said}");

    let dense = MiniTree::with_callers();
    dense.edit("vm/vm_map.c", "\nextern unsigned int clipped;\n", "");
    dense.commit("Leave no room");
    let said = told(&dense);
    assert!(said.contains("no blank line in front of and behind _vm_map_clip_end"), "{said}");
}
