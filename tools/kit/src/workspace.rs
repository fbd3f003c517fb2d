// SPDX-License-Identifier: GPL-2.0-or-later
//! A copy of the workspace to change.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders of the workspace that are made, not written.
const MADE: &[&str] = &["build", "target"];

/// Of what cargo may have made for the original already; it goes by the file's time.
const KEEPS_TIME: &str = "build.rs";

/// Makes `to` equal to `from`, hidden files and what is built apart. Files that are equal already keep
/// their time, so that cargo builds again only what has changed; a new copy of a build script has that of the
/// original.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    copy_folder(from, to, MADE)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn copy_folder(from: &Path, to: &Path, leave_out: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut names = BTreeSet::new();
    for file in fs::read_dir(from)? {
        let file = file?;
        let name = file.file_name();
        let text = name.to_string_lossy();
        let kind = file.file_type()?;
        if text.starts_with('.') || leave_out.contains(&&*text) {
            continue;
        }
        if kind.is_dir() {
            copy_folder(&file.path(), &to.join(&name), &[])?;
        } else if kind.is_file() {
            copy_file(&file.path(), &to.join(&name))?;
        }
        names.insert(name);
    }
    for file in fs::read_dir(to)? {
        let file = file?;
        if names.contains(&file.file_name()) {
            continue;
        }
        if file.file_type()?.is_dir() {
            fs::remove_dir_all(file.path())?;
        } else {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from)?;
    let there = fs::read(to).ok();
    if there.as_ref() == Some(&content) {
        return Ok(());
    }
    fs::write(to, content)?;
    if there.is_none() && to.file_name().is_some_and(|name| name == KEEPS_TIME) {
        let time = fs::metadata(from)?.modified()?;
        fs::File::options().write(true).open(to)?.set_modified(time)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_copy_equal() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("src")).unwrap();
        fs::create_dir(from.path().join("target")).unwrap();
        fs::write(from.path().join("src/a"), "new").unwrap();
        fs::write(from.path().join(".hidden"), "").unwrap();
        fs::create_dir_all(to.path().join("src/gone")).unwrap();
        fs::write(to.path().join("src/a"), "old").unwrap();
        fs::write(to.path().join("stray"), "").unwrap();

        copy(from.path(), to.path()).unwrap();

        assert_eq!(fs::read_to_string(to.path().join("src/a")).unwrap(), "new");
        for absent in ["target", ".hidden", "src/gone", "stray"] {
            assert!(!to.path().join(absent).exists(), "{absent}");
        }
    }

    #[test]
    fn equal_files_keep_their_time() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("a"), "same").unwrap();
        fs::write(to.path().join("a"), "same").unwrap();
        let old = std::time::UNIX_EPOCH;
        fs::File::options()
            .write(true)
            .open(to.path().join("a"))
            .unwrap()
            .set_modified(old)
            .unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::metadata(to.path().join("a")).unwrap().modified().unwrap(), old);
    }

    #[test]
    fn a_build_script_keeps_its_time_until_it_changes() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = std::time::UNIX_EPOCH;
        let write = |name: &str, text: &str| {
            let path = from.path().join(name);
            fs::write(&path, text).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        };
        write("build.rs", "first");
        write("lib.rs", "first");
        let time = |name: &str| fs::metadata(to.path().join(name)).unwrap().modified().unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(time("build.rs"), old);
        assert_ne!(time("lib.rs"), old);
        // As old as the first, and another: cargo must see it.
        write("build.rs", "second");
        copy(from.path(), to.path()).unwrap();
        assert_ne!(time("build.rs"), old);
    }
}
