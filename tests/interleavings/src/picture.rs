// SPDX-License-Identifier: GPL-2.0-or-later
//! A timeline as a sequence diagram: a lane for each thread, bars for the locks
//! and busy pages that it holds, arrows for what it waits for, and the map's
//! entries whenever they change.

use std::fmt::Write as _;

use crate::expect::DEADLOCK;
use crate::explore::{to_text, Choices};
use crate::kernel::entry::Shown;
use crate::kernel::{Event, Mode};
use crate::report::{names, waits};
use crate::scenarios::Scenario;
use crate::trace::{Record, Step, Trace};
use crate::versions::Version;

const TOP: f32 = 118.0;
const LEFT: f32 = 60.0;
const LANE: f32 = 300.0;
const ROW: f32 = 21.0;
const ENTRIES_ROW: f32 = 30.0;
const PAGE_WIDTH: f32 = 62.0;

const WRITE: &str = "#c8372d";
const READ: &str = "#3a7ebf";
const BUSY: &str = "#e8982e";
const WAIT: &str = "#8a8a8a";

/// What a bar stands for.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    Lock(usize, Mode),
    Page(usize),
}

struct Bar {
    thread: usize,
    held: Held,
    from: f32,
    to: Option<f32>,
}

struct Drawing<'a> {
    names: Vec<char>,
    first_page: usize,
    bars: Vec<Bar>,
    /// Texts and arrows, which lie over the bars.
    over: String,
    entries: Vec<Shown>,
    y: f32,
    /// Below the entries drawn last.
    entries_bottom: f32,
    trace: &'a Trace,
}

/// Draws a replayed schedule.
pub fn draw(scenario: &Scenario, version: &Version, choices: &Choices, trace: &Trace) -> String {
    let all = || trace.records.iter().flat_map(|record| &record.entries);
    let first_page = all().map(|entry| entry.first).min().unwrap_or(0);
    let last_page = all().map(|entry| entry.first + entry.pages).max().unwrap_or(0);
    let mut drawing = Drawing {
        names: names(scenario),
        first_page,
        bars: Vec::new(),
        over: String::new(),
        entries: Vec::new(),
        y: TOP - ROW + 10.0,
        entries_bottom: 0.0,
        trace,
    };
    for record in condensed(trace) {
        drawing.record(record);
    }
    let right = drawing.entries_x() + (last_page - first_page) as f32 * PAGE_WIDTH;
    let verdict = drawing.verdict();
    let height = drawing.y + 130.0;
    let width = (right + 40.0).max(960.0);
    let mut svg = String::new();
    let out = &mut svg;
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans, Helvetica, sans-serif\" \
         font-size=\"12\">\n<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n\
         <defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 z\" fill=\"{WRITE}\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    text(out, 24.0, 34.0, "font-size=\"18\" font-weight=\"bold\"", scenario.title);
    text(out, 24.0, 56.0, "fill=\"#444\"", &format!("{}: {}", version.name, version.about));
    let schedule = format!("schedule {}", to_text(choices, &drawing.names));
    text(out, 24.0, 74.0, "fill=\"#777\" font-size=\"11\"", &schedule);
    drawing.lanes(out);
    drawing.draw_bars(out);
    out.push_str(&drawing.over);
    let mut y = drawing.y + 34.0;
    for line in verdict {
        text(out, LEFT - 8.0, y, &format!("font-weight=\"bold\" fill=\"{WRITE}\""), &line);
        y += 18.0;
    }
    legend(out, height - 24.0);
    out.push_str("</svg>\n");
    svg
}

/// The records, with faults that nothing came between in one row each.
fn condensed(trace: &Trace) -> Vec<&Record> {
    let records = &trace.records;
    let mut rows = Vec::new();
    let mut at = 0;
    while at < records.len() {
        let record = &records[at];
        let fault = matches!(&record.step, Step::Calls(what) if what.starts_with("vm_fault at"));
        let run = records[at..].iter().take_while(|later| later.thread == record.thread);
        let end = run
            .take_while(|later| !matches!(later.step, Step::Waits(_)))
            .position(|later| matches!(later.step, Step::NotBusy(_)));
        if let (true, Some(end)) = (fault, end) {
            rows.extend(
                records[at..at + end].iter().find(|later| matches!(later.step, Step::Wires(..))),
            );
            at += end + 1;
            continue;
        }
        let shown = match &record.step {
            Step::Wakes | Step::Deadlock => false,
            Step::Found(what) => what != DEADLOCK,
            _ => true,
        };
        if shown {
            rows.push(record);
        }
        at += 1;
    }
    rows
}

