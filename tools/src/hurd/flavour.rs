// SPDX-License-Identifier: GPL-2.0-or-later
//! Which flavour of GNU Mach can boot which Hurd, and why.

use std::io::Read;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use flate2::read::MultiGzDecoder;
use object::{Architecture, Object, ObjectSymbol};

/// What a kernel brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Disk drivers inside it.
    pub drives_disks: bool,
    /// More than one CPU; not known without symbols.
    pub multiprocessor: Option<bool>,
    pub is_64: bool,
}

impl Kernel {
    pub fn of(path: &Path, data: &[u8]) -> Result<Kernel> {
        let file = crate::elf::parse(path, data)?;
        let is_64 = match file.architecture() {
            Architecture::I386 => false,
            Architecture::X86_64 => true,
            other => bail!("{}: no GNU Mach for a PC: {other:?}", path.display()),
        };
        let has = |name: &str| file.symbols().any(|s| s.is_definition() && s.name() == Ok(name));
        let named = file.symbols().next().is_some();
        // A stripped kernel still has the names that its disk driver prints.
        let drives_disks = has("linux_init") || (!named && holds(data, b"ide0"));
        let multiprocessor = named.then(|| has("start_other_cpus"));
        Ok(Kernel { drives_disks, multiprocessor, is_64 })
    }

    pub fn describe(&self) -> String {
        let processors = match self.multiprocessor {
            Some(true) => "SMP",
            Some(false) => "UP",
            None => "without symbols",
        };
        let drivers =
            if self.drives_disks { "disk drivers inside" } else { "no disk driver inside" };
        format!("{processors}, {drivers}")
    }
}

fn holds(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|window| window == text)
}

/// What a Hurd asks of its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub drives_disks: bool,
    pub is_64: bool,
    pub why: &'static str,
}

impl Need {
    pub fn of_ramdisk(is_64: bool) -> Need {
        let why = "its root is a RAM disk, which needs no disk driver, so the SMP kernel it is";
        Need { drives_disks: false, is_64, why }
    }

    pub fn of_image(starts_rumpdisk: bool, is_64: bool) -> Need {
        let why = match starts_rumpdisk {
            true => "its GRUB entry starts rumpdisk, which drives the disk from outside the kernel, so the SMP kernel it is",
            false => "its GRUB entry starts no rumpdisk, and only UP kernels have disk drivers inside",
        };
        Need { drives_disks: !starts_rumpdisk, is_64, why }
    }

    /// The flavour of Debian's package.
    pub fn flavour(&self) -> String {
        let machine = if self.is_64 { "amd64" } else { "486" };
        let processors = if self.drives_disks { "up" } else { "smp" };
        format!("{machine}-{processors}")
    }

    /// An error if this kernel cannot boot that Hurd.
    pub fn accepts(&self, path: &Path, kernel: &Kernel) -> Result<()> {
        let bits = |is_64: bool| if is_64 { "64" } else { "32" };
        ensure!(
            kernel.is_64 == self.is_64,
            "{} is a {}-bit kernel, and this Hurd is a {}-bit one",
            path.display(),
            bits(kernel.is_64),
            bits(self.is_64)
        );
        ensure!(
            kernel.drives_disks || !self.drives_disks,
            "{} has no disk driver inside, but {}; give a kernel of flavour {}",
            path.display(),
            self.why,
            self.flavour()
        );
        Ok(())
    }
}

/// Is this program or kernel (perhaps compressed) a 64-bit one?
pub fn is_64(name: &str, data: &[u8]) -> Result<bool> {
    let unpacked;
    let data = match data {
        [0x1f, 0x8b, ..] => {
            unpacked = gunzip(data)?;
            &unpacked[..]
        }
        plain => plain,
    };
    match data {
        [0x7f, b'E', b'L', b'F', 1, ..] => Ok(false),
        [0x7f, b'E', b'L', b'F', 2, ..] => Ok(true),
        _ => bail!("{name} is no ELF file"),
    }
}

pub fn gunzip(data: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(data).read_to_end(&mut plain).context("damaged gzip data")?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const UP: Kernel = Kernel { drives_disks: true, multiprocessor: Some(false), is_64: false };
    const SMP: Kernel = Kernel { drives_disks: false, multiprocessor: Some(true), is_64: false };

    #[test]
    fn the_flavour_follows_from_who_drives_the_disk() {
        assert_eq!(Need::of_ramdisk(false).flavour(), "486-smp");
        assert_eq!(Need::of_image(true, false).flavour(), "486-smp");
        assert_eq!(Need::of_image(false, false).flavour(), "486-up");
        assert_eq!(Need::of_image(true, true).flavour(), "amd64-smp");
    }

    #[test]
    fn a_kernel_that_cannot_reach_its_root_is_refused() {
        let path = Path::new("k");
        let disk = Need::of_image(false, false);
        assert!(disk.accepts(path, &UP).is_ok());
        let error = disk.accepts(path, &SMP).unwrap_err().to_string();
        assert!(error.contains("no disk driver") && error.contains("486-up"), "{error}");
        for kernel in [UP, SMP] {
            assert!(Need::of_image(true, false).accepts(path, &kernel).is_ok());
            assert!(Need::of_ramdisk(false).accepts(path, &kernel).is_ok());
            let error = Need::of_ramdisk(true).accepts(path, &kernel).unwrap_err().to_string();
            assert!(error.contains("32-bit kernel"), "{error}");
        }
    }

    #[test]
    fn compressed_kernels_are_looked_into() {
        assert!(!is_64("x", b"\x7fELF\x01...").unwrap());
        assert!(is_64("x", b"\x7fELF\x02...").unwrap());
        assert!(is_64("x", b"no").is_err());
        assert!(is_64("x", b"\x1f\x8bnot really").is_err());
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("k");
        std::fs::write(&plain, b"\x7fELF\x02...").unwrap();
        assert!(Command::new("gzip").arg(&plain).status().unwrap().success());
        let packed = std::fs::read(folder.path().join("k.gz")).unwrap();
        assert!(is_64("x", &packed).unwrap());
    }
}
