// SPDX-License-Identifier: GPL-2.0-or-later
//! Versions of our functions that are wrong on purpose: the lists in tests/wrong/, and making one.
//!
//! A list is a TOML file of `[[wrong]]` tables, whose fields are those of [`Wrong`]. Whatever judges our
//! functions is judged by them: each says who must catch it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

/// Where the lists stand in the workspace.
pub const LISTS: &str = "tests/wrong";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    wrong: Vec<Wrong>,
}

/// A change to our sources that something must catch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    pub name: String,
    /// What it breaks; of a state of the series or a repair, what it is.
    pub breaks: String,
    /// Hosted tests that must fail (`vmtool wrong`).
    #[serde(default)]
    pub tests: Vec<String>,
    /// Loads of the storm that must fail, each by itself (`vmtool wrong --storms`).
    #[serde(default)]
    pub loads: Vec<Load>,
    /// Who else must see it.
    #[serde(default)]
    pub caught_by: Vec<Judge>,
    /// What C that calls the functions does otherwise in the interleavings: names of fields of `InC` there.
    #[serde(default)]
    pub callers: Vec<String>,
    /// Versions whose changes and callers this one has too, before its own.
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    pub change: Vec<Change>,
}

/// A check, by the name of its make target or nearly so.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// The comparison with a kernel's machine code.
    Oracle,
    /// The same of the functions that call the two, with the feature `callers`.
    Callers,
    /// How those of `sound` leave a map, beside the machine code.
    Ends,
    /// The proof that they are equal.
    Prove,
    /// Random calls on a kernel.
    Fuzz,
    /// Some schedule of the interleavings shows what the right version never shows.
    Interleavings,
    /// A state of upstream's own series, or upstream with a repair: the interleavings list what it shows.
    Listed,
}

impl Judge {
    pub fn name(self) -> &'static str {
        match self {
            Judge::Oracle => "oracle",
            Judge::Callers => "oracle-callers",
            Judge::Ends => "oracle-sound",
            Judge::Prove => "prove",
            Judge::Fuzz => "fuzz",
            Judge::Interleavings => "interleavings",
            Judge::Listed => "listed",
        }
    }
}

/// A load of the storm, by its name there.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    A,
    B,
    Maps,
    Wired,
}

impl Load {
    pub const ALL: [Load; 4] = [Load::A, Load::B, Load::Maps, Load::Wired];

    pub fn name(self) -> &'static str {
        match self {
            Load::A => "a",
            Load::B => "b",
            Load::Maps => "maps",
            Load::Wired => "wired",
        }
    }
}

/// In a file, a text that is there once becomes another.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Below the workspace's folder.
    pub file: String,
    pub from: String,
    pub to: String,
}

