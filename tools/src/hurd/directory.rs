// SPDX-License-Identifier: GPL-2.0-or-later
//! A folder with what a Hurd needs to start from a RAM disk, as multiboot modules.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use super::ext2::Ext2;
use super::{flavour, requires};
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
    /// The RAM disk's.
    pub system: Ext2,
    pub is_64: bool,
}

/// Finds the three parts; `cache` gets the RAM disk unpacked if it is compressed. What is missing, in the folder
/// and in the RAM disk, is told in one go.
pub fn open(folder: &Path, cache: &Path) -> Result<Directory> {
    ensure!(folder.is_dir(), "no Hurd: {} is no folder", folder.display());
    let mut missing = Vec::new();
    let ext2fs = folder.join("ext2fs.static");
    if !ext2fs.is_file() {
        missing.push("ext2fs.static (the server of the root file system)".to_string());
    }
    let exec = exec_module(folder)?;
    let exec = exec.map_err(|what| missing.push(what));
    let system = ramdisk(folder, cache)?;
    match &system {
        None => missing.push("a RAM-disk root image (an ext2 file system, .gz or not)".into()),
        Some(system) => missing.extend(
            requires::to_boot(system)?.into_iter().map(|what| format!("in the RAM disk: {what}")),
        ),
    }
    let (true, Ok(exec), Some(system)) = (missing.is_empty(), exec, system) else {
        let lines: String = missing.iter().map(|what| format!("\n  missing: {what}")).collect();
        bail!(
            "no Hurd in {}:{lines}\n  docs/hurd.md tells what such a folder holds",
            folder.display()
        )
    };
    let is_64 = same_width(&ext2fs, &exec.path, &system)
        .with_context(|| format!("wrong Hurd in {}", folder.display()))?;
    Ok(Directory { ext2fs, exec, system, is_64 })
}

/// Whether the programs are 64-bit ones; all have to be of one kind.
fn same_width(ext2fs: &Path, exec: &Path, system: &Ext2) -> Result<bool> {
    let kind = |is_64: bool| if is_64 { "a 64-bit program" } else { "a 32-bit program" };
    let is_64 = flavour::is_64("ext2fs.static", &crate::elf::read(ext2fs)?)?;
    let exec_name = exec.file_name().unwrap_or_default().to_string_lossy();
    let others = [
        (exec_name.as_ref(), crate::elf::read(exec)?),
        ("the RAM disk's /bin/sh", requires::shell(system)?),
    ];
    for (name, data) in others {
        let other = flavour::is_64(name, &data)?;
        ensure!(other == is_64, "ext2fs.static is {}, and {name} is {}", kind(is_64), kind(other));
    }
    Ok(is_64)
}

impl Directory {
    pub fn modules(&self) -> Vec<Module> {
        vec![
            Module { path: self.system.file.clone(), args: "$(ramdisk-create)".into() },
            Module { path: self.ext2fs.clone(), args: EXT2FS.into() },
            self.exec.clone(),
        ]
    }
}

/// exec.static as it is; an exec that is dynamically linked is started by its dynamic linker. Or else what is missing.
fn exec_module(folder: &Path) -> Result<Result<Module, String>> {
    let whole = folder.join("exec.static");
    if whole.is_file() {
        return Ok(Ok(Module { path: whole, args: EXEC.into() }));
    }
    let exec = folder.join("exec");
    if !exec.is_file() {
        return Ok(Err("exec.static, or exec (the server that loads programs)".into()));
    }
    let data = crate::elf::read(&exec)?;
    let file = crate::elf::parse(&exec, &data)?;
    if object::Object::section_by_name(&file, ".interp").is_none() {
        return Ok(Ok(Module { path: exec, args: EXEC.into() }));
    }
    let name = if flavour::is_64("exec", &data)? { "ld-x86-64.so.1" } else { "ld.so.1" };
    let loader = folder.join(name);
    if !loader.is_file() {
        return Ok(Err(format!("{name} (exec is dynamically linked; or an exec.static)")));
    }
    Ok(Ok(Module { path: loader, args: format!("/hurd/exec {EXEC}") }))
}

/// The one file that holds an ext2 file system, perhaps compressed.
fn ramdisk(folder: &Path, cache: &Path) -> Result<Option<Ext2>> {
    let mut plain = Vec::new();
    let mut packed = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        if let Some(system) = Ext2::find(&path, 0)? {
            plain.push(system);
        } else if starts_with_gzip(&path)? {
            packed.push(path);
        }
    }
    plain.sort_by(|one, other| one.file.cmp(&other.file));
    match (&plain[..], &packed[..]) {
        ([one], _) => Ok(Some(one.clone())),
        ([], [one]) => unpacked(one, cache).map(Some),
        ([], []) => Ok(None),
        (many, more) => {
            let paths = many.iter().map(|system| &system.file).chain(more);
            let names: Vec<String> = paths.map(|path| path.display().to_string()).collect();
            bail!("which is the RAM disk? Leave one of: {}", names.join(", "))
        }
    }
}

fn starts_with_gzip(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    fs::File::open(path)?.take(2).read_to_end(&mut start)?;
    Ok(start == [0x1f, 0x8b])
}

fn unpacked(path: &Path, cache: &Path) -> Result<Ext2> {
    let data = flavour::gunzip(&crate::elf::read(path)?)
        .with_context(|| format!("wrong RAM disk {}", path.display()))?;
    fs::create_dir_all(cache)?;
    let ramdisk = cache.join("ramdisk");
    kit::files::write_all(&[(&ramdisk, &data)], &[])?;
    Ext2::find(&ramdisk, 0)?.with_context(|| {
        format!("wrong RAM disk: {} unpacked is no ext2 file system", path.display())
    })
}
