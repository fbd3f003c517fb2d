// SPDX-License-Identifier: GPL-2.0-or-later
//! The second patch: our storms among the tree's user tests.

use anyhow::{bail, Context, Result};

use super::format::Change;
use super::lines;
use super::tree::Tree;

pub const MESSAGE: &str = include_str!("storm.msg");

const MAKEFILE: &str = "tests/user-qemu.mk";
const TEST: &str = "tests/test-vm-storm";
const SOURCE: &str = include_str!("../../../tests/storm/tree/test-vm-storm.c");

/// The test, and the makefile that knows of it.
pub fn changes(tree: &Tree) -> Result<Vec<Change>> {
    let file = format!("{TEST}.c");
    let makefile = tree.read(MAKEFILE)?.with_context(|| {
        format!("the tree has no {MAKEFILE}: it is older than upstream's user tests (early 2024)")
    })?;
    if makefile.contains(TEST) || tree.read(&file)?.is_some() {
        bail!("the tree has this patch already: {TEST}");
    }
    let text = add_processors(&add_test(&makefile)?)?;
    tree.require_clean(&[MAKEFILE, &file])?;
    Ok(vec![Change { file: MAKEFILE.to_owned(), text }, Change { file, text: SOURCE.to_owned() }])
}

/// In front of the last test of the list, whatever that is: so no other line changes.
fn add_test(makefile: &str) -> Result<String> {
    let last = lines::starts(makefile)
        .skip_while(|&at| {
            let list = makefile[at..].strip_prefix("USER_TESTS");
            !list.is_some_and(|rest| rest.trim_start().starts_with(":="))
        })
        .find(|&at| !makefile[at..].lines().next().is_some_and(|line| line.ends_with('\\')))
        .filter(|&at| makefile[at..].trim_start().starts_with("tests/test-"))
        .with_context(|| format!("{MAKEFILE} has no list USER_TESTS of one test a line"))?;
    Ok(lines::insert(makefile, last, &format!("\t{TEST} \\\n")))
}

/// More than the two that the tree gives its tests: two threads must meet on CPUs other than the first.
fn add_processors(makefile: &str) -> Result<String> {
    let rule = lines::starts(makefile)
        .find(|&at| makefile[at..].starts_with("tests/test-%.iso:"))
        .with_context(|| format!("{MAKEFILE} has no rule for a test's image"))?;
    let text = format!(
        "# Threads that leave the boot CPU must still meet.\n{TEST}: QEMU_OPTS += -smp 4\n\n"
    );
    Ok(lines::insert(makefile, rule, &text))
}
