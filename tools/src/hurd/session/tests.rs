// SPDX-License-Identifier: GPL-2.0-or-later
//! Whole sessions with a console that plays a script.

use super::super::console::tests::{Act, Script as Fake};
use super::*;

const STEPS: &[Step] = &[
    Step { name: "one", needs: Needs::Nothing, programs: &[], lines: &["first"] },
    Step { name: "two", needs: Needs::OtherCpus, programs: &["smp"], lines: &["second"] },
];

const LIMITS: Limits = Limits {
    shell: Duration::from_secs(600),
    step: Duration::from_secs(600),
    silence: Duration::ZERO,
    start: Duration::ZERO,
};

fn play(acts: Vec<Act>, one_cpu: Option<&str>) -> Result<(Session, String)> {
    let mut log = Vec::new();
    let mut console = Console::new(Fake::new(acts), &mut log);
    let script = Script { steps: STEPS, limits: LIMITS, one_cpu };
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
        Act::Hears("nd-0:", "end-0:0::\n\r# "),
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

#[test]
fn a_session_without_a_fault() {
    let mut acts = set_up();
    let n = first();
    acts.extend([answer(n, "0:same"), answer(n + 1, "0:"), answer(n + 2, "0:2")]);
    acts.extend([answer(n + 3, "0:"), Act::Hears("reboot\n", "bye\n\r"), Act::Ends]);
    let (session, heard) = play(acts, None).unwrap();
    assert_eq!(session.fault, None);
    assert_eq!(session.outcomes.len(), rows(STEPS).len());
    assert!(matches!(&session.outcomes[1], Outcome::Passed { result, .. } if result == "same"));
    assert_eq!(session.words.as_deref().map(<[u32]>::len), Some(7));
    assert!(heard.ends_with("reboot\n"));
}

#[test]
fn steps_that_cannot_run_say_why() {
    let n = first();
    let mut acts = set_up();
    acts.extend([answer(n, "0:"), answer(n + 1, "0:")]);
    acts.extend([Act::Hears("reboot\n", "bye\n\r"), Act::Ends]);
    let (session, _) = play(acts, Some("the machine has one CPU")).unwrap();
    assert_eq!(session.outcomes[2], Outcome::Skipped("the machine has one CPU".into()));
    let mut acts = set_up();
    acts.extend([answer(n, "0:"), answer(n + 1, "127:"), answer(n + 2, "0:")]);
    acts.extend([Act::Hears("reboot\n", "bye\n\r"), Act::Ends]);
    let (session, _) = play(acts, None).unwrap();
    assert_eq!(session.outcomes[2], Outcome::Skipped("no smp".into()));
    assert_eq!(session.fault, None);
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
    assert_eq!(text, "step 'one' failed: exit status 1, result '97'");

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
    let script = Script { steps: STEPS, limits, one_cpu: None };
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
        let script = Script { steps: STEPS, limits, one_cpu: None };
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
    let n = first();
    let mut acts = set_up();
    acts.extend([answer(n, "0:"), answer(n + 1, "0:"), Act::Quiet]);
    let (session, heard) = play(acts, Some("one CPU")).unwrap();
    assert!(heard.ends_with("reboot\n"));
    assert_eq!(session.fault.as_ref().map(|(fault, _)| *fault), Some(Fault::Silence));
    assert!(session.fault.unwrap().1.contains("'clean reboot'"));
}
