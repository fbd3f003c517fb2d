// SPDX-License-Identifier: GPL-2.0-or-later
//! Transcripts of our own making, one per thing that a serial line does.

use super::*;

/// Joins lines as GNU Mach's serial console ends them.
fn serial(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n\r"].concat()).collect()
}

fn judge(bytes: &[u8]) -> Judge {
    let mut judge = Judge::default();
    judge.feed(bytes);
    judge
}

fn limit() -> End {
    End::TimedOut("no verdict within 9 s".into())
}

fn verdict(lines: &[&str]) -> Verdict {
    judge(&serial(lines)).verdict(&limit())
}

const UP: [&str; 4] = ["GNU Mach 1.8", "KTAP version 1", "# storm: start", "1..2"];

fn after_start(lines: &[&str]) -> Vec<u8> {
    serial(&[&UP[..], lines].concat())
}

fn verdict_after_start(lines: &[&str]) -> Verdict {
    judge(&after_start(lines)).verdict(&limit())
}

const GOOD: [&str; 5] =
    ["# calls 12", "ok 1 - names", "# calls 30", "ok 2 - slices", "# storm: verdict PASS"];

#[test]
fn a_good_run_passes() {
    let judge = judge(&after_start(&GOOD));
    assert!(judge.started() && judge.settled());
    assert_eq!(judge.verdict(&End::Settled), Verdict::Pass);
    assert_eq!(judge.calls(), 42);
    assert_eq!(judge.tests(), (2, 0));
}

#[test]
fn pieces_of_any_size_give_the_same_verdict() {
    let transcript = after_start(&GOOD);
    for size in 1..transcript.len() {
        let mut judge = Judge::default();
        transcript.chunks(size).for_each(|piece| judge.feed(piece));
        assert_eq!(judge.verdict(&End::Settled), Verdict::Pass, "pieces of {size}");
    }
}

#[test]
fn noise_between_lines_is_passed_over() {
    let noise = "module 0: storm ${host-port} \u{1b}[2J ok 1 - names";
    let lines = [
        "ok 1 - names",
        noise,
        "  not ok 7 - of a subtest",
        "",
        "ok 2 - slices",
        "\u{fffd}",
        GOOD[4],
    ];
    assert_eq!(verdict_after_start(&lines), Verdict::Pass);
    let mut bytes = after_start(&GOOD[..4]);
    bytes.extend(b"\xff\xfe\n\r");
    bytes.extend(serial(&GOOD[4..]));
    assert_eq!(judge(&bytes).verdict(&End::Settled), Verdict::Pass);
}

#[test]
fn a_verdict_inside_another_line_does_not_count() {
    for line in [
        "expecting # storm: verdict PASS",
        "# storm: verdict PASS?",
        "# storm: verdict PASSED",
        " # storm: verdict PASS",
        "# # storm: verdict PASS",
    ] {
        let seen = verdict_after_start(&["ok 1 - names", "ok 2 - slices", line]);
        assert!(matches!(seen, Verdict::Hang(_)), "{line}: {seen:?}");
    }
}

#[test]
fn a_truncated_verdict_does_not_count() {
    for cut in 1..=GOOD[4].len() + 1 {
        let whole = after_start(&GOOD);
        let judge = judge(&whole[..whole.len() - 1 - cut]);
        assert!(!judge.settled(), "{cut} bytes missing");
        assert!(matches!(judge.verdict(&limit()), Verdict::Hang(_)));
    }
}

#[test]
fn a_result_that_is_not_ok_fails_whatever_the_verdict_says() {
    for last in [PASS, FAIL, "silence"] {
        let seen = verdict_after_start(&["ok 1 - names", "not ok 2 - slices", last]);
        assert_eq!(seen, Verdict::Fail("not ok 2 - slices".into()), "{last}");
    }
}

#[test]
fn a_fail_verdict_fails() {
    let seen = verdict_after_start(&["ok 1 - names", "ok 2 - slices", FAIL]);
    assert_eq!(seen, Verdict::Fail("the program's own verdict is FAIL".into()));
}

#[test]
fn a_pass_needs_its_plan_and_every_test() {
    let says = |lines: &[&str]| match verdict(lines) {
        Verdict::Fail(text) => text,
        other => panic!("{other:?}"),
    };
    assert!(says(&[START, "ok 1 - names", PASS]).contains("without a plan"));
    assert!(says(&[START, "1..3", "ok 1 - a", "ok 3 - c", PASS]).contains("reported nothing: 2"));
    assert!(says(&[START, "1..1", "ok 1 - a", "ok 2 - b", PASS]).contains("test 2 reported"));
    assert!(says(&[START, "1..1", "ok 1 - a", "ok 1 - a", PASS]).contains("twice"));
    assert!(says(&[START, "1..0", PASS]).contains("no test ran"));
    assert!(says(&[START, "1..1", "ok 1 - a # SKIP one CPU", PASS]).contains("no test ran"));
    assert!(says(&[START, START, "1..1", "ok 1 - a", PASS]).contains("started twice"));
}

