// SPDX-License-Identifier: GPL-2.0-or-later
//! Kernels with versions of our functions in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::list::Wrong;
use super::sources;
use crate::graft;

/// Where versions are compiled and grafted.
pub struct Workshop<'a> {
    root: &'a Path,
    kernel: &'a Path,
    headers: &'a Path,
    /// The copy of the workspace that versions are made in.
    copy: PathBuf,
    /// Gets a folder for each version.
    pub folder: PathBuf,
    seen: Vec<(String, Vec<u8>)>,
}

impl<'a> Workshop<'a> {
    pub fn new(
        root: &'a Path,
        kernel: &'a Path,
        headers: &'a Path,
        folder: PathBuf,
    ) -> Workshop<'a> {
        Workshop { root, kernel, headers, copy: folder.join("sources"), folder, seen: Vec::new() }
    }

    pub fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The kernel with the unchanged version in it. To be made first: the others are made from the
    /// sources as they were then, even if somebody edits them meanwhile.
    pub fn make_unchanged(&mut self, name: &str) -> Result<PathBuf> {
        sources::copy(self.root, &self.unchanged())?;
        sources::copy(&self.unchanged(), &self.copy)?;
        self.make(name)
    }

    /// The kernel with a wrong version in it.
    pub fn make_wrong(&mut self, wrong: &Wrong) -> Result<PathBuf> {
        sources::copy(&self.unchanged(), &self.copy)?;
        wrong.apply(&self.copy)?;
        self.make(&wrong.name)
    }

    fn unchanged(&self) -> PathBuf {
        self.folder.join("unchanged-sources")
    }

    fn make(&mut self, name: &str) -> Result<PathBuf> {
        let folder = self.folder_of(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make folder {}", folder.display()))?;
        let object = folder.join("vm_map.o");
        self.build(&object)?;
        remember(&mut self.seen, name, crate::elf::read(&object)?)?;
        let output = folder.join("gnumach");
        graft::graft(&graft::Args {
            kernel: self.kernel.into(),
            object,
            output: output.clone(),
            dump: None,
            keep: false,
        })?;
        Ok(output)
    }

    fn build(&self, object: &Path) -> Result<()> {
        let script = self.root.join("tools/build-object.sh");
        let output = Command::new(&script)
            .arg("--crate")
            .arg(&self.copy)
            .arg("--headers")
            .arg(self.headers)
            .arg(object)
            .output()
            .with_context(|| format!("cannot run {}", script.display()))?;
        ensure!(
            output.status.success(),
            "no object was built ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }
}

/// A change that the compiler does not see, or a build that was left over, would let one version be
/// caught for another.
fn remember(seen: &mut Vec<(String, Vec<u8>)>, name: &str, object: Vec<u8>) -> Result<()> {
    if let Some((other, _)) = seen.iter().find(|(_, bytes)| *bytes == object) {
        anyhow::bail!("its object is the same as that of {other}, to the byte");
    }
    seen.push((name.into(), object));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_with_one_object_are_refused() {
        let mut seen = Vec::new();
        remember(&mut seen, "unchanged", vec![1]).unwrap();
        remember(&mut seen, "first", vec![2]).unwrap();
        let error = remember(&mut seen, "second", vec![1]).unwrap_err().to_string();
        assert!(error.contains("same as that of unchanged"), "{error}");
    }
}
