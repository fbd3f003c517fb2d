// SPDX-License-Identifier: GPL-2.0-or-later
//! Explores the schedules of threads around the crate's functions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, Result};
use clap::Parser;
use kit::{exit, files};

/// The structures and constants, as the crate has them of its headers.
use gnumach_vm_map::model as bindings;

mod expect;
mod explore;
mod kernel;
mod picture;
mod progress;
mod report;
mod run;
mod scenarios;
mod suite;
mod trace;
mod versions;

use scenarios::Scenario;
use versions::Version;

/// Explores the schedules of kernel threads around vm_map_pageable_scan,
/// vm_map_coalesce_entry and the functions that call the two, on a model of GNU
/// Mach's locks, pages and slab.
///
/// Without options it runs every scenario with the crate's own functions, the
/// states before each patch of upstream's series, and versions that are wrong on
/// purpose; it prints KTAP and fails if anything is not as expected.
#[derive(Parser)]
#[command(name = "interleavings")]
struct Options {
    /// List the scenarios and the versions, and do nothing else.
    #[arg(long)]
    list: bool,

    /// Run one scenario, and say what its schedules show.
    #[arg(long, value_name = "ID")]
    scenario: Option<String>,

    /// The version of the functions to run it with.
    #[arg(long, value_name = "NAME", default_value = "faithful", requires = "scenario")]
    version: String,

    /// Run a single schedule, such as A8B16A6, and print its timeline: each
    /// thread is followed by the number of points that it passes.
    #[arg(long, value_name = "SCHEDULE", requires = "scenario")]
    replay: Option<String>,

    /// Draw the timeline as an SVG: of the schedule given by --replay, else of
    /// the shortest one that shows the worst finding.
    #[arg(long, value_name = "FILE", requires = "scenario")]
    picture: Option<PathBuf>,

    /// Search N times as many random schedules, and raise the limit of the
    /// exhaustive searches accordingly.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    depth: u64,

    /// Let random schedules find bugs that need N orderings of steps: more N,
    /// less likely each.
    #[arg(long, value_name = "N", default_value_t = suite::ORDERINGS, requires = "scenario",
          value_parser = orderings)]
    orderings: usize,

    /// Run schedules that are equivalent to others as well. Most scenarios then
    /// take very long.
    #[arg(long, requires = "scenario")]
    no_reduction: bool,
}

fn orderings(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(orderings @ 1..=16) => Ok(orderings),
        _ => Err("from 1 to 16".into()),
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("interleavings: {error:#}");
            exit::USAGE.into()
        }
    }
}

fn run(options: &Options) -> Result<bool> {
    if options.list {
        list();
        return Ok(true);
    }
    let Some(id) = &options.scenario else { return Ok(suite::run(options.depth)) };
    let Some(scenario) = scenarios::all().find(|scenario| scenario.id == id) else {
        bail!("there is no scenario {id}; --list lists them");
    };
    let Some(version) = versions::all().find(|version| version.name == options.version) else {
        bail!("there is no version {}; --list lists them", options.version);
    };
    let choices = match &options.replay {
        Some(text) => Some(explore::from_text(text, &report::names(scenario))?),
        None => search(scenario, version, options),
    };
    let Some(choices) = choices else {
        if options.picture.is_some() {
            bail!("every schedule passes; give --replay to draw one of them");
        }
        return Ok(true);
    };
    let (results, trace) = run::replay(scenario, version, choices.clone());
    if results.strayed {
        bail!("the schedule lets a thread run that waits or is done: it is another version's");
    }
    if options.replay.is_some() {
        print!("{}", report::timeline(scenario, version, &choices, &trace));
    }
    if let Some(file) = &options.picture {
        let svg = picture::draw(scenario, version, &choices, &trace);
        files::write_all(&[(file, svg.as_bytes())], &[])?;
    }
    Ok(true)
}

/// Runs a scenario's schedules and says what they show. Returns the shortest
/// schedule that shows the worst finding, if there is any.
fn search(
    scenario: &'static Scenario,
    version: &'static Version,
    options: &Options,
) -> Option<explore::Choices> {
    let how = suite::search_of(scenario, options.depth, !options.no_reduction, options.orderings);
    let label = format!("scenario {}", scenario.id);
    let results = run::search(scenario, version, how, None, progress::shown(label));
    println!("scenario {}: {}", scenario.id, scenario.title);
    println!("version {}: {}", version.name, version.about);
    println!("{}", versions::features());
    println!("{}", suite::extent(scenario, &results, options.orderings));
    for (finding, seen) in &results.findings {
        println!("{}: {} schedules, first in number {}", finding, seen.schedules, seen.first);
        println!("    {}", report::command(scenario, version, &seen.shortest));
    }
    expect::worst(&results).map(|finding| results.findings[finding].shortest.clone())
}

fn list() {
    println!("scenarios (with the crate's functions):");
    for scenario in scenarios::all() {
        println!("  {:4} {}", scenario.id, scenario.title);
        println!("       {}", scenario.outcome);
        for (schedule, finding) in scenario.replays {
            println!("       --replay {schedule}: {finding}");
        }
    }
    println!("versions:");
    for version in versions::all() {
        println!("  {:22} {}", version.name, version.about);
    }
}
