// SPDX-License-Identifier: GPL-2.0-or-later
//! What the scripted session does at the shell prompt: plain POSIX shell, one line per command, each
//! short enough for a terminal's line buffer.

/// What a step needs, besides a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// CPUs besides the boot CPU.
    OtherCpus,
}

pub struct Step {
    pub name: &'static str,
    pub needs: Needs,
    /// Programs without which the step is skipped.
    pub programs: &'static [&'static str],
    /// Lines to type. The last one's exit status is the step's; what it leaves in $r is its result,
    /// which must be the same on every kernel.
    pub lines: &'static [&'static str],
}

/// The commands that each step may use; typed before the first.
pub const PRELUDE: &[&str] = &[
    "PATH=/sbin:/usr/sbin:/bin:/usr/bin; export PATH; unset ENV HISTFILE",
    "for d in /tmp /var/tmp /root /; do [ -d $d ] && [ -w $d ] && break; done",
    "w=${d%/}/vm-map-check; rm -rf $w; mkdir $w && cd $w",
    // N exits in N processes, every status right.
    "forks() { n=0; i=0; while [ $i -lt $1 ]; do (exit $((i%7))); [ $? = $((i%7)) ] && n=$((n+1)); i=$((i+1)); done; }",
    // The sum of 0 to N-1, through a pipe of two processes.
    "count() { i=0; while [ $i -lt $1 ]; do echo $i; i=$((i+1)); done; }",
    "sum() { s=0; while read x; do s=$((s+x)); done; echo $s; }",
    // A process's ports in another, which the kernel hands over in memory that it wires meanwhile.
    "ports() { i=0; while [ $i -lt $1 ]; do portinfo $$ >p$2.$i || return; i=$((i+1)); done; }",
    // All of it at one time; the same for one CPU and for another. Off the boot CPU, opening a translator
    // fails ("Computer bought the farm") when a signal comes meanwhile, on stock kernels too. So the pipe,
    // whose server is such a translator, comes before the first child that could die; and no /dev/null.
    "echo 'count() { i=0; while [ $i -lt $1 ]; do echo $i; i=$((i+1)); done; }' >load",
    "echo 'count 200 | { s=0; while read x; do s=$((s+x)); done; echo sum $s; }' >>load",
    "echo 'i=0; while [ $i -lt 30 ]; do (exit 3); [ $? = 3 ] || echo wrong; i=$((i+1)); done' >>load",
    "echo 'cat lines lines >load.$1; cksum <load.$1; rm load.$1' >>load",
    "echo 'for i in 1 2 3 4 5 6 7 8; do portinfo $$ >load.$1 || echo no ports; done; rm load.$1; echo end' >>load",
];

pub const STEPS: &[Step] = &[
    Step {
        name: "forks",
        needs: Needs::Nothing,
        programs: &[],
        lines: &["forks 100; r=$n; [ $n = 100 ]"],
    },
    Step {
        name: "pipes",
        needs: Needs::Nothing,
        programs: &[],
        lines: &["r=$(count 2000 | sum); [ \"$r\" = 1999000 ]"],
    },
    Step {
        name: "writes files and compares",
        needs: Needs::Nothing,
        programs: &["cat", "cksum", "rm"],
        lines: &[
            "count 3000 >lines; cat lines lines lines lines >four; for i in 1 2 3 4; do cat lines; done >again",
            "r=$(cksum <four); [ \"$r\" = \"$(cksum <again)\" ] && [ \"$(sum <lines)\" = 4498500 ]",
        ],
    },
    Step {
        name: "maps copies of the shell",
        needs: Needs::Nothing,
        programs: &["cp", "chmod", "cksum", "rm"],
        lines: &[
            "n=0; s=$(cksum </bin/sh); for i in 1 2 3 4; do cp /bin/sh sh$i; [ \"$s\" = \"$(cksum <sh$i)\" ] && chmod 755 sh$i && n=$((n+1)); done",
            "for i in 1 2 3 4; do ./sh$i -c 'exit 42'; [ $? = 42 ] && n=$((n+1)); done; rm sh?; r=$n; [ $n = 8 ]",
        ],
    },
    Step {
        name: "wires memory",
        needs: Needs::Nothing,
        programs: &["portinfo", "rm"],
        lines: &[
            "ports 12 a & ports 12 b & ports 12 c & wait",
            "n=0; for f in p?.*; do { read x && read x && read x; } <$f && n=$((n+1)); done; rm p?.*; r=$n; [ $n = 36 ]",
        ],
    },
    Step {
        name: "all at one time",
        needs: Needs::Nothing,
        programs: &["portinfo", "cat", "cksum", "rm"],
        lines: &[
            "sh load 0 >o0; for i in 1 2 3 4; do sh load $i >o$i & done; wait",
            "n=0; r=$(cksum <o0); for i in 1 2 3 4; do [ \"$r\" = \"$(cksum <o$i)\" ] && n=$((n+1)); done; [ $n = 4 ]",
        ],
    },
    Step {
        name: "all at one time, on the other CPUs",
        needs: Needs::OtherCpus,
        programs: &["portinfo", "cat", "cksum", "rm", "smp"],
        lines: &[
            "for i in 1 2 3 4 5 6; do smp /bin/sh load $i >o$i & done; wait",
            "n=0; r=$(cksum <o0); for i in 1 2 3 4 5 6; do [ \"$r\" = \"$(cksum <o$i)\" ] && n=$((n+1)); done; [ $n = 6 ]",
        ],
    },
];

