// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a Hurd comes from, and how QEMU is told to boot it on a kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::directory::{self, Directory};
use super::ext2::Ext2;
use super::flavour::{self, Need};
use super::image::{Image, MENU};
use super::{grub, overlay};
use crate::boot::{boot_drive, boot_image, KernelMap, Read};
use crate::run::counters::Counters;

#[derive(Debug)]
pub enum Source {
    Image(Box<Image>),
    Directory(Directory),
}

/// What QEMU needs to boot it.
pub struct Prepared {
    pub program: &'static str,
    pub arguments: Vec<String>,
}

impl Source {
    /// The flavour of kernel that it needs.
    pub fn need(&self) -> Result<Need> {
        match self {
            Source::Directory(directory) => Ok(Need::of_ramdisk(directory.is_64)),
            Source::Image(image) => {
                let kernel = &image.entry.kernel;
                let is_64 = flavour::is_64(kernel, &image.system.read(kernel)?)?;
                Ok(Need::of_image(image.entry.starts_rumpdisk(), is_64))
            }
        }
    }

    /// Its root file system.
    pub fn system(&self) -> &Ext2 {
        match self {
            Source::Image(image) => &image.system,
            Source::Directory(directory) => &directory.system,
        }
    }

    /// With this kernel, or (images) with the one inside. What is made goes to `scratch`, but for boot
    /// CDs, which are kept in `cache`.
    pub fn prepare(&self, kernel: Option<&Path>, scratch: &Path, cache: &Path) -> Result<Prepared> {
        let (is_64, arguments) = match self {
            Source::Directory(directory) => {
                let path = kernel.context("a RAM disk comes without a kernel")?;
                let kernel = crate::elf::read(path)?;
                let modules = directory.modules();
                let command_line = directory::COMMAND_LINE;
                let disc = boot_image(&cache.join("images"), &kernel, command_line, &modules)?;
                (directory.is_64, boot_drive(&disc, &KernelMap::parse(path, &kernel)?)?)
            }
            Source::Image(image) => {
                let overlay = image_overlay(image, kernel, scratch)?;
                // Whatever the Hurd writes is gone afterwards: each boot starts from the same state.
                let drive = drive(&overlay, "qcow2,if=ide,index=0,snapshot=on")?;
                (self.need()?.is_64, vec!["-drive".into(), drive, "-boot".into(), "c".into()])
            }
        };
        let program = if is_64 { "qemu-system-x86_64" } else { "qemu-system-i386" };
        Ok(Prepared { program, arguments })
    }
}

/// The overlay for a kernel, made once.
fn image_overlay(image: &Image, kernel: Option<&Path>, scratch: &Path) -> Result<PathBuf> {
    let name = if kernel.is_some() { "ours" } else { "stock" };
    let overlay = scratch.join(format!("{name}-{}.qcow2", kernel_name(kernel)));
    if overlay.is_file() {
        return Ok(overlay);
    }
    let menu = scratch.join("grub.cfg");
    fs::write(&menu, grub::with_serial_console(&image.menu, &image.entry)?)?;
    let mut files: Vec<(&str, &Path)> = vec![(MENU, &menu)];
    files.extend(kernel.map(|kernel| (image.entry.kernel.as_str(), kernel)));
    overlay::make(&image.system, &files, scratch, &overlay)?;
    Ok(overlay)
}

fn kernel_name(kernel: Option<&Path>) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    kernel.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn drive(file: &Path, options: &str) -> Result<String> {
    let file = file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
    // A comma ends an option's value unless it is doubled.
    Ok(format!("file={},format={options}", file.replace(',', ",,")))
}

/// Where our counters are in physical memory, and how many words: by the kernel's own symbols, or by
/// the record that the graft left beside it. None if it has none.
pub fn counters_place(kernel: &Path) -> Result<Option<(u64, usize)>> {
    let map = KernelMap::parse(kernel, &crate::elf::read(kernel)?)?;
    // A kernel built from a tree has the same symbols with the callers and without.
    let mut read = Read { place: crate::run::COUNTERS.into(), words: Counters::words(false) };
    if let Ok(physical) = map.physical(&read) {
        return Ok(Some((physical, read.words)));
    }
    if !kernel.with_extension("json").is_file() {
        return Ok(None);
    }
    read = crate::run::counters_of(kernel)?;
    Ok(Some((map.physical(&read)?, read.words)))
}
