// SPDX-License-Identifier: GPL-2.0-or-later
//! The user's GNU Mach tree, as git knows it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{bail, Context, Result};

/// A work tree of GNU Mach.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Refuses what is no git work tree of GNU Mach.
    pub fn open(path: &Path) -> Result<Tree> {
        let root = path.canonicalize().with_context(|| {
            format!("{}: cannot be opened: name a GNU Mach tree", path.display())
        })?;
        let tree = Tree { root };
        let name = tree.root.display();
        let top = tree.run(["rev-parse", "--show-toplevel"]).with_context(|| {
            format!("{name}: not a git work tree, and the patch is one for git: clone GNU Mach with git")
        })?;
        let top = top.trim_end();
        if Path::new(top) != tree.root {
            bail!("{name}: not the top of a git work tree: did you mean {top}?");
        }
        if tree.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).is_err() {
            bail!("{name}: has no commit to make a patch for");
        }
        for file in
            ["vm/vm_map.c", "vm/vm_map.h", "kern/ipc_kobject.c", "configfrag.ac", "Makefile.am"]
        {
            if tree.read(file)?.is_none() {
                bail!("{name}: not a GNU Mach tree: it has no {file}");
            }
        }
        Ok(tree)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A git command on this tree.
    pub fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root).args(args).env("LC_ALL", "C");
        // A hook or git itself may have started us, for another repository.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(variable);
        }
        command
    }

    /// What such a command prints.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Result<String> {
        checked(&mut self.git(args))
    }

    /// A file as committed, if it is.
    pub fn read(&self, file: &str) -> Result<Option<String>> {
        let output = self.git(["show", &format!("HEAD:{file}")]).output().context(NO_GIT)?;
        if !output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8(output.stdout)
            .with_context(|| format!("{}: {file} is not UTF-8", self.root.display()))?;
        Ok(Some(text))
    }

    /// Refuses changes, committed nowhere, in the files that the patch touches.
    pub fn require_clean(&self, files: &[&str]) -> Result<()> {
        let changed = self.run(
            ["status", "--porcelain", "--untracked-files=all", "--"]
                .iter()
                .chain(files)
                .copied()
                .collect::<Vec<_>>(),
        )?;
        if !changed.is_empty() {
            bail!(
                "{}: the patch touches files that have changes of yours; commit or stash them first:\n{}",
                self.root.display(),
                changed.trim_end()
            );
        }
        Ok(())
    }
}

const NO_GIT: &str = "git cannot be run: install it";

/// Runs a command and returns what it printed; on failure, what it complained about.
pub fn checked(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().context(NO_GIT)?;
    if !status.success() {
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        bail!("git {} failed:\n{}", words.join(" "), String::from_utf8_lossy(&stderr).trim_end());
    }
    String::from_utf8(stdout).context("git printed what is not UTF-8")
}