/// Typed so that its echo does not look like its output.
pub fn asking_for_end(line: &str, number: usize) -> String {
    format!("{line}; echo \"e\"\"nd-{number}:$?:$r:\"")
}

/// The status and the result that `asking_for_end` asked for, and where it ends.
pub fn end_in(text: &str, number: usize) -> Option<((u32, String), usize)> {
    let mark = format!("end-{number}:");
    text.match_indices(&mark).find_map(|(at, _)| {
        let rest = &text[at + mark.len()..];
        let (status, rest_of_it) = rest.split_once(':')?;
        let (result, after) = rest_of_it.split_once(":\n")?;
        let status = status.parse().ok()?;
        Some(((status, result.to_string()), text.len() - after.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that reads whole lines keeps at most this much of one.
    const LINE_BUFFER: usize = 255;

    #[test]
    fn each_line_fits_into_a_terminals_buffer() {
        for line in PRELUDE.iter().chain(STEPS.iter().flat_map(|step| step.lines)) {
            assert!(asking_for_end(line, 1000).len() < LINE_BUFFER, "{line}");
        }
    }

    #[test]
    fn the_echo_of_a_question_is_no_answer() {
        let asked = asking_for_end("true", 3);
        assert_eq!(end_in(&format!("{asked}\n"), 3), None);
        let said = format!("# {asked}\nnoise end-3:0:4 8:\n# ");
        let ((status, result), length) = end_in(&said, 3).unwrap();
        assert_eq!((status, result.as_str()), (0, "4 8"));
        assert_eq!(&said[length..], "# ");
        assert_eq!(end_in("end-3:1:", 3), None);
        assert_eq!(end_in("end-4:1::\n", 3), None);
    }

    /// A shell here must come to the same; without what only a Hurd has, those steps are left out.
    #[test]
    fn the_steps_that_need_no_hurd_pass_in_a_shell_here() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        let mut script = String::new();
        for line in PRELUDE {
            script += &line.replace("/tmp /var/tmp", &format!("{place}"));
            script.push('\n');
        }
        let here = |step: &&Step| !step.programs.contains(&"portinfo");
        let mut count = 0;
        for step in STEPS.iter().filter(here) {
            let (last, first) = step.lines.split_last().unwrap();
            first.iter().for_each(|line| script += &format!("{line}\n"));
            script += &format!("{}\n", asking_for_end(last, count));
            count += 1;
        }
        let done = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(count, 4);
        for number in 0..count {
            let ((status, result), _) =
                end_in(&said, number).unwrap_or_else(|| panic!("{number}: {said}"));
            assert_eq!(status, 0, "{number}: {said}");
            assert!(!result.is_empty());
        }
    }
}
