// SPDX-License-Identifier: GPL-2.0-or-later
//! The second patch: our storms among the tree's user tests.

use anyhow::{bail, Context, Result};

use super::format::Change;
use super::tests::{self, Test, MAKEFILE};
use super::tree::Tree;

pub const MESSAGE: &str = include_str!("storm.msg");

const TEST: Test<'_> = Test {
    name: "test-vm-storm",
    source: include_str!("../../../tests/storm/tree/test-vm-storm.c"),
    cpus: Some(4),
};

/// The test, and the makefile that knows of it.
pub fn changes(tree: &Tree) -> Result<Vec<Change>> {
    let file = TEST.file();
    let makefile = tree.read(MAKEFILE)?.with_context(|| {
        format!("the tree has no {MAKEFILE}: it is older than upstream's user tests (early 2024)")
    })?;
    if makefile.contains(TEST.name) || tree.read(&file)?.is_some() {
        bail!("the tree has this patch already: tests/{}", TEST.name);
    }
    let text = tests::add(&makefile, &TEST)?;
    tree.require_clean(&[MAKEFILE, &file])?;
    Ok(vec![
        Change { file: MAKEFILE.to_owned(), text },
        Change { file, text: TEST.source.to_owned() },
    ])
}
