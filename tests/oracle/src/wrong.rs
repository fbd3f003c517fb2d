// SPDX-License-Identifier: GPL-2.0-or-later
//! Wrong versions of ours: each must be found out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;

use crate::campaign::Campaign;
use crate::run::Bench;

/// A list of wrong versions, as tests/wrong.toml is; what is for other checks in
/// it does not matter here.
#[derive(Default, Deserialize)]
struct List {
    #[serde(default)]
    wrong: Vec<Wrong>,
    #[serde(default)]
    same: Vec<Same>,
}

/// Changes that make the crate wrong.
#[derive(Deserialize)]
struct Wrong {
    name: String,
    change: Vec<Change>,
}

/// In a file, a text that is there once becomes another.
#[derive(Deserialize)]
struct Change {
    file: PathBuf,
    from: String,
    to: String,
}

/// A version in which the oracle cannot see a difference, and why.
#[derive(Deserialize)]
struct Same {
    name: String,
    reason: String,
}

pub struct Plan<'a> {
    pub lists: &'a [PathBuf],
    pub headers: &'a Path,
    /// A folder of ours.
    pub work: &'a Path,
    pub cases: u64,
    pub seed: u64,
    pub workers: usize,
}

/// The folder that holds the workspace.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds and runs every wrong version; false if one is not caught.
pub fn run(bench: &mut Bench, plan: &Plan) -> Result<bool> {
    let mut list = List::default();
    for path in plan.lists {
        let what = || path.display().to_string();
        let text = fs::read_to_string(path).with_context(what)?;
        let one: List = toml::from_str(&text).with_context(what)?;
        list.wrong.extend(one.wrong);
        list.same.extend(one.same);
    }
    let all = &list.wrong;
    ensure!(!all.is_empty(), "the lists describe no wrong version");
    for same in &list.same {
        ensure!(all.iter().any(|w| w.name == same.name), "no wrong version {}", same.name);
    }
    let copy = copy_crate(&plan.work.join("crate"))?;
    separate_build(&plan.work.join("build"))?;
    let (mut caught, mut most, mut bad) = (0, 0, 0);
    for wrong in all {
        let object = build(wrong, &copy, plan).with_context(|| wrong.name.clone())?;
        bench.machine.load_object(&object)?;
        let campaign = Campaign {
            cases: plan.cases,
            seed: plan.seed,
            workers: plan.workers,
            branches: &[],
            label: &wrong.name,
        };
        let failed = campaign.run(bench)?.failed;
        let same = list.same.iter().find(|same| same.name == wrong.name);
        match (failed, same) {
            (Some(index), None) => {
                println!("caught after {:>8} cases: {}", index + 1, wrong.name);
                caught += 1;
                most = most.max(index + 1);
            }
            (None, Some(same)) => {
                println!("no difference, as listed:   {}: {}", wrong.name, same.reason);
            }
            (None, None) => {
                println!("NOT CAUGHT in {} cases: {}", plan.cases, wrong.name);
                bad += 1;
            }
            (Some(index), Some(_)) => {
                println!("case {index} differs, though listed as the same: {}", wrong.name);
                bad += 1;
            }
        }
    }
    println!(
        "{caught} of {} wrong versions caught, the last after {most} cases; {} cannot be; {bad} not as expected",
        all.len(),
        list.same.len()
    );
    Ok(bad == 0)
}

/// Where copies are compiled: cargo takes one copy of a package for another if
/// they share a folder. The compiled `core` may be shared.
fn separate_build(build: &Path) -> Result<()> {
    fs::create_dir_all(build).with_context(|| build.display().to_string())?;
    let shared = std::env::var_os("BUILD").map_or_else(|| top().join("build"), PathBuf::from);
    let link = build.join("sysroot");
    if let Ok(sysroot) = fs::canonicalize(shared.join("sysroot")) {
        if !link.exists() {
            symlink(sysroot, link)?;
        }
    }
    Ok(())
}

/// A workspace beside this one that shares everything with it but src/.
fn copy_crate(copy: &Path) -> Result<PathBuf> {
    let top = fs::canonicalize(top()).context("the workspace that this tool was built in")?;
    if copy.exists() {
        fs::remove_dir_all(copy).with_context(|| copy.display().to_string())?;
    }
    fs::create_dir_all(copy).with_context(|| copy.display().to_string())?;
    for item in fs::read_dir(&top)? {
        let item = item?;
        let name = item.file_name();
        if !matches!(name.to_str(), Some("src" | "build" | "target" | ".git")) {
            symlink(item.path(), copy.join(&name))?;
        }
    }
    copy_folder(&top.join("src"), &copy.join("src"))?;
    Ok(fs::canonicalize(copy)?)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy_folder(&item.path(), &target)?;
        } else {
            fs::copy(item.path(), &target)?;
        }
    }
    Ok(())
}

/// Compiles a wrong version; the copy is right again afterwards.
fn build(wrong: &Wrong, copy: &Path, plan: &Plan) -> Result<PathBuf> {
    let mut right = Vec::new();
    for change in &wrong.change {
        ensure!(change.file.starts_with("src"), "{}: not under src/", change.file.display());
        let file = copy.join(&change.file);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let times = text.matches(&change.from).count();
        ensure!(
            times == 1,
            "`{}' stands {times} times in {}, not once",
            change.from,
            change.file.display()
        );
        fs::write(&file, text.replacen(&change.from, &change.to, 1))?;
        right.push((file, text));
    }
    let object = plan.work.join("vm_map.o");
    let output = Command::new(top().join("tools/build-object.sh"))
        .env("BUILD", plan.work.join("build"))
        .args(["--crate".as_ref(), copy.as_os_str()])
        .args(["--headers".as_ref(), plan.headers.as_os_str()])
        .arg(&object)
        .output()
        .context("cannot run tools/build-object.sh")?;
    for (file, text) in right.into_iter().rev() {
        fs::write(&file, text)?;
    }
    if !output.status.success() {
        bail!("does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(object)
}
