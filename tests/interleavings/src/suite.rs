// SPDX-License-Identifier: GPL-2.0-or-later
//! Everything that `make check` runs, as KTAP.

use std::time::Instant;

use crate::expect::{
    differences, DEADLOCK, FREED, NEVER_ENDS, NOT_WIRED, UNWIRED, WIRED_TOO_OFTEN,
};
use crate::explore::{from_text, Results, Search, PASSES};
use crate::report;
use crate::run::{replay, search};
use crate::scenarios::{self, Scenario, IS_SOUND};
use crate::trace::Step;
use crate::versions::{self, Version, EDITED, FAITHFUL};
use crate::{progress, report::names};

/// Random schedules of a scenario, at depth 1.
const RANDOM: u64 = if IS_SOUND { 20_000 } else { 100_000 };
/// How many orderings of steps a bug may need for the bound to hold.
pub const ORDERINGS: usize = 3;
/// More schedules than any exhaustive search needs here; beyond, it fails.
const LIMIT: u64 = 2_000_000;

/// What each state of the series must show: version, scenario, findings.
const SERIES: &[(&str, &str, &[&str])] = &[
    ("before-series", "1", &[PASSES, DEADLOCK, UNWIRED, WIRED_TOO_OFTEN]),
    ("before-series", "4", &[PASSES, NEVER_ENDS]),
    ("after-7b87e10b", "1", &[PASSES]),
    ("after-6e5e1f09", "1", &[PASSES]),
    ("after-7b87e10b", "11b", &[PASSES, FREED, NOT_WIRED, WIRED_TOO_OFTEN]),
    ("after-6e5e1f09", "11b", &[PASSES, FREED, NOT_WIRED, WIRED_TOO_OFTEN]),
];

/// What each of upstream's repairs turns into a pass.
const FIXES: &[(&str, &[&str])] = &[
    ("fix-walk-behind-range", &["4", "4b", "4c"]),
    ("fix-overlapping-wires", &["5", "5b", "5c", "5d", "6", "6b", "6c", "6d", "6e", "6f", "6g"]),
    (
        "fix-hole-filled",
        &["5", "5b", "5c", "5d", "6", "6b", "6c", "6d", "6e", "6f", "6g", "8", "8b"],
    ),
    ("fix-protect-freed-entry", &["10", "10b"]),
    ("fix-crossing-end", &["10c"]),
    ("fix-projected-unlocked", &["10d"]),
    ("fix-unwire-busy-page", &["2", "2b", "3b"]),
    ("fix-convert-loses-waiters", &["12", "12b"]),
];
/// What a repair alone shows of a defect that it does not cure: version, scenario, finding. B, which
/// deadlocked over the page there, gets it before A has wired it.
const INSTEAD: &[(&str, &str, &str)] = &[("fix-unwire-busy-page", "6b", UNWIRED)];
/// What no repair cures.
const NOT_FIXED: &[&str] = &["9", "9b", "9c"];

/// Scenarios in which leaving out equivalent schedules is compared with running
/// them all.
const COMPARED: &[&str] = &[
    "2", "2b", "3", "3b", "3c", "4", "5", "5b", "5c", "5d", "5e", "6", "6b", "6c", "6d", "6e",
    "6f", "7", "7b", "7c", "8", "8b", "9", "9b", "9c", "10", "10b", "10c", "10d", "11", "12",
    "12b",
];
/// Of these, those with more than a million schedules once nothing is marked; and one whose map
/// is not a kernel's, where nothing ever is. Compared without marks too at a depth above 1.
const LONG_UNMARKED: &[&str] = &["2", "5b", "5c", "5d"];

/// How a scenario's schedules are chosen.
pub fn search_of(scenario: &Scenario, depth: u64, reduce: bool, orderings: usize) -> Search {
    if scenario.exhaustive {
        Search::All { reduce, limit: LIMIT.saturating_mul(depth) }
    } else {
        Search::Pct { schedules: RANDOM.saturating_mul(depth), depth: orderings, seed: 2024 }
    }
}

