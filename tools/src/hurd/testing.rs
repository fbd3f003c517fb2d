// SPDX-License-Identifier: GPL-2.0-or-later
//! For tests: small disk images, laid out as Debian GNU/Hurd's (partition table, /boot, /hurd), and tables.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub struct Disk {
    pub folder: tempfile::TempDir,
    pub raw: PathBuf,
}

impl Disk {
    pub const OFFSET: u64 = 1 << 20;
    pub const SIZE: usize = 4 << 20;
    pub const EXT2FS: &'static [u8] = b"the file system server";

    /// None, with the reason said, where a tool is missing.
    pub fn new(kernel_name: &str, kernel: &[u8]) -> Option<Disk> {
        for name in ["mke2fs", "debugfs", "e2image", "e2fsck", "sfdisk", "qemu-img", "qemu-io"] {
            if super::tool(name).arg("--version").output().is_err() {
                kit::skip::tell(&format!("disk images: {name} is missing"));
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("boot/grub")).unwrap();
        fs::create_dir_all(tree.join("hurd")).unwrap();
        fs::write(tree.join("hurd/ext2fs.static"), Disk::EXT2FS).unwrap();
        fs::write(tree.join("boot").join(kernel_name), kernel).unwrap();
        fs::write(tree.join("boot/grub/grub.cfg"), "menu\n").unwrap();
        let raw = folder.path().join("disk");
        // What was on the disk before: no zeros where nothing was written.
        fs::write(&raw, vec![0xa5; Disk::OFFSET as usize + Disk::SIZE + (1 << 20)]).unwrap();
        let mut table = super::tool("sfdisk");
        table.arg("-q").arg("--wipe=always").arg(&raw).stdin(Stdio::piped());
        let mut child = table.stdout(Stdio::null()).spawn().unwrap();
        let layout = format!("2048,{},L,*\n", Disk::SIZE / 512);
        child.stdin.take().unwrap().write_all(layout.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        must(
            super::tool("mke2fs")
                .args(["-q", "-F", "-t", "ext2", "-o", "hurd", "-b", "4096", "-d"])
                .arg(&tree)
                .args(["-E", &format!("nodiscard,offset={}", Disk::OFFSET)])
                .arg(&raw)
                .arg(format!("{}k", Disk::SIZE / 1024)),
        );
        Some(Disk { folder, raw })
    }
}

pub fn must(command: &mut Command) {
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&said));
}

/// What stands in the row of a table that begins with this name.
pub fn cells_of<'a>(table: &'a str, name: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}
