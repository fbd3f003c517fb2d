// SPDX-License-Identifier: GPL-2.0-or-later
//! A user's disk image: made readable as raw (without touching it), and what is found in it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

use super::ext2::Ext2;
use super::grub::{self, Entry};
use crate::boot::{Progress, Status};

/// Where Debian's installer and its published images have GRUB's menu.
pub const MENU: &str = "/boot/grub/grub.cfg";

/// A disk image with a Hurd in it.
#[derive(Debug)]
pub struct Image {
    pub system: Ext2,
    pub menu: String,
    pub entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Raw,
    Qcow2,
    Xz,
}

/// Finds the Hurd in the image; what has to be unpacked or converted first is kept in `cache`.
pub fn open(image: &Path, cache: &Path) -> Result<Image> {
    let raw = raw_of(image, cache)?;
    let mut seen = Vec::new();
    for (number, start) in
        partitions(&raw).with_context(|| format!("{}: wrong image", image.display()))?
    {
        let Some(system) = Ext2::find(&raw, start)? else {
            seen.push(format!("partition {number}: no ext2"));
            continue;
        };
        if !system.has("/hurd")? {
            seen.push(format!("partition {number}: ext2 without /hurd"));
            continue;
        }
        ensure!(
            system.has(MENU)?,
            "{}: partition {number} has a Hurd but no {MENU}: only images that start with GRUB can be booted",
            image.display()
        );
        let menu = String::from_utf8(system.read(MENU)?)
            .with_context(|| format!("{MENU} is not UTF-8"))?;
        let entry = grub::find_entry(&menu).with_context(|| format!("{}", image.display()))?;
        ensure!(
            system.has(&entry.kernel)?,
            "{}: GRUB's entry '{}' boots {}, which is not on the Hurd's partition",
            image.display(),
            entry.title,
            entry.kernel
        );
        return Ok(Image { system, menu, entry });
    }
    bail!("{}: no Hurd in it ({})", image.display(), seen.join("; "));
}

/// The same disk as a raw file: the image itself, or a copy in `cache`.
fn raw_of(image: &Path, cache: &Path) -> Result<PathBuf> {
    let format = format_of(image)?;
    if format == Format::Raw {
        return Ok(image.into());
    }
    let kept = cache.join(format!("{}.raw", name_for(image)?));
    if kept.is_file() {
        return Ok(kept);
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make folder {}", cache.display()))?;
    let fresh = kit::files::beside(&kept)?;
    match format {
        Format::Qcow2 => convert(image, fresh.path()),
        _ => unpack(image, fresh.path()),
    }?;
    fresh.persist(&kept)?;
    Ok(kept)
}

/// Another image, or one that was changed, has another name.
fn name_for(image: &Path) -> Result<String> {
    let facts = fs::metadata(image)?;
    let mut hasher = DefaultHasher::new();
    (image.canonicalize()?, facts.len(), facts.modified()?).hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn format_of(image: &Path) -> Result<Format> {
    let unreadable = || format!("no image: cannot read {}", image.display());
    ensure!(
        !image.is_dir(),
        "{} is a folder, not a disk image (HURD=dir is for folders)",
        image.display()
    );
    let mut start = Vec::new();
    let file = fs::File::open(image).with_context(unreadable)?;
    file.take(512).read_to_end(&mut start).with_context(unreadable)?;
    match &start[..] {
        [b'Q', b'F', b'I', 0xfb, ..] => Ok(Format::Qcow2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::Xz),
        sector if sector.len() == 512 && sector.ends_with(&[0x55, 0xaa]) => Ok(Format::Raw),
        _ => bail!(
            "{}: wrong image: neither a raw disk with a partition table, nor qcow2, nor .tar.xz",
            image.display()
        ),
    }
}

fn convert(image: &Path, to: &Path) -> Result<()> {
    let mut command = super::tool("qemu-img");
    command.args(["convert", "-f", "qcow2", "-O", "raw"]).args([image, to]);
    watched(command, "qemu-img", to).with_context(|| format!("{}: wrong image", image.display()))
}

/// The one disk image of an archive, or of a bare .xz file.
fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let listed = super::tool("tar").arg("-tJf").arg(archive).stdin(Stdio::null()).output();
    let listed = super::started("tar", listed)?;
    let wrong = || format!("{}: wrong image", archive.display());
    if !listed.status.success() {
        let said = String::from_utf8_lossy(&listed.stderr).trim().to_string();
        return Err(anyhow::anyhow!("it cannot be unpacked: {said}")).with_context(wrong);
    }
    let names = String::from_utf8(listed.stdout).with_context(wrong)?;
    let disks: Vec<&str> =
        names.lines().filter(|name| name.ends_with(".img") || name.ends_with(".raw")).collect();
    let [disk] = disks[..] else {
        return Err(anyhow::anyhow!("it holds {} disk images (.img, .raw), not one", disks.len()))
            .with_context(wrong);
    };
    let mut command = super::tool("sh");
    // cp leaves holes where the disk is empty; tar by itself would write out every zero.
    command
        .args(["-c", r#"tar -xJOf "$1" -- "$2" | cp --sparse=always /dev/stdin "$3""#, "unpack"])
        .arg(archive)
        .arg(disk)
        .arg(to);
    watched(command, "tar", to).with_context(wrong)?;
    match format_of(to) {
        Ok(Format::Raw) => Ok(()),
        _ => Err(anyhow::anyhow!("{disk} in it is no raw disk with a partition table"))
            .with_context(wrong),
    }
}

/// Runs a command that writes a large file, and tells how large it is by now.
fn watched(mut command: std::process::Command, name: &str, output: &Path) -> Result<()> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = super::started(name, child)?;
    let progress = Progress::new("reading the image");
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        let megabytes = fs::metadata(output).map_or(0, |facts| facts.len() >> 20);
        progress.show(&Status {
            boot: 1,
            seconds: start.elapsed().as_secs(),
            started: true,
            last_line: &format!("{megabytes} MB"),
        });
        std::thread::sleep(Duration::from_millis(100));
    }
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

#[derive(serde::Deserialize)]
struct Sfdisk {
    partitiontable: Table,
}

#[derive(serde::Deserialize)]
struct Table {
    #[serde(default)]
    partitions: Vec<Partition>,
    #[serde(default = "sector")]
    sectorsize: u64,
}

#[derive(serde::Deserialize)]
struct Partition {
    start: u64,
}

fn sector() -> u64 {
    512
}

/// Each partition's number, from 1, and where it starts in bytes.
fn partitions(raw: &Path) -> Result<Vec<(usize, u64)>> {
    let done = super::tool("sfdisk").arg("-J").arg(raw).stdin(Stdio::null()).output();
    let done = super::started("sfdisk", done)?;
    ensure!(
        done.status.success(),
        "no partition table: {}",
        String::from_utf8_lossy(&done.stderr).trim()
    );
    let Sfdisk { partitiontable: table } =
        serde_json::from_slice(&done.stdout).context("sfdisk's answer is not understood")?;
    ensure!(!table.partitions.is_empty(), "its partition table is empty");
    Ok(table
        .partitions
        .iter()
        .enumerate()
        .map(|(n, p)| (n + 1, p.start * table.sectorsize))
        .collect())
}