/// How much of a scenario a search has covered, in a line.
pub fn extent(scenario: &Scenario, results: &Results, orderings: usize) -> String {
    let schedules = results.schedules;
    if scenario.exhaustive {
        let which = if results.complete { "all of them" } else { "not all of them" };
        return format!(
            "{schedules} schedules, {which}; {} given up as equivalent",
            results.equivalent
        );
    }
    let threads = scenario.threads.len() as f64;
    let one = 1.0 / (threads * (results.longest as f64).powi(orderings as i32 - 1));
    let missed = (schedules as f64 * (-one).ln_1p()).exp();
    format!(
        "{schedules} schedules at random; a bug that needs {orderings} orderings shows in each \
         with probability 1/{:.0} or more, and is missed with {missed:.0e} at most",
        1.0 / one
    )
}

struct Report {
    number: usize,
    failed: usize,
}

impl Report {
    fn result(&mut self, ok: bool, what: &str, began: Instant) {
        self.number += 1;
        self.failed += usize::from(!ok);
        let verdict = if ok { "ok" } else { "not ok" };
        println!("{verdict} {} - {what} # {:.1} s", self.number, began.elapsed().as_secs_f32());
    }
}

fn find(id: &str) -> &'static Scenario {
    scenarios::all().find(|scenario| scenario.id == id).expect("a scenario of the list")
}

fn version(name: &str) -> &'static Version {
    versions::all().find(|version| version.name == name).expect("a version of the list")
}

/// The versions that are wrong on purpose.
fn wrong() -> impl Iterator<Item = &'static Version> {
    EDITED.iter().filter(|version| !version.listed)
}

/// Runs everything. Returns whether all is as expected.
pub fn run(depth: u64) -> bool {
    let mut report = Report { number: 0, failed: 0 };
    println!("KTAP version 1");
    let upstreams = if IS_SOUND { 0 } else { SERIES.len() + 3 + FIXES.len() + 1 };
    println!("1..{}", scenarios::all().count() + upstreams + wrong().count());
    println!("# {}", versions::features());
    for scenario in scenarios::all() {
        expected(&mut report, scenario, &FAITHFUL, scenario.expect(), depth);
    }
    // The series and the repairs are of functions that it does not use.
    if !IS_SOUND {
        upstreams_own(&mut report, depth);
    }
    wrong().for_each(|version| caught(&mut report, version));
    println!("# {} of {} as expected", report.number - report.failed, report.number);
    report.failed == 0
}

/// The states of upstream's series, and its repairs.
fn upstreams_own(report: &mut Report, depth: u64) {
    for (name, id, findings) in SERIES {
        expected(report, find(id), version(name), findings, depth);
    }
    deadlock_of_the_mail(report);
    replays(report);
    reduction(report, depth);
    for (name, passing) in FIXES {
        let in_short: Vec<&str> = passing.iter().chain(COMPARED).copied().collect();
        let which = |scenario: &Scenario| in_short.contains(&scenario.id);
        let passes = |scenario: &Scenario| passing.contains(&scenario.id);
        fixed(report, version(name), which, passes, depth);
    }
    let cured = |scenario: &Scenario| !NOT_FIXED.contains(&scenario.id);
    fixed(report, version("fix-all"), |_| true, cured, depth);
}

/// A scenario must show just these findings.
fn expected(
    report: &mut Report,
    scenario: &'static Scenario,
    version: &'static Version,
    findings: &[&str],
    depth: u64,
) {
    let began = Instant::now();
    let label = format!("scenario {}, {}", scenario.id, version.name);
    let how = search_of(scenario, depth, true, ORDERINGS);
    let results = search(scenario, version, how, None, progress::shown(label));
    let differences = differences(&results, findings);
    let what = format!("scenario {}, {}: {}", scenario.id, version.name, scenario.title);
    report.result(differences.is_empty(), &what, began);
    println!("#   {}", extent(scenario, &results, ORDERINGS));
    for (finding, seen) in &results.findings {
        println!("#   {}: {}", seen.schedules, finding);
        if !findings.contains(&finding.as_str()) {
            show(scenario, version, &seen.shortest);
        }
    }
    for difference in differences {
        println!("#   {difference}");
    }
}

