// SPDX-License-Identifier: GPL-2.0-or-later
//! The list of defects, and what is expected of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;

/// Where the list stands in the workspace.
pub const LIST: &str = "tests/defects/defects.toml";
/// What a defect does that does nothing.
const NOTHING: &str = "nothing";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Whose kernels the expectations are of.
    suites: Vec<String>,
    defect: Vec<Defect>,
    #[serde(default)]
    schedule: Vec<Schedule>,
}

/// One that a program can provoke.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// As in docs/upstream.md; a second road to the same is `NAME.ROAD`.
    pub name: String,
    pub title: String,
    pub takes: Takes,
    /// Seconds of the guest that several threads try for.
    pub seconds: Option<u32>,
    /// What it does: a text of its outcome, for every suite or by suite. Several, if threads race: any of
    /// them may come, or nothing; `*` at the end of one stands for whatever follows.
    does: Does,
    /// What it does with the feature `sound`.
    sound: WithSound,
}

/// Who can provoke it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Takes {
    /// Any task, with one thread on the calls.
    Task,
    /// Any task, with several.
    Threads,
    /// A task that holds the privileged host port.
    Privilege,
    /// A task that holds the kernel task's port, with several threads.
    KernelThreads,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WithSound {
    /// Always this, on every kernel: mostly nothing.
    Does(String),
    /// The same as without, and why.
    AsUpstream { as_upstream: String },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Does {
    Always(String),
    Sometimes(Vec<String>),
    BySuite(BTreeMap<String, Does>),
}

/// What may come of a defect on a suite's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    Always(&'a str),
    Sometimes(&'a [String]),
    /// The list does not know this kernel.
    Unknown,
}

/// One that only a schedule of the model shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub name: String,
    pub title: String,
    pub scenario: String,
    pub schedule: String,
    pub shows: String,
}

impl List {
    pub fn read(path: &Path) -> Result<List> {
        let text = kit::files::read(path)?;
        let text =
            String::from_utf8(text).with_context(|| format!("{} is not UTF-8", path.display()))?;
        List::parse(&text).with_context(|| format!("{} is no list of defects", path.display()))
    }

    fn parse(text: &str) -> Result<List> {
        let list: List = toml::from_str(text)?;
        let mut names = BTreeSet::new();
        for defect in &list.defect {
            ensure!(names.insert(&defect.name), "{} is there twice", defect.name);
            if let Does::BySuite(suites) = &defect.does {
                for suite in &list.suites {
                    let does = suites.get(suite);
                    ensure!(does.is_some(), "{} does not say what it does on {suite}", defect.name);
                    let nested = matches!(does, Some(Does::BySuite(_)));
                    ensure!(!nested, "{}: suites within a suite", defect.name);
                }
            }
        }
        Ok(list)
    }

    pub fn knows(&self, suite: &str) -> Result<()> {
        if !self.suites.iter().any(|known| known == suite) {
            bail!("no expectations for {suite}; there are {}", self.suites.join(" "));
        }
        Ok(())
    }

    /// Those named, with their further roads; all, if none is.
    pub fn chosen(&self, names: &[String]) -> Result<(Vec<&Defect>, Vec<&Schedule>)> {
        let wanted = |one: &str| {
            names.is_empty()
                || names.iter().any(|name| {
                    one.strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
        };
        let known = |name: &String| {
            self.defect.iter().any(|defect| &defect.name == name)
                || self.schedule.iter().any(|schedule| &schedule.name == name)
        };
        if let Some(name) = names.iter().find(|name| !known(name)) {
            bail!("no defect {name}; --names names them");
        }
        let defects = self.defect.iter().filter(|defect| wanted(&defect.name)).collect();
        let schedules = self.schedule.iter().filter(|schedule| wanted(&schedule.name)).collect();
        Ok((defects, schedules))
    }
}

impl Defect {
    /// For the program.
    pub fn words(&self) -> String {
        let seconds = self.seconds.map_or(String::new(), |seconds| format!(" seconds={seconds}"));
        format!("defect={}{seconds}", self.name)
    }

    /// Of our functions with the feature `sound`.
    pub fn expected_of_sound(&self, suite: Option<&str>) -> Expected<'_> {
        match &self.sound {
            WithSound::Does(text) => Expected::Always(text),
            WithSound::AsUpstream { .. } => self.expected(suite),
        }
    }

    /// Why it is the same with `sound`, if it is.
    pub fn stays_because(&self) -> Option<&str> {
        match &self.sound {
            WithSound::Does(_) => None,
            WithSound::AsUpstream { as_upstream } => Some(as_upstream),
        }
    }

    pub fn expected(&self, suite: Option<&str>) -> Expected<'_> {
        let mut does = &self.does;
        if let Does::BySuite(suites) = does {
            match suite.and_then(|suite| suites.get(suite)) {
                Some(of_suite) => does = of_suite,
                None => return Expected::Unknown,
            }
        }
        match does {
            Does::Sometimes(texts) => Expected::Sometimes(texts),
            Does::Always(text) if suite.is_some() => Expected::Always(text),
            _ => Expected::Unknown,
        }
    }
}

