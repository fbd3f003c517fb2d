// SPDX-License-Identifier: GPL-2.0-or-later
//! Dialogues with a console that plays a script.

use super::*;

/// What the console does next.
pub enum Act {
    Says(&'static str),
    /// Waits until something was said to it that contains this; then it answers.
    Hears(&'static str, &'static str),
    Quiet,
    Ends,
    Breaks(&'static str),
}

pub struct Script {
    acts: std::collections::VecDeque<Act>,
    pub heard: String,
    complaint: Option<String>,
}

impl Script {
    pub fn new(acts: impl IntoIterator<Item = Act>) -> Script {
        Script { acts: acts.into_iter().collect(), heard: String::new(), complaint: None }
    }
}

impl Line for Script {
    fn hear(&mut self, _: Duration) -> Heard {
        match self.acts.front() {
            Some(Act::Hears(what, _)) if !self.heard.contains(what) => return Heard::Nothing,
            // It stays quiet.
            None | Some(Act::Quiet) => return Heard::Nothing,
            _ => {}
        }
        match self.acts.pop_front() {
            Some(Act::Says(text) | Act::Hears(_, text)) => Heard::Bytes(text.into()),
            Some(Act::Breaks(complaint)) => {
                self.complaint = Some(complaint.into());
                Heard::Closed
            }
            _ => Heard::Closed,
        }
    }

    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.heard += &String::from_utf8_lossy(bytes);
        Ok(())
    }

    fn complaint(&mut self) -> Result<Option<String>> {
        Ok(self.complaint.take())
    }

    fn in_user_code(&mut self) -> Result<Vec<usize>> {
        Ok(vec![0, 2])
    }
}

const NOT_LONG: Patience = Patience { limit: Duration::ZERO, silence: Duration::ZERO };
const LONG: Patience = Patience { limit: Duration::from_secs(600), silence: Duration::ZERO };

fn find_x(text: &str) -> Option<((), usize)> {
    text.find('x').map(|at| ((), at + 1))
}

fn ended(acts: Vec<Act>, patience: Patience) -> Trouble {
    let mut log = Vec::new();
    let mut console = Console::new(Script::new(acts), &mut log);
    console.wait(patience, &mut find_x, &mut |_, _| ()).unwrap_err()
}

#[test]
fn what_was_waited_for_is_behind_us() {
    let mut log = Vec::new();
    let acts = [Act::Says("a\n\rb"), Act::Says("x1"), Act::Says("2x3")];
    let mut console = Console::new(Script::new(acts), &mut log);
    let mut lasts = Vec::new();
    console.wait(LONG, &mut find_x, &mut |_, last| lasts.push(last.to_string())).unwrap();
    let behind = |text: &str| text.find('x').map(|at| (text[..at].to_string(), at + 1));
    assert_eq!(console.wait(LONG, &mut { behind }, &mut |_, _| ()).unwrap(), "12");
    assert_eq!(lasts, ["b", "bx1"]);
    assert_eq!(console.end(), "a\nbx12x3");
    assert_eq!(log, b"a\n\rbx12x3", "the log keeps every byte");
}

#[test]
fn each_trouble_is_told_from_the_others() {
    assert!(matches!(ended(vec![Act::Says("a"), Act::Quiet], LONG), Trouble::Silence(0)));
    assert!(matches!(ended(vec![Act::Says("a")], NOT_LONG), Trouble::TooLong(0)));
    assert!(matches!(ended(vec![Act::Ends], LONG), Trouble::Stopped));
    let Trouble::Broken(error) = ended(vec![Act::Breaks("exit status: 1")], LONG) else {
        panic!("QEMU's own failure")
    };
    assert!(error.to_string().contains("exit status: 1"));
}

#[test]
fn a_panic_is_seen_wherever_the_pieces_are_cut() {
    let text = "noise\n\rpanic {cpu0} ../vm/vm_page.c:1: vm_page_unwire: wire_count\n\rmore\n\r";
    for cut in 0..text.len() {
        let (one, two) = text.split_at(cut);
        let acts = vec![Act::Says(one), Act::Says(two), Act::Ends];
        let Trouble::Panic(told) = ended(acts, LONG) else { panic!("cut at {cut}") };
        assert!(told.starts_with("panic {cpu0}") && told.contains("more"), "{cut}: {told}");
    }
}
