// SPDX-License-Identifier: GPL-2.0-or-later
//! The report's charts.

use super::svg::{thousands, Anchor, Svg};
use crate::bench::results::{Measured, Results, Storms};

/// Where a ratio lies across a panel.
struct Axis {
    left: f64,
    width: f64,
    least: f64,
    most: f64,
}

impl Axis {
    fn at(&self, ratio: f64) -> f64 {
        let part = (ratio - self.least) / (self.most - self.least);
        self.left + self.width * part.clamp(0.0, 1.0)
    }

    fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Grid lines, and the line of 1.00.
    fn draw(&self, svg: &mut Svg, top: f64, bottom: f64, step: f64) {
        let mut ratio = (self.least / step).ceil() * step;
        while ratio <= self.most + 1e-9 {
            let x = self.at(ratio);
            let is_one = (ratio - 1.0).abs() < 1e-9;
            let class = if is_one { "one" } else { "grid" };
            svg.line(class, (x, top), (x, bottom));
            let class = if is_one { "tick strong" } else { "tick" };
            svg.text(class, (x, top - 8.0), Anchor::Middle, format!("{ratio:.2}"));
            ratio += step;
        }
    }
}

/// A mark for each kernel: a dot for the first, a diamond for the second.
fn mark(svg: &mut Svg, kernel: usize, at: (f64, f64), title: &str) {
    match kernel % 2 {
        0 => svg.dot("mark kernel-0", at, 4.5, title),
        _ => svg.diamond("mark kernel-1", at, 4.5, title),
    }
}

fn legend(svg: &mut Svg, names: &[&str], mut x: f64, y: f64) {
    for (index, name) in names.iter().enumerate() {
        mark(svg, index, (x, y - 4.0), name);
        svg.text("label", (x + 11.0, y), Anchor::Start, name);
        x += 40.0 + 7.2 * name.len() as f64;
    }
}

/// Ratios by row: instructions at the left, times at the right.
pub fn ratios(all: &[Results]) -> String {
    const ROW: f64 = 19.0;
    const GROUP_GAP: f64 = 9.0;
    const TOP: f64 = 78.0;
    let Some(first) = all.first() else { return String::new() };
    let kinds = first.kinds();
    let height = TOP + ROW * first.rows.len() as f64 + GROUP_GAP * kinds.len() as f64 + 8.0;
    let mut svg = Svg::new(1080.0, height, "ours by shipped, instructions and time, for each row");
    let highest = |of: fn(&Measured) -> f64| {
        all.iter().flat_map(|results| &results.rows).map(of).fold(1.25, f64::max).min(2.5)
    };
    let lowest = |of: fn(&Measured) -> f64| {
        all.iter().flat_map(|results| &results.rows).map(of).fold(0.5, f64::min).max(0.0)
    };
    let rounded = |least: f64, most: f64| ((least * 4.0).floor() / 4.0, (most * 4.0).ceil() / 4.0);
    let (least, most) = rounded(lowest(Measured::instructions), highest(Measured::instructions));
    let counts = Axis { left: 290.0, width: 370.0, least, most };
    let time = |part: usize| {
        let of = move |row: &Measured| row.time.map_or(1.0, |time| time.quartiles[part]);
        all.iter().flat_map(|results| &results.rows).map(of).collect::<Vec<_>>()
    };
    let slowest = time(2).into_iter().fold(1.25, f64::max).min(2.0);
    let (least, most) = rounded(time(0).into_iter().fold(0.5, f64::min).max(0.25), slowest);
    let times = Axis { left: 715.0, width: 345.0, least, most };

    let names: Vec<&str> = all.iter().map(|results| results.name.as_str()).collect();
    legend(&mut svg, &names, 8.0, 20.0);
    svg.text("heading", (counts.left, 20.0), Anchor::Start, "Instructions, ours / shipped");
    svg.text(
        "heading",
        (times.left, 20.0),
        Anchor::Start,
        "Time, ours / shipped (median, quartiles)",
    );
    svg.text("tick", (counts.left, 38.0), Anchor::Start, "left of 1.00: ours executes fewer");
    svg.text("tick", (times.left, 38.0), Anchor::Start, "of this machine, on this day");

    let mut y = TOP;
    for (index, kind) in kinds.iter().enumerate() {
        let rows: Vec<_> = first.rows.iter().filter(|row| row.what == *kind).collect();
        let tall = ROW * rows.len() as f64;
        if index % 2 == 0 {
            svg.rectangle("band", (0.0, y - 2.0), (1080.0, tall + GROUP_GAP - 2.0));
        }
        y += tall + GROUP_GAP;
    }
    counts.draw(&mut svg, TOP - 6.0, height - 6.0, 0.25);
    times.draw(&mut svg, TOP - 6.0, height - 6.0, 0.25);

    let mut y = TOP;
    for kind in kinds {
        svg.text("label strong", (8.0, y + 13.0), Anchor::Start, kind);
        for row in first.rows.iter().filter(|row| row.what == kind) {
            let middle = y + ROW / 2.0;
            let entries = thousands(row.entries.into());
            svg.text("tick", (270.0, middle + 4.0), Anchor::End, entries);
            let same = |other: &&Measured| other.what == row.what && other.entries == row.entries;
            for (kernel, results) in all.iter().enumerate() {
                let Some(row) = results.rows.iter().find(same) else { continue };
                let offset = if all.len() > 1 { 7.0 * (kernel as f64 - 0.5) } else { 0.0 };
                let at = middle + offset;
                let (ours, shipped) = (row.ours.own, row.shipped.with_helpers);
                let title = format!(
                    "{}: {} / {} = {:.3}",
                    results.name,
                    thousands(ours.instructions),
                    thousands(shipped.instructions),
                    row.instructions()
                );
                mark(&mut svg, kernel, (counts.at(row.instructions()), at), &title);
                if let Some(time) = row.time {
                    let [low, median, high] = time.quartiles;
                    let class = format!("whisker kernel-{}", kernel % 2);
                    svg.line(&class, (times.at(low), at), (times.at(high), at));
                    let title = format!(
                        "{}: {median:.3}, {low:.3} to {high:.3}, {} pairs",
                        results.name, time.pairs
                    );
                    mark(&mut svg, kernel, (times.at(median), at), &title);
                }
            }
            y += ROW;
        }
        y += GROUP_GAP;
    }
    svg.finish()
}

