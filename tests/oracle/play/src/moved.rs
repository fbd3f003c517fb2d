// SPDX-License-Identifier: GPL-2.0-or-later
//! A 64-bit kernel at other addresses than its own, which Linux lets no process map.
//!
//! It is linked for the uppermost 2 GB, and lies here in the lowest. Its code names places by
//! their distance from itself, which stays, or by 32 bits that the processor extends by their
//! sign; without the uppermost of these bits such a field names the place where it lies now. So
//! that bit is cleared in each such field that names a place within the image, and the same is
//! done to each whole address in its data. No instruction changes its length or its place.

use std::ops::Range;

use anyhow::{ensure, Context, Result};
use iced_x86::{Decoder, DecoderOptions, OpKind};
use object::{File, Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionKind};

use crate::low;

/// So far down.
pub const BY: u64 = 0xffff_ffff_8000_0000;

/// Where an address of the kernel is now; other values stay.
pub(crate) fn down(address: u64) -> u64 {
    if address >= BY {
        address - BY
    } else {
        address
    }
}

/// Makes the image, which is mapped and as the file has it, fit where it lies.
pub(crate) fn make_fit(file: &File) -> Result<()> {
    let high = || file.segments().filter(|s| s.address() >= BY);
    let image = Range {
        start: high().map(|s| s.address()).min().unwrap_or_default(),
        end: high().map(|s| s.address() + s.size()).max().unwrap_or_default(),
    };
    ensure!(image.start < image.end, "it has no segment in the uppermost 2 GB");
    let mut starts: Vec<u64> = file.symbols().map(|symbol| symbol.address()).collect();
    starts.extend(file.sections().map(|section| section.address()));
    starts.sort_unstable();
    starts.dedup();
    for section in file.sections() {
        let range = section.address()..section.address() + section.size();
        if !image.contains(&range.start) || section.file_range().is_none() {
            continue;
        }
        if section.kind() != SectionKind::Text {
            fit_data(down(range.start) as u32, section.size() as u32, &image);
            continue;
        }
        // Afresh at each symbol: what lies between functions puts decoding out of step.
        let mut inside: Vec<u64> = starts.iter().copied().filter(|a| range.contains(a)).collect();
        inside.push(range.end);
        for piece in inside.windows(2) {
            let code = low::bytes(down(piece[0]) as u32, (piece[1] - piece[0]) as u32);
            let fields = fields(code, piece[0], &image);
            for (at, size) in fields.with_context(|| format!("the code at {:#x}", piece[0]))? {
                clear(&mut code[at..at + size]);
            }
        }
    }
    Ok(())
}

/// Every whole address in data.
fn fit_data(start: u32, size: u32, image: &Range<u64>) {
    let first = start.next_multiple_of(8);
    for at in (first..(start + size).saturating_sub(7)).step_by(8) {
        let value = low::read64(at);
        if image.contains(&value) {
            low::write64(at, value - BY);
        }
    }
}

/// The fields of code that name places in the image: where they begin, and their bytes.
fn fields(code: &[u8], address: u64, image: &Range<u64>) -> Result<Vec<(usize, usize)>> {
    let mut found = Vec::new();
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    while decoder.can_decode() {
        let at = decoder.position();
        let i = decoder.decode();
        if i.is_invalid() {
            continue;
        }
        let offsets = decoder.get_constant_offsets(&i);
        let mut add = |offset: usize, size: usize, value: u64| {
            if image.contains(&value) {
                found.push((at + offset, size));
            }
        };
        if offsets.has_displacement() && !i.is_ip_rel_memory_operand() {
            let size = offsets.displacement_size();
            ensure!(size != 2, "{i} at {:#x}: a displacement of 16 bits", i.ip());
            add(offsets.displacement_offset(), size, i.memory_displacement64());
        }
        for op in 0..i.op_count() {
            if matches!(i.op_kind(op), OpKind::Immediate32to64 | OpKind::Immediate64) {
                add(offsets.immediate_offset(), offsets.immediate_size(), i.immediate(op));
            }
        }
    }
    Ok(found)
}

/// Takes `BY` away from a field.
fn clear(field: &mut [u8]) {
    let value = (0..field.len()).fold(0, |value, n| value | u64::from(field[n]) << (8 * n));
    let moved = value.wrapping_sub(BY).to_le_bytes();
    field.copy_from_slice(&moved[..field.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Range<u64> = 0xffff_ffff_8101_6000..0xffff_ffff_810f_a000;

    /// The code as it is moved.
    fn fit(code: &[u8]) -> Vec<u8> {
        let mut code = code.to_vec();
        for (at, size) in fields(&code, IMAGE.start, &IMAGE).unwrap() {
            clear(&mut code[at..at + size]);
        }
        code
    }

    #[test]
    fn fields_that_name_places_of_the_image_are_found() {
        // mov $place,%rdi; mov place,%rax; mov place(,%rax,8),%rax; cmpq $place,8(%rdi); push $place
        let code = [
            &[0x48, 0xc7, 0xc7, 0x10, 0xa0, 0x0b, 0x81][..],
            &[0x48, 0x8b, 0x04, 0x25, 0x10, 0xa0, 0x0b, 0x81],
            &[0x48, 0x8b, 0x04, 0xc5, 0x10, 0xa0, 0x0b, 0x81],
            &[0x48, 0x81, 0x7f, 0x08, 0x10, 0xa0, 0x0b, 0x81],
            &[0x68, 0x10, 0xa0, 0x0b, 0x81],
        ];
        for code in code {
            let mut wanted = code.to_vec();
            *wanted.last_mut().unwrap() = 0x01;
            assert_eq!(fit(code), wanted, "{code:x?}");
        }
        // movabs $place,%rax
        let code = [0x48, 0xb8, 0x10, 0xa0, 0x0b, 0x81, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(fit(&code), [0x48, 0xb8, 0x10, 0xa0, 0x0b, 0x01, 0, 0, 0, 0]);
    }

    #[test]
    fn all_else_stays() {
        for code in [
            // mov place,%rax by distance; call; jne
            &[0x48, 0x8b, 0x05, 0x10, 0xa0, 0x0b, 0x00][..],
            &[0xe8, 0x10, 0xa0, 0x0b, 0x81],
            &[0x0f, 0x85, 0x10, 0xa0, 0x0b, 0x81],
            // mov $number,%edi, which is not extended by its sign; and numbers that are no places
            &[0xbf, 0x10, 0xa0, 0x0b, 0x81],
            &[0x48, 0xc7, 0xc7, 0x00, 0x00, 0x00, 0x80],
            &[0x48, 0xc7, 0xc7, 0x00, 0xa0, 0x0f, 0x81],
            &[0x48, 0x83, 0xc7, 0x81],
        ] {
            assert_eq!(fit(code), code, "{code:x?}");
        }
    }

    #[test]
    fn only_addresses_of_the_uppermost_2_gb_go_down() {
        assert_eq!(down(0xffff_ffff_8101_6040), 0x0101_6040);
        assert_eq!(down(0x0100_0000), 0x0100_0000);
    }
}
