// SPDX-License-Identifier: GPL-2.0-or-later
//! Drawing; colours come from the page's style sheet, by class.

use std::fmt::{Display, Write};

pub struct Svg {
    width: f64,
    height: f64,
    label: String,
    body: String,
}

#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// `label`: what the picture shows, for those who cannot see it.
    pub fn new(width: f64, height: f64, label: &str) -> Self {
        Svg { width, height, label: label.to_string(), body: String::new() }
    }

    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    pub fn rectangle(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.add(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    /// A dot; the title shows under the pointer.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: &str) {
        let title = escape(title);
        self.add(format_args!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"><title>{title}</title></circle>"#
        ));
    }

    /// A diamond, as `dot`.
    pub fn diamond(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: &str) {
        let (title, r) = (escape(title), radius * 1.25);
        self.add(format_args!(
            r#"<path class="{class}" d="M{:.1} {y:.1}l{r} {r}l{r} -{r}l-{r} -{r}z"><title>{title}</title></path>"#,
            x - r
        ));
    }

    pub fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut list = String::new();
        for (x, y) in points {
            let _ = write!(list, "{x:.1},{y:.1} ");
        }
        self.add(format_args!(r#"<polyline class="{class}" points="{}"/>"#, list.trim_end()));
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: impl Display) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(&text.to_string());
        self.add(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    pub fn finish(self) -> String {
        let Svg { width, height, label, body } = self;
        let label = escape(&label);
        format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" aria-label=\"{label}\">\n{body}</svg>\n"
        )
    }

    fn add(&mut self, element: std::fmt::Arguments) {
        let _ = writeln!(self.body, "{element}");
    }
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Whole numbers with their thousands apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 65_536].map(thousands), ["0", "999", "1,000", "65,536"]);
        assert_eq!(thousands(4_456_508), "4,456,508");
    }

    #[test]
    fn text_cannot_become_markup() {
        let mut svg = Svg::new(1.0, 1.0, "a \"b\"");
        svg.text("c", (0.0, 0.0), Anchor::Start, "1 < 2 & 3");
        let text = svg.finish();
        assert!(text.contains("1 &lt; 2 &amp; 3") && text.contains("a &quot;b&quot;"), "{text}");
    }
}
