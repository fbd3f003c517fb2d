// SPDX-License-Identifier: GPL-2.0-or-later
//! Whole sessions with a shell of this machine, whose programs are sound, or die, or are silent.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};

use super::super::super::console::Line;
use super::super::super::requires::cksum;
use super::super::super::steps::{PATH, STEPS};
use super::*;
use crate::boot::Heard;

/// Sound programs that only a Hurd has. The file system's server is process 5, its map has 90 entries.
const HURDS: [(&str, &str); 5] = [
    ("portinfo", "echo '     1: send'; echo '     2: receive'; echo '     3: send'"),
    ("ps", "echo '  PID COMMAND'; echo '    4 /hurd/proc'; echo '    5 ext2fs -T device rd0'; echo '    9 sh'"),
    ("vminfo", "[ $1 = 5 ] || exit 1; i=0; while [ $i -lt 90 ]; do echo \"$i[0x1000]\"; i=$((i+1)); done"),
    ("smp", "exec \"$@\""),
    ("reboot", "echo 'startup: rebooting Mach (flags 0)...'; kill $PPID"),
];
const HERE: [&str; 6] = ["cat", "cksum", "cp", "mkdir", "rm", "sync"];
/// A process that this is put into dies of a signal at once.
const DIES: &str = "kill -SEGV $$";

/// A shell in a folder with programs of its own, at the other end of the console.
struct Shell {
    folder: tempfile::TempDir,
    child: Option<Child>,
    output: Option<Receiver<Vec<u8>>>,
    /// What is typed becomes something else.
    instead: Vec<(String, String)>,
    at_work: Vec<usize>,
}

impl Shell {
    fn new() -> Shell {
        let folder = folder();
        let programs = folder.path().join("programs");
        fs::create_dir(&programs).unwrap();
        for name in HERE {
            symlink(host(name), programs.join(name)).unwrap();
        }
        let at = |what: &str| format!("{}{what}", folder.path().display());
        let instead = vec![
            (PATH.to_string(), at("/programs")),
            ("/tmp /var/tmp /root /".to_string(), at("")),
            ("/bin/sh".to_string(), at("/programs/sh")),
        ];
        let shell = Shell { folder, child: None, output: None, instead, at_work: vec![0, 2] };
        for (name, script) in HURDS {
            shell.put(name, script);
        }
        // A copy, so that it can be told from others by its checksum.
        fs::copy(host("sh"), shell.program("sh")).unwrap();
        shell
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join("programs").join(name)
    }

    /// A shell script in the place of a program.
    fn put(&self, name: &str, script: &str) {
        self.remove(name);
        let file = self.program(name);
        fs::write(&file, format!("#!{}\n{script}\n", host("sh").display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.program(name));
    }

    /// The program as it is, but this happens first.
    fn first(&self, name: &str, what: &str) {
        let (file, sound) = (self.program(name), self.folder.path().join(format!("sound-{name}")));
        fs::rename(file, &sound).unwrap();
        self.put(name, &format!("{what}\nexec {} \"$@\"", sound.display()));
    }

    fn starts(&mut self) {
        let mut command = Command::new("sh");
        // No core files; and what dies is told on the same line.
        command.args(["-c", "ulimit -c 0; exec sh 2>&1"]).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        (self.child, self.output) = (Some(child), Some(receiver));
    }
}

/// In memory, if programs can be started from there: sessions make 2,000 files each, and a disk's file system was seen
/// to take more than a millisecond of the CPU for one.
fn folder() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm").ok().filter(|folder| {
        let program = folder.path().join("true");
        fs::copy(host("true"), &program).is_ok()
            && Command::new(&program).status().is_ok_and(|status| status.success())
    });
    in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

fn host(name: &str) -> PathBuf {
    ["/usr/bin", "/bin"]
        .map(|folder| PathBuf::from(folder).join(name))
        .into_iter()
        .find(|file| file.exists())
        .unwrap()
}

