// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool hurd` looks into disk images and folders: what it needs for which, and each refusal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::hurd_disk;

use hurd_disk::{must, Disk};

const MENU: &str = "\
menuentry 'GNU/Hurd' {
	multiboot /boot/gnumach.gz root=part:1:device:wd0 console=tty
	module /hurd/ext2fs.static ext2fs --readonly '${host-port}'
	module /hurd/rumpdisk.static rumpdisk
}
";
const PLAIN_MENU: &str = "\
menuentry 'GNU/Hurd' {
	multiboot /boot/gnumach.gz root=part:1:device:hd0
	module /hurd/ext2fs.static ext2fs --readonly '${host-port}'
}
";
const VMTOOL: &str = env!("CARGO_BIN_EXE_vmtool");

fn disk(menu: &str) -> Option<Disk> {
    Disk::with(menu, |_| ())
}

/// The exit status and what was said, on both outputs.
fn hurd(folder: &Path, options: &[&str]) -> (i32, String) {
    let done = Command::new(VMTOOL).arg("hurd").args(options).current_dir(folder).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Programs and servers that a root file system needs, as empty files.
const FILES: [&str; 14] = [
    "hurd/startup",
    "hurd/proc",
    "hurd/auth",
    "hurd/term",
    "libexec/console-run",
    "libexec/runsystem",
    "bin/sh",
    "bin/cat",
    "bin/cksum",
    "bin/cp",
    "bin/mkdir",
    "bin/rm",
    "bin/sync",
    "bin/reboot",
];

fn with_files(tree: &Path) {
    for file in FILES {
        fs::create_dir_all(tree.join(file).parent().unwrap()).unwrap();
        fs::write(tree.join(file), "").unwrap();
    }
    fs::write(tree.join("bin/sh"), hurd_disk::elf(1)).unwrap();
}

fn refused(folder: &Path, options: &[&str], why: &str) {
    let (code, said) = hurd(folder, options);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(why), "'{why}' is not in: {said}");
}

#[test]
fn a_disk_says_which_kernel_it_needs_in_each_format() {
    let Some(disk) = disk(MENU) else { return };
    let (folder, raw) = (disk.folder.path(), disk.raw.as_path());
    let before = fs::read(raw).unwrap();
    must(Command::new("qemu-img").args(["convert", "-O", "qcow2"]).args([raw, &folder.join("q")]));
    fs::create_dir(folder.join("in")).unwrap();
    fs::copy(raw, folder.join("in/debian-hurd.img")).unwrap();
    must(Command::new("tar").current_dir(folder).args([
        "-cJf",
        "d.img.tar.xz",
        "in/debian-hurd.img",
    ]));
    for image in ["disk", "q", "d.img.tar.xz"] {
        for _ in 0..2 {
            let (code, said) = hurd(folder, &["--image", image, "--need"]);
            assert_eq!(code, 0, "{image}: {said}");
            assert!(said.starts_with("486-smp\n"), "{image}: {said}");
            assert!(said.contains("rumpdisk"), "{image}: {said}");
        }
    }
    assert!(fs::read(raw).unwrap() == before, "the image was written to");
    assert_eq!(fs::read_dir(folder.join("build/hurd")).unwrap().count(), 2, "unpacked once each");
}

