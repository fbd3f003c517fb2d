// SPDX-License-Identifier: GPL-2.0-or-later
//! install-packages.sh with the real apt, on machines made up of a dpkg status file, an archive of our own in a folder and a
//! stand-in for dpkg: no network, no root, and nothing of the machine that runs this is touched.

mod machine;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use machine::{installed, machine, Machine};

/// No apt, no Debian: then there is nothing to try.
fn is_debian() -> bool {
    let is = Path::new("/usr/bin/apt-get").exists() && Path::new("/usr/bin/dpkg-deb").exists();
    if !is {
        kit::skip::tell("setting up packages: no apt here");
    }
    is
}

const CONFLICT: &str = "Breaks: qemu-utils (>= 10)";

#[test]
fn what_apt_can_simply_add_is_installed() {
    if !is_debian() {
        return;
    }
    let machine = machine(&["qemu-utils 9"]);
    machine.offer_qemu(CONFLICT);
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said} {}", machine.calls() + &machine.status());
    assert!(machine.has("qemu-system-x86") && machine.has("qemu-system-data"), "{said}");
    assert!(!machine.path("tools/run").exists() && !machine.path("tools/bin").exists(), "{said}");
    assert_eq!(machine.set_up(), (0, String::new()));
}

#[test]
fn what_would_cost_another_package_is_unpacked_instead() {
    if !is_debian() {
        return;
    }
    let machine = machine(&["qemu-utils 10"]);
    machine.offer_qemu(CONFLICT);
    let before = machine.status();
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("would have to remove or change other packages for: qemu-system-x86"),
        "{said}"
    );
    assert_eq!(machine.status(), before, "the machine stays as it was");
    assert!(!machine.calls().contains("--unpack"), "{}", machine.calls());
    assert_eq!(machine.qemu(), "seven\n");
    let program = machine.path("tools/run/usr/bin/qemu-system-i386");
    assert_eq!(fs::metadata(program).unwrap().permissions().mode() & 0o7777, 0o755, "no setuid");
    assert!(machine.path("tools/run/usr/share/qemu/bios.bin").exists());
    assert!(!machine.path("tools/bin/sh").exists(), "the machine's own programs stay in front");
    assert!(!machine.path("tools/bin/patchelf").exists());
    // Nothing is asked for a second time, were the archive still there or not.
    fs::remove_dir_all(machine.path("archive")).unwrap();
    fs::remove_file(machine.path("calls")).unwrap();
    assert_eq!(machine.set_up(), (0, String::new()));
    assert_eq!(machine.calls(), "");
}

#[test]
fn what_would_upgrade_another_package_is_unpacked_with_it() {
    if !is_debian() {
        return;
    }
    let machine = machine(&["libslirp0 1"]);
    const SCRIPT: &str = "GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libc_nonshared.a AS_NEEDED ( /lib64/ld.so.2 ) )";
    machine.offer(
        "libslirp0 2",
        &[
            ("usr/lib/x86_64-linux-gnu/libslirp.so.0", "new"),
            ("usr/lib/x86_64-linux-gnu/libc.so", SCRIPT),
        ],
    );
    machine.offer_qemu("Recommends: libslirp0\nPre-Depends: libslirp0 (>= 2)");
    let before = machine.status();
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said}");
    assert_eq!(machine.status(), before);
    assert_eq!(machine.qemu(), "seven\n");
    // What the linker reads of it finds its parts wherever they are.
    assert_eq!(
        fs::read_to_string(machine.path("tools/run/usr/lib/x86_64-linux-gnu/libc.so")).unwrap(),
        "GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( ld.so.2 ) )"
    );
    let set = fs::read_to_string(machine.path("tools/run/set")).unwrap();
    assert!(
        set.lines().any(|line| line.contains("--set-rpath $ORIGIN/../lib/x86_64-linux-gnu")
            && line.ends_with("/usr/bin/qemu-system-i386")),
        "{set}"
    );
}

