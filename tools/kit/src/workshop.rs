// SPDX-License-Identifier: GPL-2.0-or-later
//! Our object for a kernel, compiled from a wrong version of the sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::wrong::Wrong;
use crate::{files, together, workspace};

/// Where versions are compiled.
pub struct Workshop {
    build_object: PathBuf,
    headers: PathBuf,
    /// Features of the crate, separated by commas.
    pub features: String,
    /// Of tools/targets/: what the kernel's machine is.
    pub target: &'static str,
    /// Gets a folder for each version.
    folder: PathBuf,
    seen: Vec<(String, Vec<u8>)>,
}

impl Workshop {
    /// `headers` is the folder of the kernel's structs.h. All versions are made from the sources as they are
    /// under `root` now, even if somebody edits them meanwhile.
    pub fn open(root: &Path, headers: &Path, folder: PathBuf) -> Result<Workshop> {
        let build_object = root.join("tools/build-object.sh");
        let (headers, features) = (headers.into(), String::new());
        let target = "i686-gnumach";
        let workshop =
            Workshop { build_object, headers, features, target, folder, seen: Vec::new() };
        workspace::copy(root, &workshop.unchanged())?;
        Ok(workshop)
    }

    /// The object of the unchanged version, in the folder of that name.
    pub fn make_unchanged(&mut self, name: &str) -> Result<PathBuf> {
        workspace::copy(&self.unchanged(), &self.copy())?;
        self.make(name)
    }

    /// The object of a wrong version, in the folder of its name.
    pub fn make_wrong(&mut self, wrong: &Wrong) -> Result<PathBuf> {
        workspace::copy(&self.unchanged(), &self.copy())?;
        wrong.apply(&self.copy())?;
        self.make(&wrong.name)
    }

    /// One object with the functions of all these versions, by the names that `together` gives them, and
    /// those of the unchanged one by their own.
    pub fn make_together(&mut self, versions: &[&Wrong], functions: &[&str]) -> Result<PathBuf> {
        workspace::copy(&self.unchanged(), &self.copy())?;
        together::add(&self.copy(), &self.unchanged(), &self.folder.join("version"), versions)?;
        let names = (0..versions.len()).flat_map(|index| {
            functions.iter().map(move |function| together::name(index, function))
        });
        let names: Vec<String> = names.collect();
        // Half of the time: nobody asks how fast they are.
        self.build("together", &["--opt-level", "0", "--symbols", &names.join(" ")])
    }

    fn unchanged(&self) -> PathBuf {
        self.folder.join("unchanged-sources")
    }

    fn copy(&self) -> PathBuf {
        self.folder.join("sources")
    }

    fn make(&mut self, name: &str) -> Result<PathBuf> {
        let object = self.build(name, &[])?;
        remember(&mut self.seen, name, files::read(&object)?)?;
        Ok(object)
    }

    fn build(&self, name: &str, options: &[&str]) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make folder {}", folder.display()))?;
        let object = folder.join("vm_map.o");
        let output = Command::new(&self.build_object)
            .arg("--crate")
            .arg(self.copy())
            .arg("--headers")
            .arg(&self.headers)
            .args(["--target", self.target, "--features", &self.features])
            .args(options)
            .arg(&object)
            .output()
            .with_context(|| format!("cannot run {}", self.build_object.display()))?;
        ensure!(
            output.status.success(),
            "no object of {name} was built ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(object)
    }
}

/// A change that the compiler does not see, or a build that was left over, would let one version be
/// caught for another.
fn remember(seen: &mut Vec<(String, Vec<u8>)>, name: &str, object: Vec<u8>) -> Result<()> {
    if let Some((other, _)) = seen.iter().find(|(_, bytes)| *bytes == object) {
        bail!("the object of {name} is the same as that of {other}, to the byte");
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
        assert_eq!(error, "the object of second is the same as that of unchanged, to the byte");
    }
}
