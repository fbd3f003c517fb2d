// SPDX-License-Identifier: GPL-2.0-or-later
//! Results and goals as plain text.

use super::results::{Measured, Results, Storms};
use super::step::{Counts, Tally};
use super::verdict::{goals, CALLED};
use crate::low;

/// All tables of one kernel.
pub fn print(results: &Results) {
    println!("{} ({})", results.name, results.version);
    println!("\nInstructions: `own' is the function's own code; `+gap' adds the kernel's two gap");
    println!(
        "helpers, which ours has inside; `whole' adds the kernel's functions that are called."
    );
    println!(
        "\n{:33}{:>7} |{:>9}{:>9}{:>9} |{:>9}{:>9} |{:>6}{:>6} | time (quartiles)",
        "", "entries", "shipped", "+gap", "whole", "ours", "whole", "ratio", "own"
    );
    for row in &results.rows {
        let [own, helpers, whole] = instructions(&row.shipped);
        let [ours, _, ours_whole] = instructions(&row.ours);
        println!(
            "{:33}{:>7} |{own:>9}{helpers:>9}{:>9} |{ours:>9}{:>9} |{:>6.2}{:>6.2} | {}",
            row.what,
            row.entries,
            dash(whole),
            dash(ours_whole),
            row.instructions(),
            ours as f64 / own as f64,
            time(row)
        );
    }
    println!("\nMemory, function and gap helpers: accesses, and 64-byte lines of data and of code");
    println!(
        "\n{:33}{:>7} |{:^19}|{:^19}|{:^17}|{:^11}",
        "", "entries", "reads", "writes", "lines", "code lines"
    );
    for row in &results.rows {
        let (a, b) = (&row.shipped.with_helpers, &row.ours.own);
        let pair =
            |of: fn(&Counts) -> u64, width: usize| format!("{:>width$} / {:<width$}", of(b), of(a));
        println!(
            "{:33}{:>7} |{}|{}|{}|{}",
            row.what,
            row.entries,
            pair(|c| c.reads, 8),
            pair(|c| c.writes, 8),
            pair(|c| c.lines, 7),
            pair(|c| c.code_lines, 4)
        );
    }
    if low::is_wide() {
        println!("(ours / shipped)");
    } else {
        println!("(ours / shipped; ours reads the scan's three arguments from the stack, where C callers put");
        println!("them, the shipped scan has them in registers)");
    }
    print_slopes(results);
    print_sizes(results);
    println!("\nGoals, {}", results.name);
    for goal in goals(results) {
        println!("  {:8} {}: {}", if goal.met { "met" } else { "NOT MET" }, goal.what, goal.found);
    }
}

fn print_slopes(results: &Results) {
    println!("\nInstructions per further entry, ours / shipped");
    for kind in results.kinds() {
        let slopes = results.slopes(kind);
        if slopes.is_empty() || kind.starts_with("coalesce") {
            continue;
        }
        print!("{kind:33}");
        for (entries, [shipped, ours]) in slopes {
            print!("  to {entries}: {ours:.2} / {shipped:.2}");
        }
        println!();
    }
}

fn print_sizes(results: &Results) {
    let text = &results.text;
    if results.of_callers() {
        println!("\nBytes of code, without what a function calls, ours / shipped");
        for (name, [shipped, ours]) in &text.callers {
            println!("  {name:22} {ours:>5} / {shipped}");
        }
        let [shipped, ours] = text.all_of_callers();
        println!("  {:22} {ours:>5} / {shipped}, the two and all helpers too", "all");
        println!("Deepest stack in bytes below the return address, what of these it calls included, ours / shipped");
        for function in CALLED {
            let [shipped, ours] = results.stacks(function);
            println!("  {function:22} {ours:>5} / {shipped}");
        }
        return;
    }
    println!("\nBytes of code: ours {} (coalesce {}, scan {}, helpers {}); shipped {} (coalesce {}, scan {}), with the gap helpers {}",
        text.ours(), text.ours_coalesce, text.ours_scan, text.ours_helpers,
        text.shipped(), text.shipped_coalesce, text.shipped_scan,
        text.shipped() + text.shipped_helpers);
    for function in ["coalesce", "scan"] {
        let [shipped, ours] = results.stacks(function);
        println!("Deepest stack of the {function}, helpers included: ours {ours}, shipped {shipped} bytes below the return address");
    }
    if let Some(graft) = &results.graft {
        for (name, added) in [("coalesce", graft.coalesce), ("scan", graft.scan)] {
            println!(
                "The graft adds to each {name}: {} instructions, {} reads, {} writes, {} bytes of stack",
                added.instructions, added.reads, added.writes, added.stack
            );
        }
    }
}

pub fn print_storms(storms: &Storms) {
    println!("\n{}: calls a second, grafted / stock, in paired boots", storms.name);
    for load in &storms.loads {
        let spread = load.spread();
        let [low, middle, high] = spread.quartiles;
        let [stock, grafted] = load.medians();
        println!(
            "  {:22} {grafted:>9.0} / {stock:<9.0} = {middle:.3}, quartiles {low:.3} to {high:.3}, {} pairs",
            load.what, spread.pairs
        );
    }
    if storms.failed != 0 {
        println!("  {} boots did not pass, and count for nothing", storms.failed);
    }
}

fn instructions(tally: &Tally) -> [u64; 3] {
    [tally.own, tally.with_helpers, tally.whole].map(|counts| counts.instructions)
}

/// What was not counted shows as such.
fn dash(count: u64) -> String {
    if count == 0 {
        "-".to_string()
    } else {
        count.to_string()
    }
}

fn time(row: &Measured) -> String {
    match row.time {
        Some(spread) => {
            let [low, middle, high] = spread.quartiles;
            format!("{middle:.2} ({low:.2} to {high:.2})")
        }
        None => "-".to_string(),
    }
}
