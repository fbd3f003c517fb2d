// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool patch` and `vmtool integrate`: our two functions in a GNU Mach tree.

use std::path::PathBuf;

use anyhow::{bail, Context, Result};

mod format;
mod lines;
mod replace;
mod storm;
mod tokens;
mod tree;

use tree::Tree;

#[derive(clap::Args)]
struct What {
    /// A git work tree of GNU Mach, at or after upstream's commit 1a4ce715 (April 2024)
    tree: PathBuf,

    /// The other patch: our storms as user tests of the tree's own kind (`make check` runs them). Needs
    /// nothing of the first
    #[arg(long)]
    storm: bool,

    /// Patch a tree whose C is not the one that our Rust was written after
    #[arg(long, conflicts_with = "storm")]
    allow_changed: bool,
}

/// Write a patch for a GNU Mach tree that `git am` takes there
///
/// The patch lets the tree's configure take vm_map_pageable_scan and vm_map_coalesce_entry from this
/// checkout: `configure --with-rust-vm-map=DIR`. It is made for the tree's current commit, from what is
/// found there; the tree itself is only read. Without the option the kernel stays the same to the byte.
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
        Some(path) => format::write(path, &text),
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
    if let Err(error) = format::fed(tree.git(["am", "--quiet", "--keep-cr"]), &text) {
        // Nothing half-applied stays behind; what there was before was clean in these files.
        let _ = tree.run(["am", "--abort"]);
        return Err(error.context("git am did not take the patch; the tree is as it was"));
    }
    print!("{}", tree.run(["log", "-1", "--stat", "--format=%h %s"])?);
    Ok(())
}

fn make(what: &What) -> Result<(Tree, String)> {
    let tree = Tree::open(&what.tree)?;
    let name = || tree.root().display().to_string();
    let (changes, message) = if what.storm {
        (storm::changes(&tree).with_context(name)?, lines::fragment(storm::MESSAGE))
    } else {
        (
            replace::changes(&tree, what.allow_changed).with_context(name)?,
            lines::fragment(replace::MESSAGE),
        )
    };
    let text = format::patch(&tree, &changes, message)?;
    Ok((tree, text))
}
