// SPDX-License-Identifier: GPL-2.0-or-later
//! Looks into an ext2 file system inside a raw image, with debugfs: no root, no mount.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, ensure, Context, Result};

const SUPERBLOCK: u64 = 1024;
const MAGIC: u16 = 0xef53;
const CLEAN: u16 = 1;
const NEEDS_RECOVERY: u32 = 4;
/// So many links, one behind another, are no loop yet.
const LINKS: usize = 8;

/// An ext2 file system that starts at `offset` of a file.
#[derive(Clone, Debug)]
pub struct Ext2 {
    pub file: PathBuf,
    pub offset: u64,
    pub block_size: u64,
    clean: bool,
}

impl Ext2 {
    /// The file system there, if there is one.
    pub fn find(file: &Path, offset: u64) -> Result<Option<Ext2>> {
        let mut block = [0; 1024];
        let mut source =
            File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        source.seek(SeekFrom::Start(offset + SUPERBLOCK))?;
        if source.read_exact(&mut block).is_err() {
            return Ok(None);
        }
        let short = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
        let long = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("4 bytes"));
        if short(0x38) != MAGIC || long(0x18) > 6 {
            return Ok(None);
        }
        let clean = short(0x3a) == CLEAN && long(0x60) & NEEDS_RECOVERY == 0;
        Ok(Some(Ext2 { file: file.into(), offset, block_size: 1024 << long(0x18), clean }))
    }

    /// Was it unmounted in order? If not, its bitmaps may be wrong, and nothing should be added to it.
    pub fn clean(&self) -> bool {
        self.clean
    }

    pub fn has(&self, path: &str) -> Result<bool> {
        Ok(String::from_utf8_lossy(&self.ask("stat", path)?.0).contains("Inode:"))
    }

    /// The file that a path leads to, its last link followed too; None if it leads nowhere.
    pub fn resolve(&self, path: &str) -> Result<Option<String>> {
        let mut path = path.to_string();
        for _ in 0..LINKS {
            let told = String::from_utf8_lossy(&self.ask("stat", &path)?.0).into_owned();
            if !told.contains("Inode:") {
                return Ok(None);
            }
            if !told.contains("Type: symlink") {
                return Ok(Some(path));
            }
            let link = told.lines().find_map(|line| line.strip_prefix("Fast link dest: "));
            let Some(link) = link.map(|link| link.trim_matches('"')) else { return Ok(None) };
            path = match (link.starts_with('/'), path.rsplit_once('/')) {
                (false, Some((folder, _))) => format!("{folder}/{link}"),
                _ => link.into(),
            };
        }
        Ok(None)
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let (data, complaint) = self.ask("cat", path)?;
        ensure!(complaint.is_empty(), "cannot read {path} in {}: {complaint}", self.file.display());
        Ok(data)
    }

    /// The blocks that hold a file's contents.
    pub fn blocks(&self, path: &str) -> Result<Vec<u64>> {
        let (list, complaint) = self.ask("blocks", path)?;
        ensure!(complaint.is_empty(), "cannot find the blocks of {path}: {complaint}");
        String::from_utf8_lossy(&list)
            .split_whitespace()
            .map(|number| {
                number.parse().with_context(|| format!("debugfs gave '{number}' for a block"))
            })
            .collect()
    }

    fn ask(&self, command: &str, path: &str) -> Result<(Vec<u8>, String)> {
        let done = debugfs(&["-R", &format!("{command} {}", quoted(path)?), &self.name()?])?;
        Ok((done.0, done.1))
    }

    /// Puts files in the place of others (or where none is). A change to the image itself: for copies.
    pub fn put(&self, files: &[(&str, &Path)]) -> Result<()> {
        for (path, source) in files {
            let source = source.to_str().context("a path that is not UTF-8")?;
            let path = quoted(path)?;
            if self.has(path.trim_matches('"'))? {
                self.change(&format!("rm {path}"))?;
            }
            self.change(&format!("write {} {path}", quoted(source)?))?;
            self.change(&format!("set_inode_field {path} mode 0100644"))?;
        }
        Ok(())
    }

    fn change(&self, command: &str) -> Result<()> {
        let (_, complaint) = debugfs(&["-w", "-R", command, &self.name()?])?;
        // It tells the number of a new inode on its standard output, errors on the other.
        ensure!(complaint.is_empty(), "debugfs: {command}: {complaint}");
        Ok(())
    }

    fn name(&self) -> Result<String> {
        let file = self.file.to_str().context("a path that is not UTF-8")?;
        ensure!(!file.contains('?'), "{file}: debugfs cannot open a path with a question mark");
        Ok(format!("{file}?offset={}", self.offset))
    }
}

fn debugfs(args: &[&str]) -> Result<(Vec<u8>, String)> {
    let done = super::tool("debugfs").args(args).stdin(Stdio::null()).output();
    let done = super::started("debugfs", done)?;
    // Its first line is its version; its exit status says nothing.
    let complaint: Vec<&str> = std::str::from_utf8(&done.stderr)
        .unwrap_or("a complaint that is not UTF-8")
        .lines()
        .filter(|line| !line.starts_with("debugfs 1.") && !line.trim().is_empty())
        .collect();
    Ok((done.stdout, complaint.join("; ")))
}

fn quoted(path: &str) -> Result<String> {
    if path.contains(['"', '\n']) {
        bail!("debugfs cannot be given this path: {path}");
    }
    Ok(format!("\"{path}\""))
}

/// Only the file system's own tables, in a sparse file of its own.
pub fn copy_tables(from: &Ext2, to: &Path) -> Result<Ext2> {
    let mut command: Command = super::tool("e2image");
    command.args(["-r", "-o", &from.offset.to_string()]).arg(&from.file).arg(to);
    let done = super::started("e2image", command.stdin(Stdio::null()).output())?;
    ensure!(
        done.status.success(),
        "e2image cannot read the file system in {}: {}",
        from.file.display(),
        String::from_utf8_lossy(&done.stderr).trim()
    );
    Ext2::find(to, 0)?.context("e2image's copy is no file system")
}
