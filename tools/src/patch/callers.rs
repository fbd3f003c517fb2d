// SPDX-License-Identifier: GPL-2.0-or-later
//! The callers of the two functions, which a tree may take from our object as well.

use std::ops::RangeInclusive;

use anyhow::{bail, Result};

use super::code::{Code, Lines};
use super::lines;
use super::tokens::{squeeze, Kind};

/// What the C leaves out while this macro is defined; configure defines it, with the other one.
const MACRO: &str = "VM_MAP_RUST_CALLERS";

/// For the patch's message, where its configure offers them.
pub const MESSAGE: &str = "
--enable-rust-vm-map-callers takes the callers of the two from there as
well: vm_map_pageable (), vm_map_pageable_all (), vm_map_protect (),
vm_map_inherit (), vm_map_delete (), vm_map_remove (),
vm_map_entry_delete () and the clipping of entries.  They do what the C
does.
";

/// What is left out, in runs with nothing else between the functions of one. Each with the fingerprints
/// that it had from June 2025 to April 2026; of vm_map_protect also with the fix protect-freed-entry.
const RUNS: [&[(&str, &[u64])]; 3] = [
    &[("_vm_map_clip_start", &[0xbf12_9560_f707_0091])],
    &[("_vm_map_clip_end", &[0xdbba_2ef2_c8ec_4b72])],
    &[
        (
            "vm_map_protect",
            &[
                0x28a1_9baa_39d3_7c9a,
                0x1a61_4103_7967_5464,
                0x1578_5ec6_6650_d5b9,
                0x82e1_ce44_09c3_1fb3,
            ],
        ),
        ("vm_map_inherit", &[0x3433_870b_61f7_b447]),
        ("vm_map_pageable", &[0xeee2_080e_f4de_79f2]),
        ("vm_map_pageable_current", &[0x6f5b_37d0_7964_e17e]),
        ("vm_map_pageable_all", &[0x9a1d_dbf5_1ae1_498a]),
        ("vm_map_entry_delete", &[0x971e_dba0_0783_9d9c, 0x0214_909f_1c9f_a858]),
        ("vm_map_delete", &[0x8d78_f59c_a233_8723]),
        ("vm_map_remove", &[0xd6c8_1d31_4403_fee0]),
    ],
];

/// What our code does without calling it.
const PARTS: [(&str, &[u64]); 4] = [
    ("_vm_map_entry_create", &[0x81fa_8fd0_9b28_55a3]),
    ("_vm_map_entry_dispose", &[0xe935_6c56_b122_8569]),
    ("vm_map_gap_insert", &[0x5fb5_a9d8_e61f_1a6d]),
    ("vm_map_gap_update", &[0x0682_9882_1f40_e21b]),
];

/// What a tree's configure can offer of them.
pub enum Callers {
    Offered {
        protect_looks_again: bool,
    },
    /// With the reason.
    Not(String),
}

impl Callers {
    /// `allow_changed`: also those that are not known.
    pub fn of(code: &Code<'_>, allow_changed: bool) -> Callers {
        let known = RUNS.iter().copied().flatten().chain(&PARTS);
        let changed: Vec<String> =
            known.filter_map(|(name, known)| code.differs(name, known)).collect();
        if !changed.is_empty() && !allow_changed {
            return Callers::Not(format!(
                "vm/vm_map.c has code that is not what their Rust was written after: {}",
                changed.join(", ")
            ));
        }
        match ranges(code).and_then(|_| looks_again(code)) {
            Ok(protect_looks_again) => Callers::Offered { protect_looks_again },
            Err(error) => Callers::Not(format!("{error:#}")),
        }
    }

    /// What goes into configfrag.ac, behind the option for the two.
    pub fn configure(&self) -> String {
        let Callers::Offered { protect_looks_again } = self else { return String::new() };
        lines::fragment(include_str!("callers.ac"))
            .split_inclusive('\n')
            .filter(|line| *protect_looks_again || !line.contains("PROTECT_LOOKS_AGAIN"))
            .collect()
    }
}

/// The C with conditionals around each run.
pub fn guarded(code: &Code<'_>, mut lines: Lines) -> Result<Lines> {
    for (name, range) in ranges(code)? {
        lines.guard(name, range, MACRO)?;
    }
    Ok(lines)
}

/// The lines of each run, comments in front included, and its first function.
fn ranges(code: &Code<'_>) -> Result<Vec<(&'static str, RangeInclusive<usize>)>> {
    let mut ranges = Vec::new();
    for run in RUNS {
        let functions = run.iter().map(|(name, _)| code.find(name)).collect::<Result<Vec<_>>>()?;
        for (pair, (name, _)) in functions.windows(2).zip(&run[1..]) {
            let between = pair[0].last_line + 1..pair[1].first_line;
            if let Some(other) = code
                .tokens
                .iter()
                .find(|token| token.kind != Kind::Comment && between.contains(&token.first_line))
            {
                let line = other.first_line + 1;
                bail!(
                    "vm/vm_map.c has something else in front of {name}: line {line}: {}",
                    squeeze(other.text)
                );
            }
            if pair[0].last_line >= pair[1].first_line {
                bail!("vm/vm_map.c has {name} elsewhere than behind the function before it");
            }
        }
        if let (Some(first), Some(last)) = (functions.first(), functions.last()) {
            ranges.push((run[0].0, first.first_line..=last.last_line));
        }
    }
    Ok(ranges)
}

/// Whether vm_map_protect looks its start up again after merging, as sid's kernels do.
fn looks_again(code: &Code<'_>) -> Result<bool> {
    match code.find("vm_map_protect")?.count("vm_map_lookup_entry") {
        1 => Ok(false),
        2 => Ok(true),
        times => bail!("vm_map_protect looks up an entry {times} times, and not once or twice"),
    }
}
