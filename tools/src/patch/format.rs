// SPDX-License-Identifier: GPL-2.0-or-later
//! Turns changed files into a patch that `git am` takes, without a trace in the tree.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{bail, Context, Result};

use super::tree::{checked, Tree};

/// A file of the tree with its new text.
#[derive(Clone)]
pub struct Change {
    pub file: String,
    pub text: String,
}

/// Changes, and the message of the patch that makes them.
pub type Patch = (Vec<Change>, String);

/// The patches that lead from the tree's commit over each of `series`, one on the other.
///
/// git itself makes them, from commits that live in a folder of ours with the tree's objects behind it:
/// so the patches have git's own form, and the tree's repository is only read.
pub fn patches(tree: &Tree, series: &[Patch]) -> Result<String> {
    let scratch = tempfile::tempdir().context("a folder for git's objects")?;
    let objects = tree.run(["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
    let git = |args: &[&str]| {
        let mut command = tree.git(args);
        command
            .env("GIT_OBJECT_DIRECTORY", scratch.path().join("objects"))
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(objects.trim_end()))
            .env("GIT_INDEX_FILE", scratch.path().join("index"));
        command
    };
    fs::create_dir(scratch.path().join("objects")).context("a folder for git's objects")?;
    require_author(tree)?;

    checked(&mut git(&["read-tree", "HEAD"]))?;
    let mut commit = "HEAD".to_owned();
    for (changes, message) in series {
        for Change { file, text } in changes {
            let blob = fed(git(&["hash-object", "-w", "--stdin"]), text)?;
            let entry = format!("100644,{},{file}", blob.trim_end());
            checked(&mut git(&["update-index", "--add", "--cacheinfo", &entry]))?;
        }
        let new_tree = checked(&mut git(&["write-tree"]))?;
        let next = fed(git(&["commit-tree", new_tree.trim_end(), "-p", &commit]), message)?;
        commit = next.trim_end().to_owned();
    }
    // Whatever form the user is used to, `git am` must take it as it is.
    let form = ["--no-signature", "--no-attach", "--src-prefix=a/", "--dst-prefix=b/"];
    let range = format!("HEAD..{commit}");
    let words = [&["format-patch", "--stdout"][..], &form, &[&range]].concat();
    checked(&mut git(&words))
}

fn require_author(tree: &Tree) -> Result<()> {
    if tree.run(["var", "GIT_AUTHOR_IDENT"]).is_err() {
        bail!(
            "{}: git does not know who you are, and the patch needs an author: \
             git config user.name and user.email",
            tree.root().display()
        );
    }
    Ok(())
}

/// Folders in git's list are separated by colons unless quoted.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Runs a command with `input`, and returns what it printed.
pub fn fed(mut command: Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("git cannot be run: install it")?;
    let mut stdin = child.stdin.take().context("a child has an input")?;
    stdin.write_all(input.as_bytes()).context("git did not read its input")?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("git failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}
