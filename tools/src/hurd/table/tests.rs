// SPDX-License-Identifier: GPL-2.0-or-later

use super::super::steps::Needs;
use super::super::testing::cells_of;
use super::*;

const STEPS: &[Step] = &[step("forks", Known::Exactly(|_| "7".into()))];
const ROWS: [&str; 3] = ["shell prompt", "forks", "clean reboot"];

const fn step(name: &'static str, known: Known) -> Step {
    Step { name, needs: Needs::Nothing, programs: &[], lines: &[], known }
}

fn passed(seconds: f64, result: &str) -> Outcome {
    Outcome::Passed { seconds, result: result.into() }
}

fn session(outcomes: Vec<Outcome>, fault: Option<(Fault, String)>) -> Session {
    let words = fault.is_none().then(|| vec![9, 4, 1, 8, 3, 0, 2]);
    let other_cpus = [1, 3].into();
    Session { outcomes, fault, end: "db> \nlast".into(), came_up: true, words, other_cpus }
}

fn good(result: &str) -> Session {
    session(vec![passed(2.0, ""), passed(1.0, result), passed(4.5, "")], None)
}

#[test]
fn columns_stand_side_by_side() {
    let mut stock = Column::new("stock");
    stock.add(good("7"), 1, "a".into()).unwrap();
    let mut ours = Column::new("ours");
    ours.add(good("7"), 2, "b".into()).unwrap();
    let bad = session(
        vec![passed(3.0, ""), Outcome::Failed],
        Some((Fault::Panic, "kernel panic".into())),
    );
    ours.add(bad, 1, "c.log".into()).unwrap();
    assert!(stock.faults().is_empty());
    let faults = ours.faults();
    assert_eq!(faults[0].0, Fault::Panic);
    for part in ["ours: kernel panic", "    db> \n    last", "whole log: c.log"] {
        assert!(faults[0].1.contains(part), "{part}");
    }
    let columns = [stock, ours];
    assert!(differences(&columns, STEPS).is_empty());
    let text = text(&columns, STEPS);
    let row = |name| cells_of(&text, name);
    assert_eq!(row("sessions passed"), ["1 of 1", "1 of 2"]);
    assert_eq!(row("boots, those that never came up too"), ["1", "3"]);
    assert_eq!(row("shell prompt"), ["ok 2.0 s", "ok 2.5 s"]);
    assert_eq!(row("forks"), ["ok 1.0 s", "FAIL, ok 1 of 2"]);
    assert_eq!(row("CPUs seen at work besides the first"), ["1 3", "1 3"]);
    assert_eq!(row("  with the map unlocked"), ["3", "3"]);
}

#[test]
fn other_results_are_a_difference() {
    let mut stock = Column::new("stock");
    stock.add(good("7"), 1, "a".into()).unwrap();
    let mut ours = Column::new("ours");
    ours.add(good("8"), 1, "b".into()).unwrap();
    let told = differences(&[stock, ours], STEPS);
    assert_eq!(told, ["results differ at 'forks': stock '7', ours '8'"]);
}

#[test]
fn entries_of_both_kernels_are_shown_and_must_be_alike() {
    let steps = &[step("map entries", Known::Entries)];
    let column = |name, counts: &str| {
        let mut column = Column::new(name);
        column.add(good(&format!("2000: {counts}")), 1, "a".into()).unwrap();
        column
    };
    let stock = "90 91 90 90 90 89 90 90 90 90 91";
    let columns = [column("stock", stock), column("ours", &stock.replace("89", "93"))];
    assert!(differences(&columns, steps).is_empty());
    let text = text(&columns, steps);
    assert_eq!(cells_of(&text, "entries of the file system's map"), ["89 to 91", "90 to 93"]);
    let columns = [column("stock", stock), column("ours", &stock.replace('9', "19"))];
    let told = differences(&columns, steps);
    assert!(told[0].starts_with("results differ at 'map entries': stock '2000: 90 91"), "{told:?}");
}

#[test]
fn skips_are_told_once_with_their_reason() {
    let mut ours = Column::new("ours");
    for _ in 0..2 {
        let outcomes = vec![passed(1.0, ""), Outcome::Skipped("no smp".into()), passed(1.0, "")];
        ours.add(session(outcomes, None), 1, "a".into()).unwrap();
    }
    assert_eq!(ours.skips(&ROWS), ["SKIP forks (ours): no smp"]);
    assert!(text(&[ours], STEPS)
        .lines()
        .any(|line| line.starts_with("forks") && line.ends_with("SKIP")));
}

#[test]
fn the_verdict_is_about_ours() {
    let column = |name, session| {
        let mut column = Column::new(name);
        column.add(session, 1, "a".into()).unwrap();
        column
    };
    let panic = || {
        let fault = Some((Fault::Panic, "kernel panic".into()));
        session(vec![passed(3.0, ""), Outcome::Failed], fault)
    };
    let status = |stock, ours| {
        let columns = [column("stock", stock), column("ours", ours)];
        verdict(&columns, &differences(&columns, STEPS)).0
    };
    assert_eq!(status(good("7"), good("7")), 0);
    assert_eq!(status(good("7"), good("8")), Fault::Step as u8);
    assert_eq!(status(good("7"), panic()), Fault::Panic as u8);
    assert_eq!(status(panic(), panic()), Fault::Panic as u8);
    assert_eq!(status(panic(), good("7")), 15);
    let without = Session { words: None, ..good("7") };
    assert_eq!(status(good("7"), without), 14);
    let idle = Session { words: Some(vec![0; 7]), ..good("7") };
    assert_eq!(status(good("7"), idle), 14);
}
