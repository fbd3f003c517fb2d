// SPDX-License-Identifier: GPL-2.0-or-later
//! Known defects that the program steers round.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Where the list stands in the workspace.
pub const LIST: &str = "tests/fuzz/known.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub known: Vec<Known>,
    /// Those that a call is made in another way for.
    pub avoided: Vec<Known>,
    /// Those that take several threads, or are steered round otherwise there.
    pub threads: Vec<Known>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// A section of docs/upstream.md, and what the program calls it.
    pub name: String,
    /// What the model must be like for a call to meet it.
    pub when: String,
    /// Functions with the feature `sound` keep it away.
    #[serde(default)]
    pub sound: bool,
    /// The C fixes keep it away, and the model knows the answers then.
    #[serde(default)]
    pub fixes: bool,
}

impl List {
    pub fn read(path: &Path) -> Result<List> {
        let text = kit::files::read(path)?;
        let text =
            String::from_utf8(text).with_context(|| format!("{} is not UTF-8", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("{} is no list of known defects", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_is_in_the_program_and_has_its_section() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let list = List::read(&root.join(LIST)).unwrap();
        let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let listed: BTreeSet<&str> = list.known.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(listed.len(), list.known.len(), "one is listed twice");
        let program = text("tests/fuzz/known.c");
        let steered: BTreeSet<&str> = program
            .lines()
            .filter_map(|line| line.trim().strip_prefix("{ \"")?.split('"').next())
            .collect();
        assert_eq!(listed, steered);
        for one in &list.known {
            let start = format!("{{ \"{}\"", one.name);
            let line = program.lines().find(|line| line.trim().starts_with(&start)).unwrap();
            let kept_away = format!(", {}, {} }}", one.sound, one.fixes);
            assert!(line.contains(&kept_away), "{}", one.name);
        }
        let page = text("docs/upstream.md");
        for one in list.known.iter().chain(&list.avoided).chain(&list.threads) {
            assert!(
                page.lines().any(|line| line == format!("## {}", one.name)),
                "no section {}",
                one.name
            );
            assert!(!one.when.is_empty());
        }
    }
}
