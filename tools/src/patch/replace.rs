// SPDX-License-Identifier: GPL-2.0-or-later
//! The first patch: the two functions may come from our object.

use anyhow::{bail, ensure, Context, Result};

use super::format::Change;
use super::lines;
use super::tokens::{functions, tokens, Function};
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

/// The four files with the patch in them; refuses trees that it does not suit.
pub fn changes(tree: &Tree, allow_changed: bool) -> Result<Vec<Change>> {
    let read = |file: &str| tree.read(file)?.with_context(|| format!("the tree has no {file}"));
    let [makefile, configure, source, header] = FILES.map(read);
    let (makefile, configure, source, header) = (makefile?, configure?, source?, header?);
    if source.contains(MACRO) || header.contains(MACRO) || configure.contains(OPTION) {
        bail!("the tree has this patch already: vm/vm_map.c or configure knows {MACRO}");
    }
    let texts = [
        add_object(&makefile)?,
        add_option(&configure)?,
        guard_functions(&source, allow_changed)?,
        add_prototype(&header)?,
    ];
    tree.require_clean(&FILES)?;
    Ok(FILES
        .iter()
        .zip(texts)
        .map(|(file, text)| Change { file: (*file).to_owned(), text })
        .collect())
}

/// Puts each function between conditionals, on lines that were blank: no other line moves, and so no
/// line number in an assertion or in debugging information does.
fn guard_functions(source: &str, allow_changed: bool) -> Result<String> {
    let tokens = tokens(source);
    let find = |name: &str| -> Result<Function> {
        let mut found = functions(&tokens, name);
        ensure!(found.len() < 2, "vm/vm_map.c defines {name} {} times", found.len());
        found.pop().with_context(|| format!("vm/vm_map.c defines no function {name}"))
    };
    let mut targets = Vec::new();
    for name in FUNCTIONS {
        let function =
            find(name).context("the tree is older than April 2024, or the function was changed")?;
        if !function.names("in_transition") {
            bail!(
                "the tree is older than the series of April 2024 that ends in \"vm: Mark entries as \
                 in-transition while wiring down\" (upstream commit 1a4ce715): its {name} does not know \
                 in_transition"
            );
        }
        targets.push((name, function));
    }
    let mut changed = Vec::new();
    for (name, known) in KNOWN {
        match find(name).map(|function| function.fingerprint) {
            Ok(now) if now == known => {}
            Ok(now) => changed.push(format!("{name} (fingerprint {now:#x})")),
            Err(_) => changed.push(format!("{name} (not there)")),
        }
    }
    if !changed.is_empty() && !allow_changed {
        bail!(
            "vm/vm_map.c has code that is not what our Rust was written after: {}; compare the two, and \
             say --allow-changed if the change does not matter",
            changed.join(", ")
        );
    }

    let mut text: Vec<String> = source.split('\n').map(str::to_owned).collect();
    for (name, function) in targets {
        let before = function.first_line.checked_sub(1);
        for (place, guard) in [
            (before, format!("#ifndef {MACRO}")),
            (Some(function.last_line + 1), format!("#endif /* !{MACRO} */")),
        ] {
            let line = place.and_then(|place| text.get_mut(place)).filter(|line| line.is_empty());
            *line.with_context(|| {
                format!(
                    "vm/vm_map.c has no blank line in front of and behind {name} for a conditional"
                )
            })? = guard;
        }
    }
    Ok(text.join("\n"))
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
fn add_option(configure: &str) -> Result<String> {
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
    Ok(lines::insert(configure, at, &format!("\n{}", lines::fragment(include_str!("replace.ac")))))
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
