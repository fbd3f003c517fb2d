// SPDX-License-Identifier: GPL-2.0-or-later
//! Places in a text by its lines.

/// Where each line begins.
pub fn starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some(start)
    })
}

pub fn insert(text: &str, at: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at..])
}

/// A file of ours that goes into a patch, without its first line: the licence there is for this
/// checkout, and the tree has its own.
pub fn fragment(file: &'static str) -> &'static str {
    file.split_once('\n').map_or(file, |(_licence, text)| text)
}
