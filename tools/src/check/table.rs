// SPDX-License-Identifier: GPL-2.0-or-later
//! The table of steps, tools/steps.txt.

use std::fs;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    /// That it keeps busy; 0: it waits more than it works.
    pub cores: usize,
    /// Steps that must have ended before, as places in the table.
    pub after: Vec<usize>,
    /// For sh.
    pub command: String,
    pub about: String,
}

/// What a line with `{kernel}` in it is repeated for.
pub struct Kernel<'a> {
    suite: &'a str,
    flavour: &'a str,
}

/// Reads the table, for kernels as `suite/flavour`, a list of them that the table has by name, or none:
/// then the list `default`.
pub fn read(path: &Path, kernels: Option<&str>) -> Result<Vec<Step>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, kernels).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str, kernels: Option<&str>) -> Result<Vec<Step>> {
    let lines = || {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    };
    let lists: Vec<(&str, &str)> = lines().filter_map(|(_, line)| list(line)).collect();
    let named = |name: &str| lists.iter().find(|(list, _)| *list == name).map(|(_, value)| *value);
    let default = named("default").unwrap_or_default();
    let chosen = kernels.map_or(default, |wanted| named(wanted).unwrap_or(wanted));
    let kernels = chosen
        .split_whitespace()
        .map(|text| {
            let (suite, flavour) =
                text.split_once('/').with_context(|| format!("no kernel {text}: suite/flavour"))?;
            Ok(Kernel { suite, flavour })
        })
        .collect::<Result<Vec<Kernel>>>()?;

    let mut steps: Vec<Step> = Vec::new();
    for (number, line) in lines().filter(|(_, line)| list(line).is_none()) {
        let add = |steps: &mut Vec<Step>, line: &str| {
            step(line, steps).with_context(|| format!("line {number}")).map(|step| steps.push(step))
        };
        if line.contains('{') {
            for kernel in &kernels {
                add(&mut steps, &kernel.put_into(line))?;
            }
        } else {
            add(&mut steps, line)?;
        }
    }
    ensure!(!steps.is_empty(), "no steps");
    Ok(steps)
}

/// `kernels NAME: suite/flavour ...`
fn list(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("kernels ")?.split_once(':').map(|(name, value)| (name.trim(), value.trim()))
}

impl Kernel<'_> {
    fn put_into(&self, line: &str) -> String {
        line.replace("{kernel}", &format!("{}-{}", self.suite, self.flavour))
            .replace("{of}", &format!("SUITE={} FLAVOUR={}", self.suite, self.flavour))
    }
}

fn step(line: &str, before: &[Step]) -> Result<Step> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [name, cores, after, command, about] = columns[..] else {
        bail!("{} columns, not 5: name | cores | after | command | what it checks", columns.len());
    };
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(!name.is_empty() && name.chars().all(fine), "a step cannot be named '{name}'");
    ensure!(before.iter().all(|step| step.name != name), "there are two steps named {name}");
    ensure!(!command.is_empty(), "{name} has no command");
    let cores = match cores.parse() {
        Ok(cores) => cores,
        _ => bail!("{name}: '{cores}' is no number of cores"),
    };
    let place = |other: &str| {
        before.iter().position(|step| step.name == other).with_context(|| {
            format!("{name} comes after {other}, but no step above it has that name")
        })
    };
    let after = after.split_whitespace().map(place).collect::<Result<_>>()?;
    Ok(Step { name: name.into(), cores, after, command: command.into(), about: about.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# a comment\nkernels default: a/x b/y\nkernels all: a/x b/y c/z\n\n\
        first | 1 | | true | the first\nof-{kernel} | 2 | first | make {of} | {kernel}\n";

    #[test]
    fn a_line_with_kernel_becomes_a_step_for_each() {
        let names = |kernels| -> Vec<String> {
            parse(TABLE, kernels).unwrap().into_iter().map(|step| step.name).collect()
        };
        assert_eq!(names(None), ["first", "of-a-x", "of-b-y"]);
        assert_eq!(names(Some("all")), ["first", "of-a-x", "of-b-y", "of-c-z"]);
        assert_eq!(names(Some("c/z")), ["first", "of-c-z"]);
        let step = &parse(TABLE, Some("c/z")).unwrap()[1];
        assert_eq!(step.command, "make SUITE=c FLAVOUR=z");
        assert_eq!((step.cores, &step.after[..], step.about.as_str()), (2, &[0][..], "c-z"));
    }

    #[test]
    fn a_table_that_is_not_right_is_refused_with_the_line() {
        let complaint = |text| format!("{:#}", parse(text, None).unwrap_err());
        for (text, why) in [
            ("a | 1 | | true", "line 1: 4 columns"),
            ("a | 1 | | x | y | z", "6 columns"),
            ("a | 1 | | true | x\na | 1 | | true | x", "line 2: there are two steps named a"),
            ("a | 1 | b | true | x\nb | 1 | | true | x", "no step above it has that name"),
            ("a | none | | true | x", "no number of cores"),
            ("a | -1 | | true | x", "no number of cores"),
            ("a b | 1 | | true | x", "cannot be named"),
            ("a | 1 | | | x", "a has no command"),
            ("kernels default: x\n", "no kernel x"),
            ("# nothing", "no steps"),
        ] {
            let complaint = complaint(text);
            assert!(complaint.contains(why), "{text}: {complaint}");
        }
    }
}
