// SPDX-License-Identifier: GPL-2.0-or-later
//! States of what 32-bit code can write: all of it, or what differs from another.

use crate::{low, watch};

const PAGE: usize = 0x1000;
/// What is told apart: bytes of a cache line.
const LINE: usize = 64;
/// As many lines as a word has bits.
const BLOCK: usize = 64 * LINE;

/// A state of everything that 32-bit code can write, but its stack.
#[derive(Default, PartialEq)]
pub struct Image {
    end: u32,
    /// Up to the line behind the end; perhaps more, which are zeros.
    arena: Vec<u8>,
    /// The kernel's data, for as many touched pages as there were.
    pages: Vec<u8>,
    /// Lines of that which changed before, by address and by place in `pages`.
    hot: Vec<(u32, usize)>,
}

impl Image {
    /// Memory as it is. The arena is in use up to `end`.
    pub fn capture(&mut self, end: u32) {
        self.end = end;
        self.arena.clear();
        self.arena.extend_from_slice(arena(end));
        self.pages.clear();
        for page in watch::touched() {
            self.pages.extend_from_slice(low::bytes(page, PAGE as u32));
        }
    }

    /// Where the arena's use ended.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Pages that were touched only later were as they always had been.
    fn add_new_pages(&mut self) {
        for index in self.pages.len() / PAGE..watch::touched_count() {
            self.pages.extend_from_slice(watch::pristine(index));
        }
    }

    /// Puts everything back. The arena was in use up to `used`.
    pub fn restore(&mut self, used: u32) {
        self.add_new_pages();
        let size = self.arena.len() as u32;
        low::bytes(low::ARENA, size).copy_from_slice(&self.arena);
        let behind = (rounded(used) - low::ARENA).saturating_sub(size);
        low::bytes(low::ARENA + size, behind).fill(0);
        for (page, bytes) in watch::touched().zip(self.pages.chunks_exact(PAGE)) {
            low::bytes(page, PAGE as u32).copy_from_slice(bytes);
        }
    }

    /// Puts everything back, and keeps what had changed. The arena is in use up to
    /// `used`.
    ///
    /// Of the kernel's data only lines that changed before are looked at, unless all
    /// are asked for: it is much, and hardly any of it ever changes. What changes for the
    /// first time is left so, and `has_unseen_changes` tells.
    pub(crate) fn take_changes(&mut self, used: u32, all: bool, changes: &mut Changes) {
        self.add_new_pages();
        let size = (rounded(used) - low::ARENA) as usize;
        if size > self.arena.len() {
            self.arena.resize(size, 0);
        }
        changes.end = used;
        changes.arena.clear();
        changes.arena.take(low::ARENA, &self.arena);
        changes.data.clear();
        if all {
            self.warm_up();
        }
        for &(line, at) in &self.hot {
            changes.data.take(line, &self.pages[at..at + LINE]);
        }
    }

    /// Keeps memory as it is, of the kernel's data the lines that changed before. The arena is in
    /// use up to `end`.
    pub(crate) fn keep(&self, end: u32, kept: &mut Kept) {
        kept.end = end;
        kept.arena.clear();
        kept.arena.extend_from_slice(arena(end));
        kept.data.clear();
        let line = |&(line, _): &(u32, usize)| -> [u8; LINE] {
            (&*low::bytes(line, LINE as u32)).try_into().expect("a line")
        };
        kept.data.extend(self.hot.iter().map(line));
    }

    /// Makes memory, which is the image, what was kept; returns where the use of the arena ends.
    pub(crate) fn put_kept(&self, kept: &Kept) -> u32 {
        arena(kept.end).copy_from_slice(&kept.arena);
        for (&(line, _), bytes) in self.hot.iter().zip(&kept.data) {
            low::bytes(line, LINE as u32).copy_from_slice(bytes);
        }
        kept.end
    }

    /// Whether the kernel's data has changed where it never did before.
    pub(crate) fn has_unseen_changes(&self) -> bool {
        let known = self.pages.len() / PAGE;
        watch::touched().enumerate().any(|(index, page)| {
            let bytes = match index < known {
                true => &self.pages[index * PAGE..][..PAGE],
                false => watch::pristine(index),
            };
            low::bytes(page, PAGE as u32) != bytes
        })
    }

    /// How many lines of the kernel's data have ever changed.
    pub(crate) fn hot_lines(&self) -> usize {
        self.hot.len()
    }

