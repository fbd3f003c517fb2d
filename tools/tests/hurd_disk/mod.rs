// SPDX-License-Identifier: GPL-2.0-or-later
//! Small disk images laid out as Debian GNU/Hurd's: partition table, GRUB's menu, /boot, /hurd.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TOOLS: [&str; 8] =
    ["mke2fs", "debugfs", "e2image", "sfdisk", "qemu-img", "qemu-io", "xz", "gzip"];

pub struct Disk {
    pub folder: tempfile::TempDir,
    pub raw: PathBuf,
}

impl Disk {
    pub const SIZE: usize = 8 << 20;

    /// After `change` to what goes onto the disk. None, with the reason said, where a tool is missing.
    pub fn with(menu: &str, change: impl FnOnce(&Path)) -> Option<Disk> {
        for name in TOOLS {
            // env says by 127 that there is no such program.
            if tool(name).arg("--version").output().unwrap().status.code() == Some(127) {
                kit::skip::tell(&format!("disk images: {name} is missing"));
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("boot/grub")).unwrap();
        fs::create_dir_all(tree.join("hurd")).unwrap();
        fs::write(tree.join("hurd/ext2fs.static"), "server").unwrap();
        fs::write(tree.join("hurd/rumpdisk.static"), "driver").unwrap();
        fs::write(tree.join("boot/gnumach"), elf(1)).unwrap();
        must(Command::new("gzip").arg(tree.join("boot/gnumach")));
        fs::write(tree.join("boot/grub/grub.cfg"), menu).unwrap();
        change(&tree);
        let raw = folder.path().join("disk");
        fs::File::create(&raw).unwrap().set_len(Disk::SIZE as u64 + (2 << 20)).unwrap();
        let mut table = tool("sfdisk");
        table.arg("-q").arg(&raw).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = table.spawn().unwrap();
        let layout = format!("2048,{},L,*\n", Disk::SIZE / 512);
        child.stdin.take().unwrap().write_all(layout.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        must(
            tool("mke2fs")
                .args(["-q", "-F", "-t", "ext2", "-o", "hurd", "-b", "4096", "-d"])
                .arg(&tree)
                .args(["-E", "offset=1048576"])
                .arg(&raw)
                .arg(format!("{}k", Disk::SIZE / 1024)),
        );
        fs::remove_dir_all(tree).unwrap();
        Some(Disk { folder, raw })
    }
}

pub fn tool(name: &str) -> Command {
    let mut command = Command::new("env");
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    command.arg(name).env("PATH", path);
    command
}

pub fn must(command: &mut Command) {
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&said));
}

/// An ELF file without anything in it, 32-bit (1) or 64-bit (2).
pub fn elf(class: u8) -> Vec<u8> {
    let machine = if class == 1 { 3 } else { 62 };
    let mut bytes = b"\x7fELF\0\x01\x01".to_vec();
    bytes[4] = class;
    bytes.resize(64, 0);
    bytes[16] = 2;
    bytes[18] = machine;
    bytes[20] = 1;
    // Sizes of the header and of table entries, of which there are none.
    let (at, header, program, section) =
        if class == 1 { (40, 52, 32, 40) } else { (52, 64, 56, 64) };
    bytes[at] = header;
    bytes[at + 2] = program;
    bytes[at + 6] = section;
    bytes
}