/// The versions of a list, or of all lists in a folder.
pub fn read(path: &Path) -> Result<Vec<Wrong>> {
    let mut all: Vec<Wrong> = Vec::new();
    for file in files(path).with_context(|| format!("cannot read {}", path.display()))? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let list: List = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
        all.extend(list.wrong);
    }
    complete(&mut all).with_context(|| format!("in {}", path.display()))?;
    Ok(all)
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let paths = fs::read_dir(path)?.map(|item| Ok(item?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

/// Gives each all of its changes, and refuses versions that say too little, or two of a name.
fn complete(all: &mut [Wrong]) -> Result<()> {
    ensure!(!all.is_empty(), "there is no wrong version");
    let parts = all.iter().map(|wrong| parts(all, wrong, 0)).collect::<Result<Vec<_>>>()?;
    for (wrong, (callers, change)) in all.iter_mut().zip(parts) {
        (wrong.callers, wrong.change) = (callers, change);
    }
    for (index, wrong) in all.iter().enumerate() {
        let name = &wrong.name;
        let earlier = &all[..index];
        ensure!(earlier.iter().all(|it| it.name != *name), "two wrong versions are named {name}");
        for (at, load) in wrong.loads.iter().enumerate() {
            let twice = wrong.loads[..at].contains(load);
            ensure!(!twice, "{name} lists load {} twice", load.name());
        }
        let changes = !wrong.change.is_empty() || !wrong.callers.is_empty();
        ensure!(changes, "{name} changes nothing");
        let caught = wrong.tests.len() + wrong.loads.len() + wrong.caught_by.len() > 0;
        ensure!(caught, "{name} says of no check that it catches it");
    }
    Ok(())
}

/// What a version has of callers and changes, with those of the versions that it names.
fn parts(all: &[Wrong], wrong: &Wrong, depth: usize) -> Result<(Vec<String>, Vec<Change>)> {
    ensure!(depth < all.len(), "{} is made with itself", wrong.name);
    let (mut callers, mut changes) = (Vec::new(), Vec::new());
    for name in &wrong.with {
        let other = all.iter().find(|other| other.name == *name);
        let other = other.with_context(|| format!("{}: there is no version {name}", wrong.name))?;
        let (theirs, more) = parts(all, other, depth + 1)?;
        callers.extend(theirs);
        changes.extend(more);
    }
    callers.extend(wrong.callers.iter().cloned());
    changes.extend(wrong.change.iter().cloned());
    Ok((callers, changes))
}

impl Wrong {
    /// Makes the changes in the sources under `root`.
    pub fn apply(&self, root: &Path) -> Result<()> {
        self.change.iter().try_for_each(|change| change.apply(root)).with_context(|| {
            format!("{} does not fit our sources any more; mend {LISTS}", self.name)
        })
    }

    pub fn is_for(&self, judge: Judge) -> bool {
        self.caught_by.contains(&judge)
    }
}

impl Change {
    fn apply(&self, root: &Path) -> Result<()> {
        replace_once(root, &self.file, &self.from, &self.to)
    }
}

/// In a file under `root`, replaces a text that must stand there exactly once: when the source moves on, who
/// changes it must follow.
pub fn replace_once(root: &Path, file: &str, from: &str, to: &str) -> Result<()> {
    let path = root.join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
    let found = text.matches(from).count();
    ensure!(found == 1, "{file} has this text {found} times, not once: {from:?}");
    ensure!(from != to, "{file}: the text is replaced by itself");
    fs::write(&path, text.replacen(from, to, 1))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: &str, to: &str) -> (tempfile::TempDir, Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.rs"), "one two two").unwrap();
        let result = replace_once(folder.path(), "a.rs", from, to);
        (folder, result)
    }

    #[test]
    fn replaces_text_that_is_there_once() {
        let (folder, result) = change("one", "three");
        result.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a.rs")).unwrap(), "three two two");
    }

    #[test]
    fn refuses_text_that_is_not_there_once() {
        let message = |from| change(from, "x").1.unwrap_err().to_string();
        assert_eq!(message("four"), "a.rs has this text 0 times, not once: \"four\"");
        assert_eq!(message("two"), "a.rs has this text 2 times, not once: \"two\"");
    }

    fn parse(text: &str) -> Result<Vec<Wrong>> {
        let mut list: List = toml::from_str(text)?;
        complete(&mut list.wrong).map(|()| list.wrong)
    }

    const CHANGE: &str = "[[wrong.change]]\nfile = 'f'\nfrom = 'a'\nto = 'b'\n";

    fn wrong(name: &str, fields: &str) -> String {
        format!("[[wrong]]\nname = '{name}'\nbreaks = 'y'\n{fields}\n")
    }

    #[test]
    fn loads_are_those_of_the_storm_each_once() {
        let parse_with = |loads| parse(&(wrong("x", &format!("loads = {loads}")) + CHANGE));
        let list = parse_with("['a', 'b', 'maps', 'wired']").unwrap();
        assert_eq!(list[0].loads, Load::ALL);
        assert_eq!(Load::ALL.map(Load::name), ["a", "b", "maps", "wired"]);
        let complaint = |loads| format!("{:#}", parse_with(loads).err().unwrap());
        assert!(complaint("['c']").contains("unknown variant `c`"));
        assert!(complaint("['a', 'a']").contains("x lists load a twice"));
    }

    #[test]
    fn each_changes_something_and_is_caught_by_somebody() {
        let complaint = |text: &str| format!("{:#}", parse(text).err().unwrap());
        let caught = "caught_by = ['oracle']";
        assert!(complaint(&wrong("x", caught)).contains("x changes nothing"));
        assert!(complaint(&(wrong("x", "") + CHANGE)).contains("x says of no check"));
        let twice = (wrong("x", caught) + CHANGE).repeat(2);
        assert!(complaint(&twice).contains("two wrong versions are named x"));
        let mut list = parse(&(wrong("x", caught) + CHANGE)).unwrap();
        assert!(list[0].is_for(Judge::Oracle) && !list[0].is_for(Judge::Prove));
        list = parse(&wrong("x", "caught_by = ['listed']\ncallers = ['wait']")).unwrap();
        assert!(list[0].change.is_empty());
    }

    #[test]
    fn one_may_be_made_with_others() {
        let with = |name, other| {
            let fields =
                format!("caught_by = ['listed']\ncallers = ['{name}']\nwith = ['{other}']");
            wrong(name, &fields)
        };
        let x = wrong("x", "caught_by = ['oracle']") + CHANGE;
        let list = parse(&(with("z", "y") + &x + &with("y", "x"))).unwrap();
        assert_eq!(list[0].change[0].from, "a");
        assert_eq!(list[0].callers, ["y", "z"]);
        let complaint = |text: &str| format!("{:#}", parse(text).err().unwrap());
        assert!(complaint(&(x + &with("y", "z"))).contains("y: there is no version z"));
        let round = with("y", "z") + &with("z", "y");
        assert!(complaint(&round).contains("is made with itself"));
    }

    #[test]
    fn a_name_stands_in_one_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = wrong("x", "caught_by = ['oracle']") + CHANGE;
        for name in ["a.toml", "b.toml"] {
            fs::write(path(name), &text).unwrap();
        }
        assert_eq!(read(&path("a.toml")).unwrap().len(), 1);
        let error = format!("{:#}", read(folder.path()).err().unwrap());
        assert!(error.ends_with("two wrong versions are named x"), "{error}");
    }

    #[test]
    fn every_change_fits_our_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = tempfile::tempdir().unwrap();
        for wrong in read(&root.join(LISTS)).unwrap() {
            crate::workspace::copy(&root.join("src"), &folder.path().join("src")).unwrap();
            wrong.apply(folder.path()).unwrap();
        }
    }
}