/// Prints a schedule's timeline as diagnostics.
fn show(scenario: &'static Scenario, version: &'static Version, choices: &[usize]) {
    let (_, trace) = replay(scenario, version, choices.to_vec());
    for line in report::timeline(scenario, version, &choices.to_vec(), &trace).lines() {
        println!("# {line}");
    }
}

/// The deadlock before the series must be the mail's: A has made a page of RB
/// busy and waits for K's lock, which B holds for writing and waits for the page.
fn deadlock_of_the_mail(report: &mut Report) {
    let began = Instant::now();
    let (scenario, version) = (find("1"), version("before-series"));
    let how = search_of(scenario, 1, true, ORDERINGS);
    let stop = Some(vec![PASSES.into(), UNWIRED.into(), WIRED_TOO_OFTEN.into()]);
    let results = search(scenario, version, how, stop, progress::shown("the mail".into()));
    let found = results.findings.get(DEADLOCK).map(|seen| seen.shortest.clone());
    let Some(choices) = found else {
        return report.result(false, "the deadlock of the mail", began);
    };
    let (_, trace) = replay(scenario, version, choices.clone());
    let holds = trace.records.last().map(|record| record.holds.clone()).unwrap_or_default();
    let waits = report::waits(&trace, names(scenario).len());
    let is = |thread: usize, hold: &str, wait: &str| {
        holds.get(thread).is_some_and(|holds| *holds == [hold])
            && waits[thread].as_deref() == Some(wait)
    };
    let ok = is(0, "page RB busy", "waits for the lock of K")
        && is(1, "K for writing", "waits for page RB, which is busy")
        && trace.records.iter().any(|record| matches!(record.step, Step::Deadlock));
    report.result(ok, "the deadlock before the series is the mail's", began);
    show(scenario, version, &choices);
}

/// The schedules that scenarios list must show what they are listed for. (With other
/// features than usual the points are others.)
fn replays(report: &mut Report) {
    let began = Instant::now();
    let mut wrong = Vec::new();
    let listed: Vec<_> = scenarios::all()
        .flat_map(|scenario| scenario.replays.iter().map(move |replay| (scenario, replay)))
        .filter(|_| versions::chosen().next().is_none())
        .collect();
    for &(scenario, (schedule, finding)) in &listed {
        if !shows(scenario, schedule, finding) {
            wrong.push(format!("scenario {}: {schedule} does not show: {finding}", scenario.id));
        }
        // None of them passes: what does not show must be seen as well.
        if shows(scenario, schedule, PASSES) {
            wrong.push(format!("scenario {}: {schedule} shows nothing", scenario.id));
        }
    }
    let what = format!("{} schedules show what they are listed for", listed.len());
    report.result(wrong.is_empty(), &what, began);
    for what in wrong {
        println!("#   {what}");
    }
}

/// Whether a schedule shows a finding with the faithful functions.
fn shows(scenario: &'static Scenario, schedule: &str, finding: &str) -> bool {
    from_text(schedule, &names(scenario)).is_ok_and(|choices| {
        let (results, _) = replay(scenario, &FAITHFUL, choices);
        !results.strayed && results.findings.contains_key(finding)
    })
}

