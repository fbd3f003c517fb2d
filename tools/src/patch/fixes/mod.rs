// SPDX-License-Identifier: GPL-2.0-or-later
//! Patches that repair what is wrong upstream: each made from the user's tree, with a user test.
//!
//! A fix is a file here: its message, and edits that say by a few tokens where our text goes. What a
//! place looked like when the fix was written is known by fingerprint only.

use std::collections::BTreeMap;

use anyhow::{bail, ensure, Context, Result};
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde::Deserialize;

use super::format::{Change, Patch};
use super::replace;
use super::tests::{self, Test};
use super::tokens::{fingerprint, tokens};
use super::tree::Tree;
use crate::object_check::FUNCTIONS;

mod edit;

use edit::{places, the, words, words_of, Edit, How};

/// The name that stands for all of them.
pub const ALL: &str = "all";

macro_rules! fixes {
    ($($of:ident $name:literal,)*) => {
        /// Name, description, and test with its name, in the order of the series.
        const FIXES: &[Entry] = &[$((
            $name,
            include_str!(concat!($name, ".toml")),
            concat!("test-", stringify!($of), "-", $name),
            include_str!(concat!("../../../../tests/fixes/test-", stringify!($of), "-", $name, ".c")),
        ),)*];
    };
}

fixes! {
    vm "projected-unlocked",
    vm "crossing-end",
    vm "protect-freed-entry",
    vm "merge-loses-access",
    vm "wired-needs-copy",
    vm "fork-shares-wired",
    vm "fork-endless",
    vm "copyin-hides-error",
    vm "copy-onto-itself",
    vm "lock-wired-page",
    vm "copy-delayed-shadow",
    vm "map-bad-mask",
    vm "wire-all-empty",
    vm "wire-future-extends",
    vm "walk-behind-range",
    vm "overlapping-wires",
    vm "hole-filled",
    vm "size-wired-drift",
    vm "copy-onto-wired",
    vm "unmerged-wirings",
    vm "wire-quota-twice",
    vm "load-refused",
    vm "pushed-before-wired",
    vm "silent-wire-failure",
    vm "unwire-busy-page",
    vm "refused-clips",
    vm "convert-loses-waiters",
    vm "copyin-leaks",
    vm "copy-too-small",
    vm "proxy-wraps",
    vm "own-pager",
    ipc "late-wakeup",
}

/// What the functions that the fixes touch were, from April 2024 to April 2026.
const KNOWN: &str = include_str!("known.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fix {
    subject: String,
    message: String,
    /// CPUs that the test asks of QEMU, if more than the tree gives its tests.
    cpus: Option<u32>,
    /// Fixes without which this one would do harm: made first, if the tree does not have them.
    #[serde(default)]
    needs: Vec<String>,
    /// What shows that the tree does the same in another way.
    #[serde(default)]
    has: Vec<Has>,
    #[serde(rename = "edit")]
    edits: Vec<Edit>,
}

/// Tokens that a function of the tree holds at least `times` times.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Has {
    file: String,
    function: String,
    tokens: String,
    times: usize,
}

/// Why a fix is not made.
enum Refusal {
    /// The tree has it, or does the same in another way.
    Has(String),
    Other(anyhow::Error),
}

/// The files of a tree, as far as the patches before have changed them.
struct Files<'a> {
    tree: &'a Tree,
    changed: BTreeMap<String, String>,
}

impl Files<'_> {
    fn read(&self, file: &str) -> Result<String> {
        match self.changed.get(file) {
            Some(text) => Ok(text.clone()),
            None => self.tree.read(file)?.with_context(|| format!("the tree has no {file}")),
        }
    }
}

/// What the command line takes: each name with its subject.
pub fn names() -> PossibleValuesParser {
    let all = [PossibleValue::new(ALL).help("each of them, as a series")];
    let each = FIXES.iter().map(|(name, text, ..)| {
        PossibleValue::new(*name)
            .help(parse(name, text).map_or_else(|error| error.to_string(), |fix| fix.subject))
    });
    all.into_iter().chain(each).collect::<Vec<_>>().into()
}

/// A patch for each fix asked for and for those that it needs: what it changes in the tree as the patches
/// before leave it, and its message. Those that the tree has are left out, if the one asked for is not
/// among them; `told` is told which.
pub fn series(
    tree: &Tree,
    asked: &str,
    allow_changed: bool,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Patch>> {
    let mut files = Files { tree, changed: BTreeMap::new() };
    let mut patches = Vec::new();
    for &(name, text, test, source) in chosen(asked)? {
        let fix = parse(name, text)?;
        match make(&files, &fix, &Test { name: test, source, cpus: fix.cpus }, allow_changed) {
            Ok(changes) => {
                for Change { file, text } in &changes {
                    files.changed.insert(file.clone(), text.clone());
                }
                patches.push((changes, format!("{}\n\n{}", fix.subject, fix.message)));
            }
            Err(Refusal::Has(why)) if name != asked => told(format!("{name} is left out: {why}")),
            Err(Refusal::Has(why)) => bail!("{name}: {why}"),
            Err(Refusal::Other(error)) => return Err(error.context(name)),
        }
    }
    ensure!(!patches.is_empty(), "the tree has all fixes already");
    let touched: Vec<&str> = files.changed.keys().map(String::as_str).collect();
    tree.require_clean(&touched)?;
    Ok(patches)
}

type Entry = (&'static str, &'static str, &'static str, &'static str);

/// The fix asked for after those that it needs, or all, in the order of the series.
fn chosen(asked: &str) -> Result<Vec<&'static Entry>> {
    let mut wanted = vec![asked.to_owned()];
    for (name, text, ..) in FIXES.iter().rev() {
        if wanted.iter().any(|other| other == name) {
            wanted.extend(parse(name, text)?.needs);
        }
    }
    let is_wanted = |name: &str| asked == ALL || wanted.iter().any(|other| other == name);
    Ok(FIXES.iter().filter(|(name, ..)| is_wanted(name)).collect())
}

