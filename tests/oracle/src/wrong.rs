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

#[derive(Deserialize)]
struct List {
    wrong: Vec<Wrong>,
}

/// A change of one line that makes the crate wrong.
#[derive(Deserialize)]
struct Wrong {
    name: String,
    file: PathBuf,
    from: String,
    to: String,
    /// Whether this check is one that must find it out.
    #[serde(default = "yes")]
    oracle: bool,
}

fn yes() -> bool {
    true
}

pub struct Plan<'a> {
    pub list: &'a Path,
    pub headers: &'a Path,
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
    let what = || plan.list.display().to_string();
    let text = fs::read_to_string(plan.list).with_context(what)?;
    let list: List = toml::from_str(&text).with_context(what)?;
    let all: Vec<&Wrong> = list.wrong.iter().filter(|wrong| wrong.oracle).collect();
    ensure!(!all.is_empty(), "{}: describes no wrong version", what());
    let copy = copy_crate(&plan.work.join("crate"))?;
    let (mut caught, mut most) = (0, 0);
    for wrong in &all {
        let object = build(wrong, &copy, plan).with_context(|| wrong.name.clone())?;
        bench.machine.load_object(&object)?;
        let campaign = Campaign {
            cases: plan.cases,
            seed: plan.seed,
            workers: plan.workers,
            branches: &[],
            label: &wrong.name,
        };
        match campaign.run(bench)?.failed {
            Some(index) => {
                println!("caught after {:>8} cases: {}", index + 1, wrong.name);
                caught += 1;
                most = most.max(index + 1);
            }
            None => println!("NOT CAUGHT in {} cases: {}", plan.cases, wrong.name),
        }
    }
    println!("{caught} of {} wrong versions caught, the last after {most} cases", all.len());
    Ok(caught == all.len())
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
    ensure!(wrong.file.starts_with("src"), "{}: not under src/", wrong.file.display());
    let file = copy.join(&wrong.file);
    let right = fs::read_to_string(&file).with_context(|| wrong.file.display().to_string())?;
    let times = right.matches(&wrong.from).count();
    ensure!(
        times == 1,
        "`{}' stands {times} times in {}, not once",
        wrong.from,
        wrong.file.display()
    );
    fs::write(&file, right.replacen(&wrong.from, &wrong.to, 1))?;
    let object = plan.work.join("vm_map.o");
    let output = Command::new(top().join("tools/build-object.sh"))
        .args(["--crate".as_ref(), copy.as_os_str()])
        .args(["--headers".as_ref(), plan.headers.as_os_str()])
        .arg(&object)
        .output()
        .context("cannot run tools/build-object.sh")?;
    fs::write(&file, right)?;
    if !output.status.success() {
        bail!("does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(object)
}