#[test]
fn one_that_cannot_be_installed_keeps_no_other_from_it() {
    if !is_debian() {
        return;
    }
    let all = installed(&["qemu-utils 10"]);
    let machine = Machine::new(
        &all.iter().map(String::as_str).filter(|p| !p.starts_with("xorriso")).collect::<Vec<_>>(),
    );
    machine.offer_qemu(CONFLICT);
    machine.offer("xorriso 1", &[("usr/bin/xorriso", "")]);
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said}");
    assert!(
        machine.has("xorriso") && machine.has("qemu-utils") && !machine.has("qemu-system-x86"),
        "{said}"
    );
    assert_eq!(machine.qemu(), "seven\n");
}

#[test]
fn who_is_not_root_gets_all_unpacked() {
    if !is_debian() {
        return;
    }
    let machine = machine(&[]);
    machine.program("id", "echo 1000");
    machine.offer_qemu("");
    let before = machine.status();
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("not root: unpacking under build/tools: qemu-system-x86"), "{said}");
    assert_eq!(machine.status(), before);
    assert_eq!(machine.qemu(), "seven\n");
    assert!(
        !machine.calls().contains("dpkg --unpack")
            && !machine.calls().contains("apt-get update -q\n")
    );
}

/// By the folder that it lies in, not by one with a link to it: it looks for its libraries from there.
#[test]
fn an_unpacked_libclang_is_named_to_the_machines_cargo() {
    if !is_debian() {
        return;
    }
    let machine =
        Machine::new(&["gcc 1", "libc6-dev 1", "make 1", "binutils 1", "ca-certificates 1"]);
    machine.program("cargo", r#"echo "cargo for $LIBCLANG_PATH""#);
    machine.offer(
        "libclang1-17 1",
        &[
            ("usr/lib/x86_64-linux-gnu/libclang-17.so.1", ""),
            ("usr/lib/llvm-17/lib/libclang-17.so.1", ""),
        ],
    );
    machine.program("id", "echo 1000");
    let output = machine.command(&["build"], "trusted=yes").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let bins = format!("{}:{}", machine.path("tools/bin").display(), machine.path("bin").display());
    let output = Command::new("cargo")
        .env("PATH", bins + ":/usr/bin:/bin")
        .env_remove("LIBCLANG_PATH")
        .output()
        .unwrap();
    let folder = machine.path("tools/build/usr/lib/x86_64-linux-gnu");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("cargo for {}\n", folder.display())
    );
}

/// The machine's gcc knows nothing of what 32-bit programs are made of, if that was unpacked.
#[test]
fn an_unpacked_32_bit_library_comes_with_a_compiler_that_finds_it() {
    if !is_debian() {
        return;
    }
    let machine = Machine::new(&["gcc 1"]);
    machine.program("gcc", "echo the machine\\'s");
    machine.offer(
        "gcc-multilib 1",
        &[
            ("usr/bin/gcc", "#!/bin/sh\necho \"$*\"\n"),
            (
                "usr/lib32/libc.so",
                "OUTPUT_FORMAT(elf32-i386)\nGROUP ( /lib32/libc.so.6 /usr/lib32/libc_nonshared.a \\\n\
                 AS_NEEDED ( /lib/ld-linux.so.2 ) )\n",
            ),
        ],
    );
    machine.program("id", "echo 1000");
    let output = machine.command(&["harness-32"], "trusted=yes").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let script = fs::read_to_string(machine.path("tools/harness-32/usr/lib32/libc.so")).unwrap();
    assert!(script.contains("GROUP ( libc.so.6 libc_nonshared.a "), "{script}");
    assert!(script.contains("( ld-linux.so.2 )"), "{script}");
    let output = Command::new(machine.path("tools/bin/cc-m32")).arg("a file.c").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let root = machine.path("tools/harness-32").canonicalize().unwrap().display().to_string();
    assert!(said.starts_with("-m32 ") && said.ends_with(" a file.c\n"), "{said}");
    assert!(said.contains(&format!("-L{root}/usr/lib32 ")), "{said}");
    assert!(said.contains(&format!("--dynamic-linker={root}/lib32/ld-linux.so.2 ")), "{said}");
}

