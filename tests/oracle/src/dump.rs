// SPDX-License-Identifier: GPL-2.0-or-later
//! A map, and what became of it, in words.

use std::fmt::Write;

use crate::case::{Base, Case};
use crate::ends::Judged;
use crate::hooks::{Spec, SPECS};
use crate::layout::Field;
use crate::low;
use crate::machine::{Call, Machine, Side, Stop};
use crate::run::{Bench, Difference};
use crate::state::Built;

/// Prints a case, the map before, and both maps after, with what differs.
pub fn report(bench: &mut Bench, base: &Base, case: &Case) -> String {
    match bench.build(base) {
        Ok(()) => compared(bench, case),
        Err(error) => format!("the map cannot be built: {error:#}\n"),
    }
}

/// Prints what a case does to the map that was built.
pub fn compared(bench: &mut Bench, case: &Case) -> String {
    let mut text = String::new();
    let difference = bench.run(case);
    bench.prepare(case);
    let before = state(&bench.machine, &bench.built);
    let after = [Side::Shipped, Side::Ours].map(|side| {
        bench.show_after(side);
        state(&bench.machine, &bench.built)
    });
    let mut line = |what: String| {
        text.push_str(&what);
        text.push('\n');
    };
    line("map before:".to_string());
    before.iter().for_each(|l| line(format!("  {l}")));
    for op in &case.ops {
        line(format!("op: {op:?}"));
    }
    for act in &case.acts {
        line(format!("meanwhile: {act:?}"));
    }
    line("map after (S: shipped, O: ours; unmarked: both):".to_string());
    both(&after[0], &after[1], &mut line);
    line("calls:".to_string());
    let calls = [&bench.shipped.calls, &bench.ours.calls]
        .map(|calls| calls.iter().map(|call| name(bench, call)).collect::<Vec<_>>());
    both(&calls[0], &calls[1], &mut line);
    line("returned:".to_string());
    let returned = [&bench.shipped.returned, &bench.ours.returned]
        .map(|all| all.iter().map(|r| result(&bench.machine, r)).collect::<Vec<_>>());
    both(&returned[0], &returned[1], &mut line);
    line(match difference {
        None => "no difference".to_string(),
        Some(difference) => format!("difference: {}", in_words(difference)),
    });
    if let Some(ends) = &bench.ends {
        line(format!("called: {:x?}", ends.call()));
        match &ends.judged {
            Judged::Well => {}
            Judged::Differs(what) => line(format!("  {what}")),
            Judged::Unsound(what) => line(format!("  ours is not sound: {what}")),
        }
        return text;
    }
    for place in bench.places_that_differ() {
        line(format!("  {place}"));
    }
    text
}

/// How the map of a case is made.
pub fn recipe(base: &Base, case: &Case) -> String {
    let pmap = if base.kernel_pmap { "the kernel's" } else { "another" };
    let mut text = format!("pmap: {pmap}; {} pages behind the last entry\n", base.room);
    let mut line = |what: &dyn std::fmt::Debug| {
        let _ = writeln!(text, "  {what:?}");
    };
    base.objects.iter().for_each(|object| line(object));
    base.entries.iter().for_each(|entry| line(entry));
    base.changes.iter().for_each(|change| line(change));
    case.pokes.iter().for_each(|poke| line(poke));
    text
}

fn in_words(difference: Difference) -> &'static str {
    match difference {
        Difference::Broken => "a side failed in a way that no kernel may",
        Difference::Returned => "what was returned, or how it ended",
        Difference::Calls => "the calls, their order, arguments, or what was in memory then",
        Difference::Allocated => "how much was allocated",
        Difference::Memory => "map, entries, objects or threads",
        Difference::KernelData => "the kernel's own data",
        Difference::HeldLock => "what a spin lock guards was changed while another CPU held it",
        Difference::Ends => "how the map was left",
        Difference::Stray => "a write outside of the map and the kernel's data",
    }
}

/// Lines that are the same once, others of each side.
fn both(shipped: &[String], ours: &[String], line: &mut impl FnMut(String)) {
    for index in 0..shipped.len().max(ours.len()) {
        match (shipped.get(index), ours.get(index)) {
            (Some(a), Some(b)) if a == b => line(format!("    {a}")),
            (a, b) => {
                line(format!("  S {}", a.map_or("-", |a| a)));
                line(format!("  O {}", b.map_or("-", |b| b)));
            }
        }
    }
}

