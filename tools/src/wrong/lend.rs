// SPDX-License-Identifier: GPL-2.0-or-later
//! What a copy of the workspace is built with, taken from the workspace's own build: it is the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

/// A profile's folders, by cargo's names for them.
const FOLDERS: [&str; 3] = [".fingerprint", "build", "deps"];

/// Fills `to`, unless it is there, with what the profile's folder `from` has of packages that are not the
/// workspace's own (`members`). Cargo would take two copies of the same package for one; crates from a
/// registry are one.
pub fn lend(from: &Path, to: &Path, members: &[&str]) -> Result<()> {
    if to.exists() || !from.join(FOLDERS[0]).is_dir() {
        return Ok(());
    }
    let foreign: BTreeSet<String> = names(&from.join(FOLDERS[0]))?
        .iter()
        .filter_map(|name| name.rsplit_once('-'))
        .filter(|(package, _)| !members.contains(package))
        .map(|(_, hash)| hash.to_owned())
        .collect();
    let fresh = to.with_extension("lent");
    for folder in FOLDERS {
        let target = fresh.join(folder);
        fs::create_dir_all(&target)
            .with_context(|| format!("cannot make folder {}", target.display()))?;
        let lent: Vec<PathBuf> = names(&from.join(folder))?
            .iter()
            .filter(|name| hash(name).is_some_and(|hash| foreign.contains(hash)))
            .map(|name| from.join(folder).join(name))
            .collect();
        // With their times, which cargo goes by.
        let done = Command::new("cp").args(["-a", "-t"]).arg(&target).args(&lent).status();
        let done = lent.is_empty() || done.context("cannot run cp")?.success();
        ensure!(done, "cannot copy {} to {}", from.join(folder).display(), target.display());
    }
    fs::rename(&fresh, to).with_context(|| format!("cannot make {}", to.display()))
}

/// `libserde-0123456789abcdef.rlib`, `serde-0123456789abcdef`
fn hash(name: &str) -> Option<&str> {
    let stem = name.split('.').next()?;
    stem.rsplit_once('-').map(|(_, hash)| hash)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let read = || fs::read_dir(folder)?.map(|item| Ok(item?.file_name())).collect();
    let names: std::io::Result<Vec<_>> = read();
    let names = names.with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join("debug").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(std::time::UNIX_EPOCH)
                .unwrap();
        }
        folder
    }

    #[test]
    fn only_what_is_not_the_workspaces_own_is_lent_with_its_time() {
        let from = made(&[
            ".fingerprint/serde-aa/dep",
            ".fingerprint/our-crate-bb/dep",
            "build/serde-aa/out",
            "build/our-crate-bb/out",
            "deps/libserde-aa.rlib",
            "deps/serde-aa.d",
            "deps/our_crate-bb.d",
            "deps/a_test-bb",
            "deps/stray",
        ]);
        let to = tempfile::tempdir().unwrap();
        let target = to.path().join("debug");
        lend(&from.path().join("debug"), &target, &["our-crate"]).unwrap();
        let there = |file: &str| target.join(file).exists();
        assert!(there(".fingerprint/serde-aa/dep") && there("build/serde-aa/out"));
        assert!(there("deps/libserde-aa.rlib") && there("deps/serde-aa.d"));
        for absent in [
            ".fingerprint/our-crate-bb",
            "build/our-crate-bb",
            "deps/our_crate-bb.d",
            "deps/a_test-bb",
            "deps/stray",
        ] {
            assert!(!there(absent), "{absent}");
        }
        let time = fs::metadata(target.join("deps/serde-aa.d")).unwrap().modified().unwrap();
        assert_eq!(time, std::time::UNIX_EPOCH);
        assert!(!to.path().join("debug.lent").exists());
    }

    #[test]
    fn what_is_there_stays() {
        let (from, to) = (made(&[".fingerprint/serde-aa/dep"]), made(&["deps/own"]));
        lend(&from.path().join("debug"), &to.path().join("debug"), &[]).unwrap();
        assert!(!to.path().join("debug/.fingerprint").exists());
        let none = to.path().join("none");
        lend(&to.path().join("nothing"), &none, &[]).unwrap();
        assert!(!none.exists());
    }
}