#[test]
fn a_machine_that_apt_cannot_build_upon_lends_nothing() {
    if !is_debian() {
        return;
    }
    // Its own packages do not fit together, so apt resolves nothing on it.
    let machine = machine(&["broken 1\nDepends: not-there", "libslirp0 1"]);
    machine.offer("libslirp0 1", &[("usr/lib/x86_64-linux-gnu/libslirp.so.0", "")]);
    machine.offer_qemu("Pre-Depends: libslirp0");
    let (code, said) = machine.set_up();
    assert_eq!(code, 0, "{said}");
    assert_eq!(machine.qemu(), "seven\n");
    assert!(machine.path("tools/run/usr/lib/x86_64-linux-gnu/libslirp.so.0").exists());
}

#[test]
fn what_is_damaged_or_not_signed_is_not_taken() {
    if !is_debian() {
        return;
    }
    let machine = machine(&["qemu-utils 10"]);
    machine.offer_qemu(CONFLICT);
    let output = machine.command(&["run"], "trusted=no").output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(!machine.path("tools/run").exists());
    let deb = machine.path("archive/qemu-system-data.deb");
    let mut bytes = fs::read(&deb).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&deb, bytes).unwrap();
    let (code, said) = machine.set_up();
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("could not download the packages of run")
            && said.contains("Hash Sum mismatch"),
        "{said}"
    );
    let left: Vec<_> = fs::read_dir(machine.path("tools"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.iter().all(|name| name == "bin" || name == ".lock"), "{left:?}");
}

#[test]
fn a_package_that_apt_does_not_know_is_named() {
    if !is_debian() {
        return;
    }
    let machine = machine(&[]);
    let (code, said) = machine.set_up();
    assert_eq!(code, 1);
    assert!(said.contains("apt knows no package for: qemu-system-x86"), "{said}");
    assert_eq!(machine.command(&["bogus"], "").output().unwrap().status.code(), Some(2));
}

/// A bare installation of Debian 12 has no security archive, and an older compiler in the other.
#[test]
fn an_older_version_than_is_of_use_is_not_taken() {
    if !is_debian() {
        return;
    }
    let rust = ["rustc-web", "cargo-web", "rust-web-src"];
    let kernel_build = |machine: &Machine| {
        let mut command = machine.command(&["kernel-build"], "trusted=yes");
        let output = command.env("KERNEL_RUSTC", "/nonexistent").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    };
    let machine = Machine::new(&["rustc-web 1.85.0+dfsg3-1", "rust-web-src 1.96.0"]);
    rust.iter().for_each(|name| machine.offer(&format!("{name} 1.85.0+dfsg3-1"), &[]));
    let before = machine.status();
    let (code, said) = kernel_build(&machine);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(
            "apt offers rustc-web 1.85.0+dfsg3-1, and what is wanted is rustc-web>=1.96."
        ) && said.contains("security archive"),
        "{said}"
    );
    assert_eq!(machine.status(), before);

    rust.iter().for_each(|name| machine.offer(&format!("{name} 1.96.0+dfsg1-1"), &[]));
    let (code, said) = kernel_build(&machine);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("installing: cargo-web"), "{said}");
    // It would be upgraded, so it stays, and the newer one stands beside it.
    assert!(machine.status().contains("Package: rustc-web\nVersion: 1.85"), "{}", machine.status());
    let record = fs::read_to_string(machine.path("tools/kernel-build/RECORD")).unwrap();
    assert!(record.contains("package rustc-web 1.96.0+dfsg1-1\n"), "{record}");
}

#[test]
fn several_at_once_set_up_once() {
    if !is_debian() {
        return;
    }
    let machine = machine(&["qemu-utils 10"]);
    machine.offer_qemu(CONFLICT);
    let mut each: Vec<_> =
        (0..3).map(|_| machine.command(&["run"], "trusted=yes").spawn().unwrap()).collect();
    for child in &mut each {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(machine.qemu(), "seven\n");
    assert_eq!(machine.calls().matches(" download ").count(), 1, "{}", machine.calls());
}
