// SPDX-License-Identifier: GPL-2.0-or-later
//! What is written otherwise into an ELF file of 32 bits than into one of 64.

use anyhow::Result;
use object::elf::{FileHeader32, FileHeader64, Sym32, Sym64};
use object::endian::{Endianness, LittleEndian as LE, U16, U32, U64};
use object::pod::Pod;
use object::read::elf::FileHeader;

/// A symbol to be written; `name` is its place in the table of names.
pub struct NewSymbol {
    pub name: u32,
    pub address: u64,
    pub size: u64,
    pub info: u8,
    pub section: u16,
}

/// The file's header tells which of the two it is.
pub trait Class: FileHeader<Endian = Endianness, SectionHeader: Pod + Clone> {
    fn symbol(symbol: &NewSymbol) -> Result<Vec<u8>>;
    fn move_to(section: &mut Self::SectionHeader, offset: usize, size: usize) -> Result<()>;
    fn rename(section: &mut Self::SectionHeader, name: u32, flags: u32);
}

const ENDIAN: Endianness = Endianness::Little;

impl Class for FileHeader32<Endianness> {
    fn symbol(symbol: &NewSymbol) -> Result<Vec<u8>> {
        let symbol = Sym32::<LE> {
            st_name: U32::new(LE, symbol.name),
            st_value: U32::new(LE, symbol.address.try_into()?),
            st_size: U32::new(LE, symbol.size.try_into()?),
            st_info: symbol.info,
            st_other: 0,
            st_shndx: U16::new(LE, symbol.section),
        };
        Ok(object::bytes_of(&symbol).to_vec())
    }

    fn move_to(section: &mut Self::SectionHeader, offset: usize, size: usize) -> Result<()> {
        section.sh_offset = U32::new(ENDIAN, offset.try_into()?);
        section.sh_size = U32::new(ENDIAN, size.try_into()?);
        Ok(())
    }

    fn rename(section: &mut Self::SectionHeader, name: u32, flags: u32) {
        section.sh_name = U32::new(ENDIAN, name);
        section.sh_flags = U32::new(ENDIAN, flags);
    }
}

impl Class for FileHeader64<Endianness> {
    fn symbol(symbol: &NewSymbol) -> Result<Vec<u8>> {
        let symbol = Sym64::<LE> {
            st_name: U32::new(LE, symbol.name),
            st_info: symbol.info,
            st_other: 0,
            st_shndx: U16::new(LE, symbol.section),
            st_value: U64::new(LE, symbol.address),
            st_size: U64::new(LE, symbol.size),
        };
        Ok(object::bytes_of(&symbol).to_vec())
    }

    fn move_to(section: &mut Self::SectionHeader, offset: usize, size: usize) -> Result<()> {
        section.sh_offset = U64::new(ENDIAN, offset.try_into()?);
        section.sh_size = U64::new(ENDIAN, size.try_into()?);
        Ok(())
    }

    fn rename(section: &mut Self::SectionHeader, name: u32, flags: u32) {
        section.sh_name = U32::new(ENDIAN, name);
        section.sh_flags = U64::new(ENDIAN, flags.into());
    }
}