fn result(machine: &Machine, result: &Result<u32, Stop>) -> String {
    match result {
        Ok(value) => format!("{value}"),
        Err(stop) => machine.describe(stop),
    }
}

fn name(bench: &Bench, call: &Call) -> String {
    let Spec(name, _, count) = SPECS[usize::from(call.hook)];
    let mut text = format!("{name}(");
    for (index, argument) in call.arguments[..count].iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let argument = match u32::try_from(*argument) {
            Ok(argument) => pointer(&bench.machine, &bench.built, argument),
            Err(_) => format!("{argument:#x}"),
        };
        let _ = write!(text, "{separator}{argument}");
    }
    let _ = write!(text, ") state {:016x}", call.state);
    text
}

/// A number, as the thing that it points to if there is one.
fn pointer(machine: &Machine, built: &Built, address: u32) -> String {
    let layout = &machine.layout;
    let inside = |base: u32, size: u32| address.wrapping_sub(base) < size;
    let named = |name: String, base: u32| match address - base {
        0 => name,
        offset => format!("{name}+{offset:#x}"),
    };
    if address == layout.header {
        return "header".to_string();
    }
    if let Some(i) = built.entries.iter().position(|&e| inside(e, layout.entry_size)) {
        return named(format!("entry{i}"), built.entries[i]);
    }
    if let Some(i) = built.objects.iter().position(|&o| inside(o, layout.vm_object_size)) {
        return named(format!("object{}", i + 1), built.objects[i]);
    }
    for (name, base, size) in [
        ("map", layout.map, layout.free - layout.map),
        ("thread", layout.thread, layout.other_thread - layout.thread),
        ("other thread", layout.other_thread, layout.user_pmap - layout.other_thread),
    ] {
        if inside(base, size) {
            return named(name.to_string(), base);
        }
    }
    match address {
        0..=9 => address.to_string(),
        _ if inside(low::ARENA, low::ARENA_SIZE) => format!("new@{address:x}"),
        _ => format!("{address:#x}"),
    }
}

const MAP_FIELDS: &[Field] = {
    use Field::*;
    &[
        Entries,
        Size,
        SizeWired,
        Timestamp,
        Min,
        Max,
        Pmap,
        Hint,
        FirstFree,
        GapRoot,
        LockThread,
        ReadCount,
        WantWrite,
        WantUpgrade,
        Waiting,
        RecursionDepth,
    ]
};

const ENTRY_FIELDS: &[Field] = {
    use Field::*;
    &[
        Start,
        End,
        EntryObject,
        Offset,
        Protection,
        MaxProtection,
        Inheritance,
        WiredCount,
        WiredAccess,
        IsShared,
        IsSubMap,
        InTransition,
        NeedsWakeup,
        NeedsCopy,
        ProjectedOn,
        GapSize,
        InGapTree,
    ]
};

const OBJECT_FIELDS: &[Field] = {
    use Field::*;
    &[
        ObjectSize,
        RefCount,
        Shadow,
        ShadowOffset,
        Copy,
        Pager,
        PagerCreated,
        UsedForPageout,
        PagingInProgress,
        AbsentCount,
    ]
};

/// The map as it is in memory now, a line each for the map, entries, objects.
fn state(machine: &Machine, built: &Built) -> Vec<String> {
    let layout = &machine.layout;
    let fields = |base: u32, fields: &[Field]| {
        let mut text = String::new();
        for &field in fields {
            let value = layout.get(base, field);
            // What is zero nearly always would only hide the rest.
            if value != 0 || matches!(field, Field::Protection | Field::WiredCount) {
                let _ = write!(text, " {}={}", field.name(), pointer(machine, built, value));
            }
        }
        text
    };
    let privilege = layout.get(layout.thread, Field::Privilege);
    let mut lines = vec![format!("map{} vm_privilege={privilege}", fields(layout.map, MAP_FIELDS))];
    for entry in layout.ring() {
        let name = pointer(machine, built, entry);
        lines.push(format!("{name}{}", fields(entry, ENTRY_FIELDS)));
    }
    for (index, &object) in built.objects.iter().enumerate() {
        lines.push(format!("object{}{}", index + 1, fields(object, OBJECT_FIELDS)));
    }
    lines
}
