// SPDX-License-Identifier: GPL-2.0-or-later
//! What a step's result must be. It is known here before the boot, so that no step passes because nothing ran.

/// How often the entries of the file system's map are counted while files are written.
pub const POINTS: usize = 11;
const FILES: usize = 2000;
/// By how many entries that map may grow with all these files, and two kernels may differ at one point. On
/// sid's stock kernel it is 2 at most; with a coalesce that refuses all it grows by one for 7 files.
pub const SLACK: usize = 20;
/// A program's text, data, heap and stacks are more than this, each with its guard or its gap.
const FEWEST: usize = 10;

#[derive(Clone, Copy)]
pub enum Known {
    /// This, with the checksum and the size of the shell in the Hurd's file system put in.
    Exactly(fn(&str) -> String),
    /// The number of files written, and of the file system's map entries before and after each tenth of them.
    Entries,
}

impl Known {
    /// Is the result as it must be? If not, why not.
    pub fn judge(self, result: &str, shell: &str) -> Result<(), String> {
        match self {
            Known::Exactly(text) => {
                let known = text(shell);
                let right = result == known;
                right.then_some(()).ok_or(format!("result '{result}', which must be '{known}'"))
            }
            Known::Entries => {
                let counts = entries(result).map_err(|why| format!("result '{result}': {why}"))?;
                let (first, most) = (counts[0], counts.iter().max().copied().unwrap_or(0));
                if most > first + SLACK {
                    return Err(format!(
                        "the map of the file system grew with its files: {result} entries; {SLACK} more than the first \
                         are allowed"
                    ));
                }
                Ok(())
            }
        }
    }

    /// Do two kernels' results agree?
    pub fn alike(self, one: &str, other: &str) -> bool {
        match (self, entries(one), entries(other)) {
            (Known::Entries, Ok(one), Ok(other)) => {
                one.iter().zip(&other).all(|(one, other)| one.abs_diff(*other) <= SLACK)
            }
            _ => one == other,
        }
    }
}

/// The counts in a result of `Known::Entries`.
pub fn entries(result: &str) -> Result<Vec<usize>, String> {
    let (files, counts) = result.split_once(':').ok_or("no number of files in it")?;
    if files != FILES.to_string() {
        return Err(format!("{files} files, not {FILES}"));
    }
    let counts: Vec<usize> =
        counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
    if counts.len() != POINTS {
        return Err(format!("{} counts, not {POINTS}", counts.len()));
    }
    match counts.iter().find(|count| **count < FEWEST) {
        Some(few) => Err(format!("a map of {few} entries, too few for a server of files")),
        None => Ok(counts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(counts: &[usize]) -> String {
        let words: Vec<String> = counts.iter().map(usize::to_string).collect();
        format!("{FILES}: {}", words.join(" "))
    }

    #[test]
    fn nothing_is_no_result() {
        let text = Known::Exactly(|shell| format!("4 {shell}"));
        assert_eq!(text.judge("4 77 8", "77 8"), Ok(()));
        let told = text.judge("", "77 8").unwrap_err();
        assert_eq!(told, "result '', which must be '4 77 8'");
        for nothing in ["", ":", "2000:", "0: ", "2000: 90 90"] {
            assert!(Known::Entries.judge(nothing, "").is_err(), "{nothing}");
        }
    }

    #[test]
    fn a_map_may_not_grow_with_the_files() {
        let judge = |counts: &[usize]| Known::Entries.judge(&line(counts), "");
        assert_eq!(judge(&[90; POINTS]), Ok(()));
        assert_eq!(judge(&[90, 91, 90, 89, 90, 90, 91, 91, 90, 90, 90 + SLACK]), Ok(()));
        let grown: Vec<usize> = (0..POINTS).map(|tenth| 90 + 28 * tenth).collect();
        assert!(judge(&grown).unwrap_err().contains("grew with its files"));
        assert!(judge(&[0; POINTS]).unwrap_err().contains("too few"));
        assert!(judge(&[90; POINTS - 1]).unwrap_err().contains("10 counts"));
        let fewer = line(&[90; POINTS]).replace("2000", "1999");
        assert!(Known::Entries.judge(&fewer, "").unwrap_err().contains("1999 files"));
    }

    #[test]
    fn kernels_agree_on_entries_within_the_slack() {
        let alike = |one: usize, other: usize| {
            Known::Entries.alike(&line(&[one; POINTS]), &line(&[other; POINTS]))
        };
        assert!(alike(90, 90) && alike(90, 90 + SLACK));
        assert!(!alike(90, 91 + SLACK) && !alike(91 + SLACK, 90));
        let text = Known::Exactly(|_| String::new());
        assert!(text.alike("a", "a") && !text.alike("a", "b"));
    }
}
