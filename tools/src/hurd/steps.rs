// SPDX-License-Identifier: GPL-2.0-or-later
//! What the scripted session does at the shell prompt: plain POSIX shell, one line per command, each
//! short enough for a terminal's line buffer.

use super::known::Known;

/// What a step needs, besides a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// CPUs besides the boot CPU.
    OtherCpus,
}

#[derive(Clone, Copy)]
pub struct Step {
    pub name: &'static str,
    pub needs: Needs,
    /// Programs that it starts; it is skipped where the Hurd's file system lacks one.
    pub programs: &'static [&'static str],
    /// Lines to type. Each must end with status 0; what the last one leaves in $r is the step's result.
    pub lines: &'static [&'static str],
    pub known: Known,
}

/// Where programs are looked for, before the boot and in it.
pub const PATH: &str = "/sbin:/usr/sbin:/bin:/usr/bin";

/// The commands that each step may use; typed before the first. Nothing that stands here or below takes a
/// program's word for another's: programs that die leave $r short of what is known, or a status.
pub const PRELUDE: &[&str] = &[
    "PATH=/sbin:/usr/sbin:/bin:/usr/bin; export PATH; unset ENV HISTFILE r",
    "for d in /tmp /var/tmp /root /; do [ -d $d ] && [ -w $d ] && break; done",
    "w=${d%/}/vm-map-check; rm -rf $w && mkdir $w && cd $w",
    // N exits in N processes, every status right.
    "forks() { n=0; i=0; while [ $i -lt $1 ]; do (exit $((i%7))); [ $? = $((i%7)) ] && n=$((n+1)); i=$((i+1)); done; }",
    // The sum of 0 to N-1, through a pipe of two processes.
    "count() { i=0; while [ $i -lt $1 ]; do echo $i; i=$((i+1)); done; }",
    "sum() { s=0; while read x; do s=$((s+x)); done; echo $s; }",
    // A process's ports in another, which the kernel hands over in memory that it wires meanwhile.
    "ports() { i=0; while [ $i -lt $1 ]; do portinfo $$ >p$2.$i || return; i=$((i+1)); done; }",
    // How many of these processes ended well.
    "ended() { n=0; for i; do wait $i && n=$((n+1)); done; }",
    // All of it at one time; the same for one CPU and for another. Off the boot CPU, opening a translator
    // fails ("Computer bought the farm") when a signal comes meanwhile, on stock kernels too. So the pipe,
    // whose server is such a translator, comes before the first child that could die; and no /dev/null.
    "echo 'count() { i=0; while [ $i -lt $1 ]; do echo $i; i=$((i+1)); done; }' >load",
    "echo 'count 200 | { s=0; while read x; do s=$((s+x)); done; echo sum $s; }' >>load",
    "echo 'i=0; while [ $i -lt 30 ]; do (exit 3); [ $? = 3 ] || echo wrong; i=$((i+1)); done' >>load",
    "echo 'cat lines lines >load.$1; cksum <load.$1; rm load.$1 || echo kept' >>load",
    "echo 'for i in 1 2 3 4 5 6 7 8; do portinfo $$ >load.$1 && read x <load.$1 || echo no ports; done' >>load",
    "echo 'rm load.$1 || echo kept; echo end' >>load",
    // The entries of a task's map, a line each, and a tenth of the files that may make it grow.
    "entries() { vminfo $1 >map || return; n=0; while read x; do n=$((n+1)); done <map; }",
    "files() { k=0; while [ $k -lt 200 ]; do echo $k >many/$1.$k || return; k=$((k+1)); done; }",
];

/// Checksum and size of four times the numbers from 0 to 2999, a line each.
const FOUR: &str = "3195465853 55560";
/// The same of what `load` prints when nothing goes wrong.
const LOAD: &str = "4094749949 31";

pub const STEPS: &[Step] = &[
    Step {
        name: "forks",
        needs: Needs::Nothing,
        programs: &[],
        lines: &["forks 100; r=$n"],
        known: Known::Exactly(|_| "100".into()),
    },
    Step {
        name: "pipes",
        needs: Needs::Nothing,
        programs: &[],
        lines: &["r=$(count 2000 | sum)"],
        known: Known::Exactly(|_| "1999000".into()),
    },
    Step {
        name: "writes files and compares",
        needs: Needs::Nothing,
        programs: &["cat", "cksum"],
        lines: &[
            "count 3000 >lines",
            "cat lines lines lines lines >four && for i in 1 2 3 4; do cat lines; done >again",
            "r=\"$(cksum <four) $(cksum <again) $(sum <lines)\"",
        ],
        known: Known::Exactly(|_| format!("{FOUR} {FOUR} 4498500")),
    },
    Step {
        name: "maps copies of the shell",
        needs: Needs::Nothing,
        programs: &["cp", "cksum", "rm"],
        lines: &[
            "r=; for i in 1 2 3 4; do cp /bin/sh sh$i; r=\"$r$(cksum <sh$i) \"; done",
            "for i in 1 2 3 4; do ./sh$i -c 'exit 42'; r=\"$r$? \"; done; rm sh?",
        ],
        known: Known::Exactly(|shell| format!("{shell} {shell} {shell} {shell} 42 42 42 42 ")),
    },
    Step {
        name: "wires memory",
        needs: Needs::Nothing,
        programs: &["portinfo", "rm"],
        lines: &[
            "ports 12 a & p=$!; ports 12 b & p=\"$p $!\"; ports 12 c & ended $p $!; r=\"$n:\"",
            "n=0; for f in p?.*; do { read x && read x && read x; } <$f && case $x in [0-9]*:*) n=$((n+1));; esac; done; r=$r$n; rm p?.*",
        ],
        known: Known::Exactly(|_| "3:36".into()),
    },
    Step {
        name: "all at one time",
        needs: Needs::Nothing,
        programs: &["sh", "portinfo", "cat", "cksum", "rm"],
        lines: &[
            "sh load 0 >o0",
            "p=; for i in 1 2 3 4; do sh load $i >o$i & p=\"$p $!\"; done; ended $p; r=$n",
            "for i in 0 1 2 3 4; do r=\"$r $(cksum <o$i)\"; done",
        ],
        known: Known::Exactly(|_| format!("4{}", format!(" {LOAD}").repeat(5))),
    },
    Step {
        name: "all at one time, on the other CPUs",
        needs: Needs::OtherCpus,
        programs: &["portinfo", "cat", "cksum", "rm", "smp"],
        lines: &[
            "p=; for i in 1 2 3 4 5 6; do smp /bin/sh load $i >o$i & p=\"$p $!\"; done; ended $p; r=$n",
            "for i in 1 2 3 4 5 6; do r=\"$r $(cksum <o$i)\"; done",
        ],
        known: Known::Exactly(|_| format!("6{}", format!(" {LOAD}").repeat(6))),
    },
    Step {
        name: "map entries while files are written",
        needs: Needs::Nothing,
        programs: &["vminfo", "ps", "mkdir", "rm"],
        lines: &[
            // The file system's server: the first that has its name.
            "ps -e -o pid,args >all; while read e x; do case $x in *ext2fs*) break;; esac; e=; done <all; [ \"$e\" ]",
            "mkdir many && entries $e && r=$n",
            // A word for each, as all of them take minutes on a busy machine, and silence is a failure.
            "for i in 0 1 2 3 4 5 6 7 8 9; do files $i && entries $e && r=\"$r $n\" && echo $n || break; done",
            "set -- many/*; r=\"$#: $r\"; rm -r many",
        ],
        known: Known::Entries,
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
}
