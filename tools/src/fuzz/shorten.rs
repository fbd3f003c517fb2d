// SPDX-License-Identifier: GPL-2.0-or-later
//! Leaving calls out of a case while it still fails as it did.

use std::fmt;

use anyhow::{ensure, Result};

/// The most calls of a case.
pub const CALLS: u32 = 64;

/// The calls of a case that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep(u64);

impl Keep {
    /// The first `calls` of them.
    pub fn all(calls: u32) -> Keep {
        Keep(if calls >= CALLS { u64::MAX } else { (1 << calls) - 1 })
    }

    pub fn without(self, piece: u32, chunk: u32) -> Keep {
        let bits = (piece * chunk..(piece + 1) * chunk).filter(|bit| *bit < CALLS);
        Keep(bits.fold(self.0, |keep, bit| keep & !(1 << bit)))
    }

    /// For the program.
    pub fn words(self) -> String {
        format!("keep0={} keep1={}", self.0 as u32, self.0 >> 32)
    }
}

/// `0,3-5,17`
impl fmt::Display for Keep {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let kept = |bit: u32| bit < CALLS && self.0 >> bit & 1 == 1;
        let mut separator = "";
        for start in (0..CALLS).filter(|&bit| kept(bit) && (bit == 0 || !kept(bit - 1))) {
            let end = (start..CALLS).find(|&bit| !kept(bit + 1)).unwrap_or(start);
            match end - start {
                0 => write!(to, "{separator}{start}")?,
                _ => write!(to, "{separator}{start}-{end}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

impl std::str::FromStr for Keep {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Keep> {
        let mut keep = 0;
        for part in text.split(',') {
            let (start, end) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number < CALLS);
            let (Some(start), Some(end)) = (number(start), number(end)) else {
                anyhow::bail!(
                    "'{part}' is no call or range of calls from 0 to {}, as in 0,3-5,17",
                    CALLS - 1
                );
            };
            ensure!(start <= end, "'{part}' ends before it starts");
            (start..=end).for_each(|bit| keep |= 1 << bit);
        }
        Ok(Keep(keep))
    }
}

/// Pieces of a case to leave out: those of `chunk` calls from number `from` on, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    pub chunk: u32,
    pub from: u32,
}

/// What a boot found out about pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Without this piece it fails as before; those before it are needed.
    Spare(u32),
    /// Without this piece it fails otherwise, so that the boot ended; it is needed, as are those before it.
    Otherwise(u32),
    /// All are needed.
    NoneSpare,
}

/// Leaves pieces out, large ones first, while `probe` finds some and no more than `boots` of them were asked.
pub fn shorten(
    mut keep: Keep,
    boots: u32,
    probe: &mut dyn FnMut(Keep, Pieces) -> Result<Probe>,
) -> Result<Keep> {
    let mut left = boots;
    for chunk in [16, 8, 4, 2, 1] {
        let mut from = 0;
        while left > 0 && from * chunk < CALLS {
            left -= 1;
            match probe(keep, Pieces { chunk, from })? {
                Probe::Spare(piece) => {
                    keep = keep.without(piece, chunk);
                    from = piece + 1;
                }
                Probe::Otherwise(piece) => from = piece + 1,
                Probe::NoneSpare => break,
            }
        }
    }
    Ok(keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that fails while all of `needed` are made.
    fn shortened(needed: &[u32], boots: u32) -> (String, u32) {
        let fails = |keep: Keep| needed.iter().all(|bit| keep.0 >> bit & 1 == 1);
        let mut asked = 0;
        let keep = shorten(Keep::all(48), boots, &mut |keep, pieces| {
            asked += 1;
            let spare = (pieces.from..CALLS / pieces.chunk)
                .filter(|&piece| keep.without(piece, pieces.chunk) != keep)
                .find(|&piece| fails(keep.without(piece, pieces.chunk)));
            Ok(spare.map_or(Probe::NoneSpare, Probe::Spare))
        })
        .unwrap();
        (keep.to_string(), asked)
    }

    #[test]
    fn only_what_is_needed_is_kept() {
        assert_eq!(shortened(&[3, 17, 18, 40], 99).0, "3,17-18,40");
        assert_eq!(shortened(&(0..48).collect::<Vec<_>>(), 99).0, "0-47");
        let (_, boots) = shortened(&[3, 17, 18, 40], 99);
        assert!(boots < 30, "{boots}");
        assert_eq!(shortened(&[47], 1), ("16-47".into(), 1), "no more boots than allowed");
    }

    #[test]
    fn a_piece_that_fails_otherwise_stays() {
        let keep = shorten(Keep::all(2), 9, &mut |_, pieces| {
            Ok(if pieces.from < 2 { Probe::Otherwise(pieces.from) } else { Probe::NoneSpare })
        });
        assert_eq!(keep.unwrap(), Keep::all(2));
    }

    #[test]
    fn kept_calls_are_written_as_they_are_read() {
        for text in ["0", "63", "0,3-5,17", "31-32", "0-63"] {
            let keep: Keep = text.parse().unwrap();
            assert_eq!(keep.to_string(), text);
        }
        assert_eq!("0,33".parse::<Keep>().unwrap().words(), "keep0=1 keep1=2");
        for bad in ["", "64", "5-3", "a", "1-", "1,,2"] {
            assert!(bad.parse::<Keep>().is_err(), "{bad}");
        }
    }
}
