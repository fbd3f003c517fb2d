// SPDX-License-Identifier: GPL-2.0-or-later
//! What a tree may take from our object besides the callers, so that wiring has no bad schedule: two
//! functions of other files.

use anyhow::{Context, Result};

use super::callers::Callers;
use super::code::{Code, Lines};
use super::format::Change;
use super::lines;
use super::tree::Tree;

/// What the C leaves out while this macro is defined; configure defines it, with the other two.
const MACRO: &str = "VM_MAP_RUST_SOUND";

/// For the patch's message, where its configure offers it.
pub const MESSAGE: &str = "
--enable-rust-vm-map-sound takes these callers in another form, in which
wiring has no bad schedule; and projected_buffer_in_range (), with the
map's lock, and vm_page_convert (), which wakes who waits for the page.
";

/// Each with its file, and the fingerprints that it had from June 2025 to April 2026, and has with the fix
/// projected-unlocked or convert-loses-waiters.
const FUNCTIONS: [(&str, &str, &[u64]); 2] = [
    ("vm/vm_kern.c", "projected_buffer_in_range", &[0xce2f_a180_2c5b_163f, 0x093d_db8e_03b6_145f]),
    ("vm/vm_resident.c", "vm_page_convert", &[0xb38e_25c9_d5a8_1f13, 0xea0f_6496_60f2_d089]),
];

/// Whether a tree's configure can offer it.
pub enum Sound {
    /// With the files in which the C has conditionals then.
    Offered(Vec<Change>),
    /// With the reason, if it is not that the callers are not offered.
    Not(Option<String>),
}

impl Sound {
    /// `allow_changed`: also functions that are not known.
    pub fn of(tree: &Tree, callers: &Callers, allow_changed: bool) -> Result<Sound> {
        if let Callers::Not(_) = callers {
            return Ok(Sound::Not(None));
        }
        let mut changes = Vec::new();
        for (file, name, known) in FUNCTIONS {
            let Some(source) = tree.read(file)? else {
                return Ok(Sound::Not(Some(format!("the tree has no {file}"))));
            };
            let code = Code::of(file, &source);
            if let Some(changed) = code.differs(name, known).filter(|_| !allow_changed) {
                return Ok(Sound::Not(Some(format!(
                    "{file} has code that is not what its Rust was written after: {changed}"
                ))));
            }
            match guarded(&code, &source, name).context(file) {
                Ok(text) => changes.push(Change { file: file.to_owned(), text }),
                Err(error) => return Ok(Sound::Not(Some(format!("{error:#}")))),
            }
        }
        Ok(Sound::Offered(changes))
    }

    /// What goes into configfrag.ac, in front of the callers' option, which this one sets.
    pub fn configure(&self) -> String {
        match self {
            Sound::Offered(_) => lines::fragment(include_str!("sound.ac")).to_owned(),
            Sound::Not(_) => String::new(),
        }
    }

    pub fn changes(&self) -> &[Change] {
        match self {
            Sound::Offered(changes) => changes,
            Sound::Not(_) => &[],
        }
    }
}

fn guarded(code: &Code<'_>, source: &str, name: &str) -> Result<String> {
    let function = code.find(name)?;
    let mut lines = Lines::of(source);
    lines.guard(name, function.first_line..=function.last_line, MACRO)?;
    Ok(lines.text())
}