/// Leaving out equivalent schedules must lose no finding.
fn reduction(report: &mut Report, depth: u64) {
    let began = Instant::now();
    let mut lost = Vec::new();
    for name in ["faithful", "never-marks"] {
        let left_out = |id: &&&str| name != "faithful" && depth == 1 && LONG_UNMARKED.contains(id);
        for id in COMPARED.iter().filter(|id| !left_out(id)) {
            let all = |reduce| {
                let how = search_of(find(id), 1, reduce, ORDERINGS);
                search(find(id), version(name), how, None, progress::shown(format!("all of {id}")))
            };
            let (few, all) = (all(true), all(false));
            if !few.complete || !all.complete || !few.findings.keys().eq(all.findings.keys()) {
                lost.push(format!("scenario {id}, {name}"));
            }
        }
    }
    report.result(lost.is_empty(), "leaving out equivalent schedules loses no finding", began);
    for what in lost {
        println!("#   not the same: {what}");
    }
}

/// A repair must cure what `passes` says of the scenarios in question, and
/// bring nothing new into the others.
fn fixed(
    report: &mut Report,
    version: &'static Version,
    in_question: impl Fn(&Scenario) -> bool,
    passes: impl Fn(&Scenario) -> bool,
    depth: u64,
) {
    let began = Instant::now();
    let mut wrong = Vec::new();
    let mut cured = Vec::new();
    for scenario in scenarios::all().filter(|scenario| in_question(scenario)) {
        let label = format!("scenario {}, {}", scenario.id, version.name);
        let how = search_of(scenario, depth, true, ORDERINGS);
        let results = search(scenario, version, how, None, progress::shown(label));
        let mut unlike = differences(&results, &[PASSES]);
        if !passes(scenario) {
            // Of what it shows without the repair, something may be cured.
            let instead = INSTEAD
                .iter()
                .filter(|(repair, id, _)| (*repair, *id) == (version.name, scenario.id));
            let expected: Vec<&str> = scenario
                .expect()
                .iter()
                .copied()
                .chain(instead.map(|(_, _, finding)| *finding))
                .collect();
            unlike = differences(&results, &expected);
            unlike.retain(|what| !what.starts_with("not shown"));
        }
        wrong.extend(unlike.into_iter().map(|what| format!("scenario {}: {what}", scenario.id)));
        if passes(scenario) && scenario.expect() != [PASSES] {
            cured.push(scenario.id);
        }
    }
    let what = format!("{} cures {} ({})", version.name, cured.join(" "), version.about);
    report.result(wrong.is_empty(), &what, began);
    for what in wrong {
        println!("#   {what}");
    }
}

/// How long a scenario takes with `sound`, beside others.
fn length(id: &str) -> u8 {
    match id {
        "1" | "2" | "6g" => 3,
        "s1" | "s11" => 1,
        _ if id.starts_with('s') => 0,
        _ => 2,
    }
}

/// Some scenario must show what it does not show with the crate's functions.
fn caught(report: &mut Report, version: &'static Version) {
    let began = Instant::now();
    let mut before = 0;
    // First those in which every thread leaves the others' regions alone.
    let mut in_order: Vec<&'static Scenario> =
        scenarios::all().filter(|scenario| scenario.exhaustive).collect();
    in_order.sort_by_key(|scenario| match IS_SOUND {
        true => (false, length(scenario.id)),
        false => (scenario.expect() != [PASSES], 0),
    });
    for scenario in in_order {
        let expected: Vec<String> = scenario.expect().iter().map(|what| (*what).into()).collect();
        let how = search_of(scenario, 1, true, ORDERINGS);
        let label = format!("{} in scenario {}", version.name, scenario.id);
        let results =
            search(scenario, version, how, Some(expected.clone()), progress::shown(label));
        let finding = results.findings.iter().find(|(what, _)| !expected.contains(what));
        if let Some((what, seen)) = finding {
            report.result(true, &format!("{} is caught ({})", version.name, version.about), began);
            println!(
                "#   by scenario {} in schedule {}, after {before} schedules of others: {what}",
                scenario.id, seen.first
            );
            println!("#   {}", report::command(scenario, version, &seen.shortest));
            return;
        }
        before += results.schedules;
    }
    report.result(false, &format!("{} is caught ({})", version.name, version.about), began);
}
