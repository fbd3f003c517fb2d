// SPDX-License-Identifier: GPL-2.0-or-later
//! Builds small kernels and objects from C, and runs vmtool on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub struct Bench {
    dir: tempfile::TempDir,
}

/// What a mini kernel is made of; every default is right.
pub struct Kernel<'a> {
    pub flags: &'a [&'a str],
    /// Bytes of room in .eh_frame; none: no such section.
    pub room: Option<u32>,
    pub etext_after_room: bool,
    pub edata_before_room: bool,
    /// Where it lies, if not where Linux can run it.
    pub start: Option<u64>,
}

impl Default for Kernel<'_> {
    fn default() -> Self {
        Self {
            flags: &[],
            room: Some(16384),
            etext_after_room: false,
            edata_before_room: false,
            start: None,
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).expect("written");
        self.path(name)
    }

    pub fn kernel(&self, kernel: &Kernel) -> PathBuf {
        let script = self.write("kernel.lds", script(kernel));
        let out = self.path("kernel");
        let mut gcc = gcc();
        gcc.args(["-m32", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack"])
            .arg("-mgeneral-regs-only")
            .arg("-Wl,--no-warn-rwx-segments")
            .arg(format!("-Wl,-T,{}", script.display()))
            .args(kernel.flags)
            .arg(c_file("kernel.c"))
            .arg("-o")
            .arg(&out);
        done(gcc);
        out
    }

    /// Compiles a file of tests/c.
    pub fn object(&self, flags: &[&str]) -> PathBuf {
        self.compile(&c_file("object.c"), "object.o", flags)
    }

    /// Compiles C (or assembly, if the name ends in .S) given as text.
    pub fn object_of(&self, name: &str, text: &str, flags: &[&str]) -> PathBuf {
        let source = self.write(name, text);
        self.compile(&source, &format!("{name}.o"), flags)
    }

    fn compile(&self, source: &Path, name: &str, flags: &[&str]) -> PathBuf {
        let out = self.path(name);
        let mut gcc = gcc();
        gcc.args(["-m32", "-c"]).args(flags).arg(source).arg("-o").arg(&out);
        done(gcc);
        out
    }

    /// Runs binutils on a copy of a file.
    pub fn objcopy(&self, file: &Path, flags: &[&str]) -> PathBuf {
        let out = self.path("copy");
        let mut objcopy = Command::new("objcopy");
        objcopy.args(flags).arg(file).arg(&out);
        done(objcopy);
        out
    }

    pub fn output(&self) -> PathBuf {
        self.path("grafted")
    }

    pub fn graft(&self, kernel: &Path, object: &Path) -> Output {
        vmtool(&[&"graft", &kernel, &object, &"-o", &self.output()])
    }

    /// Grafts, expects a refusal with these words, and nothing written.
    pub fn refused(&self, kernel: &Path, object: &Path, words: &[&str]) {
        let output = self.graft(kernel, object);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for word in words {
            assert!(text.contains(word), "`{word}` is not in:\n{text}");
        }
        assert!(self.written().is_empty(), "{:?} was written", self.written());
    }

    /// What lies in the folder by the output's name, or one that begins so.
    pub fn written(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("")).expect("the folder can be read");
        let names = files.map(|file| file.expect("listed").file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("grafted")).collect()
    }
}

pub fn vmtool(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vmtool")).args(args).output().expect("vmtool runs")
}

pub fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    text
}

/// gcc as for a kernel, with the project's C headers.
pub fn gcc() -> Command {
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gnumach-headers");
    let mut gcc = Command::new("gcc");
    gcc.args("-O2 -g -ffreestanding -nostdlib -fno-pic -fcf-protection=none".split(' '))
        .args("-fno-stack-protector -fasynchronous-unwind-tables".split(' '))
        .arg("-idirafter")
        .arg(headers);
    gcc
}

pub fn done(mut command: Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}:\n{}", text(&output));
}

fn c_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(name)
}

/// One segment for code and room, writable so that the counters work under Linux as well.
fn script(kernel: &Kernel) -> String {
    let mark = |here: bool, name: &str| match here {
        true => format!("{name} = .;"),
        false => String::new(),
    };
    let room = match kernel.room {
        Some(size) => format!(".eh_frame : {{ *(.eh_frame) . = . + {size}; }} :code"),
        None => "/DISCARD/ : { *(.eh_frame) }".to_string(),
    };
    format!(
        "ENTRY(_start)
        PHDRS {{ code PT_LOAD FLAGS(7); data PT_LOAD FLAGS(6); }}
        SECTIONS {{
            . = {start:#x};
            .text : {{ *(.text .text.*) }} :code
            {etext_early}
            .rodata : {{ *(.rodata .rodata.*) }} :code
            {edata_early}
            {room}
            {etext_late}
            . = ALIGN(4096);
            .data : {{ *(.data .data.*) }} :data
            {edata_late}
            .bss : {{ *(.bss .bss.* COMMON) }} :data
            _end = .;
        }}",
        start = kernel.start.unwrap_or(0x804_8000),
        etext_early = mark(!kernel.etext_after_room, "etext"),
        etext_late = mark(kernel.etext_after_room, "etext"),
        edata_early = mark(kernel.edata_before_room, "_edata"),
        edata_late = mark(!kernel.edata_before_room, "_edata"),
    )
}
