// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool layout`: a kernel's structures, from its DWARF.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};
use kit::dwarf::Layouts;

use crate::elf;

mod header;
pub mod record;
pub mod signatures;

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

/// What the callers of the two touch besides: every kernel has it.
const OF_CALLERS: &[&str] = &["vm_object", "vm_page"];

/// Write the kernel's structures as a C header, or compare an object with them
///
/// Reads the DWARF (version 4 or 5) of an i386 or x86-64 kernel. Every complete definition of a
/// structure, in whichever compile unit, must say the same. The header asserts each size and each
/// member's place; places of bit-fields are what the C compiler gives them, and --check compares
/// those too, from the record that the object carries, with each function's result and parameters.
#[derive(clap::Args)]
pub struct Args {
    /// The kernel: an ELF file with DWARF
    kernel: PathBuf,
    /// Where to write the header (standard output if not given)
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Compare this object's record of layouts and signatures with the kernel; each difference is printed, and
    /// the exit status is 1 if there is any
    #[arg(long, value_name = "OBJ")]
    check: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    if let Some(path) = &args.output {
        kit::files::refuse_overwrite(path, &[&args.kernel])?;
    }
    let data = elf::read(&args.kernel)?;
    let kernel = elf::parse(&args.kernel, &data)?;
    if let Some(object) = &args.check {
        return check(&args.kernel, &kernel, object);
    }
    let layouts = load(&args.kernel, &kernel)?;
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
    Layouts::read_also(&elf::dwarf(&sections), ROOTS, OF_CALLERS)
        .map_err(|e| e.context(format!("{}: cannot read its structures", path.display())))
}

/// Each way in which the object's record of layouts and signatures differs from the kernel, and how
/// many rows of each it has.
pub fn compare(
    (kernel_path, kernel): (&Path, &object::File),
    (object_path, object): (&Path, &object::File),
) -> Result<(Vec<String>, [usize; 2])> {
    let rows = record::read(object_path, object)?;
    let signatures = signatures::read(object_path, object)?;
    let mut lines = record::differences(&load(kernel_path, kernel)?, &rows);
    let sections = elf::dwarf_sections(kernel_path, kernel)?;
    let differences = signatures::differences(&elf::dwarf(&sections), &signatures);
    lines.extend(differences.with_context(|| {
        format!("{}: cannot read its functions' parameters", kernel_path.display())
    })?);
    Ok((lines, [rows.len(), signatures.len()]))
}

fn check(kernel_path: &Path, kernel: &object::File, object: &Path) -> Result<()> {
    let data = elf::read(object)?;
    let file = elf::parse(object, &data)?;
    let (lines, [rows, signatures]) = compare((kernel_path, kernel), (object, &file))?;
    for line in &lines {
        println!("{line}");
    }
    if !lines.is_empty() {
        bail!(
            "{} was not compiled for {}: {} differences",
            object.display(),
            kernel_path.display(),
            lines.len()
        );
    }
    println!("{rows} rows and {signatures} signatures agree");
    Ok(())
}
