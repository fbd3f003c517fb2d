// SPDX-License-Identifier: GPL-2.0-or-later
//! The tarball of `make dist`: what is in it is enough for a cargo that has nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Unpacked {
    folder: tempfile::TempDir,
    top: PathBuf,
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

impl Unpacked {
    /// None where the crates cannot be collected, as there is no network and not all were ever fetched.
    fn new() -> Option<Unpacked> {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist.sh");
        let output = Command::new(script).env("BUILD", folder.path()).output().unwrap();
        if !output.status.success() && said(&output).contains("failed to download") {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "SKIP the tarball: {}", said(&output));
            return None;
        }
        assert!(output.status.success(), "{}", said(&output));
        let name = format!("gnumach-vm-map-{}", env!("CARGO_PKG_VERSION"));
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [format!("{name}.tar.gz").as_str()]);
        let done = Command::new("tar")
            .arg("-xzf")
            .arg(folder.path().join(&left[0]))
            .arg("-C")
            .arg(folder.path())
            .status();
        assert!(done.unwrap().success());
        let top = folder.path().join(name);
        Some(Unpacked { folder, top })
    }

    /// As a packager's builder sees it: a home that holds nothing.
    fn alone(&self, program: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.top);
        command.env("CARGO_HOME", self.folder.path().join("home"));
        command.output().unwrap()
    }

    fn cargo(&self) -> Output {
        self.alone(
            Path::new(&std::env::var_os("CARGO").unwrap_or("cargo".into())),
            &["tree", "--locked", "-e", "all"],
        )
    }
}

#[test]
fn cargo_needs_nothing_from_elsewhere() {
    let Some(unpacked) = Unpacked::new() else { return };
    let output = unpacked.cargo();
    assert!(output.status.success(), "{}", said(&output));
    let tree = said(&output);
    assert!(tree.contains("bindgen v"), "{tree}");
    for only_tools in ["clap", "libtest-mimic", "gimli", "tempfile"] {
        assert!(
            !tree.contains(only_tools) && !unpacked.top.join("vendor").join(only_tools).exists(),
            "{only_tools}"
        );
    }
    let check = unpacked
        .alone(&unpacked.top.join("tools/tree-object.sh"), &["--check", "--systype", "i386"]);
    if !said(&check).contains("no rustc") {
        assert!(check.status.success(), "{}", said(&check));
    }
    // Whatever the scripts name beside themselves.
    for script in
        ["tree.mk", "tree-object.sh", "build-object.sh", "sysroot.sh", "find-rustc.sh", "env.sh"]
    {
        let text = fs::read_to_string(unpacked.top.join("tools").join(script)).unwrap();
        for named in text.split("$here/").skip(1) {
            let end = named.find(|c: char| !c.is_alphanumeric() && !"._-".contains(c)).unwrap();
            assert!(
                named.starts_with("../") || unpacked.top.join("tools").join(&named[..end]).exists(),
                "{script}: {named}"
            );
        }
    }
    // Each of these is needed.
    for part in ["vendor/cc", "Cargo.lock", ".cargo/config.toml"] {
        let away = unpacked.folder.path().join("away");
        fs::rename(unpacked.top.join(part), &away).unwrap();
        let offline = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["tree", "--locked", "--offline"])
            .env("CARGO_HOME", unpacked.folder.path().join("home"))
            .current_dir(&unpacked.top)
            .output()
            .unwrap();
        assert!(!offline.status.success(), "without {part}: {}", said(&offline));
        fs::rename(&away, unpacked.top.join(part)).unwrap();
    }
    assert!(unpacked.cargo().status.success());
}
