// SPDX-License-Identifier: GPL-2.0-or-later
//! The list of wrong versions, and making one.

use std::fs;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;

/// Where the list stands in the workspace.
pub const LIST: &str = "tests/wrong.toml";

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
    /// What it breaks.
    pub breaks: String,
    /// Hosted tests that must fail.
    pub caught_by: Vec<String>,
    /// Loads of the storm that must fail, each by itself.
    #[serde(default)]
    pub storm: Vec<Load>,
    pub change: Vec<Change>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub file: String,
    /// Text that stands in the file exactly once.
    pub from: String,
    pub to: String,
}

pub fn read(root: &Path) -> Result<Vec<Wrong>> {
    let path = root.join(LIST);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: is --root the workspace?", path.display()))?;
    let list: List = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    for (index, wrong) in list.wrong.iter().enumerate() {
        ensure!(
            list.wrong[..index].iter().all(|other| other.name != wrong.name),
            "{}: there are two wrong versions named {}",
            path.display(),
            wrong.name
        );
        for (at, load) in wrong.storm.iter().enumerate() {
            ensure!(
                !wrong.storm[..at].contains(load),
                "{}: {} lists load {} twice",
                path.display(),
                wrong.name,
                load.name()
            );
        }
        ensure!(!wrong.change.is_empty(), "{}: {} changes nothing", path.display(), wrong.name);
        ensure!(
            !wrong.caught_by.is_empty(),
            "{}: {} says of no test that it catches it",
            path.display(),
            wrong.name
        );
    }
    Ok(list.wrong)
}

impl Wrong {
    /// Makes the changes in the sources under `root`.
    pub fn apply(&self, root: &Path) -> Result<()> {
        self.change
            .iter()
            .try_for_each(|change| change.apply(root))
            .with_context(|| format!("it does not fit our sources any more; mend {LIST}"))
    }
}

impl Change {
    fn apply(&self, root: &Path) -> Result<()> {
        let path = root.join(&self.file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", self.file))?;
        match text.matches(&self.from).count() {
            1 => {}
            found => bail!("{} has this text {found} times, not once: {:?}", self.file, self.from),
        }
        ensure!(self.from != self.to, "{}: the text is replaced by itself", self.file);
        fs::write(&path, text.replacen(&self.from, &self.to, 1))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: &str, to: &str) -> (tempfile::TempDir, Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.rs"), "one two two").unwrap();
        let change = Change { file: "a.rs".into(), from: from.into(), to: to.into() };
        let result = change.apply(folder.path());
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

    #[test]
    fn loads_are_those_of_the_storm_each_once() {
        let read_with = |storm: &str| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("tests")).unwrap();
            let text = format!(
                "[[wrong]]\nname = 'x'\nbreaks = 'y'\ncaught_by = ['t']\nstorm = {storm}\n\
                 [[wrong.change]]\nfile = 'f'\nfrom = 'a'\nto = 'b'\n"
            );
            fs::write(folder.path().join(LIST), text).unwrap();
            read(folder.path()).map_err(|error| format!("{error:#}"))
        };
        let list = read_with("['a', 'b', 'maps', 'wired']").unwrap();
        assert_eq!(list[0].storm, Load::ALL);
        assert_eq!(Load::ALL.map(Load::name), ["a", "b", "maps", "wired"]);
        let complaint = |storm| read_with(storm).err().unwrap();
        assert!(complaint("['c']").contains("unknown variant `c`"));
        assert!(complaint("['a', 'a']").contains("x lists load a twice"));
    }

    #[test]
    fn every_change_fits_our_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for wrong in read(root).unwrap() {
            let folder = tempfile::tempdir().unwrap();
            super::super::sources::copy(root, folder.path()).unwrap();
            wrong.apply(folder.path()).unwrap();
        }
    }
}
