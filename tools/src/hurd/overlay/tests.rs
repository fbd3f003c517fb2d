// SPDX-License-Identifier: GPL-2.0-or-later
//! Real overlays over small images made here.

use std::process::Command;

use super::super::testing::{self, Disk};
use super::*;

fn converted(overlay: &Path, to: &Path) {
    testing::must(Command::new("qemu-img").args(["convert", "-O", "raw"]).args([overlay, to]));
}

/// Noise with blocks of zeros in it, which are easily taken for nothing.
fn kernel_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| if n / 4096 % 3 == 1 { 0 } else { (n * n / 7) as u8 | 1 }).collect()
}

#[test]
fn the_new_kernel_is_in_the_overlay_and_the_image_is_as_it_was() {
    let Some(disk) = Disk::new("gnumach", &kernel_bytes(9000)) else { return };
    let before = fs::read(&disk.raw).unwrap();
    let system = Ext2::find(&disk.raw, Disk::OFFSET).unwrap().unwrap();
    let work = disk.folder.path().join("a work folder");
    fs::create_dir(&work).unwrap();
    let (kernel, menu, overlay) = (work.join("k"), work.join("m"), work.join("o.qcow2"));
    let bytes = kernel_bytes(700_000);
    fs::write(&kernel, &bytes).unwrap();
    fs::write(&menu, "a menu\n").unwrap();
    let files: [(&str, &Path); 2] = [("/boot/gnumach", &kernel), ("/boot/grub/grub.cfg", &menu)];
    make(&system, &files, &work, &overlay).unwrap();

    assert!(fs::read(&disk.raw).unwrap() == before, "the image was written to");
    let whole = work.join("whole");
    converted(&overlay, &whole);
    let changed = Ext2::find(&whole, Disk::OFFSET).unwrap().unwrap();
    assert!(changed.read("/boot/gnumach").unwrap() == bytes, "another kernel");
    assert_eq!(changed.read("/boot/grub/grub.cfg").unwrap(), b"a menu\n");
    assert_eq!(changed.read("/hurd/ext2fs.static").unwrap(), Disk::EXT2FS);
    let partition = work.join("partition");
    fs::write(&partition, &fs::read(&whole).unwrap()[Disk::OFFSET as usize..][..Disk::SIZE])
        .unwrap();
    testing::must(super::super::tool("e2fsck").arg("-fn").arg(&partition));
}

#[test]
fn nothing_is_put_into_a_system_that_was_not_unmounted() {
    let Some(disk) = Disk::new("gnumach", b"k") else { return };
    let mut bytes = fs::read(&disk.raw).unwrap();
    bytes[Disk::OFFSET as usize + 1024 + 0x3a] = 0;
    fs::write(&disk.raw, bytes).unwrap();
    let system = Ext2::find(&disk.raw, Disk::OFFSET).unwrap().unwrap();
    let (work, overlay) = (disk.folder.path(), disk.folder.path().join("o.qcow2"));
    let error = make(&system, &[("/boot/gnumach", &disk.raw)], work, &overlay).unwrap_err();
    assert!(error.to_string().contains("not unmounted cleanly"), "{error}");
    assert!(!overlay.exists());
}

#[test]
fn a_full_disk_is_an_error_of_its_own() {
    let Some(disk) = Disk::new("gnumach", b"k") else { return };
    let system = Ext2::find(&disk.raw, Disk::OFFSET).unwrap().unwrap();
    let large = disk.folder.path().join("large");
    fs::write(&large, kernel_bytes(Disk::SIZE * 2)).unwrap();
    let overlay = disk.folder.path().join("o.qcow2");
    let error =
        make(&system, &[("/boot/gnumach", &large)], disk.folder.path(), &overlay).unwrap_err();
    assert!(format!("{error:#}").contains("cannot replace files"), "{error:#}");
}

#[test]
fn blocks_become_runs() {
    assert_eq!(runs(vec![7, 3, 4, 3, 9, 8]), [3..5, 7..10]);
    assert!(runs(Vec::new()).is_empty());
}

#[test]
fn each_block_that_differs_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, data: &[u8]| {
        fs::write(folder.path().join(name), data).unwrap();
        folder.path().join(name)
    };
    let mut data = vec![0; (1 << 20) + 4096];
    let before = file("before", &data);
    for place in [0, 2048, 4096 + 5, 1 << 20] {
        data[place] = 1;
    }
    let after = file("after", &data);
    assert_eq!(different_blocks(&before, &after, 1024).unwrap(), [0, 2, 4, 1024]);
}
