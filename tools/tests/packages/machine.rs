// SPDX-License-Identifier: GPL-2.0-or-later
//! A machine made up of a dpkg status file, an archive of our own in a folder and a stand-in for dpkg.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Machine(tempfile::TempDir);

/// What the group `run` names; qemu-system-x86 is the one that tests leave out.
const RUN: [&str; 5] =
    ["grub-pc-bin", "grub-common", "xorriso", "mtools", "debian-archive-keyring"];

/// Stands for patchelf: every script is a program to it, and it notes what it is to set.
const PATCHELF: &str = r#"#!/bin/sh
case $1 in
--print-*) case $2 in */bin/*) ;; *) exit 1 ;; esac ;;
*) echo "$*" >>"$(dirname "$0")/../../set" ;;
esac
"#;

impl Machine {
    /// With these packages installed, each as "name version" and perhaps more fields.
    pub fn new(installed: &[&str]) -> Machine {
        let machine = Machine(tempfile::Builder::new().prefix("a machine").tempdir().unwrap());
        for folder in [
            "admin/info",
            "admin/updates",
            "archive",
            "bin",
            "lists/partial",
            "cache/archives/partial",
            "log",
        ] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        let stanzas: String = installed
            .iter()
            .map(|package| stanza(package, "Status: install ok installed\n"))
            .collect();
        fs::write(machine.path("admin/status"), stanzas).unwrap();
        machine.program("id", "echo 0");
        // As much of dpkg as apt needs: what is unpacked is installed.
        machine.program(
            "dpkg",
            r#"echo "dpkg $*" >>"$MACHINE/calls"
case "$*" in *--unpack*) ;; *--compare-versions*) exec /usr/bin/dpkg "$@" ;; *) exit 0 ;; esac
for deb; do
    case $deb in *.deb) { dpkg-deb -f "$deb" | sed "/^$/d"; echo "Status: install ok installed"; echo; } >>"$MACHINE/admin/status" ;; esac
done"#,
        );
        machine.program(
            "apt-get",
            r#"echo "apt-get $*" >>"$MACHINE/calls"; exec /usr/bin/apt-get "$@""#,
        );
        machine.offer("patchelf 1", &[("usr/bin/patchelf", PATCHELF)]);
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn program(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a package with these files into the archive.
    pub fn offer(&self, package: &str, files: &[(&str, &str)]) {
        let name = package.split(' ').next().unwrap();
        let tree = self.path("tree");
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::write(tree.join("DEBIAN/control"), stanza(package, "")).unwrap();
        for (file, content) in files {
            let file = tree.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o4755)).unwrap();
        }
        let deb = self.path("archive").join(format!("{name}.deb"));
        let made = Command::new("dpkg-deb")
            .arg("--root-owner-group")
            .arg("-b")
            .args([&tree, &deb])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::remove_dir_all(&tree).unwrap();
        let sum = Command::new("sha256sum").arg(&deb).output().unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        let size = fs::metadata(&deb).unwrap().len();
        let index = self.path("archive/Packages");
        let all = fs::read_to_string(&index).unwrap_or_default()
            + &stanza(
                package,
                &format!("Filename: ./{name}.deb\nSize: {size}\nSHA256: {}\n", &sum[..64]),
            );
        fs::write(index, all).unwrap();
    }

    pub fn command(&self, groups: &[&str], trusted: &str) -> Command {
        let at = |name: &str| self.path(name).display().to_string().replace(' ', "%20");
        fs::write(
            self.path("sources.list"),
            format!("deb [{trusted}] file:{} ./\n", at("archive")),
        )
        .unwrap();
        let at = |name: &str| self.path(name).display().to_string();
        let config = format!(
            "Dir::State \"{0}\"; Dir::State::lists \"{0}/lists\"; Dir::State::status \"{1}\"; Dir::Cache \"{2}\";\n\
             Dir::Etc::sourcelist \"{3}\"; Dir::Etc::sourceparts \"/dev/null\"; Dir::Etc::parts \"/dev/null\";\n\
             Dir::Etc::preferences \"/dev/null\"; Dir::Etc::preferencesparts \"/dev/null\"; Dir::Log \"{4}\";\n\
             Dir::Bin::dpkg \"{5}\"; Debug::NoLocking \"true\"; APT::Sandbox::User \"\"; APT::Architecture \"amd64\";\n\
             APT::Architectures \"amd64\";\n",
            at(""), at("admin/status"), at("cache"), at("sources.list"), at("log"), at("bin/dpkg"),
        );
        fs::write(self.path("apt.conf"), config).unwrap();
        let mut command =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("install-packages.sh"));
        command
            .args(groups)
            .env("PATH", format!("{}:/usr/bin:/bin", at("bin")))
            .env("MACHINE", self.0.path())
            .env("APT_CONFIG", self.path("apt.conf"))
            .env("DPKG_ADMINDIR", self.path("admin"))
            .env("GNUMACH_TOOLS", self.path("tools"))
            .env_remove("LIBCLANG_PATH");
        command
    }

    pub fn set_up(&self) -> (i32, String) {
        let output = self.command(&["run"], "trusted=yes").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    pub fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    pub fn status(&self) -> String {
        fs::read_to_string(self.path("admin/status")).unwrap()
    }

    pub fn has(&self, package: &str) -> bool {
        self.status().contains(&format!("Package: {package}\n"))
    }

    /// What the unpacked QEMU says.
    pub fn qemu(&self) -> String {
        let output = Command::new(self.path("tools/bin/qemu-system-i386")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// QEMU in the archive, with a part of its own and more fields; and something with its own privileges on top.
    pub fn offer_qemu(&self, fields: &str) {
        self.offer(
            &format!("qemu-system-x86 7\nDepends: qemu-system-data\n{fields}"),
            &[("usr/bin/qemu-system-i386", "#!/bin/sh\necho seven\n")],
        );
        self.offer(
            "qemu-system-data 7",
            &[("usr/share/qemu/bios.bin", "bios"), ("usr/bin/sh", "exit 1")],
        );
    }
}

fn stanza(package: &str, more: &str) -> String {
    let (head, fields) = package.split_once('\n').unwrap_or((package, ""));
    let (name, version) = head.split_once(' ').unwrap();
    let fields = if fields.is_empty() { String::new() } else { format!("{}\n", fields.trim_end()) };
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\n\
         Description: a package\n{fields}{more}\n"
    )
}

pub fn installed(more: &[&str]) -> Vec<String> {
    RUN.iter()
        .map(|name| format!("{name} 1"))
        .chain(more.iter().map(|package| package.to_string()))
        .collect()
}

pub fn machine(more: &[&str]) -> Machine {
    Machine::new(&installed(more).iter().map(String::as_str).collect::<Vec<_>>())
}
