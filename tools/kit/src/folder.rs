// SPDX-License-Identifier: GPL-2.0-or-later
//! Folders that a tool may clean: those that it made itself, which a marker in them says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;

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

/// The same for a folder in which nobody else may work meanwhile: waits for another program that does, and
/// says so. The folder is this program's until it ends.
pub fn ours_alone(path: &Path) -> Result<PathBuf> {
    let folder = ours(path)?;
    let lock = File::open(folder.join(MARKER))
        .with_context(|| format!("cannot open the marker in {}", folder.display()))?;
    if !take(&lock, FlockOperation::NonBlockingLockExclusive)? {
        eprintln!("waiting for another program of ours that works in {}", folder.display());
        take(&lock, FlockOperation::LockExclusive)?;
    }
    // Let go by the kernel; a program that this one starts does not get it.
    std::mem::forget(lock);
    Ok(folder)
}

fn take(lock: &File, how: FlockOperation) -> Result<bool> {
    loop {
        match flock(lock, how) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot lock a folder's marker"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_programs_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = ours_alone(folder.path()).unwrap();
        let other = File::open(path.join(MARKER)).unwrap();
        assert!(!take(&other, FlockOperation::NonBlockingLockExclusive).unwrap());
        let next = tempfile::tempdir().unwrap();
        let other = File::open(ours(next.path()).unwrap().join(MARKER)).unwrap();
        assert!(take(&other, FlockOperation::NonBlockingLockExclusive).unwrap());
    }

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
