// SPDX-License-Identifier: GPL-2.0-or-later
//! Our object, linked in memory against the kernel's image.

use std::path::Path;

use anyhow::{bail, Context, Result};
use kit::elf;
use kit::link::{Plan, PAGE, TRAP};
use kit::together;
use object::{Architecture, Object, ObjectKind};

use crate::callers::{Addresses, CALLERS};
use crate::kernel::Kernel;
use crate::low;

pub const SCAN: &str = "vm_map_pageable_scan";
pub const COALESCE: &str = "vm_map_coalesce_entry";

/// Where the object is in memory, and its functions.
pub struct Ours {
    pub scan: u32,
    pub coalesce: u32,
    /// If the object has them.
    pub callers: Option<Addresses>,
    /// If it has the feature `sound`.
    pub sound: bool,
    /// Its own functions, by mangled names.
    pub inner: Vec<(String, u32)>,
}

/// Loads the object at `low::OURS`. It may be loaded again over an older one. `version`: if it
/// holds several, made together, which of them.
pub fn load(
    path: &Path,
    kernel: &Kernel,
    mapped: &mut u32,
    version: Option<usize>,
) -> Result<Ours> {
    let what = || path.display().to_string();
    let data = elf::read(path)?;
    let file = elf::parse(path, &data)?;
    let machine = if low::is_wide() { Architecture::X86_64 } else { Architecture::I386 };
    if file.architecture() != machine || file.kind() != ObjectKind::Relocatable {
        bail!("{}: not a relocatable {machine:?} object", what());
    }

    let plan = Plan::new(&file, low::OURS.into()).with_context(what)?;
    let linked =
        plan.link(&file, |name| Ok(kernel.symbol(name)?.address.into())).with_context(what)?;
    let size = u32::try_from(plan.end.next_multiple_of(PAGE))? - low::OURS;
    if size > *mapped {
        low::map(low::OURS + *mapped, size - *mapped, low::RW)?;
        *mapped = size;
    }
    low::protect(low::OURS, *mapped, low::RW);
    low::bytes(low::OURS, *mapped).fill(TRAP);
    low::bytes(low::OURS, linked.len() as u32).copy_from_slice(&linked);
    // What is writable (counters) stands on pages of its own, behind the rest.
    let read_only = plan.writable.map_or(size, |(start, _)| start as u32 - low::OURS);
    low::protect(low::OURS, read_only, low::RX);

    let symbols = plan.symbols(&file)?;
    let function = |function: &str| -> Result<u32> {
        let name = version.map_or(function.to_string(), |index| together::name(index, function));
        let symbol =
            symbols.get(&name).with_context(|| format!("{}: defines no {name}", what()))?;
        Ok(u32::try_from(symbol.address)?)
    };
    let mut callers = None;
    if symbols.contains_key(CALLERS[0].1) {
        let mut addresses = Addresses::default();
        for (caller, name) in CALLERS {
            addresses[caller as usize] = function(name)?;
        }
        callers = Some(addresses);
    }
    let inner = plan.inner(&file)?;
    let inner = inner.into_iter().map(|(name, symbol)| Ok((name, u32::try_from(symbol.address)?)));
    let inner = inner.collect::<Result<_>>()?;
    let sound = symbols.contains_key("vm_map_rust_sound");
    Ok(Ours { callers, sound, inner, scan: function(SCAN)?, coalesce: function(COALESCE)? })
}
