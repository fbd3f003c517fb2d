// SPDX-License-Identifier: GPL-2.0-or-later
//! The figures as a page of the docs, with their date and the commit that they are of.

use std::fmt::Write;

use super::results::{Results, Storms};
use super::svg::thousands;
use crate::bench::verdict::{by_callers, goals, Rows};

const CALLERS: &str = "\n## Callers\n\n\
     The nine functions that call the two, in Rust ([callers.md](callers.md)), with all that they\n\
     call of each other and of the two; `make bench SUITE=sid` measures them after the two, on the\n\
     same terms. Both sides are called on a map of so many entries of a page each, all of which\n\
     the call changes. Neighbours differ in what it leaves as it is, or, where all merge, in what it\n\
     makes the same; so one entry is the cost of a call, and each further one that of the walks.\n\
     [callers.md](callers.md#what-they-cost) has what each walk is for and costs.\n";

const SOUND: &str = "\n## Sound\n\n\
     The same calls of the callers whose wiring has no bad schedule ([sound.md](sound.md)), on the\n\
     same maps. They wire and unwire page by page what the kernel's `vm_fault_wire` and\n\
     `vm_fault_unwire` do entry by entry, and those are not counted on either side: so the rows\n\
     that wire or unwire have a loop here that the shipped side has in a callee. \"With pages\" the\n\
     kernel's code runs and counts on every side: `vm_fault_wire`, `vm_fault_wire_fast`,\n\
     `vm_fault_unwire`, `vm_fault_page`. Each page is in memory and idle. What looks one up, counts\n\
     its wirings, or asks or changes a pmap counts nowhere: once a page more here to unwire, and in\n\
     the kernel's map twice to wire, where the page is mapped and is not entered again.\n\
     \"Page by page\" is the last of so many calls of vm_protect, each of which gives access to the\n\
     next page of a map that wires what it has; among the goals stands how many entries they leave.\n";

/// `of`: date and commit, in words.
pub fn page(
    all: &[Results],
    callers: &[Results],
    sound: &[Results],
    storms: &[Storms],
    of: &str,
) -> String {
    let mut text = String::from(
        "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n# What the functions cost\n\n\
         Written by `make bench PAGE=docs/bench.md`; not for editing.\n",
    );
    let _ = writeln!(text, "{of}.\n");
    text += "Each call is run from the same map on one machine: the machine code that Debian\n\
             ships, and ours. What is counted (instructions, accesses to memory, bytes) is the\n\
             same on every machine; times are of one machine, and judge nothing. The shipped\n\
             side counts with its two gap helpers, whose work ours has inside.\n";
    for results in all {
        let _ = writeln!(
            text,
            "\n## {}\n\n{};\nours by {}.\n",
            results.name, results.version, results.compiler
        );
        goal_table(&mut text, results, None);
        row_table(&mut text, results);
        if let Some(storms) = storms.iter().find(|storms| storms.name == results.name) {
            storm_table(&mut text, storms);
        }
    }
    if !callers.is_empty() {
        text += CALLERS;
    }
    for results in callers {
        let _ = writeln!(
            text,
            "\n### {}\n\n{};\nours by {}.\n",
            results.name, results.version, results.compiler
        );
        goal_table(&mut text, results, None);
        row_table(&mut text, results);
        walk_table(&mut text, results);
        text += "\n| function | bytes, shipped | ours | stack, shipped | ours |\n| --- | --: | --: | --: | --: |\n";
        for (name, [shipped, ours]) in &results.text.callers {
            let called = name.trim_start_matches('_').trim_start_matches("vm_map_");
            let [deep, our_deep] = results.stacks(called);
            let _ = writeln!(text, "| {name} | {shipped} | {ours} | {deep} | {our_deep} |");
        }
        let [shipped, ours] = results.text.all_of_callers();
        let _ = writeln!(text, "| all, the two and what they call too | {shipped} | {ours} | | |");
        text += "\nBytes of a function are without what it calls, its stack is with that of all of these.\n";
    }
    if !sound.is_empty() {
        text += SOUND;
    }
    for results in sound {
        sound_section(&mut text, results, callers);
    }
    text
}

fn sound_section(text: &mut String, results: &Results, callers: &[Results]) {
    let _ = writeln!(
        text,
        "\n### {}\n\n{};\nours by {}.\n",
        results.name, results.version, results.compiler
    );
    let same = callers.iter().find(|callers| callers.name == results.name);
    goal_table(text, results, same);
    *text += "\n| call | entries | shipped | callers | sound | by shipped | by callers | time |\n\
              | --- | --: | --: | --: | --: | --: | --: | --: |\n";
    for row in &results.rows {
        let time = row.time.map_or("-".to_string(), |time| format!("{:.2}", time.quartiles[1]));
        let of = |callers: &Results| {
            let mut rows = callers.rows.iter();
            rows.find(|it| it.what == row.what && it.entries == row.entries)
                .map(|it| it.judged()[1].instructions)
        };
        let [shipped, ours] = row.judged().map(|counts| counts.instructions);
        let beside = same.and_then(of);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.2} | {} | {time} |",
            row.what,
            thousands(row.entries.into()),
            thousands(shipped),
            beside.map_or("-".to_string(), thousands),
            thousands(ours),
            row.instructions(),
            beside.map_or("-".to_string(), |it| format!("{:.2}", ours as f64 / it as f64)),
        );
    }
    *text += "\nInstructions of one call; time is by the shipped side's.\n";
}

