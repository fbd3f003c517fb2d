// SPDX-License-Identifier: GPL-2.0-or-later
//! One page of what was measured, which opens from a file.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{ensure, Result};

use super::results::{self, Measured, Results, Storms};
use super::step::Counts;
use super::verdict::{goals, KERNEL_MAP};
use svg::{escape, thousands};

mod charts;
mod page;
mod svg;

/// Write a page with charts of saved results
#[derive(clap::Args)]
pub struct Args {
    /// What `measure --save` wrote, of one kernel each
    #[arg(required = true, value_name = "FILE")]
    results: Vec<PathBuf>,
    /// What `measure --save` wrote of an object with the callers (may be given again)
    #[arg(long, value_name = "FILE")]
    callers: Vec<PathBuf>,
    /// What `measure --save` wrote of an object with the feature `sound`, for the page (may be given again)
    #[arg(long, value_name = "FILE")]
    sound: Vec<PathBuf>,
    /// What `storms --save` wrote (may be given again)
    #[arg(long, value_name = "FILE")]
    storms: Vec<PathBuf>,
    /// The page
    #[arg(short, long, value_name = "FILE", default_value = "build/bench/report.html")]
    output: PathBuf,
    /// Also write the figures as a page of Markdown
    #[arg(long, value_name = "FILE", requires = "of")]
    page: Option<PathBuf>,
    /// What stands on that page for the date and the commit that was measured
    #[arg(long, value_name = "TEXT")]
    of: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.results.len() <= 2, "the charts have room for two kernels");
    let all = args.results.iter().map(|path| results::read(path));
    let all = all.collect::<Result<Vec<Results>>>()?;
    let storms = args.storms.iter().map(|path| results::read(path));
    let storms = storms.collect::<Result<Vec<Storms>>>()?;
    let callers = args.callers.iter().map(|path| results::read(path));
    let callers = callers.collect::<Result<Vec<Results>>>()?;
    let sound = args.sound.iter().map(|path| results::read(path));
    let sound = sound.collect::<Result<Vec<Results>>>()?;
    results::write(&args.output, &html(&all, &callers, &storms))?;
    println!("{}", args.output.display());
    if let (Some(path), Some(of)) = (&args.page, &args.of) {
        results::write(path, &page::page(&all, &callers, &sound, &storms, of))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn html(all: &[Results], callers: &[Results], storms: &[Storms]) -> String {
    let mut body = String::new();
    let versions: Vec<_> = all.iter().map(|results| escape(&results.version)).collect();
    let _ = write!(
        body,
        "<h1>What vm_map in Rust costs</h1>\n\
         <p class=\"soft\"><code>vm_map_pageable_scan</code> and <code>vm_map_coalesce_entry</code>, ours against \
         the machine code that Debian ships, run from the same maps on one machine. {}.</p>\n",
        versions.join("; ")
    );
    for results in all {
        let storms = storms.iter().find(|storms| storms.name == results.name);
        body += &tiles(results, storms);
    }
    body += "<h2>Goals</h2>\n<p class=\"soft\">By counts. The shipped side includes its two gap helpers, whose work \
             ours has inside; the times below are of one machine and judge nothing.</p>\n";
    for results in all {
        body += &goal_list(results);
    }
    body += "<h2>Each row, ours by shipped</h2>\n<p class=\"soft\">A row is one call; the number is the entries of its \
             map, for the scan the entries it visits.</p>\n";
    let _ = writeln!(body, "<div class=\"card\">{}</div>", charts::ratios(all));
    body += "<h2>Instructions for each entry, by entries</h2>\n<p class=\"soft\">What a call costs by itself wears off \
             along the axis; a level line means that each further entry costs the same. At the right, what it comes \
             to for the longest scan.</p>\n";
    for results in all {
        let _ = write!(
            body,
            "<h3>{}</h3>\n<div class=\"card\">{}</div>\n",
            escape(&results.name),
            charts::by_entries(results)
        );
    }
    if !storms.is_empty() {
        body += "<h2>In the kernel</h2>\n<p class=\"soft\">Calls a second under the storms' loads in QEMU, grafted by \
                 stock kernel. A dot is a pair of boots, the bar their median; right of 1.00, ours is faster. The load \
                 is far more than our two functions.</p>\n";
        let _ = writeln!(body, "<div class=\"card\">{}</div>", charts::storms(storms));
    }
    body += "<h2>Numbers</h2>\n";
    for results in all {
        body += &table(results);
    }
    for results in callers {
        body += "<h2>The callers</h2>\n";
        body += &goal_list(results);
        body += &table(results);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>What vm_map in Rust costs</title>\n<style>\n{}</style>\n<main>\n{body}</main>\n</html>\n",
        include_str!("style.css")
    )
}

fn tiles(results: &Results, storms: Option<&Storms>) -> String {
    let text = &results.text;
    let wiring = results.rows.iter().rfind(|row| row.what == KERNEL_MAP);
    let [shipped_stack, our_stack] = results.stacks("");
    let tiles = vec![
        (format!("{:.2}", results.geometric_mean()), "instructions, geometric mean of all rows"),
        (
            format!("{:.2}", wiring.map_or(f64::NAN, Measured::instructions)),
            "instructions, wiring in a kernel map, longest scan",
        ),
        (
            format!("{:.2}", f64::from(text.ours()) / f64::from(text.shipped())),
            "bytes of code, both functions",
        ),
        (format!("{:.2}", f64::from(our_stack) / f64::from(shipped_stack)), "deepest stack"),
    ];
    let mut tiles: Vec<_> =
        tiles.into_iter().map(|(number, what)| (number, what.to_string())).collect();
    for load in storms.iter().flat_map(|storms| &storms.loads) {
        let [low, median, high] = load.spread().quartiles;
        let what = format!("calls a second in the kernel, {} ({low:.2} to {high:.2})", load.what);
        tiles.push((format!("{median:.2}"), what));
    }
    let mut html =
        format!("<h3>{}, ours / shipped</h3>\n<div class=\"tiles\">\n", escape(&results.name));
    for (number, what) in tiles {
        let _ = writeln!(html, "<div class=\"tile\"><b>{number}</b><span>{what}</span></div>");
    }
    html + "</div>\n"
}

fn goal_list(results: &Results) -> String {
    let mut html = format!("<h3>{}</h3>\n<ul class=\"card goals\">\n", escape(&results.name));
    for goal in goals(results) {
        let (class, word) = if goal.met { ("met", "met") } else { ("missed", "not met") };
        let _ = writeln!(
            html,
            "<li class=\"{class}\"><i>{word}</i><span>{}: <span class=\"found\">{}</span></span></li>",
            escape(&goal.what),
            escape(&goal.found)
        );
    }
    html + "</ul>\n"
}

fn table(results: &Results) -> String {
    let mut html = format!(
        "<details><summary>{}</summary>\n<div class=\"card\"><table>\n<tr><th>call<th>entries<th>shipped, own\
         <th>with gap helpers<th>ours<th>ratio<th>reads<th>writes<th>lines<th>time</tr>\n",
        escape(&results.name)
    );
    for row in &results.rows {
        let _ = write!(
            html,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}",
            escape(&row.what),
            thousands(row.entries.into()),
            thousands(row.shipped.own.instructions),
            thousands(row.shipped.with_helpers.instructions),
            thousands(row.ours.own.instructions)
        );
        let metrics: [fn(&Counts) -> u64; 4] =
            [|c| c.instructions, |c| c.reads, |c| c.writes, |c| c.lines];
        for of in metrics {
            let ratio = row.ratio(of);
            let class = if ratio > 1.0 { " class=\"over\"" } else { "" };
            let _ = write!(html, "<td{class}>{ratio:.2}");
        }
        let time = row.time.map_or("-".to_string(), |time| format!("{:.2}", time.quartiles[1]));
        let _ = writeln!(html, "<td>{time}</tr>");
    }
    html + "</table></div></details>\n"
}
