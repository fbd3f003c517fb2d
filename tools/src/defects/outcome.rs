// SPDX-License-Identifier: GPL-2.0-or-later
//! What a defect did in one boot, in words that stay the same from boot to boot.

use std::fmt;

use super::place::Place;
use crate::boot::judge::{Verdict, TIME_WAS_UP};

/// How the program begins the line that tells what it saw.
const MARK: &str = "# outcome: ";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All calls returned, as they should.
    Nothing,
    /// What the kernel or the program said, without addresses and line numbers.
    Did(String),
    /// The same, of a kernel that stopped in a piece of our code: what, in which function of ours, and of
    /// which kernel's functions that is part of the replacement.
    DidInPart { what: String, part: String, of: Vec<String> },
    /// The calls could not be made, or the kernel never came up.
    NotTried(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Nothing => to.write_str("nothing"),
            Outcome::Did(text) => to.write_str(text),
            Outcome::DidInPart { what, part, of } => {
                write!(to, "{what} in {part}, of {}", of.join(" or "))
            }
            Outcome::NotTried(text) => write!(to, "not tried: {text}"),
        }
    }
}

impl Outcome {
    /// All that it may be called, in the words of a kernel with the shipped functions.
    pub fn readings(&self) -> Vec<String> {
        match self {
            Outcome::DidInPart { what, of, .. } => {
                of.iter().map(|function| format!("{what} in {function}")).collect()
            }
            other => vec![other.to_string()],
        }
    }

    /// Whether two kernels did the same.
    pub fn is_like(&self, other: &Outcome) -> bool {
        let others = other.readings();
        self.readings().iter().any(|reading| others.contains(reading))
    }
}

/// `place_at` names an address in the kernel.
pub fn of<'a>(
    verdict: &Verdict,
    log: &str,
    place_at: &dyn Fn(u64) -> Option<Place<'a>>,
) -> Outcome {
    match verdict {
        Verdict::Panic(text) => last_words(text, place_at),
        // A machine that is too slow has not stopped.
        Verdict::Hang(text) if text.starts_with(TIME_WAS_UP) => {
            Outcome::NotTried(text.split(';').next().unwrap_or(text).into())
        }
        // Nobody prints any more, not even the thread that makes no calls on memory.
        Verdict::Hang(_) => Outcome::Did("the kernel stands still".into()),
        Verdict::NeverCameUp(text) => {
            Outcome::NotTried(format!("the kernel never came up: {text}"))
        }
        Verdict::Pass | Verdict::Fail(_) => said(log, verdict),
    }
}

/// By the program's own line; only the last boot in the log counts.
fn said(log: &str, verdict: &Verdict) -> Outcome {
    let line = log.lines().map(|line| line.trim_matches('\r')).rfind(|line| line.starts_with(MARK));
    let Some(text) = line.and_then(|line| line.strip_prefix(MARK)) else {
        return Outcome::NotTried(format!("{} without an outcome", verdict.name()));
    };
    let text = text.trim_end();
    if text == "nothing" {
        return Outcome::Nothing;
    }
    match text.strip_prefix("not tried: ") {
        Some(why) => Outcome::NotTried(why.into()),
        None => Outcome::Did(text.into()),
    }
}

fn last_words<'a>(text: &str, place_at: &dyn Fn(u64) -> Option<Place<'a>>) -> Outcome {
    for line in text.lines() {
        if let Some((before, after)) = line.split_once("Assertion `") {
            let condition = after.split_once("' failed").map_or(after, |(condition, _)| condition);
            // FILE:LINE: FUNCTION: Assertion `...
            let function = before.trim_end().trim_end_matches(':').rsplit(' ').next();
            return Outcome::Did(format!("assertion {condition} in {}", function.unwrap_or("?")));
        }
        if let Some(rest) = line.strip_prefix("panic ") {
            // {cpuN} FILE:LINE: FUNCTION: message
            let parts: Vec<&str> = rest.splitn(3, ": ").collect();
            return Outcome::Did(match parts[..] {
                [_, function, message] => panic_text(function, message),
                _ => format!("panic {rest}"),
            });
        }
        if let Some((trap, rest)) =
            line.strip_prefix("Kernel ").and_then(|line| line.split_once(" trap, eip 0x"))
        {
            let hex: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            return trapped(trap, u64::from_str_radix(&hex, 16).ok().and_then(place_at));
        }
    }
    Outcome::Did(text.lines().next().unwrap_or("a panic without words").trim().to_string())
}