/// Instructions for each entry, by the number of entries: one panel per kind.
pub fn by_entries(results: &Results) -> String {
    const COLUMNS: usize = 3;
    const WIDTH: f64 = 346.0;
    const HEIGHT: f64 = 190.0;
    let kinds: Vec<_> = results.kinds().into_iter().filter(|k| k.starts_with("scan")).collect();
    let lines = kinds.len().div_ceil(COLUMNS);
    let mut svg = Svg::new(
        1080.0,
        lines as f64 * HEIGHT + 30.0,
        "instructions for each entry, by the number of entries",
    );
    svg.line("series shipped", (8.0, 12.0), (34.0, 12.0));
    svg.text("label", (42.0, 16.0), Anchor::Start, "shipped");
    svg.line("series ours", (112.0, 12.0), (138.0, 12.0));
    svg.text("label", (146.0, 16.0), Anchor::Start, "ours");
    for (index, kind) in kinds.iter().enumerate() {
        let left = (index % COLUMNS) as f64 * (WIDTH + 21.0);
        let top = 30.0 + (index / COLUMNS) as f64 * HEIGHT;
        let rows: Vec<_> = results.rows.iter().filter(|row| row.what == *kind).collect();
        panel(&mut svg, kind, &rows, (left, top), (WIDTH, HEIGHT));
    }
    svg.finish()
}