#[test]
fn results_before_the_banner_do_not_count() {
    let seen = verdict(&["1..1", "ok 1 - early", START, PASS]);
    assert!(matches!(seen, Verdict::Fail(_)), "{seen:?}");
    let seen = verdict(&["1..1", "ok 1 - early", PASS]);
    assert!(matches!(seen, Verdict::NeverCameUp(_)), "{seen:?}");
}

#[test]
fn what_a_kernel_says_when_it_gives_up_is_a_panic_with_its_text() {
    for line in [
        "{cpu2} vm/vm_resident.c:870: vm_page_unwire: Assertion `mem->wire_count != 0' failed.",
        "panic {cpu1} vm/vm_map.c:12: vm_map_enter: bad entry",
        "panic vm/vm_map.c:12: vm_map_enter: bad entry",
        "Kernel page fault at address 0x14, eip = 0xc1012345",
        "Kernel General protection trap, eip 0xc1012345, code 0, cr2 14",
        "# calls Debugger invoked: assertion failure",
    ] {
        let seen = verdict_after_start(&["ok 1 - names", line, "Stopped at  Debugger+0x13:"]);
        assert_eq!(seen, Verdict::Panic(format!("{line}\nStopped at  Debugger+0x13:")));
    }
}

#[test]
fn a_debugger_prompt_counts_though_its_line_never_ends() {
    for prompt in ["db> ", "dbt> ", "db{0}> ", "dbt{12}> "] {
        let mut bytes = after_start(&["ok 1 - names"]);
        bytes.extend(prompt.as_bytes());
        let judge = judge(&bytes);
        assert!(judge.settled(), "{prompt}");
        assert!(matches!(judge.verdict(&End::Settled), Verdict::Panic(_)), "{prompt}");
    }
    for other in ["dbus> ", "db{x}> ", "db{}> ", "a db> ", "db"] {
        let mut bytes = after_start(&["ok 1 - names"]);
        bytes.extend(other.as_bytes());
        assert!(!judge(&bytes).settled(), "{other}");
    }
}

#[test]
fn an_assertion_whose_line_is_cut_off_is_a_panic() {
    let mut bytes = after_start(&["ok 1 - names"]);
    bytes.extend(b"{cpu2} vm/x.c:8: f: Assertion `a' failed.db{2}> ");
    let seen = judge(&bytes).verdict(&limit());
    assert_eq!(seen, Verdict::Panic("{cpu2} vm/x.c:8: f: Assertion `a' failed.db{2}>".into()));
}

#[test]
fn a_panic_beats_a_pass() {
    let seen = verdict_after_start(&[&GOOD[..], &["panic {cpu0} late"]].concat());
    assert_eq!(seen, Verdict::Panic("panic {cpu0} late".into()));
}

#[test]
fn a_reset_after_the_banner_is_a_panic_and_before_it_a_boot_that_never_came_up() {
    let seen = judge(&after_start(&["ok 1 - names"])).verdict(&End::MachineStopped);
    assert!(matches!(&seen, Verdict::Panic(text) if text.contains("ok 1 - names")), "{seen:?}");
    let seen = judge(&serial(&["GNU Mach 1.8"])).verdict(&End::MachineStopped);
    assert!(
        matches!(&seen, Verdict::NeverCameUp(text) if text.contains("GNU Mach 1.8")),
        "{seen:?}"
    );
}

#[test]
fn silence_after_the_banner_is_a_hang_and_before_it_a_boot_that_never_came_up() {
    let seen = verdict_after_start(&["ok 1 - names"]);
    assert_eq!(seen, Verdict::Hang("no verdict within 9 s; last line: ok 1 - names".into()));
    assert!(matches!(verdict(&["GNU Mach 1.8"]), Verdict::NeverCameUp(_)));
    let nothing = Judge::default().verdict(&limit());
    assert!(
        matches!(&nothing, Verdict::NeverCameUp(text) if text.contains("nothing on the serial line"))
    );
}

#[test]
fn a_panic_before_the_banner_never_came_up_and_tells_the_text() {
    let judge = judge(&serial(&["GNU Mach 1.8", "panic {cpu0} no memory"]));
    assert!(judge.settled());
    let seen = judge.verdict(&End::Settled);
    assert!(matches!(&seen, Verdict::NeverCameUp(text) if text.contains("no memory")), "{seen:?}");
}

#[test]
fn exit_codes_differ() {
    let text = String::new;
    let all = [
        Verdict::Pass,
        Verdict::Fail(text()),
        Verdict::Panic(text()),
        Verdict::Hang(text()),
        Verdict::NeverCameUp(text()),
    ];
    let codes: BTreeSet<u8> = all.iter().map(Verdict::exit_code).collect();
    assert_eq!(codes.len(), all.len());
    // 1 and 2 are errors of the tool, and of its caller.
    assert!(!codes.contains(&1) && !codes.contains(&2));
}
