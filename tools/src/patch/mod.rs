// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool patch` and `vmtool integrate`: our two functions in a GNU Mach tree, and fixes of its own C.

use std::path::PathBuf;

use anyhow::{bail, Context, Result};

mod callers;
mod code;
mod fixes;
mod format;
mod hint;
mod lines;
mod replace;
mod sound;
mod storm;
mod tests;
mod tokens;
mod tree;

use callers::Callers;
use sound::Sound;
use tree::Tree;

#[derive(clap::Args)]
struct What {
    /// A git work tree of GNU Mach, at or after upstream's commit 1a4ce715 (April 2024)
    tree: PathBuf,

    /// The other patch: our storms as user tests of the tree's own kind (`make check` runs them). Needs
    /// nothing of the first
    #[arg(long)]
    storm: bool,

    /// A repair of the tree's own C, with a user test that fails without it: one by name, or `all`, a
    /// series. Needs nothing of the first; a fix of one of the two functions refuses a tree that has it
    #[arg(long, value_name = "NAME", conflicts_with = "storm", value_parser = fixes::names())]
    fix: Option<String>,

    /// Patch a tree whose C is not the one that our Rust, or the fix, was written for
    #[arg(long, conflicts_with = "storm")]
    allow_changed: bool,
}

/// Write a patch for a GNU Mach tree that `git am` takes there
///
/// The patch lets the tree's configure take vm_map_pageable_scan and vm_map_coalesce_entry from this
/// checkout: `configure --with-rust-vm-map=DIR`, and with `--enable-rust-vm-map-callers` the functions that
/// call them, if the tree's are those that are known. It is made for the tree's current commit, from what is
/// found there; the tree itself is only read. Without the options the kernel stays the same to the byte.
///
/// Refused, with the reason: no git work tree of GNU Mach; older than April 2024; patched already; changes
/// of yours in the files that the patch touches; a function or a place in the build that is not found or
/// that is not what our Rust was written after.
#[derive(clap::Args)]
pub struct PatchArgs {
    #[command(flatten)]
    what: What,

    /// Where to write the patch [default: standard output]
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// Apply what `vmtool patch` writes to the tree, as a commit
#[derive(clap::Args)]
pub struct IntegrateArgs {
    #[command(flatten)]
    what: What,
}

pub fn patch(args: &PatchArgs) -> Result<()> {
    let (_, text) = make(&args.what)?;
    match &args.output {
        Some(path) => kit::files::write_all(&[(path, text.as_bytes())], &[]),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

pub fn integrate(args: &IntegrateArgs) -> Result<()> {
    let (tree, text) = make(&args.what)?;
    for state in ["rebase-apply", "rebase-merge"] {
        let path = tree.run(["rev-parse", "--path-format=absolute", "--git-path", state])?;
        if PathBuf::from(path.trim_end()).exists() {
            bail!("{}: a git am or rebase is going on there: end it first", tree.root().display());
        }
    }
    let before = tree.run(["rev-parse", "HEAD"])?;
    let before = before.trim_end();
    if let Err(error) = format::fed(tree.git(["am", "--quiet", "--keep-cr"]), &text) {
        // Nothing half-applied stays behind; what there was before was clean in these files.
        let _ = tree.run(["am", "--abort"]);
        return Err(error.context("git am did not take the patch; the tree is as it was"));
    }
    print!("{}", tree.run(["log", "--stat", "--format=%h %s", &format!("{before}..HEAD")])?);
    Ok(())
}

fn make(what: &What) -> Result<(Tree, String)> {
    let tree = Tree::open(&what.tree)?;
    let name = || tree.root().display().to_string();
    let series = if let Some(fix) = &what.fix {
        let mut tell = |why| eprintln!("vmtool: {}: {why}", name());
        fixes::series(&tree, fix, what.allow_changed, &mut tell).with_context(name)?
    } else if what.storm {
        vec![(
            storm::changes(&tree).with_context(name)?,
            lines::fragment(storm::MESSAGE).to_owned(),
        )]
    } else {
        let (changes, offers) = replace::changes(&tree, what.allow_changed).with_context(name)?;
        let mut message = lines::fragment(replace::MESSAGE).to_owned();
        match offers.callers {
            Callers::Offered { .. } => message += callers::MESSAGE,
            Callers::Not(why) => eprintln!(
                "vmtool: {}: note: the patch offers the two functions, and not their callers: {why}",
                name()
            ),
        }
        match offers.sound {
            Sound::Offered(_) => message += sound::MESSAGE,
            Sound::Not(None) => {}
            Sound::Not(Some(why)) => {
                eprintln!("vmtool: {}: note: the patch does not offer sound: {why}", name());
            }
        }
        if tree.read("vm/vm_map.c")?.is_some_and(|source| hint::differs(&source)) {
            message += hint::MESSAGE;
            eprintln!("vmtool: {}: note: {}", name(), hint::NOTE);
        }
        vec![(changes, message)]
    };
    let text = format::patches(&tree, &series)?;
    Ok((tree, text))
}
