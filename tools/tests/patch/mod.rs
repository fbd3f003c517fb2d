// SPDX-License-Identifier: GPL-2.0-or-later
//! A miniature tree in git, and the tool run on it.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub struct MiniTree {
    folder: TempDir,
}

impl MiniTree {
    pub fn new() -> MiniTree {
        let tree = MiniTree { folder: tempfile::tempdir().expect("a folder") };
        copy(&fixture(), &tree.path());
        tree.git(&["init", "--quiet", "--initial-branch=master"]);
        tree.commit("Begin");
        tree
    }

    /// With the callers in it: the scan's right behind that.
    pub fn with_callers() -> MiniTree {
        let tree = MiniTree::new();
        let callers = include_str!("callers.c");
        let (_, callers) = callers.split_once("\n").expect("a licence");
        let (clip, others) =
            callers.split_once("/* Here the scan ends. */\n").expect("a mark between them");
        let wire = "void vm_map_wire(";
        tree.edit("vm/vm_map.c", wire, &format!("{others}\n{wire}"));
        let reset = "static void\nvm_map_entry_reset_wired(";
        tree.edit("vm/vm_map.c", reset, &format!("{clip}\n{reset}"));
        tree.commit("Add what calls the two");
        tree
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// A path beside the tree.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).expect("a file of the tree")
    }

    /// Changes a file, which must hold `from`, and leaves that uncommitted.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} holds no {from:?}");
        fs::write(self.path().join(file), text.replace(from, to)).expect("the tree is writable");
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    pub fn git(&self, args: &[&str]) -> String {
        let output = in_git(Command::new("git").arg("-C").arg(self.path()).args(args));
        assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs `vmtool COMMAND [OPTION]... TREE`.
    pub fn vmtool(&self, words: &[&str]) -> Output {
        vmtool(words, &self.path())
    }

    /// The patch that the tool writes; everything in the tree must be as before.
    pub fn patch(&self, options: &[&str]) -> String {
        let state = || {
            (
                self.git(&["status", "--porcelain", "--ignored"]),
                self.git(&["rev-parse", "HEAD"]),
                self.objects(),
            )
        };
        let before = state();
        let output = self.vmtool(&[&["patch"], options].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(state(), before, "making a patch changed the tree");
        text(&output.stdout)
    }

    /// What the tool says when it must refuse; nothing may be written then.
    pub fn refusal(&self, options: &[&str]) -> String {
        let file = self.beside("refused.patch");
        let path = file.to_str().expect("UTF-8");
        let output = self.vmtool(&[&["patch", "--output", path], options].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(!file.exists(), "a refused patch was written");
        text(&output.stderr)
    }

    fn objects(&self) -> String {
        self.git(&["count-objects", "--verbose"])
    }
}

pub fn vmtool(words: &[&str], tree: &Path) -> Output {
    in_git(Command::new(env!("CARGO_BIN_EXE_vmtool")).args(words).arg(tree))
}

/// Runs a command with an author for git, and without the user's own configuration.
fn in_git(command: &mut Command) -> Output {
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A Tester");
        command.env(format!("GIT_{role}_EMAIL"), "tester@example.org");
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git is installed")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mini-tree")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}
