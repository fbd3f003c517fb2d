// SPDX-License-Identifier: GPL-2.0-or-later
//! Folders that a tool may clean: those that it made itself, which a marker in them says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

/// The marker's name.
pub const MARKER: &str = ".cleaned-by-our-tools";

const TEXT: &str = "What is in this folder was made by a tool of GNU Mach's VM map in Rust, which deletes it as it likes.\n";

/// Makes `path` a folder of ours, and returns its absolute path. A folder that is there must have the
/// marker, or nothing in it: whatever else it holds is somebody's.
pub fn ours(path: &Path) -> Result<PathBuf> {
    let name = path.display();
    let what = || format!("cannot make folder {name}");
    fs::create_dir_all(path).with_context(what)?;
    let marker = path.join(MARKER);
    if !marker.exists() {
        if fs::read_dir(path).with_context(what)?.next().is_some() {
            bail!("{name} holds files that no tool of ours made (it has no {MARKER}): name a new folder, or an empty one");
        }
        fs::write(&marker, TEXT).with_context(what)?;
    }
    path.canonicalize().with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_becomes_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        for _ in 0..2 {
            assert!(ours(&path).unwrap().join(MARKER).is_file());
            fs::write(path.join("made"), "").unwrap();
        }
        let theirs = folder.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        ours(&theirs).unwrap();
        fs::remove_file(theirs.join(MARKER)).unwrap();
        fs::write(theirs.join("thesis"), "").unwrap();
        let error = ours(&theirs).unwrap_err().to_string();
        assert!(error.contains("no tool of ours made"), "{error}");
        assert!(!theirs.join(MARKER).exists());
    }
}
