// SPDX-License-Identifier: GPL-2.0-or-later
//! Where a kernel's virtual addresses lie in physical memory, by its own program headers.

use std::path::Path;

use anyhow::{bail, Context, Result};
use object::read::elf::{ElfFile32, ElfFile64, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol};

/// What is needed to know of a kernel to boot it and to look into it.
pub struct Kernel {
    pub is_64: bool,
    segments: Vec<Segment>,
    symbols: Vec<(String, u64, u64)>,
}

struct Segment {
    virtual_address: u64,
    physical: u64,
    size: u64,
}

/// A place to read from: a symbol's name or an address, and how many 32-bit words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub place: String,
    pub words: usize,
}

impl std::str::FromStr for Read {
    type Err = String;

    fn from_str(text: &str) -> Result<Read, String> {
        let (place, words) = match text.split_once(':') {
            Some((place, words)) => {
                (place, words.parse().map_err(|_| format!("'{words}' is no number of words"))?)
            }
            None => (text, 1),
        };
        if place.is_empty() || words == 0 || words > 1024 {
            return Err("give SYMBOL or 0xADDRESS, with :N for N words (1 to 1024)".into());
        }
        Ok(Read { place: place.into(), words })
    }
}

impl Kernel {
    pub fn parse(path: &Path, data: &[u8]) -> Result<Kernel> {
        match crate::elf::parse(path, data)? {
            object::File::Elf32(elf) if elf.architecture() == object::Architecture::I386 => {
                Kernel::of_32(&elf)
            }
            object::File::Elf64(elf) if elf.architecture() == object::Architecture::X86_64 => {
                Kernel::of_64(&elf)
            }
            other => {
                bail!("{}: no i386 or x86-64 kernel but {:?}", path.display(), other.architecture())
            }
        }
    }

    fn of_32(elf: &ElfFile32) -> Result<Kernel> {
        let segments = segments(elf.elf_program_headers());
        Kernel::new(false, segments, elf)
    }

    fn of_64(elf: &ElfFile64) -> Result<Kernel> {
        let segments = segments(elf.elf_program_headers());
        Kernel::new(true, segments, elf)
    }

    fn new<'a>(is_64: bool, segments: Vec<Segment>, elf: &impl Object<'a>) -> Result<Kernel> {
        let symbols = elf
            .symbols()
            .filter(|symbol| symbol.is_definition())
            .filter_map(|symbol| {
                Some((symbol.name().ok()?.to_string(), symbol.address(), symbol.size()))
            })
            .collect();
        Ok(Kernel { is_64, segments, symbols })
    }

    /// Whether no drive that QEMU may have is looked for by the kernel; false without symbols, which tell.
    pub fn drives_no_disk(&self) -> bool {
        !self.symbols.is_empty() && self.symbols.iter().all(|(name, ..)| name != "linux_init")
    }

    /// The physical address of what `read` names; all of it must lie in one segment.
    pub fn physical(&self, read: &Read) -> Result<u64> {
        let address = self.address(&read.place)?;
        let end = address.checked_add(read.words as u64 * 4);
        self.segments
            .iter()
            .find(|s| {
                let segment_end = s.virtual_address.saturating_add(s.size);
                address >= s.virtual_address && end.is_some_and(|end| end <= segment_end)
            })
            .map(|s| address - s.virtual_address + s.physical)
            .with_context(|| {
                format!("{} words at {address:#x} are in no segment of the kernel", read.words)
            })
    }

    fn address(&self, place: &str) -> Result<u64> {
        if let Some(hex) = place.strip_prefix("0x") {
            return u64::from_str_radix(hex, 16).with_context(|| format!("{place} is no address"));
        }
        self.symbols
            .iter()
            .find(|(name, ..)| name == place)
            .map(|&(_, address, _)| address)
            .with_context(|| format!("the kernel has no symbol {place}"))
    }

    /// The function that an address lies in, for showing where a CPU stands.
    pub fn function_at(&self, address: u64) -> Option<&str> {
        self.symbols
            .iter()
            .find(|(_, start, size)| address >= *start && address - start < *size)
            .map(|(name, ..)| name.as_str())
    }
}

fn segments<H: ProgramHeader<Endian = Endianness>>(headers: &[H]) -> Vec<Segment> {
    headers
        .iter()
        .filter(|h| h.p_type(Endianness::Little) == object::elf::PT_LOAD)
        .map(|h| Segment {
            virtual_address: h.p_vaddr(Endianness::Little).into(),
            physical: h.p_paddr(Endianness::Little).into(),
            size: h.p_memsz(Endianness::Little).into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> Kernel {
        Kernel {
            is_64: false,
            segments: vec![
                Segment { virtual_address: 0xc100_0000, physical: 0x100_0000, size: 0x1000 },
                Segment { virtual_address: 0xc200_0000, physical: 0x150_0000, size: 0x10 },
            ],
            symbols: vec![("panicstr".into(), 0xc200_0004, 4), ("main".into(), 0xc100_0010, 0x20)],
        }
    }

    #[test]
    fn each_segment_has_its_own_distance() {
        let at = |text: &str| kernel().physical(&text.parse().unwrap());
        assert_eq!(at("0xc1000010").unwrap(), 0x100_0010);
        assert_eq!(at("panicstr:3").unwrap(), 0x150_0004);
        assert!(at("panicstr:4").is_err(), "runs over the segment's end");
        assert!(at("0xc0000000").is_err());
        assert!(at("0xffffffffffffffff:2").is_err(), "runs over the last address");
        assert!(at("nothing").is_err());
    }

    #[test]
    fn places_are_parsed_or_refused() {
        assert_eq!("x:7".parse(), Ok(Read { place: "x".into(), words: 7 }));
        for bad in ["", ":4", "x:", "x:0", "x:y", "x:9999"] {
            assert!(bad.parse::<Read>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_kernel_with_disk_drivers_or_without_symbols_may_look_for_drives() {
        let with = |symbols: &[&str]| {
            let symbols = symbols.iter().map(|name| (name.to_string(), 0, 0)).collect();
            Kernel { symbols, ..kernel() }.drives_no_disk()
        };
        assert!(with(&["main"]));
        assert!(!with(&["main", "linux_init"]));
        assert!(!with(&[]));
    }

    #[test]
    fn addresses_are_named() {
        assert_eq!(kernel().function_at(0xc100_002f), Some("main"));
        assert_eq!(kernel().function_at(0xc100_0030), None);
    }
}