#[test]
fn a_disk_without_rumpdisk_needs_a_kernel_with_drivers() {
    let Some(disk) = disk(PLAIN_MENU) else { return };
    let folder = disk.folder.path();
    let (code, said) = hurd(folder, &["--image", "disk", "--need"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("486-up\n") && said.contains("no rumpdisk"), "{said}");
    fs::write(folder.join("kernel"), hurd_disk::elf(1)).unwrap();
    refused(folder, &["--image", "disk", "--kernel", "kernel"], "no disk driver inside");
    fs::write(folder.join("kernel64"), hurd_disk::elf(2)).unwrap();
    refused(folder, &["--image", "disk", "--kernel", "kernel64"], "64-bit kernel");
    fs::write(folder.join("text"), "no kernel").unwrap();
    refused(folder, &["--image", "disk", "--kernel", "text"], "not an ELF file");
    refused(folder, &["--image", "disk", "--kernel", "nothing"], "cannot read nothing");
    assert_eq!(fs::read_dir(folder.join("build/hurd")).map_or(0, Iterator::count), 0);
}

#[test]
fn no_image_and_wrong_images() {
    let Some(disk) = disk(MENU) else { return };
    let folder = disk.folder.path();
    let need = |image: &str, why: &str| refused(folder, &["--image", image, "--need"], why);
    need("nothing", "no image: cannot read nothing");
    need(".", "is a folder");
    fs::write(folder.join("text"), "not a disk").unwrap();
    need("text", "wrong image: neither a raw disk");
    fs::write(folder.join("zeros"), vec![0; 4096]).unwrap();
    need("zeros", "wrong image: neither a raw disk");
    let mut empty = vec![0; 1 << 20];
    empty[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(folder.join("empty"), empty).unwrap();
    need("empty", "partition table");
    fs::write(folder.join("half.qcow2"), b"QFI\xfb\0\0\0\x03").unwrap();
    need("half.qcow2", "wrong image");
    fs::write(folder.join("half.tar.xz"), b"\xfd7zXZ\0 and no more").unwrap();
    need("half.tar.xz", "cannot be unpacked");
    must(Command::new("tar").current_dir(folder).args(["-cJf", "other.tar.xz", "text"]));
    need("other.tar.xz", "holds 0 disk images");
    assert_eq!(
        fs::read_dir(folder.join("build/hurd")).map_or(0, Iterator::count),
        0,
        "left behind"
    );
}

#[test]
fn disks_without_a_hurd_or_without_its_parts() {
    let broken = |change: fn(&Path)| Disk::with(MENU, change);
    let told = |disk: Option<Disk>, why: &str| {
        let Some(disk) = disk else { return };
        refused(disk.folder.path(), &["--image", "disk", "--need"], why);
    };
    told(
        broken(|tree| fs::remove_dir_all(tree.join("hurd")).unwrap()),
        "no Hurd in it (partition 1: ext2 without /hurd",
    );
    told(
        broken(|tree| fs::remove_file(tree.join("boot/grub/grub.cfg")).unwrap()),
        "no /boot/grub/grub.cfg",
    );
    told(
        broken(|tree| fs::remove_file(tree.join("boot/gnumach.gz")).unwrap()),
        "boots /boot/gnumach.gz, which is not",
    );
    told(disk("set timeout=5\n"), "no entry that boots a multiboot kernel");
    let Some(disk) = disk(MENU) else { return };
    let mut bytes = fs::read(&disk.raw).unwrap();
    bytes[(1 << 20) + 1024..][..1024].fill(0);
    fs::write(&disk.raw, bytes).unwrap();
    refused(
        disk.folder.path(),
        &["--image", "disk", "--need"],
        "no Hurd in it (partition 1: no ext2",
    );
}

/// A folder as --directory takes it.
fn parts(folder: &Path, change: fn(&Path)) -> Option<PathBuf> {
    let disk = Disk::with(MENU, |tree| {
        with_files(tree);
        change(tree);
    })?;
    let parts = folder.join("parts");
    fs::create_dir(&parts).unwrap();
    for name in ["ext2fs.static", "exec.static"] {
        fs::write(parts.join(name), hurd_disk::elf(1)).unwrap();
    }
    let bytes = fs::read(&disk.raw).unwrap();
    fs::write(parts.join("root.img"), &bytes[1 << 20..][..Disk::SIZE]).unwrap();
    Some(parts)
}

#[test]
fn a_folder_with_its_parts_or_without() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let Some(parts) = parts(folder, |_| ()) else { return };
    let needs = |what: &str| {
        let (code, said) = hurd(folder, &["--directory", "parts", "--need"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with(what) && said.contains("RAM disk"), "{said}");
    };
    let refused = |why: &str| refused(folder, &["--directory", "parts", "--need"], why);
    needs("486-smp\n");
    must(Command::new("gzip").arg(parts.join("root.img")));
    needs("486-smp\n");
    fs::write(parts.join("root.img.gz"), b"\x1f\x8b\x08 damaged").unwrap();
    refused("wrong RAM disk");
    fs::remove_file(parts.join("root.img.gz")).unwrap();
    refused("missing: a RAM-disk root image");
    fs::rename(parts.join("exec.static"), parts.join("exec")).unwrap();
    refused("missing: a RAM-disk root image");
    fs::remove_file(parts.join("exec")).unwrap();
    refused("missing: exec.static, or exec");
    fs::remove_file(parts.join("ext2fs.static")).unwrap();
    refused(
        "no Hurd in parts:\n  missing: ext2fs.static (the server of the root file system)\n  missing: exec.static, or exec",
    );
    fs::remove_dir_all(parts).unwrap();
    refused("is no folder");
}

#[test]
fn a_folder_of_64_bit_programs_and_a_mixed_one() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let need = ["--directory", "parts", "--need"];
    let wide = |tree: &Path| fs::write(tree.join("bin/sh"), hurd_disk::elf(2)).unwrap();
    let Some(parts) = parts(folder, wide) else { return };
    refused(folder, &need, "and the RAM disk's /bin/sh is a 64-bit program");
    fs::write(parts.join("ext2fs.static"), hurd_disk::elf(2)).unwrap();
    refused(
        folder,
        &need,
        "ext2fs.static is a 64-bit program, and exec.static is a 32-bit program",
    );
    fs::write(parts.join("exec.static"), hurd_disk::elf(2)).unwrap();
    let (code, said) = hurd(folder, &need);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("amd64-smp\n"), "{said}");
}

