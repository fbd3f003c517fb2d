// SPDX-License-Identifier: GPL-2.0-or-later
//! What a program was doing when its kernel stopped: texts in a page of its memory, found by a mark.

use anyhow::{Context, Result};

use super::machine::Machine;

/// The first bytes of the page, behind which the texts stand, each ended by a zero.
pub type Mark = [u8; 16];

const PAGE: usize = 4096;

/// A line for each text; or one that says why there is none.
pub fn words(machine: &Machine, mark: &Mark) -> String {
    match look(machine, mark) {
        Ok(texts) => texts.iter().map(|text| format!("\nlast: {text}")).collect(),
        Err(error) => format!("\nlast: it could not be read: {error:#}"),
    }
}

fn look(machine: &Machine, mark: &Mark) -> Result<Vec<String>> {
    // As large as the machine's memory, and gone right after.
    let saved = tempfile::NamedTempFile::new().context("no place to save the memory to")?;
    machine.save_memory(saved.path())?;
    let memory = std::fs::read(saved.path()).context("cannot read the saved memory")?;
    Ok(texts(&memory, mark))
}

/// Of the first page that begins with the mark and has some: a shared page that was written to may have left its
/// older self behind.
fn texts(memory: &[u8], mark: &Mark) -> Vec<String> {
    let pages = memory.chunks(PAGE).filter(|page| page.starts_with(mark));
    pages
        .map(|page| texts_of(&page[mark.len()..]))
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}

fn texts_of(page: &[u8]) -> Vec<String> {
    page.split(|&byte| byte == 0)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .filter(|text| !text.is_empty() && text.chars().all(|c| !c.is_control()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_behind_the_mark_at_the_start_of_a_page() {
        let mark = *b"0123456789abcdef";
        let mut memory = vec![0; 4 * PAGE];
        memory[..16].copy_from_slice(&mark);
        memory[PAGE + 8..PAGE + 24].copy_from_slice(&mark);
        assert!(texts(&memory, &mark).is_empty(), "a mark elsewhere is none");
        memory[2 * PAGE..2 * PAGE + 16].copy_from_slice(&mark);
        memory[2 * PAGE + 16..2 * PAGE + 19].copy_from_slice(b"one");
        memory[2 * PAGE + 40..2 * PAGE + 43].copy_from_slice(b"two");
        memory[3 * PAGE..3 * PAGE + 5].copy_from_slice(b"other");
        assert_eq!(texts(&memory, &mark), ["one", "two"]);
    }
}