fn parse(name: &str, text: &str) -> Result<Fix> {
    toml::from_str(text).with_context(|| format!("{name}.toml is wrong"))
}

fn make(
    files: &Files<'_>,
    fix: &Fix,
    test: &Test<'_>,
    allow_changed: bool,
) -> Result<Vec<Change>, Refusal> {
    if let Some(why) = has(files, fix, test).map_err(Refusal::Other)? {
        return Err(Refusal::Has(why));
    }
    (|| {
        require_c(files, fix)?;
        if !allow_changed {
            require_known(files, fix)?;
        }
        let mut changed = BTreeMap::new();
        for edit in &fix.edits {
            let text = match changed.remove(&edit.file) {
                Some(text) => text,
                None => files.read(&edit.file)?,
            };
            changed.insert(edit.file.clone(), edit.apply(&text)?);
        }
        let makefile = tests::add(&files.read(tests::MAKEFILE)?, test)?;
        changed.insert(tests::MAKEFILE.to_owned(), makefile);
        changed.insert(test.file(), test.source.to_owned());
        Ok(changed.into_iter().map(|(file, text)| Change { file, text }).collect())
    })()
    .map_err(Refusal::Other)
}

/// Whether the tree does already what the fix is for.
fn has(files: &Files<'_>, fix: &Fix, test: &Test<'_>) -> Result<Option<String>> {
    if files.read(&test.file()).is_ok() {
        return Ok(Some(format!("the tree has this fix already: {}", test.file())));
    }
    for rule in &fix.has {
        let source = files.read(&rule.file)?;
        let file = tokens(&source);
        let function = the(&file, &rule.file, &rule.function)?;
        if places(&words(&file, &function), &words_of(&rule.tokens)).count() >= rule.times {
            return Ok(Some(format!(
                "the tree has a fix for this already: {} of {} has `{}`",
                rule.function, rule.file, rule.tokens
            )));
        }
    }
    for edit in fix.edits.iter().filter(|edit| edit.how != How::Above) {
        let source = files.read(&edit.file)?;
        let file = tokens(&source);
        let function = the(&file, &edit.file, &edit.function)?;
        let pristine = edit.how == How::Replace && edit.begins(&file, &function);
        if pristine || edit.present(&file, &function).is_empty() {
            return Ok(None);
        }
    }
    Ok(Some("the tree has this fix already, without its test".to_owned()))
}

/// In a tree that links our Rust, a fix of the functions' C would change nothing.
fn require_c(files: &Files<'_>, fix: &Fix) -> Result<()> {
    let Some(edit) = fix.edits.iter().find(|edit| FUNCTIONS.contains(&edit.function.as_str()))
    else {
        return Ok(());
    };
    ensure!(
        !files.read(&edit.file)?.contains(replace::MACRO),
        "the fix is in the C of {}, and this tree can take that function from our Rust, which does what \
         the C without the fix does: take the patch for the Rust out first (git revert)",
        edit.function
    );
    Ok(())
}

/// Refuses code that the fix was not written for, wherever it is in the functions that the fix touches.
fn require_known(files: &Files<'_>, fix: &Fix) -> Result<()> {
    let known: BTreeMap<String, Vec<String>> = toml::from_str(KNOWN).context("known.toml")?;
    for edit in fix.edits.iter().filter(|edit| !edit.function.is_empty()) {
        let now =
            format!("{:#x}", without_fixes(&files.read(&edit.file)?, &edit.file, &edit.function)?);
        if !known.get(&edit.function).is_some_and(|all| all.contains(&now)) {
            bail!(
                "{} has code that the fix was not written for: {} (fingerprint {now}); compare the two, \
                 and say --allow-changed if the change does not matter",
                edit.file,
                edit.function
            );
        }
    }
    Ok(())
}

/// The fingerprint of a function as it is without any of our fixes, whichever the tree has.
fn without_fixes(source: &str, name: &str, function: &str) -> Result<u64> {
    let file = tokens(source);
    let definition = the(&file, name, function)?;
    let mut code: Vec<Option<String>> = words(&file, &definition).into_iter().map(Some).collect();
    for (fix, text, ..) in FIXES {
        for edit in parse(fix, text)?.edits {
            if edit.file != name || edit.function != function || edit.how == How::Above {
                continue;
            }
            let mut spans = edit.present(&file, &definition);
            if edit.how == How::Replace {
                spans.extend(edit.find(&file, &definition).ok());
            }
            for span in spans {
                code[span].fill(None);
            }
        }
    }
    Ok(fingerprint(&code.into_iter().flatten().collect::<Vec<_>>()))
}

#[cfg(test)]
mod checks;
