// SPDX-License-Identifier: GPL-2.0-or-later
//! A folder with what a Hurd needs to start from a RAM disk, as multiboot modules.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use super::ext2::Ext2;
use super::flavour;
use crate::boot::Module;

pub const COMMAND_LINE: &str = "root=device:rd0 console=com0";
/// In upstream's order of words; the kernel fills in the ports.
const EXT2FS: &str = "--multiboot-command-line=${kernel-command-line} --host-priv-port=${host-port} \
    --device-master-port=${device-port} --exec-server-task=${exec-task} --kernel-task=${kernel-task} \
    -T device rd0 $(fs-task=task-create) $(task-resume)";
const EXEC: &str = "$(exec-task=task-create)";

#[derive(Debug)]
pub struct Directory {
    ext2fs: PathBuf,
    exec: Module,
    ramdisk: PathBuf,
    pub is_64: bool,
}

/// Finds the three parts; `cache` gets the RAM disk unpacked if it is compressed.
pub fn open(folder: &Path, cache: &Path) -> Result<Directory> {
    ensure!(folder.is_dir(), "no Hurd: {} is no folder", folder.display());
    let ext2fs = folder.join("ext2fs.static");
    ensure!(ext2fs.is_file(), "no Hurd in {}: ext2fs.static is missing", folder.display());
    let data = crate::elf::read(&ext2fs)?;
    let is_64 = flavour::is_64("ext2fs.static", &data)
        .with_context(|| format!("wrong Hurd in {}", folder.display()))?;
    let exec = exec_module(folder)?;
    let ramdisk = ramdisk(folder, cache)?;
    Ok(Directory { ext2fs, exec, ramdisk, is_64 })
}

impl Directory {
    pub fn modules(&self) -> Vec<Module> {
        vec![
            Module { path: self.ramdisk.clone(), args: "$(ramdisk-create)".into() },
            Module { path: self.ext2fs.clone(), args: EXT2FS.into() },
            self.exec.clone(),
        ]
    }
}

/// exec.static as it is; an exec that is dynamically linked is started by its ld.so.1.
fn exec_module(folder: &Path) -> Result<Module> {
    let whole = folder.join("exec.static");
    if whole.is_file() {
        return Ok(Module { path: whole, args: EXEC.into() });
    }
    let exec = folder.join("exec");
    ensure!(
        exec.is_file(),
        "no Hurd in {}: neither exec.static nor exec is there",
        folder.display()
    );
    let data = crate::elf::read(&exec)?;
    let file = crate::elf::parse(&exec, &data)?;
    if object::Object::section_by_name(&file, ".interp").is_none() {
        return Ok(Module { path: exec, args: EXEC.into() });
    }
    let loader = folder.join("ld.so.1");
    ensure!(
        loader.is_file(),
        "no Hurd in {}: exec is dynamically linked, so ld.so.1 must lie beside it (or an exec.static)",
        folder.display()
    );
    Ok(Module { path: loader, args: format!("/hurd/exec {EXEC}") })
}

/// The one file that holds an ext2 file system, perhaps compressed.
fn ramdisk(folder: &Path, cache: &Path) -> Result<PathBuf> {
    let mut plain = Vec::new();
    let mut packed = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        if Ext2::find(&path, 0)?.is_some() {
            plain.push(path);
        } else if starts_with_gzip(&path)? {
            packed.push(path);
        }
    }
    plain.sort();
    match (&plain[..], &packed[..]) {
        ([one], _) => Ok(one.clone()),
        ([], [one]) => unpacked(one, cache),
        ([], []) => bail!(
            "no Hurd in {}: no RAM-disk root image (an ext2 file system, .gz or not)",
            folder.display()
        ),
        (many, more) => {
            let names: Vec<String> =
                many.iter().chain(more.iter()).map(|path| path.display().to_string()).collect();
            bail!("which is the RAM disk? Leave one of: {}", names.join(", "))
        }
    }
}

fn starts_with_gzip(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    fs::File::open(path)?.take(2).read_to_end(&mut start)?;
    Ok(start == [0x1f, 0x8b])
}

fn unpacked(path: &Path, cache: &Path) -> Result<PathBuf> {
    let data = flavour::gunzip(&crate::elf::read(path)?)
        .with_context(|| format!("wrong RAM disk {}", path.display()))?;
    fs::create_dir_all(cache)?;
    let ramdisk = cache.join("ramdisk");
    let fresh = cache.join(format!("ramdisk-{}", std::process::id()));
    fs::write(&fresh, data)?;
    fs::rename(&fresh, &ramdisk)?;
    ensure!(
        Ext2::find(&ramdisk, 0)?.is_some(),
        "wrong RAM disk: {} unpacked is no ext2 file system",
        path.display()
    );
    Ok(ramdisk)
}
