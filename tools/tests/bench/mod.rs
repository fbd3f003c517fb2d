// SPDX-License-Identifier: GPL-2.0-or-later
//! A folder with the fake kernel's script in it, for tests that boot for real.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const VMTOOL: &str = env!("CARGO_BIN_EXE_vmtool");

/// The fake kernel, or why there is none here.
fn fake_kernel() -> &'static Result<PathBuf, String> {
    static KERNEL: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-kernel");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fake-kernel");
        let object = built.with_extension("o");
        let present = ["gcc", "ld", "setpriv", "qemu-system-i386", "grub-mkrescue"];
        for program in present {
            if Command::new(program).arg("--version").output().is_err() {
                return Err(format!("{program} is missing"));
            }
        }
        run(Command::new("gcc")
            .args(["-m32", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pic"])
            .args(["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-c", "-o"])
            .args([object.as_path(), &source.join("kernel.c")]));
        run(Command::new("ld")
            .args(["-m", "elf_i386", "-static", "-nostdlib", "-z", "max-page-size=4096", "-T"])
            .args([source.join("kernel.ld").as_path(), &object, Path::new("-o"), &built]));
        Ok(built)
    })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder, with the script in it that the fake kernel is to print; None, with the reason said, where
/// nothing can be booted.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub kernel: &'static Path,
}

impl Bench {
    pub fn new(script: &str) -> Option<Bench> {
        match fake_kernel() {
            Ok(kernel) => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join("script"), script).unwrap();
                Some(Bench { folder, kernel })
            }
            Err(reason) => {
                kit::skip::tell(&format!("a boot under QEMU: {reason}"));
                None
            }
        }
    }
}

/// Puts the record beside a kernel that a graft leaves.
pub fn record(grafted: &Path, stock_sha256: &str, symbols: &[(&str, u64)]) {
    let symbols = symbols.iter().map(|&(name, at)| (name.to_string(), at)).collect();
    let stock_sha256 = stock_sha256.into();
    write_record(grafted, &kit::graft::Record { stock_sha256, symbols, ..no_record(grafted) });
}

/// What says of a kernel that it was grafted, and no more.
pub fn no_record(grafted: &Path) -> kit::graft::Record {
    kit::graft::Record {
        stock_sha256: String::new(),
        object_sha256: String::new(),
        grafted_sha256: kit::files::sha256_of(grafted).unwrap(),
        tool_sha256: String::new(),
        symbols: Default::default(),
        parts: Default::default(),
        text_bytes: 5,
        room: 5,
    }
}

pub fn write_record(grafted: &Path, record: &kit::graft::Record) {
    let text = serde_json::to_string(record).unwrap();
    std::fs::write(kit::graft::Record::place(grafted), text).unwrap();
}
