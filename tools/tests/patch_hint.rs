// SPDX-License-Identifier: GPL-2.0-or-later
//! A tree whose SAVE_HINT is three bare statements: the patch and the terminal say what the Rust does otherwise.

use crate::patch;

use patch::{text, MiniTree};

const BARE: &str = "#define\tSAVE_HINT(map,value) \\\n\t\tsimple_lock(&(map)->hint_lock); \\\n\
    \t\t(map)->hint = (value); \\\n\t\tsimple_unlock(&(map)->hint_lock);\n";
const BLOCK: &str =
    "#define\tSAVE_HINT(map,value) \\\n\tMACRO_BEGIN \\\n\t\tsimple_lock(&(map)->hint_lock); \\\n\
    \t\t(map)->hint = (value); \\\n\t\tsimple_unlock(&(map)->hint_lock); \\\n\tMACRO_END\n";

/// With the macro, used by the coalesce.
fn tree(macro_text: &str) -> MiniTree {
    let tree = MiniTree::new();
    let include = "#include <vm/vm_map.h>\n";
    tree.edit("vm/vm_map.c", include, &format!("{include}\n{macro_text}"));
    let before = "\tassert(map->hdr.nentries > 0);\n";
    let with_use =
        format!("{before}\tif (map->hint == entry)\n\t\tSAVE_HINT(map, entry->vme_prev);\n");
    tree.edit("vm/vm_map.c", before, &with_use);
    tree.commit("Save the hint");
    tree
}

#[test]
fn the_patch_and_the_terminal_tell_of_it() {
    let tree = tree(BARE);
    let patch = tree.patch(&["--allow-changed"]);
    assert!(
        patch.contains("In this tree SAVE_HINT is three statements without a block"),
        "{patch}"
    );
    let output = tree.vmtool(&["integrate", "--allow-changed"]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("note: SAVE_HINT") && said.contains("three bare statements"), "{said}");
    assert!(tree
        .git(&["log", "-1", "--format=%b"])
        .contains("the hint is stored and the lock released"));
}

#[test]
fn a_macro_with_a_block_needs_no_word() {
    let tree = tree(BLOCK);
    assert!(!tree.patch(&["--allow-changed"]).contains("SAVE_HINT is"));
    let output = tree.vmtool(&["integrate", "--allow-changed"]);
    let said = text(&output.stderr);
    assert!(output.status.success() && !said.contains("SAVE_HINT"), "{said}");
}

#[test]
fn the_patch_with_the_storms_is_not_about_it() {
    let tree = tree(BARE);
    assert!(!tree.patch(&["--storm"]).contains("SAVE_HINT"));
}
