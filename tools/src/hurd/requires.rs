// SPDX-License-Identifier: GPL-2.0-or-later
//! What the file system of a Hurd must hold, looked for before the first boot.

use std::io::Write;
use std::process::Stdio;

use anyhow::{bail, Context, Result};

use super::ext2::Ext2;
use super::steps::{Step, PATH};

/// What a RAM disk needs to come up with a shell, and who starts it.
const TO_BOOT: [(&str, &str); 6] = [
    ("/hurd/startup", "the first program that ext2fs starts"),
    ("/hurd/proc", "the process server, which startup starts"),
    ("/hurd/auth", "the authentication server, which startup starts"),
    ("/hurd/term", "the console's terminal, which console-run starts"),
    ("/libexec/console-run", "it gives startup's child the console"),
    ("/libexec/runsystem", "what console-run starts: it must end in a shell"),
];
/// Programs that the session uses outside of its steps, and those without which too little is left of it.
const TO_PLAY: [&str; 8] = ["sh", "cat", "cksum", "cp", "mkdir", "rm", "sync", "reboot"];
const SHELL: &str = "/bin/sh";

/// What the session has to know of a Hurd.
#[derive(Debug)]
pub struct Found {
    /// Checksum and size of its shell, as cksum prints them.
    pub shell: String,
    /// Programs of the steps that it has not got.
    pub absent: Vec<&'static str>,
}

/// A line for each thing without which a RAM disk does not come up.
pub fn to_boot(system: &Ext2) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for (path, what) in TO_BOOT {
        if system.resolve(path)?.is_none() {
            missing.push(format!("{path} ({what})"));
        }
    }
    match system.resolve(SHELL)? {
        None => missing.push(format!("{SHELL} (a POSIX shell, for example dash)")),
        Some(file) => {
            let interpreter = interpreter(&system.read(&file)?)?;
            if let Some(path) = interpreter {
                if system.resolve(&path)?.is_none() {
                    missing.push(format!("{path} (the dynamic linker that {SHELL} names)"));
                }
            }
        }
    }
    Ok(missing)
}

/// What the session finds there; an error, with a line for each, if it cannot do without something.
pub fn to_play(system: &Ext2, steps: &[Step]) -> Result<Found> {
    let mut missing = Vec::new();
    for name in TO_PLAY {
        if !has_program(system, name)? {
            missing.push(format!("the program {name} (in {})", PATH.replace(':', ", ")));
        }
    }
    if system.resolve(SHELL)?.is_none() {
        missing.push(format!("{SHELL} (a POSIX shell, for example dash)"));
    }
    refuse(system, &missing)?;
    let shell = shell(system)?;
    let mut absent = Vec::new();
    for name in steps.iter().flat_map(|step| step.programs) {
        if !absent.contains(name) && !has_program(system, name)? {
            absent.push(*name);
        }
    }
    Ok(Found { shell: cksum(&shell)?, absent })
}

/// The shell of a Hurd that has one.
pub fn shell(system: &Ext2) -> Result<Vec<u8>> {
    system.read(&system.resolve(SHELL)?.context("no shell")?)
}

/// An error with a line for each thing that is missing, if any is.
pub fn refuse(system: &Ext2, missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let lines: String = missing.iter().map(|line| format!("\n  missing: {line}")).collect();
    bail!("the file system in {} is no Hurd for this:{lines}", system.file.display())
}

fn has_program(system: &Ext2, name: &str) -> Result<bool> {
    for folder in PATH.split(':') {
        if system.resolve(&format!("{folder}/{name}"))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The dynamic linker that a program names; none if it is no ELF file, or is linked statically.
fn interpreter(program: &[u8]) -> Result<Option<String>> {
    use object::{Object, ObjectSection};
    let Ok(file) = object::File::parse(program) else { return Ok(None) };
    let Some(section) = file.section_by_name(".interp") else { return Ok(None) };
    let name = section.data()?.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(name).into_owned()))
}

/// Checksum and size as the standard's cksum prints them, by the one that is here.
pub fn cksum(data: &[u8]) -> Result<String> {
    let child = super::tool("cksum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = super::started("cksum", child)?;
    child.stdin.take().context("cksum's input")?.write_all(data)?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stdout).trim().to_string();
    match done.status.success() && said.split(' ').count() == 2 {
        true => Ok(said),
        false => bail!("cksum of this machine failed: {}, '{said}'", done.status),
    }
}
