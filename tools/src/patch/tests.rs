// SPDX-License-Identifier: GPL-2.0-or-later
//! A test of ours among the tree's user tests.

use anyhow::{Context, Result};

use super::lines;

pub const MAKEFILE: &str = "tests/user-qemu.mk";

/// A user test: tests/NAME.c of the tree.
pub struct Test<'a> {
    pub name: &'a str,
    pub source: &'a str,
    /// How many CPUs it asks of QEMU, if not as many as the others.
    pub cpus: Option<u32>,
}

impl Test<'_> {
    pub fn file(&self) -> String {
        format!("tests/{}.c", self.name)
    }
}

/// The makefile of the tree's tests with this one in it.
pub fn add(makefile: &str, test: &Test<'_>) -> Result<String> {
    let listed = list(makefile, test.name)?;
    match test.cpus {
        Some(cpus) => add_processors(&listed, test.name, cpus),
        None => Ok(listed),
    }
}

/// In front of the last test of the list, whatever that is: so no other line changes.
fn list(makefile: &str, name: &str) -> Result<String> {
    let last = lines::starts(makefile)
        .skip_while(|&at| {
            let list = makefile[at..].strip_prefix("USER_TESTS");
            !list.is_some_and(|rest| rest.trim_start().starts_with(":="))
        })
        .find(|&at| !makefile[at..].lines().next().is_some_and(|line| line.ends_with('\\')))
        .filter(|&at| makefile[at..].trim_start().starts_with("tests/test-"))
        .with_context(|| format!("{MAKEFILE} has no list USER_TESTS of one test a line"))?;
    Ok(lines::insert(makefile, last, &format!("\ttests/{name} \\\n")))
}

/// More than what the tree gives its tests: two threads must meet on CPUs other than the first.
fn add_processors(makefile: &str, name: &str, cpus: u32) -> Result<String> {
    let rule = lines::starts(makefile)
        .find(|&at| makefile[at..].starts_with("tests/test-%.iso:"))
        .with_context(|| format!("{MAKEFILE} has no rule for a test's image"))?;
    let text = format!(
        "# Threads that leave the boot CPU must still meet.\ntests/{name}: QEMU_OPTS += -smp {cpus}\n\n"
    );
    Ok(lines::insert(makefile, rule, &text))
}