#[test]
fn an_ext2fs_that_is_none() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(parts) = parts(scratch.path(), |_| ()) else { return };
    fs::write(parts.join("ext2fs.static"), "text").unwrap();
    refused(scratch.path(), &["--directory", "parts", "--need"], "ext2fs.static is no ELF file");
}

/// Another interpreter than the one that is there, as a program of the Hurd would name it.
fn needs_a_linker(tree: &Path) {
    must(Command::new("cp").arg("/bin/sh").arg(tree.join("bin/sh")));
}

#[test]
fn what_a_ram_disk_lacks_is_told_before_the_boot_a_line_each() {
    let lacks = |change: fn(&Path), options: &[&str], lines: &[&str]| {
        let scratch = tempfile::tempdir().unwrap();
        let Some(_) = parts(scratch.path(), change) else { return };
        fs::write(scratch.path().join("kernel"), hurd_disk::elf(1)).unwrap();
        let all = [&["--directory", "parts"], options].concat();
        for line in lines {
            refused(scratch.path(), &all, &format!("\n  missing: {line}"));
        }
    };
    lacks(
        |tree| {
            fs::remove_file(tree.join("bin/sh")).unwrap();
            fs::remove_file(tree.join("hurd/proc")).unwrap();
            fs::remove_file(tree.join("libexec/runsystem")).unwrap();
        },
        &["--need"],
        &[
            "in the RAM disk: /bin/sh (a POSIX shell",
            "in the RAM disk: /hurd/proc (the process server",
            "in the RAM disk: /libexec/runsystem (",
        ],
    );
    lacks(
        needs_a_linker,
        &["--need"],
        &["in the RAM disk: /lib64/ld-linux-x86-64.so.2 (the dynamic linker"],
    );
    let check = &["--kernel", "kernel", "--check"];
    lacks(
        |tree| {
            fs::remove_file(tree.join("bin/cksum")).unwrap();
            // A link that leads nowhere, and one that leads to a program.
            std::os::unix::fs::symlink("nothing", tree.join("bin/cksum")).unwrap();
            fs::remove_file(tree.join("bin/reboot")).unwrap();
            fs::rename(tree.join("bin/cp"), tree.join("bin/coreutils")).unwrap();
            std::os::unix::fs::symlink("coreutils", tree.join("bin/cp")).unwrap();
        },
        check,
        &["the program cksum (in /sbin, /usr/sbin", "the program reboot (in "],
    );
    let scratch = tempfile::tempdir().unwrap();
    let gone = |tree: &Path| fs::remove_file(tree.join("bin/sync")).unwrap();
    let Some(_) = parts(scratch.path(), gone) else { return };
    fs::write(scratch.path().join("kernel"), hurd_disk::elf(1)).unwrap();
    let (code, said) = hurd(scratch.path(), &[&["--directory", "parts"][..], check].concat());
    assert_eq!((code, said.matches("missing: ").count()), (1, 1), "{said}");
    assert!(!scratch.path().join("build/logs").exists(), "something was booted");
}

#[test]
fn wrong_usage_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for options in [&[][..], &["--image", "x"], &["--image", "x", "--directory", "y", "--need"]] {
        assert_eq!(hurd(folder.path(), options).0, 2, "{options:?}");
    }
}