fn goal_table(text: &mut String, results: &Results, callers: Option<&Results>) {
    *text += "| goal | found | |\n| --- | --- | --- |\n";
    let of = [Rows::Alone, Rows::Alike, Rows::WithPages];
    let more = callers.map(|it| of.map(|of| by_callers(results, it, of)));
    for goal in more.into_iter().flatten().flatten().chain(goals(results)) {
        let met = if goal.met { "met" } else { "**not met**" };
        let _ = writeln!(text, "| {} | {} | {met} |", goal.what, goal.found);
    }
}

fn row_table(text: &mut String, results: &Results) {
    *text += "\n| call | entries | shipped | ours | ratio | time |\n| --- | --: | --: | --: | --: | --: |\n";
    for row in results.alone() {
        let time = row.time.map_or("-".to_string(), |time| format!("{:.2}", time.quartiles[1]));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {time} |",
            row.what,
            thousands(row.entries.into()),
            thousands(row.shipped.with_helpers.instructions),
            thousands(row.ours.own.instructions),
            row.instructions()
        );
    }
    *text += "\nInstructions of one call; time is the median of paired runs, ours / shipped.\n";
}

/// What a further entry costs: the walks over the range, whose number callers.md gives.
fn walk_table(text: &mut String, results: &Results) {
    *text += "\n| each further entry | shipped | ours | ratio |\n| --- | --: | --: | --: |\n";
    for kind in results.kinds().iter().filter(|kind| !kind.ends_with("with pages")) {
        if let Some((_, [shipped, ours])) = results.slopes(kind).last() {
            let _ = writeln!(text, "| {kind} | {shipped:.1} | {ours:.1} | {:.2} |", ours / shipped);
        }
    }
}

fn storm_table(text: &mut String, storms: &Storms) {
    *text += "\nCalls a second in booted kernels under load, grafted / stock:\n\n\
              | load | ratio | middle half of the pairs | pairs |\n| --- | --: | --: | --: |\n";
    for load in &storms.loads {
        let spread = load.spread();
        let [low, middle, high] = spread.quartiles;
        let _ = writeln!(
            text,
            "| {} | {middle:.2} | {low:.2} to {high:.2} | {} |",
            load.what, spread.pairs
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::{Load, Measured, Text};
    use crate::bench::step::{Counts, Tally};

    #[test]
    fn names_the_commit_and_says_what_is_not_met() {
        let text = Text { shipped_scan: 10, ours_scan: 11, ..Text::default() };
        let results = Results { name: "k".into(), text, ..Results::default() };
        let load = Load { what: "a".into(), pairs: vec![[2.0, 3.0]] };
        let storms = Storms { name: "k".into(), loads: vec![load], failed: 0 };
        let page = page(&[results], &[], &[], &[storms], "2026-11-26, commit abc");
        assert!(page.contains("\n2026-11-26, commit abc.\n"), "{page}");
        let bytes = page.lines().find(|line| line.contains("bytes of both functions")).unwrap();
        assert!(bytes.contains("11 of 10") && bytes.ends_with("| **not met** |"), "{bytes}");
        assert!(page.contains("| a | 1.50 | 1.50 to 1.50 | 1 |"), "{page}");
    }

    #[test]
    fn holds_sound_against_the_callers_and_counts_entries() {
        let row = |what: &str, shipped: u64, ours: u64, left| {
            let of = |instructions| {
                let counts = Counts { instructions, ..Counts::default() };
                Tally { own: counts, with_helpers: counts, ..Tally::default() }
            };
            let (what, entries) = (what.to_string(), 64);
            let (shipped, ours) = (of(shipped), of(ours));
            Measured { what, entries, shipped, ours, time: None, left, with_pages: false }
        };
        let of = |rows, sound| Results { name: "k".into(), rows, sound, ..Results::default() };
        let with_pages = |whole: [u64; 2]| {
            let mut row = Measured { with_pages: true, ..row("d, with pages", 10, 80, None) };
            (row.shipped.whole.instructions, row.ours.whole.instructions) = whole.into();
            row
        };
        let mut callers = vec![row("a", 100, 50, None), row("b", 100, 50, None)];
        callers.extend([row("d", 100, 10, None), with_pages([90, 56])]);
        let callers = of(callers, false);
        let mut rows =
            vec![row("a", 100, 55, None), row("b", 100, 56, None), row("c", 9, 9, Some([64, 2]))];
        rows.extend([row("d", 100, 30, None), with_pages([90, 70])]);
        let page = page(&[], &[callers], &[of(rows, true)], &[], "");
        let found = |what: &str| page.lines().find(|line| line.contains(what)).unwrap();
        let rows = found("every row at most 1.10 of the callers'");
        assert!(rows.contains("2 of 3 rows over; worst 3.000, d") && rows.contains("not met"));
        let alike = found("every row that is not measured with pages too at most 1.10");
        assert!(alike.contains("1 of 2 rows over; worst 1.120, b") && alike.contains("not met"));
        let pages = found("every row with pages at most 1.10");
        assert!(
            pages.contains("1 of 1 rows over; worst 1.250, d, with pages")
                && pages.contains("not met")
        );
        assert!(
            found("| d, with pages | 64 | 90 | 56 | 70 |").ends_with("| 0.78 | 1.25 | - |"),
            "{page}"
        );
        let left = found("64 calls leave one entry");
        assert!(left.contains("| 2, shipped 64 | **not met** |"), "{left}");
        assert!(found("| a | 64 | 100 | 50 | 55 |").ends_with("| 0.55 | 1.10 | - |"), "{page}");
    }
}
