// SPDX-License-Identifier: GPL-2.0-or-later
//! Files: read with an error that names them, and written so that nothing half-written is left behind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Reads a whole file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes all of `files`, each beside its place first, and renames only when every write worked.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<()> {
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    };
    let result = (|| {
        for (path, bytes) in files {
            fs::write(beside(path), bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        for (path, _) in files {
            fs::rename(beside(path), path)
                .with_context(|| format!("cannot replace {}", path.display()))?;
        }
        Ok(())
    })();
    if result.is_err() {
        for (path, _) in files {
            // The part file may never have come to be; the error at hand is the one to tell.
            let _ = fs::remove_file(beside(path));
        }
    }
    result
}