impl Expected<'_> {
    pub fn allows(&self, outcome: &str) -> bool {
        match self {
            Expected::Always(text) => *text == outcome,
            Expected::Sometimes(texts) => {
                outcome == NOTHING
                    || texts.iter().any(|text| match text.strip_suffix('*') {
                        Some(start) => outcome.starts_with(start),
                        None => text == outcome,
                    })
            }
            Expected::Unknown => true,
        }
    }
}

impl Takes {
    pub fn text(self) -> &'static str {
        match self {
            Takes::Task => "any task",
            Takes::Threads => "any task, threads",
            Takes::Privilege => "a privileged task",
            Takes::KernelThreads => "the kernel's map, threads",
        }
    }
}

impl Schedule {
    pub fn text(&self) -> String {
        format!(
            "{}\n    only a schedule shows it: {}\n    cargo run -p interleavings --release -- --scenario {} \
             --replay {}\n",
            self.name, self.shows, self.scenario, self.schedule
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        suites = ["trixie", "sid"]
        [[defect]]
        name = "one"
        title = "t"
        takes = "task"
        does = "x"
        sound = "nothing"
        [[defect]]
        name = "one.copy"
        title = "t"
        takes = "kernel-threads"
        seconds = 60
        does = { trixie = "y", sid = ["z", "assertion *"] }
        sound = { as_upstream = "why" }
        [[defect]]
        name = "one-more"
        title = "t"
        takes = "privilege"
        does = "nothing"
        sound = "an error"
    "#;

    fn chosen(names: &[&str]) -> Vec<String> {
        let list = List::parse(TEXT).unwrap();
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let (defects, _) = list.chosen(&names).unwrap();
        defects.iter().map(|defect| defect.name.clone()).collect()
    }

    #[test]
    fn each_defect_of_the_projects_own_list_has_its_calls_and_its_section() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let list = List::read(&root.join(LIST)).unwrap();
        let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let listed: BTreeSet<&str> = list.defect.iter().map(|one| one.name.as_str()).collect();
        let program = text("tests/defects/defects.c");
        let provoked: BTreeSet<&str> = program
            .lines()
            .filter_map(|line| line.trim().strip_prefix("{ \"")?.split('"').next())
            .collect();
        assert_eq!(listed, provoked);
        let page = text("docs/upstream.md");
        let sections: BTreeSet<&str> =
            page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let schedules = list.schedule.iter().map(|one| one.name.as_str());
        for name in listed.into_iter().chain(schedules) {
            let section = name.split('.').next().unwrap();
            assert!(sections.contains(section), "docs/upstream.md has no section {section}");
        }
    }

    #[test]
    fn a_name_takes_its_roads_along() {
        assert_eq!(chosen(&[]), ["one", "one.copy", "one-more"]);
        assert_eq!(chosen(&["one"]), ["one", "one.copy"]);
        assert_eq!(chosen(&["one.copy", "one-more"]), ["one.copy", "one-more"]);
        let list = List::parse(TEXT).unwrap();
        let error = list.chosen(&["two".into()]).unwrap_err().to_string();
        assert!(error.contains("no defect two"), "{error}");
        assert!(list.knows("sid").is_ok() && list.knows("etch").is_err());
    }

    #[test]
    fn what_is_expected_depends_on_the_suite() {
        let list = List::parse(TEXT).unwrap();
        let [one, copy, more] = &list.defect[..] else { panic!() };
        assert_eq!(copy.words(), "defect=one.copy seconds=60");
        assert!(
            one.expected(Some("sid")).allows("x") && !one.expected(Some("sid")).allows("nothing")
        );
        assert!(!copy.expected(Some("trixie")).allows("z"));
        for text in ["z", "assertion x in f", "nothing"] {
            assert!(copy.expected(Some("sid")).allows(text), "{text}");
        }
        assert!(
            !copy.expected(Some("sid")).allows("y") && !copy.expected(Some("sid")).allows("zz")
        );
        assert!(!more.expected(Some("trixie")).allows("x"));
        // A kernel that the list does not know may do anything.
        assert_eq!(one.expected(None), Expected::Unknown);
        assert_eq!(copy.expected(None), Expected::Unknown);
    }

    #[test]
    fn with_sound_each_has_an_expectation_of_its_own() {
        let list = List::parse(TEXT).unwrap();
        let [one, copy, more] = &list.defect[..] else { panic!() };
        for suite in [None, Some("sid")] {
            let allows = |text| one.expected_of_sound(suite).allows(text);
            assert!(allows("nothing") && !allows("x"));
            assert!(!more.expected_of_sound(suite).allows("nothing"));
            assert_eq!(copy.expected_of_sound(suite), copy.expected(suite));
        }
        assert_eq!([one, copy].map(Defect::stays_because), [None, Some("why")]);
    }

    #[test]
    fn lists_that_say_too_little_are_refused() {
        let without_sid = TEXT.replace(", sid = [\"z\", \"assertion *\"]", "");
        let twice = TEXT.replace("one-more", "one");
        for (text, complaint) in [
            (without_sid.as_str(), "on sid"),
            (twice.as_str(), "twice"),
            (&TEXT.replace("\"privilege\"", "\"root\""), "root"),
            (&TEXT.replace("title", "titel"), "titel"),
            (&TEXT.replace("sound = \"an error\"\n", ""), "sound"),
        ] {
            let error = format!("{:#}", List::parse(text).unwrap_err());
            assert!(error.contains(complaint), "{error}");
        }
    }
}