    /// Adds the lines that have changed.
    fn warm_up(&mut self) {
        for (index, page) in watch::touched().enumerate() {
            for offset in (0..PAGE).step_by(LINE) {
                let (line, at) = (page + offset as u32, index * PAGE + offset);
                let same = low::bytes(line, LINE as u32) == &self.pages[at..at + LINE];
                if !same && !self.hot.contains(&(line, at)) {
                    self.hot.push((line, at));
                }
            }
        }
        self.hot.sort_unstable();
    }
}

/// A state of memory, kept in whole.
#[derive(Default)]
pub struct Kept {
    end: u32,
    arena: Vec<u8>,
    data: Vec<[u8; LINE]>,
}

/// In what a state differs from an image.
#[derive(Default)]
pub struct Changes {
    /// How far the arena was in use.
    pub end: u32,
    pub arena: Lines,
    /// The kernel's data.
    pub data: Lines,
}

impl Changes {
    /// Makes memory, which is the image, that state.
    pub fn put(&self) {
        self.arena.put();
        self.data.put();
    }
}

/// Lines of memory, by address, in order.
#[derive(Default, PartialEq)]
pub struct Lines {
    at: Vec<u32>,
    bytes: Vec<[u8; LINE]>,
}

impl Lines {
    fn clear(&mut self) {
        self.at.clear();
        self.bytes.clear();
    }

    /// Makes the memory at `address` that of `image`, and keeps lines that were not.
    fn take(&mut self, address: u32, image: &[u8]) {
        // Which lines differ first, for many at a time: that goes without guessing.
        for (block, before) in (address..).step_by(BLOCK).zip(image.chunks(BLOCK)) {
            let memory = low::bytes(block, before.len() as u32);
            let lines = memory.chunks_exact(LINE).zip(before.chunks_exact(LINE)).enumerate();
            let mut changed = lines.fold(0, |set, (index, (line, before))| {
                set | u64::from(!same(line, before)) << index
            });
            while changed != 0 {
                let at = changed.trailing_zeros() as usize * LINE;
                changed &= changed - 1;
                let line = &mut memory[at..at + LINE];
                self.at.push(block + at as u32);
                self.bytes.push((&*line).try_into().expect("a line"));
                line.copy_from_slice(&before[at..at + LINE]);
            }
        }
    }

    fn put(&self) {
        for (&at, bytes) in self.at.iter().zip(&self.bytes) {
            low::bytes(at, LINE as u32).copy_from_slice(bytes);
        }
    }

    /// Calls `found` for each word in which two states differ, with its address. Memory
    /// is the image of both.
    pub fn compare(&self, other: &Lines, mut found: impl FnMut(u32, [u32; 2])) {
        let mut lines = [&self.at[..], &other.at[..]].concat();
        lines.sort_unstable();
        lines.dedup();
        let line = |lines: &Lines, at: u32| match lines.at.binary_search(&at) {
            Ok(index) => lines.bytes[index],
            Err(_) => low::bytes(at, LINE as u32).try_into().expect("a line"),
        };
        for at in lines {
            let both = [line(self, at), line(other, at)];
            for offset in (0..LINE).step_by(4) {
                let words = both.map(|line| {
                    let word = line[offset..offset + 4].try_into().expect("four bytes");
                    u32::from_le_bytes(word)
                });
                if words[0] != words[1] {
                    found(at + offset as u32, words);
                }
            }
        }
    }
}

/// Whether two lines are the same. By hand, as the compiler makes it a way out behind each word.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    use std::arch::x86_64::*;
    assert!(a.len() == LINE && b.len() == LINE);
    // SAFETY: x86-64 has these instructions, and both slices have the bytes.
    unsafe {
        let part = |line: &[u8], at: usize| _mm_loadu_si128(line.as_ptr().add(at).cast());
        let differ = |at| _mm_xor_si128(part(a, at), part(b, at));
        let halves = [_mm_or_si128(differ(0), differ(16)), _mm_or_si128(differ(32), differ(48))];
        let all = _mm_or_si128(halves[0], halves[1]);
        _mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_setzero_si128())) == 0xffff
    }
}

/// The arena up to some bytes behind `end`.
fn arena(end: u32) -> &'static mut [u8] {
    low::bytes(low::ARENA, rounded(end) - low::ARENA)
}

/// The end of the line behind the one that `end` lies in.
pub fn rounded(end: u32) -> u32 {
    (end & !(LINE as u32 - 1)) + 2 * LINE as u32
}
