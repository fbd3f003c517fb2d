// SPDX-License-Identifier: GPL-2.0-or-later
//! Whole sessions with a console that plays a script.

use super::super::console::tests::{Act, Script as Fake};
use super::super::known::Known;
use super::*;

mod dying;

const STEPS: &[Step] = &[
    Step {
        name: "one",
        needs: Needs::Nothing,
        programs: &[],
        lines: &["zeroth", "first"],
        known: Known::Exactly(|shell| format!("same {shell}")),
    },
    Step {
        name: "two",
        needs: Needs::OtherCpus,
        programs: &["smp"],
        lines: &["second"],
        known: Known::Exactly(|_| "2".into()),
    },
];

fn found() -> Found {
    Found { shell: "7 8".into(), absent: Vec::new() }
}

const LIMITS: Limits = Limits {
    shell: Duration::from_secs(600),
    step: Duration::from_secs(600),
    silence: Duration::ZERO,
    start: Duration::ZERO,
};

fn play(acts: Vec<Act>, one_cpu: Option<&str>) -> Result<(Session, String)> {
    play_with(acts, one_cpu, &found())
}

fn play_with(acts: Vec<Act>, one_cpu: Option<&str>, found: &Found) -> Result<(Session, String)> {
    let mut log = Vec::new();
    let mut console = Console::new(Fake::new(acts), &mut log);
    let script = Script { steps: STEPS, limits: LIMITS, found, one_cpu };
    let words = vec![9, 4, 1, 8, 3, 0, 2];
    let session = script.play(&mut console, &mut |_| Ok(Some(words.clone())), &mut |_, _| ())?;
    Ok((session, console.line.heard.clone()))
}

/// Up to the end of the set-up; each answer comes once its question was asked.
fn set_up() -> Vec<Act> {
    let mut acts = vec![
        Act::Says("Hurd server bootstrap: ext2fs[device:rd0] exec startup proc auth.\n\r"),
        Act::Says("debian login: "),
        Act::Hears("root\n", "Password: "),
        Act::Hears("\n", "\n\rwelcome\n\r# "),
        Act::Hears("nd-0:", "end-0:0:42:\n\r# "),
    ];
    for (number, _) in PRELUDE.iter().enumerate() {
        acts.push(answer(number + 2, "0:"));
    }
    acts
}

fn answer(number: usize, what: &str) -> Act {
    let asked = Box::leak(format!("nd-{number}:").into_boxed_str());
    Act::Hears(asked, Box::leak(format!("end-{number}:{what}:\n\r# ").into_boxed_str()))
}

fn first() -> usize {
    PRELUDE.len() + 2
}

const BYE: &str = "startup: rebooting Mach (flags 0)...\n\r";

/// From the first step on; then it is told to reboot, says this, and ends.
fn good_steps(last_words: &'static str) -> Vec<Act> {
    let n = first();
    vec![
        answer(n, "0:"),
        answer(n + 1, "0:same 7 8"),
        answer(n + 2, "0:"),
        answer(n + 3, "0:2"),
        answer(n + 4, "0:"),
        Act::Hears("reboot\n", last_words),
        Act::Ends,
    ]
}

#[test]
fn a_session_without_a_fault() {
    let mut acts = set_up();
    acts.extend(good_steps(BYE));
    let (session, heard) = play(acts, None).unwrap();
    assert_eq!(session.fault, None);
    assert_eq!(session.outcomes.len(), rows(STEPS).len());
    assert!(matches!(&session.outcomes[1], Outcome::Passed { result, .. } if result == "same 7 8"));
    assert_eq!(session.words.as_deref().map(<[u32]>::len), Some(7));
    assert!(heard.ends_with("reboot\n"));
}

#[test]
fn steps_that_cannot_run_say_why() {
    let n = first();
    let skips = |one_cpu, found: &Found| {
        let mut acts = set_up();
        acts.extend([answer(n, "0:"), answer(n + 1, "0:same 7 8"), answer(n + 2, "0:")]);
        acts.extend([Act::Hears("reboot\n", BYE), Act::Ends]);
        let (session, _) = play_with(acts, one_cpu, found).unwrap();
        assert_eq!(session.fault, None);
        session.outcomes[2].clone()
    };
    let reason = "the machine has one CPU";
    assert_eq!(skips(Some(reason), &found()), Outcome::Skipped(reason.into()));
    let less = Found { absent: vec!["smp"], ..found() };
    assert_eq!(skips(None, &less), Outcome::Skipped("no smp in this Hurd".into()));
}

#[test]
fn a_program_that_was_there_before_the_boot_must_be_found() {
    let n = first();
    let mut acts = set_up();
    acts.extend([answer(n, "0:"), answer(n + 1, "0:same 7 8"), answer(n + 2, "127:")]);
    let (fault, text, ..) = fault_of(acts);
    assert_eq!((fault, text.as_str()), (Fault::Step, "step 'two' failed: the shell finds no smp"));
}

#[test]
fn the_end_is_a_reboot_only_if_it_was_announced() {
    for words in ["bye\n\r", "", "reboot\n\r", "rebooting Hurd...\n\r"] {
        let mut acts = set_up();
        acts.extend(good_steps(words));
        let (fault, text, ..) = fault_of(acts);
        assert_eq!(fault, Fault::Panic, "{words}");
        assert!(text.ends_with("at 'clean reboot', without 'rebooting Mach' before"), "{text}");
    }
}