impl Drawing<'_> {
    fn lane(&self, thread: usize) -> f32 {
        LEFT + thread as f32 * LANE
    }

    fn entries_x(&self) -> f32 {
        LEFT + self.names.len() as f32 * LANE + 40.0
    }

    fn record(&mut self, record: &Record) {
        self.y += ROW;
        if record.entries != self.entries {
            self.y = self.y.max(self.entries_bottom + 20.0);
            self.entries.clone_from(&record.entries);
            self.draw_entries();
        }
        if record.thread >= self.names.len() {
            return;
        }
        self.hold(record);
        let x = self.lane(record.thread) + 34.0;
        let style = match record.step {
            Step::Begins(_) => "font-weight=\"bold\"",
            Step::Waits(_) | Step::Found(_) => "fill=\"#c8372d\" font-weight=\"bold\"",
            Step::NotBusy(_) | Step::Releases(..) | Step::Ends => "fill=\"#777\"",
            _ => "fill=\"#222\"",
        };
        text(&mut self.over, x, self.y + 4.0, style, &record.text);
        if let Step::Waits(event) = record.step {
            self.wait_arrow(record.thread, event);
            self.y += 6.0;
        }
    }

    /// Opens and closes bars.
    fn hold(&mut self, record: &Record) {
        let (thread, y) = (record.thread, self.y);
        let mut open = |held| self.bars.push(Bar { thread, held, from: y, to: None });
        match record.step {
            Step::Takes(map, mode) => open(Held::Lock(map, mode)),
            Step::Busy(page) => open(Held::Page(page)),
            Step::Releases(map, mode) => self.close(Some(thread), Held::Lock(map, mode)),
            Step::NotBusy(page) => self.close(None, Held::Page(page)),
            Step::Downgrades(map) => {
                open(Held::Lock(map, Mode::Read));
                self.close(Some(thread), Held::Lock(map, Mode::Write));
            }
            _ => {}
        }
    }

    fn close(&mut self, thread: Option<usize>, held: Held) {
        let y = self.y;
        let bar = self.bars.iter_mut().rev().find(|bar| {
            bar.held == held && bar.to.is_none() && thread.is_none_or(|thread| bar.thread == thread)
        });
        if let Some(bar) = bar {
            bar.to = Some(y);
        }
    }

    /// From who waits to each thread that holds what it waits for.
    fn wait_arrow(&mut self, thread: usize, event: Event) {
        let holds = |bar: &&Bar| {
            bar.to.is_none()
                && bar.thread != thread
                && match (event, bar.held) {
                    (Event::Lock(map), Held::Lock(held, _)) => map == held,
                    (Event::Page(page), Held::Page(held)) => page == held,
                    _ => false,
                }
        };
        let holders: Vec<f32> = self
            .bars
            .iter()
            .filter(holds)
            .map(|bar| self.lane(bar.thread) + shift(bar.held))
            .collect();
        let from = self.lane(thread);
        for to in holders {
            let (from, to) =
                if to > from { (from + 18.0, to - 8.0) } else { (from - 10.0, to + 8.0) };
            // Below the text, which the arrow would cross.
            let _ = writeln!(
                self.over,
                "<line x1=\"{from}\" y1=\"{0}\" x2=\"{to}\" y2=\"{0}\" stroke=\"{WRITE}\" \
                 stroke-width=\"1.6\" stroke-dasharray=\"5 3\" marker-end=\"url(#tip)\"/>",
                self.y + 10.0
            );
        }
    }

    fn draw_entries(&mut self) {
        let x0 = self.entries_x();
        let maps: Vec<&str> = {
            let mut maps: Vec<&str> = self.entries.iter().map(|entry| entry.map).collect();
            maps.dedup();
            maps
        };
        self.entries_bottom = self.y + ENTRIES_ROW * (maps.len() as f32 - 1.0) + 8.0;
        for entry in &self.entries {
            let row = maps.iter().position(|map| *map == entry.map).unwrap_or(0);
            let y = self.y - 11.0 + row as f32 * ENTRIES_ROW;
            let x = x0 + (entry.first - self.first_page) as f32 * PAGE_WIDTH;
            let width = entry.pages as f32 * PAGE_WIDTH - 4.0;
            let fill = match entry.wired {
                0 => "#f4f4f4",
                1 => "#d8ecd0",
                _ => "#a9d49a",
            };
            let border = if entry.in_transition { "#7b3fa0" } else { "#555" };
            let thick = if entry.in_transition { 2.6 } else { 1.0 };
            let _ = writeln!(
                self.over,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"22\" rx=\"3\" fill=\"{fill}\" \
                 stroke=\"{border}\" stroke-width=\"{thick}\"/>"
            );
            let label = format!("{} · {}", entry.covers, entry.wired);
            let middle = "text-anchor=\"middle\"";
            text(&mut self.over, x + width / 2.0, y + 15.0, middle, &label);
        }
        for (row, map) in maps.iter().enumerate() {
            let y = self.y + 4.0 + row as f32 * ENTRIES_ROW;
            text(&mut self.over, x0 - 20.0, y, "fill=\"#555\"", map);
        }
    }

    fn lanes(&self, out: &mut String) {
        for (thread, name) in self.names.iter().enumerate() {
            let x = self.lane(thread);
            let _ = writeln!(
                out,
                "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\" stroke=\"#ccc\"/>",
                TOP - 6.0,
                self.y + 12.0
            );
            let style = "font-weight=\"bold\" font-size=\"14\" text-anchor=\"middle\"";
            text(out, x, TOP - 14.0, style, &format!("thread {name}"));
        }
        let style = "font-weight=\"bold\" font-size=\"14\"";
        text(out, self.entries_x(), TOP - 14.0, style, "entries, with wired_count");
    }

    fn draw_bars(&self, out: &mut String) {
        for bar in &self.bars {
            let (colour, width) = match bar.held {
                Held::Lock(_, Mode::Write) => (WRITE, 10.0),
                Held::Lock(_, Mode::Read) => (READ, 10.0),
                Held::Page(_) => (BUSY, 10.0),
            };
            let x = self.lane(bar.thread) + shift(bar.held) - width / 2.0;
            let to = bar.to.unwrap_or(self.y + 12.0);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{}\" rx=\"2\" fill=\"{colour}\"/>",
                bar.from,
                (to - bar.from).max(4.0)
            );
        }
    }

    /// The end, in words.
    fn verdict(&self) -> Vec<String> {
        let waits = waits(self.trace, self.names.len());
        let holds =
            self.trace.records.last().map(|record| record.holds.clone()).unwrap_or_default();
        let mut lines = Vec::new();
        for record in &self.trace.records {
            if let Step::Found(what) = &record.step {
                let mut what = what.clone();
                what.get_mut(..1).map(str::make_ascii_uppercase);
                lines.push(what);
            }
        }
        for (thread, name) in self.names.iter().enumerate() {
            if let (Some(wait), Some(holds)) = (&waits[thread], holds.get(thread)) {
                let holds = if holds.is_empty() { "nothing".into() } else { holds.join(" and ") };
                lines.push(format!("{name} holds {holds}, and {wait}."));
            }
        }
        lines
    }
}

/// Where a bar stands beside its lane.
fn shift(held: Held) -> f32 {
    match held {
        Held::Lock(..) => 0.0,
        Held::Page(_) => 14.0,
    }
}

fn text(out: &mut String, x: f32, y: f32, style: &str, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" {style}>{what}</text>");
}

fn legend(out: &mut String, y: f32) {
    let mut x = LEFT - 8.0;
    for (colour, what) in
        [(WRITE, "map locked for writing"), (READ, "map locked for reading"), (BUSY, "page busy")]
    {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{}\" width=\"10\" height=\"14\" rx=\"2\" fill=\"{colour}\"/>",
            y - 11.0
        );
        text(out, x + 16.0, y, "fill=\"#444\"", what);
        x += 40.0 + what.len() as f32 * 6.9;
    }
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{}\" width=\"24\" height=\"14\" rx=\"3\" fill=\"none\" \
         stroke=\"#7b3fa0\" stroke-width=\"2.6\"/>",
        y - 11.0
    );
    text(out, x + 30.0, y, "fill=\"#444\"", "entry in transition");
    let x = x + 165.0;
    text(out, x, y, &format!("fill=\"{WAIT}\""), "arrow: waits for what that thread holds");
}
