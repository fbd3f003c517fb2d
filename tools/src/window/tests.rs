// SPDX-License-Identifier: GPL-2.0-or-later
//! On functions of our own, in machine code: esi is the old copy, the new one lies at -8(%ebp), edi is the source. The lock is at
//! 12 in an object, the shadow at 40.

use std::collections::HashMap;

use super::find::{window, Members};
use super::*;
use crate::graft::kernel::Section;

const BASE: u64 = 0x1000;
const MEMBERS: Members = Members { lock: 12, shadow: 40 };
const LINK: &[u8] = &[0x8b, 0x55, 0xf8, 0x89, 0x56, 0x28]; // mov -8(%ebp),%edx; mov %edx,40(%esi)
const UNLOCK: &[u8] = &[0x87, 0x4e, 0x0c]; // xchg %ecx,12(%esi)
const JUMP: &[u8] = &[0xe9, 2, 0, 0, 0]; // over two nops
const GAP: &[u8] = &[0x90, 0x90];
const STORES: &[u8] = &[0x8b, 0x45, 0xf8, 0x89, 0x78, 0x28]; // mov -8(%ebp),%eax; mov %edi,40(%eax)

fn kernel(code: &[u8]) -> Kernel<'_> {
    let text = Section {
        index: 1,
        name: ".text".into(),
        address: BASE,
        size: code.len() as u64,
        offset: 0,
        is_text: true,
    };
    Kernel { data: code, is_64: false, sections: vec![text], symbols: HashMap::new() }
}

fn found(parts: &[&[u8]]) -> Result<Vec<Window>> {
    let code = parts.concat();
    let kernel = kernel(&code);
    let mut instructions = Vec::new();
    let mut at = BASE;
    while let Some(i) = kernel.decode(at) {
        at = i.next_ip();
        instructions.push(i);
    }
    let all = 0..instructions.len();
    let found: Result<Vec<_>> = all.map(|n| window(&kernel, &instructions, n, &MEMBERS)).collect();
    Ok(found?.into_iter().flatten().collect())
}

#[test]
fn the_unlock_before_the_stores_is_found() {
    let windows = found(&[LINK, UNLOCK, JUMP, GAP, STORES, &[0xc3]]).unwrap();
    let [window] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!((window.unlock, window.jump), (BASE + 6, BASE + 9));
    assert_eq!((window.join, window.store), (BASE + 16, BASE + 19));
    assert_eq!((&window.unlock_bytes[..], &window.stores[..]), (UNLOCK, STORES));
    assert_eq!(window.unlock_register, 1);
}

#[test]
fn the_new_code_stands_where_it_should() {
    let windows = found(&[LINK, UNLOCK, JUMP, GAP, STORES, &[0xc3]]).unwrap();
    let (start, rounds) = (0x5000, 0x0102_0304);
    let place = |code: &[u8], part: &[u8]| code.windows(part.len()).position(|at| at == part);
    let open = stub::open(&windows[0], start, rounds);
    let closed = stub::closed(&windows[0], start, rounds);
    let delay = [0xb8, 4, 3, 2, 1];
    assert_eq!(place(&open, &delay), Some(2));
    assert!(place(&open, UNLOCK).is_none() && place(&open, STORES).is_none());
    let (stores, unlock) = (place(&closed, STORES).unwrap(), place(&closed, UNLOCK).unwrap());
    assert!(stores < unlock && unlock < place(&closed, &delay).unwrap());
    // ecx, which the unlock exchanges, is kept meanwhile.
    assert_eq!((closed[1], closed[unlock - 2]), (0x51, 0x59));
    for code in [open, closed] {
        let at = code.len() - 5;
        assert_eq!(code[at..], patch::jump(start + at as u64, windows[0].join));
    }
}

#[test]
fn other_code_is_not_taken_for_it() {
    let none = |parts: &[&[u8]]| assert!(found(parts).unwrap().is_empty(), "{parts:x?}");
    // The stores come first, as they should.
    none(&[LINK, STORES, UNLOCK, JUMP, GAP, &[0xc3]]);
    // Another object's lock, another member, no link before, no jump behind, a call among the stores.
    none(&[LINK, &[0x87, 0x4f, 0x0c], JUMP, GAP, STORES, &[0xc3]]);
    none(&[LINK, &[0x87, 0x4e, 0x10], JUMP, GAP, STORES, &[0xc3]]);
    none(&[UNLOCK, JUMP, GAP, STORES, &[0xc3]]);
    none(&[LINK, UNLOCK, STORES, &[0xc3]]);
    none(&[LINK, UNLOCK, JUMP, GAP, &[0xe8, 0, 0, 0, 0], STORES, &[0xc3]]);
}

#[test]
fn stores_that_cannot_be_moved_are_refused() {
    // pop %edx; xor %esi,%esi
    for spoils in [&[0x5a][..], &[0x31, 0xf6]] {
        let error = found(&[LINK, UNLOCK, JUMP, GAP, spoils, STORES, &[0xc3]]).unwrap_err();
        assert!(error.to_string().contains("cannot be made before the unlock"), "{error}");
    }
}
