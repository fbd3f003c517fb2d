// SPDX-License-Identifier: GPL-2.0-or-later
//! Makes the CD image that boots a kernel through GRUB, and keeps it for the next boot of the same.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{bail, Context, Result};

use super::memory::Kernel;
use super::Module;

/// How the names of images begin.
const NAME: &str = "boot-";
/// Images kept; each is about 6 MB.
const KEPT: usize = 12;
/// Only the BIOS loader is wanted, though GRUB's others may be installed.
const LOADER: &str = "/usr/lib/grub/i386-pc";

/// GRUB's BIOS loader: where install-packages.sh has unpacked it (beside a folder on PATH, build/tools/bin), or the machine's.
fn loader() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unpacked =
        std::env::split_paths(&path).map(|bin| bin.with_file_name("run").join(&LOADER[1..]));
    unpacked.chain([LOADER.into()]).find(|folder| folder.is_dir())
}

/// The image for this kernel, command line and modules in `cache`, made if it is not there.
pub fn image(
    cache: &Path,
    kernel: &[u8],
    command_line: &str,
    modules: &[Module],
) -> Result<PathBuf> {
    let config = grub_config(command_line, modules)?;
    let contents: Vec<Vec<u8>> =
        modules.iter().map(|module| crate::elf::read(&module.path)).collect::<Result<_>>()?;
    let mut hasher = DefaultHasher::new();
    (kernel, &config, &contents).hash(&mut hasher);
    let image = cache.join(format!("{NAME}{:016x}.iso", hasher.finish()));
    if image.is_file() {
        // Used now, so the last to go; a read-only cache serves as well.
        let _ = fs::File::options()
            .append(true)
            .open(&image)
            .and_then(|f| f.set_modified(SystemTime::now()));
        return Ok(image);
    }
    let Some(loader) = loader() else {
        bail!("GRUB's BIOS loader ({LOADER}) is missing: tools/install-packages.sh run");
    };
    kit::folder::ours(cache)?;
    let stage = tempfile::tempdir_in(cache)
        .with_context(|| format!("cannot write to folder {}", cache.display()))?;
    let boot = stage.path().join("boot");
    fs::create_dir_all(boot.join("grub"))?;
    fs::write(boot.join("kernel"), kernel)?;
    fs::write(boot.join("grub/grub.cfg"), &config)?;
    for (n, content) in contents.iter().enumerate() {
        fs::write(boot.join(format!("module{n}")), content)?;
    }
    let fresh = kit::files::beside(&image)?;
    mkrescue(&loader, stage.path(), fresh.path())?;
    fresh.persist(&image)?;
    drop_oldest(cache);
    Ok(image)
}

/// QEMU's arguments that put the image in a drive and boot from it.
///
/// On AHCI for a kernel that drives no disk: from IDE the processor moves each word itself, and for one that is
/// emulated that takes most of a boot. The drivers in Debian's UP kernels wait for ever for a CD on AHCI.
pub fn drive(image: &Path, kernel: &Kernel) -> Result<Vec<String>> {
    let file = image.to_str().with_context(|| format!("{} is not UTF-8", image.display()))?;
    // A comma ends an option's value unless it is doubled.
    let file = file.replace(',', ",,");
    let drive = format!("if=none,id=boot,file={file},format=raw,media=cdrom,readonly=on");
    let (controller, bus) = match kernel.drives_no_disk() {
        true => (&["-device", "ahci,id=ahci"][..], "ahci.0"),
        false => (&[][..], "ide.0"),
    };
    let disc = format!("ide-cd,drive=boot,bus={bus},bootindex=0");
    let arguments = [controller, &["-drive", &drive, "-device", &disc]].concat();
    Ok(arguments.into_iter().map(String::from).collect())
}

fn mkrescue(loader: &Path, tree: &Path, output: &Path) -> Result<()> {
    let done = Command::new("grub-mkrescue")
        .arg("--directory")
        .arg(loader)
        .args(["--fonts=", "--locales=", "--themes="])
        .args(["--install-modules=normal multiboot iso9660 biosdisk serial terminal", "-o"])
        .args([output, tree])
        .stdin(Stdio::null())
        .output();
    let done = match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("grub-mkrescue is missing: tools/install-packages.sh run")
        }
        other => other.context("cannot run grub-mkrescue")?,
    };
    if !done.status.success() || fs::metadata(output)?.len() == 0 {
        bail!("grub-mkrescue made no image:\n{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn grub_config(command_line: &str, modules: &[Module]) -> Result<String> {
    // GRUB's own complaints go to the serial line too, so a boot that fails in it tells why.
    let mut config = String::from("serial --unit=0\nterminal_output serial\nset timeout=0\n");
    config += &format!("multiboot /boot/kernel{}\n", quoted(command_line)?);
    for (n, module) in modules.iter().enumerate() {
        config += &format!("module /boot/module{n} {}{}\n", module.name(), quoted(&module.args)?);
    }
    Ok(config + "boot\n")
}

/// Each word in single quotes: GRUB expands `${...}` otherwise.
fn quoted(text: &str) -> Result<String> {
    if let Some(bad) =
        text.chars().find(|c| matches!(c, '\'' | '"' | '\\') || (c.is_control() && *c != ' '))
    {
        bail!("{bad:?} cannot be passed on by GRUB in: {text}");
    }
    Ok(text.split_whitespace().map(|word| format!(" '{word}'")).collect())
}

/// Best effort: a cache that could not be trimmed still works.
fn drop_oldest(cache: &Path) {
    let Ok(entries) = fs::read_dir(cache) else { return };
    let mut images: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_image(path))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    images.sort();
    for (_, path) in images.iter().rev().skip(KEPT) {
        let _ = fs::remove_file(path);
    }
}

/// Whether a file has the name of an image of ours.
fn is_image(path: &Path) -> bool {
    let hash =
        path.file_name().and_then(|name| name.to_str()?.strip_prefix(NAME)?.strip_suffix(".iso"));
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_arguments_reach_the_module_unexpanded() {
        let module = Module { path: "x/storm".into(), args: "${host-port}  $(task-create)".into() };
        let config = grub_config("console=com0", &[module]).unwrap();
        assert!(config.contains("multiboot /boot/kernel 'console=com0'\n"));
        assert!(config.contains("module /boot/module0 storm '${host-port}' '$(task-create)'\n"));
    }

    #[test]
    fn what_grub_would_change_is_refused() {
        for bad in ["it's", "a\\b", "say \"x\"", "two\nlines"] {
            assert!(quoted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_oldest_images_go_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let image = |n: usize| path(&format!("{NAME}{n:016x}.iso"));
        let old = |path: &Path, seconds: u64| {
            let file = fs::File::create(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
                .unwrap();
        };
        let theirs =
            ["debian.iso", "0123456789abcdef.iso", "boot-my-own.iso", "boot-0123456789abcdef.img"];
        theirs.iter().for_each(|name| old(&path(name), 0));
        (0..KEPT + 2).for_each(|n| old(&image(n), 1 + n as u64));
        drop_oldest(folder.path());
        assert!(!image(0).exists() && !image(1).exists() && image(2).exists());
        assert!(theirs.iter().all(|name| path(name).exists()));
    }
}
