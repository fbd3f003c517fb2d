// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool layout`: a kernel's structures, from its DWARF.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{bail, Result};
use kit::dwarf::Layouts;

use crate::elf;

mod header;
pub mod record;

/// The structures that the two functions touch; those inside them by value come along.
const ROOTS: &[&str] = &[
    "lock",
    "rbtree_node",
    "rbtree",
    "list",
    "vm_map_links",
    "vm_map_object",
    "vm_map_entry",
    "vm_map_header",
    "vm_map",
];

/// Write the kernel's structures as a C header, or compare an object with them
///
/// Reads the DWARF (version 4 or 5) of an i386 or x86-64 kernel. Every complete definition of a
/// structure, in whichever compile unit, must say the same. The header asserts each size and each
/// member's place; places of bit-fields are what the C compiler gives them, and --check compares
/// those too, from the record that the object carries.
#[derive(clap::Args)]
pub struct Args {
    /// The kernel: an ELF file with DWARF
    kernel: PathBuf,
    /// Where to write the header (standard output if not given)
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Compare the layout record of this object with the kernel; each difference is printed, and
    /// the exit status is 1 if there is any
    #[arg(long, value_name = "OBJ")]
    check: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    if let Some(path) = &args.output {
        kit::files::refuse_overwrite(path, &[&args.kernel])?;
    }
    let data = elf::read(&args.kernel)?;
    let layouts = load(&args.kernel, &elf::parse(&args.kernel, &data)?)?;
    if let Some(object) = &args.check {
        return check(&args.kernel, &layouts, object);
    }
    let origin = args.kernel.file_name().unwrap_or_default();
    let text = header::write(&layouts, &origin.to_string_lossy())?;
    match &args.output {
        Some(path) => elf::write_all(&[(path, text.as_bytes())], &[&args.kernel]),
        None => Ok(std::io::stdout().write_all(text.as_bytes())?),
    }
}

/// Reads the layouts of an opened kernel.
pub fn load(path: &Path, file: &object::File) -> Result<Layouts> {
    let sections = elf::dwarf_sections(path, file)?;
    Layouts::read(&elf::dwarf(&sections), ROOTS)
        .map_err(|e| e.context(format!("{}: cannot read its structures", path.display())))
}

fn check(kernel: &Path, layouts: &Layouts, object: &Path) -> Result<()> {
    let data = elf::read(object)?;
    let record = record::read(object, &elf::parse(object, &data)?)?;
    let lines = record::differences(layouts, &record);
    for line in &lines {
        println!("{line}");
    }
    if !lines.is_empty() {
        bail!(
            "{} was not compiled for {}: {} differences",
            object.display(),
            kernel.display(),
            lines.len()
        );
    }
    println!("{} rows agree", record.len());
    Ok(())
}