#[test]
fn a_shell_that_cannot_reckon_is_none() {
    let mut acts = set_up();
    acts.truncate(4);
    acts.push(Act::Hears("nd-0:", "end-0:0::\n\r# "));
    let (fault, text, ..) = fault_of(acts);
    assert_eq!(fault, Fault::Step);
    assert!(text.contains("'shell prompt' failed: the shell's 6*7 is"), "{text}");
}

#[test]
fn tidying_up_that_fails_is_a_failure() {
    let mut acts = set_up();
    acts.extend(good_steps(BYE));
    let n = first() + 4;
    acts.truncate(acts.len() - 3);
    acts.push(answer(n, "139:"));
    let (fault, text, ..) = fault_of(acts);
    assert_eq!(fault, Fault::Step);
    assert!(text.contains("'clean reboot' failed: exit status 139"), "{text}");
}

fn fault_of(acts: Vec<Act>) -> (Fault, String, bool, usize) {
    let (session, _) = play(acts, None).unwrap();
    assert_eq!(session.outcomes.last(), Some(&Outcome::Failed));
    let (fault, text) = session.fault.unwrap();
    (fault, text, session.came_up, session.outcomes.len())
}

#[test]
fn each_fault_has_its_own_words() {
    let mut wrong = set_up();
    wrong.push(answer(first(), "1:97"));
    let (fault, text, came_up, count) = fault_of(wrong);
    assert_eq!((fault, came_up, count), (Fault::Step, true, 2));
    assert_eq!(text, "step 'one' failed: exit status 1, result '97', after: zeroth");

    for nothing in ["", "same", "same 7 9"] {
        let mut wrong = set_up();
        wrong.push(answer(first(), "0:"));
        let result = Box::leak(format!("0:{nothing}").into_boxed_str());
        wrong.push(answer(first() + 1, result));
        let (fault, text, ..) = fault_of(wrong);
        let told = format!("step 'one' failed: result '{nothing}', which must be 'same 7 8'");
        assert_eq!((fault, text), (Fault::Step, told));
    }

    let mut panic = set_up();
    panic.extend([Act::Says("panic {cpu1} vm_page_unwire: wire_count\n\r"), Act::Ends]);
    let (fault, text, ..) = fault_of(panic);
    assert_eq!(fault, Fault::Panic);
    assert!(text.starts_with("kernel panic at 'one':\n# panic {cpu1}"), "{text}");

    let mut quiet = set_up();
    quiet.push(Act::Quiet);
    let (fault, text, ..) = fault_of(quiet);
    assert_eq!(fault, Fault::Silence);
    assert!(text.contains("silence at 'one'"), "{text}");

    let mut reset = set_up();
    reset.push(Act::Ends);
    let (fault, text, ..) = fault_of(reset);
    assert_eq!(fault, Fault::Panic);
    assert!(text.contains("reset or switched itself off at 'one'"), "{text}");

    let (fault, text, came_up, _) = fault_of(vec![Act::Says("GNU Mach 1.8\n\r"), Act::Ends]);
    assert_eq!((fault, came_up), (Fault::NoShell, false));
    assert!(text.contains("no shell"), "{text}");
}

#[test]
fn no_shell_within_the_limit() {
    let mut log = Vec::new();
    let mut console = Console::new(Fake::new([Act::Says("Hurd server bootstrap: ")]), &mut log);
    let limits = Limits { shell: Duration::ZERO, ..LIMITS };
    let script = Script { steps: STEPS, limits, found: &found(), one_cpu: None };
    let session = script.play(&mut console, &mut |_| Ok(None), &mut |_, _| ()).unwrap();
    assert_eq!(session.fault, Some((Fault::NoShell, "no shell within 0 s".into())));
    assert!(session.came_up && session.end.contains("bootstrap"));
}

#[test]
fn a_kernel_that_starts_no_program_has_less_time() {
    let play = |said| {
        let mut log = Vec::new();
        let mut console = Console::new(Fake::new([Act::Says(said), Act::Quiet]), &mut log);
        let limits = Limits { silence: Duration::from_secs(1), ..LIMITS };
        let script = Script { steps: STEPS, limits, found: &found(), one_cpu: None };
        let session = script.play(&mut console, &mut |_| Ok(None), &mut |_, _| ()).unwrap();
        (session.fault.unwrap().1, session.came_up)
    };
    let told = |seconds| format!("silence at 'shell prompt': not a word for {seconds} s");
    assert_eq!(play("AP=(1) paging done\n\r"), (told(0), false));
    assert_eq!(play("Hurd server bootstrap: "), (told(1), true));
}

#[test]
fn a_failing_qemu_is_an_error_and_no_verdict() {
    assert!(play(vec![Act::Breaks("exit status: 1: no such drive")], None).is_err());
}

#[test]
fn a_reboot_that_hangs_is_no_clean_one() {
    let mut acts = set_up();
    acts.extend(good_steps(BYE));
    acts.truncate(acts.len() - 2);
    acts.push(Act::Quiet);
    let (session, heard) = play(acts, None).unwrap();
    assert!(heard.ends_with("reboot\n"));
    assert_eq!(session.fault.as_ref().map(|(fault, _)| *fault), Some(Fault::Silence));
    assert!(session.fault.unwrap().1.contains("'clean reboot'"));
}