fn trapped(trap: &str, place: Option<Place<'_>>) -> Outcome {
    let what = trap.to_lowercase();
    match place {
        None => Outcome::Did(format!("{what} in ?")),
        Some(Place { name, of: [] }) => Outcome::Did(format!("{what} in {name}")),
        // What it stands for is what a kernel with the shipped functions would say.
        Some(Place { of: [one], .. }) => Outcome::Did(format!("{what} in {one}")),
        Some(Place { name, of }) => Outcome::DidInPart { what, part: name.into(), of: of.to_vec() },
    }
}

/// Some messages begin with the function's name once more.
fn panic_text(function: &str, message: &str) -> String {
    let message =
        message.strip_prefix(function).map_or(message, |rest| rest.trim_start_matches(": "));
    format!("panic {message} in {function}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(address: u64) -> Option<Place<'static>> {
        static OF: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            vec!["vm_map_pageable".into(), "vm_map_pageable_all".into()]
        });
        let place = |name, of| Some(Place { name, of });
        match address {
            0xc100_6e65 => place("vm_map_pageable_all", &[]),
            0xc108_0000 => place("callers::pageable::current", &OF[1..]),
            0xc108_0001 => place("callers::pageable::pageable", &OF[..]),
            _ => None,
        }
    }

    fn panic(text: &str) -> String {
        of(&Verdict::Panic(text.into()), "", &names).to_string()
    }

    #[test]
    fn a_panic_is_told_without_addresses_and_lines() {
        assert_eq!(
            panic(
                "{cpu3} ../vm/vm_page.c:1981: vm_page_unwire: Assertion `page->wire_count != 0' \
                 failed.Debugger invoked: assertion failure\nKernel Breakpoint trap, eip 0xc1039794"
            ),
            "assertion page->wire_count != 0 in vm_page_unwire"
        );
        assert_eq!(
            panic("panic {cpu3} ../i386/intel/pmap.c:2418: pmap_change_wiring: pmap_change_wiring: pte missing"),
            "panic pte missing in pmap_change_wiring"
        );
        assert_eq!(
            panic(
                "Kernel Page fault trap, eip 0xc1006e65, code 0, cr2 fffffff8\nkernel: Page fault"
            ),
            "page fault in vm_map_pageable_all"
        );
        assert_eq!(panic("Kernel Page fault trap, eip 0xc1, code 0"), "page fault in ?");
        assert_eq!(panic("panic without form"), "panic without form");
        assert_eq!(panic("db{1}> "), "db{1}>");
    }

    #[test]
    fn a_stop_in_a_piece_of_ours_is_one_in_what_it_stands_for() {
        let at = |eip: &str| {
            let text = format!("Kernel Page fault trap, eip 0x{eip}, code 0, cr2 fffffff8");
            of(&Verdict::Panic(text), "", &names)
        };
        let [stock, own, shared] = ["c1006e65", "c1080000", "c1080001"].map(at);
        assert_eq!(own, stock);
        assert!(shared.is_like(&stock) && stock.is_like(&shared), "{shared}");
        assert_eq!(
            shared.to_string(),
            "page fault in callers::pageable::pageable, of vm_map_pageable or vm_map_pageable_all"
        );
        for other in ["page fault in vm_map_protect", "assertion x in vm_map_pageable"] {
            assert!(!shared.is_like(&Outcome::Did(other.into())), "{other}");
        }
        assert!(!at("c1").is_like(&stock));
    }

    #[test]
    fn what_the_program_says_counts_if_the_kernel_lives() {
        let log = "# outcome: nothing\n\r\n=== boot 2 ===\n# outcome: never returns: vm_copy\n\r";
        assert_eq!(of(&Verdict::Pass, log, &names).to_string(), "never returns: vm_copy");
        assert_eq!(of(&Verdict::Pass, "# outcome: nothing\n\r", &names), Outcome::Nothing);
        let failed = Verdict::Fail("not ok 2".into());
        let not_tried = Outcome::NotTried("vm_allocate: 3 instead of 0".into());
        assert_eq!(
            of(&failed, "# outcome: not tried: vm_allocate: 3 instead of 0\r", &names),
            not_tried
        );
    }

    #[test]
    fn a_silent_kernel_is_no_call_that_never_returns() {
        let hang = Verdict::Hang("no output for 60 s".into());
        let log = "# outcome: nothing\n";
        assert_eq!(of(&hang, log, &names).to_string(), "the kernel stands still");
        let slow = Verdict::Hang("no verdict within 180 s; last line: # after 35 s".into());
        let not_tried = Outcome::NotTried("no verdict within 180 s".into());
        assert_eq!(of(&slow, log, &names), not_tried);
    }

    #[test]
    fn no_outcome_is_no_nothing() {
        for verdict in [Verdict::Pass, Verdict::Fail("x".into()), Verdict::NeverCameUp("x".into())]
        {
            assert!(matches!(of(&verdict, "", &names), Outcome::NotTried(_)), "{verdict:?}");
        }
    }
}