fn panel(
    svg: &mut Svg,
    kind: &str,
    rows: &[&Measured],
    (left, top): (f64, f64),
    (width, height): (f64, f64),
) {
    let (x0, x1) = (left + 42.0, left + width - 54.0);
    let (y0, y1) = (top + 34.0, top + height - 30.0);
    svg.text("label strong", (left + 8.0, top + 18.0), Anchor::Start, kind);
    let each = |row: &Measured| {
        [row.shipped.with_helpers, row.ours.own]
            .map(|counts| counts.instructions as f64 / f64::from(row.entries))
    };
    let highest = rows.iter().flat_map(|row| each(row)).fold(0.0, f64::max);
    let step = [5.0, 10.0, 20.0, 25.0, 50.0, 100.0]
        .into_iter()
        .find(|step| highest / step <= 4.5)
        .unwrap_or(200.0);
    let most = (highest / step).ceil() * step;
    let y = |value: f64| y1 - (y1 - y0) * value / most;
    let last = rows.last().map_or(1.0, |row| f64::from(row.entries)).log2().max(1.0);
    let x = |entries: u32| x0 + (x1 - x0) * f64::from(entries).log2() / last;
    let mut value = 0.0;
    while value <= most {
        svg.line(if value == 0.0 { "base" } else { "grid" }, (x0, y(value)), (x1, y(value)));
        svg.text("tick", (x0 - 8.0, y(value) + 4.0), Anchor::End, value);
        value += step;
    }
    for row in rows {
        let entries = thousands(row.entries.into());
        svg.text("tick", (x(row.entries), y1 + 17.0), Anchor::Middle, entries);
    }
    for (side, class) in [(0, "shipped"), (1, "ours")] {
        let points: Vec<_> = rows.iter().map(|row| (x(row.entries), y(each(row)[side]))).collect();
        svg.polyline(&format!("series {class}"), &points);
        for (row, &point) in rows.iter().zip(&points) {
            let counts = [row.shipped.with_helpers, row.ours.own][side];
            let title = format!(
                "{class}: {} instructions, {} entries",
                thousands(counts.instructions),
                thousands(row.entries.into())
            );
            svg.dot(&format!("dot {class}"), point, 3.0, &title);
        }
    }
    // What each entry costs in the end; the two labels stay apart.
    if let Some(row) = rows.last() {
        let [shipped, ours] = each(row);
        let mut at = [y(shipped) + 4.0, y(ours) + 4.0];
        let apart = 14.0 - (at[0] - at[1]).abs();
        if apart > 0.0 {
            let sign = if shipped >= ours { 1.0 } else { -1.0 };
            at = [at[0] - sign * apart / 2.0, at[1] + sign * apart / 2.0];
        }
        for (value, at, class) in [(shipped, at[0], "shipped"), (ours, at[1], "ours")] {
            let class = format!("value {class}");
            svg.text(&class, (x1 + 10.0, at), Anchor::Start, format!("{value:.1}"));
        }
    }
}

/// The ratio of each pair of boots, by load.
pub fn storms(all: &[Storms]) -> String {
    const ROW: f64 = 46.0;
    const TOP: f64 = 40.0;
    let rows: usize = all.iter().map(|storms| storms.loads.len()).sum();
    let height = TOP + ROW * rows as f64 + 10.0;
    let mut svg =
        Svg::new(1080.0, height, "calls a second, grafted by stock, of each pair of boots");
    let ratios = || all.iter().flat_map(|storms| &storms.loads).flat_map(|load| &load.pairs);
    let far = ratios().map(|[stock, grafted]| (grafted / stock - 1.0).abs()).fold(0.2, f64::max);
    let far = (far * 10.0).ceil() / 10.0;
    let axis = Axis { left: 330.0, width: 600.0, least: (1.0 - far).max(0.0), most: 1.0 + far };
    axis.draw(&mut svg, TOP - 6.0, height - 6.0, if far > 0.45 { 0.25 } else { 0.1 });
    let mut y = TOP + ROW / 2.0;
    for (kernel, storms) in all.iter().enumerate() {
        for load in &storms.loads {
            svg.text("label strong", (8.0, y - 3.0), Anchor::Start, &load.what);
            let [stock, grafted] = load.medians().map(|median| thousands(median.round() as u64));
            let text = format!("{}: {grafted} / {stock} a second", storms.name);
            svg.text("tick", (8.0, y + 13.0), Anchor::Start, text);
            for [stock, grafted] in &load.pairs {
                let title = format!("{grafted:.0} / {stock:.0} = {:.3}", grafted / stock);
                let class = format!("pair kernel-{}", kernel % 2);
                svg.dot(&class, (axis.at(grafted / stock), y), 5.0, &title);
            }
            let [low, median, high] = load.spread().quartiles;
            let x = axis.at(median);
            svg.line("median", (x, y - 13.0), (x, y + 13.0));
            svg.text(
                "label strong",
                (axis.right() + 14.0, y - 1.0),
                Anchor::Start,
                format!("{median:.3}"),
            );
            let spread = format!("{low:.3} to {high:.3}");
            svg.text("tick", (axis.right() + 14.0, y + 14.0), Anchor::Start, spread);
            y += ROW;
        }
    }
    svg.finish()
}
