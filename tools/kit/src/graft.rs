// SPDX-License-Identifier: GPL-2.0-or-later
//! The record beside a grafted kernel, and whether two kernels belong together by it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use serde::{Deserialize, Serialize};

use crate::files::{read, sha256_of};

/// The section that a graft puts its code into.
pub const SECTION: &str = ".vm_map_rust";

/// What the file beside a grafted kernel says (same name, extension json).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Record {
    /// SHA-256 of the stock kernel, of the object that was put into it, of what came out, and of the
    /// tool that did it.
    pub stock_sha256: String,
    pub object_sha256: String,
    pub grafted_sha256: String,
    pub tool_sha256: String,
    /// Addresses by the object's names.
    pub symbols: BTreeMap<String, u64>,
    /// For each function of ours, by its name in the grafted kernel's symbol table: the kernel's functions
    /// that it is part of the replacement of.
    #[serde(default)]
    pub parts: BTreeMap<String, Vec<String>>,
    pub text_bytes: u64,
    /// Bytes that there were for the code.
    pub room: u64,
}

impl Record {
    /// Where the record of a grafted kernel is.
    pub fn place(grafted: &Path) -> PathBuf {
        grafted.with_extension("json")
    }

    /// The record beside a grafted kernel, which must be of that very file.
    pub fn read(grafted: &Path) -> Result<Record> {
        let path = Record::place(grafted);
        let text = fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .context("no record of the graft beside the kernel: make it with vmtool graft")?;
        let record: Record = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no record of a graft", path.display()))?;
        let found = sha256_of(grafted)?;
        ensure!(
            found == record.grafted_sha256,
            "{} is the record of another kernel than {}: it names sha256 {}, the file has {found}",
            path.display(),
            grafted.display(),
            record.grafted_sha256
        );
        Ok(record)
    }

    /// Whether it tells of exactly this work, so that doing it again would change nothing.
    pub fn is_of(&self, stock: &str, object: &str, tool: &str) -> bool {
        self.stock_sha256 == stock && self.object_sha256 == object && self.tool_sha256 == tool
    }
}

/// Refuses a stock kernel and a grafted one that was not made from it; returns the graft's record.
pub fn check_pair(stock: &Path, grafted: &Path) -> Result<Record> {
    let record = Record::read(grafted)?;
    let found = sha256_of(stock)?;
    ensure!(
        found == record.stock_sha256,
        "{} and {} do not belong together: it was grafted from a kernel with sha256 {}, and that one \
         has {found}",
        grafted.display(),
        stock.display(),
        record.stock_sha256
    );
    Ok(record)
}

/// The same for a kernel that need not be a graft: one built from a tree passes with any.
pub fn check_pair_if_grafted(stock: &Path, kernel: &Path) -> Result<()> {
    if Record::place(kernel).exists() || is_grafted(kernel)? {
        check_pair(stock, kernel)?;
    }
    Ok(())
}

/// By the section's name, which no stock kernel holds.
fn is_grafted(kernel: &Path) -> Result<bool> {
    let bytes = read(kernel)?;
    let name = format!("{SECTION}\0");
    Ok(bytes.windows(name.len()).any(|window| window == name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::sha256;

    struct Bench(tempfile::TempDir);

    impl Bench {
        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// A stock kernel, another, and a graft of the first.
        fn new() -> Bench {
            let bench = Bench(tempfile::tempdir().unwrap());
            for name in ["stock", "other", "grafted"] {
                fs::write(bench.path(name), name).unwrap();
            }
            let record = Record {
                stock_sha256: sha256(b"stock"),
                object_sha256: sha256(b"object"),
                grafted_sha256: sha256(b"grafted"),
                tool_sha256: sha256(b"tool"),
                symbols: [("f".to_string(), 5)].into(),
                parts: BTreeMap::new(),
                text_bytes: 1,
                room: 2,
            };
            let text = serde_json::to_string(&record).unwrap();
            fs::write(bench.path("grafted.json"), text).unwrap();
            bench
        }

        fn check(&self, stock: &str) -> Result<Record, String> {
            check_pair(&self.path(stock), &self.path("grafted")).map_err(|e| format!("{e:#}"))
        }
    }

    #[test]
    fn a_graft_belongs_to_its_stock_kernel_alone() {
        let bench = Bench::new();
        assert_eq!(bench.check("stock").unwrap().symbols["f"], 5);
        let error = bench.check("other").unwrap_err();
        let (stock, other) = (sha256(b"stock"), sha256(b"other"));
        for word in ["grafted", "other", "do not belong together", &stock, &other] {
            assert!(error.contains(word), "{word}: {error}");
        }
        let of_tree = |stock: &str| check_pair_if_grafted(&bench.path(stock), &bench.path("stock"));
        of_tree("other").unwrap();
        check_pair_if_grafted(&bench.path("stock"), &bench.path("grafted")).unwrap();
        check_pair_if_grafted(&bench.path("other"), &bench.path("grafted")).unwrap_err();
        fs::write(bench.path("copy"), b"ELF.vm_map_rust\0").unwrap();
        let error = check_pair_if_grafted(&bench.path("stock"), &bench.path("copy")).unwrap_err();
        assert!(error.to_string().contains("no record of the graft"), "{error:#}");
    }

    #[test]
    fn a_record_is_of_the_kernel_beside_it() {
        let bench = Bench::new();
        fs::write(bench.path("grafted"), "put there later").unwrap();
        let error = bench.check("stock").unwrap_err();
        assert!(error.contains("record of another kernel"), "{error}");
        fs::write(bench.path("grafted.json"), "{}").unwrap();
        assert!(bench.check("stock").unwrap_err().contains("is no record of a graft"));
        fs::remove_file(bench.path("grafted.json")).unwrap();
        assert!(bench.check("stock").unwrap_err().contains("no record of the graft"));
    }

    #[test]
    fn the_same_work_is_known_by_all_three_hashes() {
        let record = Record::read(&Bench::new().path("grafted")).unwrap();
        let [stock, object, tool] = ["stock", "object", "tool"].map(|name| sha256(name.as_bytes()));
        assert!(record.is_of(&stock, &object, &tool));
        assert!(!record.is_of("x", &object, &tool));
        assert!(!record.is_of(&stock, "x", &tool));
        assert!(!record.is_of(&stock, &object, "x"));
    }
}
