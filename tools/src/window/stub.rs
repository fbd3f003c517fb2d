// SPDX-License-Identifier: GPL-2.0-or-later
//! The code that takes the time. It leaves registers and flags as they were.

use super::find::Window;
use crate::graft::patch::jump;

const PUSH_FLAGS: u8 = 0x9c;
const POP_FLAGS: u8 = 0x9d;
const PUSH_EAX: u8 = 0x50;
const POP_EAX: u8 = 0x58;

fn delay(rounds: u32) -> Vec<u8> {
    let mut code = vec![PUSH_FLAGS, PUSH_EAX, 0xb8];
    code.extend(rounds.to_le_bytes());
    // pause; dec eax; jne back to the pause
    code.extend([0xf3, 0x90, 0x48, 0x75, 0xfb, POP_EAX, POP_FLAGS]);
    code
}

fn and_back(mut code: Vec<u8>, start: u64, to: u64) -> Vec<u8> {
    code.extend(jump(start + code.len() as u64, to));
    code
}

/// In the place of the jump from the unlock to the stores.
pub fn open(window: &Window, start: u64, rounds: u32) -> Vec<u8> {
    and_back(delay(rounds), start, window.join)
}

/// In the place of the unlock: the stores, the unlock, the delay. The stores are made once more behind it.
pub fn closed(window: &Window, start: u64, rounds: u32) -> Vec<u8> {
    let register = window.unlock_register;
    let mut code = vec![PUSH_FLAGS, PUSH_EAX + register];
    code.extend(&window.stores);
    code.extend([POP_EAX + register, POP_FLAGS]);
    code.extend(&window.unlock_bytes);
    code.extend(delay(rounds));
    and_back(code, start, window.join)
}
