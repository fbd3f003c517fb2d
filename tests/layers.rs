// SPDX-License-Identifier: GPL-2.0-or-later
//! The modules of src/ stand in layers: none uses one that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The text of each module, by its path: `map::callees` for src/map/callees.rs.
type Modules = BTreeMap<String, String>;

fn read(folder: &Path, prefix: &str, into: &mut Modules) {
    for file in fs::read_dir(folder).expect("src/ is a folder") {
        let path = file.expect("src/ can be read").path();
        let name = format!("{prefix}{}", path.file_stem().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}::"), into);
        } else {
            into.insert(name, fs::read_to_string(&path).expect("sources are text"));
        }
    }
}

/// The paths that begin with `word::` in a text, each up to what is no part of one.
fn paths<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(move |line| {
        line.match_indices(word).filter_map(move |(at, _)| {
            let before = line[..at].chars().next_back();
            let rest = line[at + word.len()..].strip_prefix("::")?;
            let inside = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            (!inside).then(|| &rest[..end.unwrap_or(rest.len())])
        })
    })
}

/// What each module uses.
fn uses(modules: &Modules) -> BTreeMap<&str, BTreeSet<&str>> {
    let named = |path: &str| {
        // The module that the path goes through, the innermost.
        let parts: Vec<&str> = path.split("::").collect();
        (1..=parts.len()).rev().find_map(|n| modules.get_key_value(&parts[..n].join("::")))
    };
    let mut all = BTreeMap::new();
    for (name, text) in modules {
        let mut used = BTreeSet::new();
        for path in paths(text, "crate") {
            used.extend(named(path).map(|(module, _)| module.as_str()));
        }
        if let Some((parent, _)) = name.rsplit_once("::") {
            if paths(text, "super").next().is_some() {
                used.insert(parent);
            }
        }
        for child in modules.keys().filter(|child| child.starts_with(&format!("{name}::"))) {
            let last = child.rsplit("::").next().unwrap();
            if paths(text, last).next().is_some() {
                used.insert(child.as_str());
            }
        }
        used.remove(name.as_str());
        all.insert(name.as_str(), used);
    }
    all
}

/// A module that uses itself through others, if there is one.
fn circle<'m>(uses: &BTreeMap<&'m str, BTreeSet<&'m str>>) -> Option<&'m str> {
    uses.keys().copied().find(|&start| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = uses[start].iter().copied().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(uses[module].iter().copied());
            }
        }
        seen.contains(start)
    })
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let mut modules = Modules::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut modules);
    let uses = uses(&modules);
    assert_eq!(circle(&uses), None, "{uses:#?}");
    // That uses are seen at all: each of these two is a chain of many.
    for (user, used) in [
        ("ffi", "scan"),
        ("scan", "faulting"),
        ("gap", "gap::fields"),
        ("map", "map::hint_lock"),
        ("map::callees", "map"),
    ] {
        assert!(uses[user].contains(used), "{user}: {:?}", uses[user]);
    }
}

#[test]
fn circles_are_seen() {
    let modules = |texts: &[(&str, &str)]| {
        texts.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect::<Modules>()
    };
    let line = modules(&[
        ("a", "use crate::b::{C, D};"),
        ("b", "// use crate::a::A;"),
        ("b::c", "super::C"),
    ]);
    assert_eq!(circle(&uses(&line)), None);
    let two = modules(&[("a", "use crate::b::C;"), ("b", "fn f(a: crate::a::A) {}")]);
    assert_eq!(circle(&uses(&two)), Some("a"));
    let child = modules(&[("a", "mod b;\nuse b::B;"), ("a::b", "use super::A;")]);
    assert_eq!(circle(&uses(&child)), Some("a"));
}
