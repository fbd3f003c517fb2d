// SPDX-License-Identifier: GPL-2.0-or-later
//! The first patch: the two functions may come from our object.

use anyhow::{bail, Context, Result};

use super::callers::{self, Callers};
use super::code::{Code, Lines};
use super::format::Change;
use super::lines;
use super::sound::Sound;
use super::tree::Tree;
use crate::object_check::FUNCTIONS;

pub const FILES: [&str; 4] = ["Makefile.am", "configfrag.ac", "vm/vm_map.c", "vm/vm_map.h"];
pub const MESSAGE: &str = include_str!("replace.msg");

/// Code of vm/vm_map.c that our Rust stands for, and what it was (`tokens::Function::fingerprint`) from
/// April 2024 to April 2026: the two functions, and the static ones that they call.
const KNOWN: [(&str, u64); 9] = [
    ("vm_map_coalesce_entry", 0x2592_d1cb_7207_ce2c),
    ("vm_map_pageable_scan", 0x96c2_a812_40bf_4d38),
    ("vm_map_entry_inc_wired", 0x2eff_6d45_3015_43ff),
    ("vm_map_entry_reset_wired", 0x747a_af82_6678_6907),
    ("vm_map_gap_compute", 0xb60c_30e8_4f1a_4863),
    ("vm_map_gap_insert_single", 0x759c_8666_51bb_7607),
    ("vm_map_gap_remove", 0xa0fa_c8a5_8fb8_1c75),
    ("vm_map_gap_remove_single", 0xdb2d_21c5_e599_fed6),
    ("vm_map_gap_valid", 0x54d8_3fb8_f9e0_b0ee),
];

/// What the C leaves out while this macro is defined; configure defines it.
pub const MACRO: &str = "VM_MAP_RUST";
const OPTION: &str = "rust-vm-map";

/// What the patch offers besides the two functions.
pub struct Offers {
    pub callers: Callers,
    pub sound: Sound,
}

/// The files with the patch in them, and what it offers; refuses trees that it does not suit.
pub fn changes(tree: &Tree, allow_changed: bool) -> Result<(Vec<Change>, Offers)> {
    let read = |file: &str| tree.read(file)?.with_context(|| format!("the tree has no {file}"));
    let [makefile, configure, source, header] = FILES.map(read);
    let (makefile, configure, source, header) = (makefile?, configure?, source?, header?);
    if source.contains(MACRO) || header.contains(MACRO) || configure.contains(OPTION) {
        bail!("the tree has this patch already: vm/vm_map.c or configure knows {MACRO}");
    }
    let (guarded, callers) = guard_functions(&source, allow_changed)?;
    let sound = Sound::of(tree, &callers, allow_changed)?;
    let options = sound.configure() + &callers.configure();
    let texts = [
        add_object(&makefile)?,
        add_option(&configure, &options)?,
        guarded,
        add_prototype(&header)?,
    ];
    let mut changes: Vec<Change> = FILES
        .iter()
        .zip(texts)
        .map(|(file, text)| Change { file: (*file).to_owned(), text })
        .collect();
    changes.extend_from_slice(sound.changes());
    let touched: Vec<&str> = changes.iter().map(|change| change.file.as_str()).collect();
    tree.require_clean(&touched)?;
    Ok((changes, Offers { callers, sound }))
}

/// The C of vm/vm_map.c with conditionals around each function that the tree may leave out, and what the
/// tree can have of the callers.
fn guard_functions(source: &str, allow_changed: bool) -> Result<(String, Callers)> {
    let code = Code::of("vm/vm_map.c", source);
    let mut targets = Vec::new();
    for name in FUNCTIONS {
        let function = code
            .find(name)
            .context("the tree is older than April 2024, or the function was changed")?;
        if !function.names("in_transition") {
            bail!(
                "the tree is older than the series of April 2024 that ends in \"vm: Mark entries as \
                 in-transition while wiring down\" (upstream commit 1a4ce715): its {name} does not know \
                 in_transition"
            );
        }
        targets.push((name, function));
    }
    let changed: Vec<String> =
        KNOWN.iter().filter_map(|(name, known)| code.differs(name, &[*known])).collect();
    if !changed.is_empty() && !allow_changed {
        bail!(
            "vm/vm_map.c has code that is not what our Rust was written after: {}; compare the two, and \
             say --allow-changed if the change does not matter",
            changed.join(", ")
        );
    }

    let mut lines = Lines::of(source);
    for (name, function) in &targets {
        lines.guard(name, function.first_line..=function.last_line, MACRO)?;
    }
    let callers = Callers::of(&code, allow_changed);
    if let Callers::Not(_) = callers {
        return Ok((lines.text(), callers));
    }
    match callers::guarded(&code, lines.clone()) {
        Ok(lines) => Ok((lines.text(), callers)),
        Err(error) => Ok((lines.text(), Callers::Not(format!("{error:#}")))),
    }
}

/// At the end, where it moves no other declaration.
fn add_prototype(header: &str) -> Result<String> {
    let end = lines::starts(header)
        .filter(|&at| header[at..].starts_with("#endif"))
        .last()
        .context("vm/vm_map.h does not end its include guard")?;
    let prototype = format!(
        "#ifdef {MACRO}\nextern void vm_map_pageable_scan(vm_map_t, vm_map_entry_t, vm_offset_t);\n#endif\n\n"
    );
    Ok(lines::insert(header, end, &prototype))
}

/// In front of the comment that belongs to the links, the last part of the file.
fn add_option(configure: &str, more: &str) -> Result<String> {
    let starts: Vec<usize> = lines::starts(configure).collect();
    let links = starts
        .iter()
        .position(|&at| configure[at..].starts_with("AC_CONFIG_LINKS("))
        .context("configfrag.ac has no AC_CONFIG_LINKS, in front of which the option would go")?;
    let is_comment = |&at: &usize| {
        let line = configure[at..].lines().next().unwrap_or("");
        line.trim().is_empty() || line.starts_with('#') || line.starts_with("dnl")
    };
    let above = starts[..links].iter().rposition(|at| !is_comment(at));
    let at = starts[above.map_or(0, |line| line + 1)];
    let option = lines::fragment(include_str!("replace.ac"));
    Ok(lines::insert(configure, at, &format!("\n{option}{more}")))
}

/// Behind what gnumach.o is linked from.
fn add_object(makefile: &str) -> Result<String> {
    let start = lines::starts(makefile)
        .find(|&at| {
            makefile[at..]
                .strip_prefix("gnumach_o_LDADD")
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        })
        .context("Makefile.am does not set gnumach_o_LDADD")?;
    let length: usize = makefile[start..]
        .split_inclusive('\n')
        .scan(true, |goes_on, line| {
            std::mem::replace(goes_on, line.trim_end().ends_with('\\')).then_some(line.len())
        })
        .sum();
    Ok(lines::insert(
        makefile,
        start + length,
        &format!("\n{}", lines::fragment(include_str!("replace.am"))),
    ))
}