impl Line for Shell {
    fn hear(&mut self, patience: Duration) -> Heard {
        let Some(output) = &self.output else {
            self.starts();
            return Heard::Bytes(
                b"Hurd server bootstrap: ext2fs exec startup proc auth.\n\r# ".to_vec(),
            );
        };
        match output.recv_timeout(patience) {
            Ok(bytes) => Heard::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Closed,
        }
    }

    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (what, instead) in &self.instead {
            text = text.replace(what, instead);
        }
        let child = self.child.as_mut().unwrap();
        Ok(child.stdin.as_mut().unwrap().write_all(text.as_bytes())?)
    }

    fn complaint(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    fn in_user_code(&mut self) -> Result<Vec<usize>> {
        Ok(self.at_work.clone())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn played(shell: Shell, steps: &[Step]) -> Session {
    let found =
        Found { shell: cksum(&fs::read(shell.program("sh")).unwrap()).unwrap(), absent: vec![] };
    let patience = Duration::from_secs(600);
    let limits = Limits { shell: patience, step: patience, silence: patience, start: patience };
    let script = Script { steps, limits, found: &found, one_cpu: None };
    let mut log = Vec::new();
    let mut console = Console::new(shell, &mut log);
    script.play(&mut console, &mut |_| Ok(None), &mut |_, _| ()).unwrap()
}

/// A session of this step, and of the one whose files others use, fails at this one.
fn fails_at(step: &str, shell: Shell, how: &str) -> String {
    let wanted = |name: &str| name == "writes files and compares" || name == step;
    let steps: Vec<Step> = STEPS.iter().copied().filter(|step| wanted(step.name)).collect();
    let session = played(shell, &steps);
    let Some((_, text)) = session.fault else { panic!("{step} passes though {how}") };
    assert!(text.contains(&format!("'{step}'")), "{step}, {how}: {text}\n{}", session.end);
    text
}

/// Each of these programs, one at a time, from when this file is there on: it dies of a signal, cannot be started,
/// or says nothing and ends well.
fn each_counts(step: &str, from: &str, programs: &[&str]) {
    for name in programs {
        for (how, told) in
            [(DIES, "dies"), ("exit 127", "cannot start"), ("exit 0", "does nothing")]
        {
            // Nothing shows at once that a file was not removed.
            if (*name, how) == ("rm", "exit 0") {
                continue;
            }
            let shell = Shell::new();
            let from = shell.folder.path().join("vm-map-check").join(from);
            shell.first(name, &format!("[ ! -e {} ] || {how}", from.display()));
            fails_at(step, shell, &format!("{name} {told}"));
        }
    }
}

/// What is typed means another thing.
fn typing(what: &str, instead: &str) -> Shell {
    let mut shell = Shell::new();
    shell.instead.insert(0, (what.into(), instead.into()));
    shell
}

#[test]
fn sound_programs_come_to_what_is_known() {
    let session = played(Shell::new(), STEPS);
    assert_eq!(session.fault, None, "{}", session.end);
    assert_eq!(session.outcomes.len(), rows(STEPS).len());
    assert!(session.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Passed { .. })));
}

#[test]
fn forks_whose_children_die() {
    // The shell's own child: its number is only known to its children.
    let shell = typing("(exit $((i%7)))", "(sh -c 'kill -SEGV $PPID'; exit $((i%7)))");
    let text = fails_at("forks", shell, "its children die");
    assert!(text.contains("result '0', which must be '100'"), "{text}");
}

#[test]
fn pipes_whose_ends_die() {
    for (end, dead) in [
        ("count 2000 | sum", "{ sh -c 'kill -SEGV $PPID'; count 2000; } | sum"),
        ("count 2000 | sum", "count 2000 | { sh -c 'kill -SEGV $PPID'; sum; }"),
    ] {
        fails_at("pipes", typing(end, dead), "an end of it dies");
    }
}

#[test]
fn files_that_no_program_reads() {
    each_counts("writes files and compares", ".", &["cat", "cksum"]);
}

#[test]
fn copies_of_the_shell_that_do_not_run() {
    each_counts("maps copies of the shell", "lines", &["cp"]);
    each_counts("maps copies of the shell", "sh1", &["cksum", "rm"]);
    // Copies without a fault that die.
    let shell = Shell::new();
    shell.put("sh", DIES);
    let text = fails_at("maps copies of the shell", shell, "they die");
    assert!(text.contains(" 139 139 139 139 ', which must be"), "{text}");
}

#[test]
fn ports_that_are_not_listed() {
    each_counts("wires memory", ".", &["portinfo"]);
    each_counts("wires memory", "pa.0", &["rm"]);
}

#[test]
fn programs_that_die_while_all_runs_at_one_time() {
    each_counts("all at one time", "o0", &["sh", "portinfo", "cat", "cksum", "rm"]);
}

#[test]
fn programs_that_die_on_the_other_cpus() {
    let step = "all at one time, on the other CPUs";
    each_counts(step, ".", &["smp"]);
    each_counts(step, "o6", &["sh", "portinfo", "cat", "cksum", "rm"]);
    let mut shell = Shell::new();
    shell.at_work = vec![0];
    let text = fails_at(step, shell, "the others stand still");
    assert!(text.contains("no CPU but the first was seen"), "{text}");
}

#[test]
fn entries_that_grow_or_are_not_counted() {
    let step = "map entries while files are written";
    each_counts(step, ".", &["vminfo", "ps"]);
    each_counts(step, "all", &["mkdir", "rm"]);
    let shell = Shell::new();
    shell.put(
        "vminfo",
        "set -- many/*; n=$((90+$#/7)); while [ $n -gt 0 ]; do echo 0; n=$((n-1)); done",
    );
    let text = fails_at(step, shell, "the map grows");
    assert!(
        text.contains("the map of the file system grew with its files: 2000: 90 118"),
        "{text}"
    );
}

#[test]
fn a_program_that_is_missing() {
    let shell = Shell::new();
    shell.remove("cksum");
    let text = fails_at("writes files and compares", shell, "there is no cksum");
    assert!(text.ends_with("the shell finds no cksum"), "{text}");
}

#[test]
fn a_machine_that_goes_without_a_word() {
    each_counts("clean reboot", "again", &["rm"]);
    let shell = Shell::new();
    shell.put("sync", DIES);
    fails_at("clean reboot", shell, "sync dies");
    let shell = Shell::new();
    shell.put("reboot", "kill $PPID");
    fails_at("clean reboot", shell, "nobody said so");
}
