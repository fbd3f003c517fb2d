// SPDX-License-Identifier: GPL-2.0-or-later
//! Signals: which pages of the kernel's data were written, branches that were
//! seen, and 32-bit code that crashed or does not end.
//!
//! The handlers run while 32-bit code does, on a stack of their own, and touch
//! nothing but the statics here, memory below 4 GB and the saved registers.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::steps::step;
use crate::{low, reach};

/// Exits that a handler takes for 32-bit code, beside those of `low`.
pub const EXIT_FAULT: u32 = 1000;
pub const EXIT_TIMEOUT: u32 = 1001;

/// Ticks of `TICK_MS` of processor time that one call may take.
const MOST_TICKS: u32 = 8;
const TICK_MS: i64 = 125;

const PAGE: u32 = 0x1000;
const MAX_RANGES: usize = 4;
const MAX_TOUCHED: usize = 128;

static RANGES: [(AtomicU32, AtomicU32); MAX_RANGES] =
    [const { (AtomicU32::new(0), AtomicU32::new(0)) }; MAX_RANGES];
static TOUCHED: [AtomicU32; MAX_TOUCHED] = [const { AtomicU32::new(0) }; MAX_TOUCHED];
static TOUCHED_COUNT: AtomicU32 = AtomicU32::new(0);
/// Where the pages' bytes from before their first write are kept.
static PRISTINE: AtomicU64 = AtomicU64::new(0);

pub static FAULT_SIGNAL: AtomicU32 = AtomicU32::new(0);
pub static FAULT_EIP: AtomicU32 = AtomicU32::new(0);
pub static FAULT_ADDRESS: AtomicU32 = AtomicU32::new(0);
/// Counts entries into 32-bit code from outside of it.
pub static CALLS: AtomicU32 = AtomicU32::new(0);
static TICK_CALL: AtomicU32 = AtomicU32::new(0);
static TICKS: AtomicU32 = AtomicU32::new(0);

/// The pages of kernel data that were ever written, in order.
#[inline]
pub(crate) fn touched() -> impl Iterator<Item = u32> {
    let count = TOUCHED_COUNT.load(Relaxed) as usize;
    TOUCHED[..count].iter().map(|page| page.load(Relaxed))
}

#[inline]
pub(crate) fn touched_count() -> usize {
    TOUCHED_COUNT.load(Relaxed) as usize
}

/// The bytes of the touched page `index` from before its first write.
pub(crate) fn pristine(index: usize) -> &'static [u8] {
    let at = PRISTINE.load(Relaxed) as usize + index * PAGE as usize;
    // SAFETY: `install` mapped room for every page; a page's copy never changes
    // once the page counts as touched.
    unsafe { std::slice::from_raw_parts(at as *const u8, PAGE as usize) }
}

/// Installs the handlers; `ranges` are the read-only pages to watch.
pub fn install(ranges: &[(u32, u32)]) {
    assert!(ranges.len() <= MAX_RANGES, "a kernel with few segments");
    for (slot, &(start, size)) in RANGES.iter().zip(ranges) {
        slot.0.store(start, Relaxed);
        slot.1.store(size, Relaxed);
    }
    let stack_size = 0x1_0000;
    let room = MAX_TOUCHED * PAGE as usize;
    // SAFETY: fresh anonymous memory; the handlers have the C signature that
    // SA_SIGINFO wants and are async-signal-safe.
    unsafe {
        let memory = libc::mmap(
            std::ptr::null_mut(),
            room + stack_size,
            low::RW,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(memory, libc::MAP_FAILED, "memory for the handlers");
        PRISTINE.store(memory as u64, Relaxed);
        let stack = libc::stack_t { ss_sp: memory.add(room), ss_flags: 0, ss_size: stack_size };
        libc::sigaltstack(&stack, std::ptr::null_mut());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        for signal in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGILL,
            libc::SIGFPE,
            libc::SIGTRAP,
            libc::SIGVTALRM,
            libc::SIGALRM,
        ] {
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// A lock word that a timer clears, as another CPU does that holds it.
static HELD_LOCK: AtomicU32 = AtomicU32::new(0);
/// The word that the lock guards, what it held when the lock was taken, and
/// whether it was changed before the lock was let go.
static GUARDED: AtomicU32 = AtomicU32::new(0);
static GUARDED_VALUE: AtomicU32 = AtomicU32::new(0);
static BROKEN_INTO: AtomicBool = AtomicBool::new(false);

/// Lets the lock at `address` go after some microseconds; it guards a word.
pub(crate) fn release_later(address: u32, guarded: u32) {
    GUARDED.store(guarded, Relaxed);
    GUARDED_VALUE.store(low::read32(guarded), Relaxed);
    BROKEN_INTO.store(false, Relaxed);
    HELD_LOCK.store(address, Relaxed);
    let once = libc::timeval { tv_sec: 0, tv_usec: 30 };
    let never = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: never, it_value: once };
    // SAFETY: setitimer reads the timer alone.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
}

/// Waits until no lock is held for a timer to let go. False: what it guarded was
/// changed while it was held.
pub(crate) fn wait_for_release() -> bool {
    while HELD_LOCK.load(Relaxed) != 0 {
        std::hint::spin_loop();
    }
    !BROKEN_INTO.swap(false, Relaxed)
}

/// Starts the clock against calls that do not end; each process needs its own.
pub fn start_clock() {
    let tick = libc::timeval { tv_sec: 0, tv_usec: 1000 * TICK_MS };
    let timer = libc::itimerval { it_interval: tick, it_value: tick };
    // SAFETY: setitimer reads the timer alone.
    unsafe { libc::setitimer(libc::ITIMER_VIRTUAL, &timer, std::ptr::null_mut()) };
}

/// Takes a watched page into the touched ones; false if it is none.
fn touch(address: u32) -> bool {
    let page = address & !(PAGE - 1);
    let watched = RANGES
        .iter()
        .any(|(start, size)| page.wrapping_sub(start.load(Relaxed)) < size.load(Relaxed));
    let count = TOUCHED_COUNT.load(Relaxed) as usize;
    if !watched || count == MAX_TOUCHED || touched().any(|known| known == page) {
        return false;
    }
    let copy = PRISTINE.load(Relaxed) as usize + count * PAGE as usize;
    // SAFETY: the page is mapped readable, and the copy's room is ours.
    unsafe {
        std::ptr::copy_nonoverlapping(page as *const u8, copy as *mut u8, PAGE as usize);
        libc::mprotect(page as _, PAGE as usize, low::RW);
    }
    TOUCHED[count].store(page, Relaxed);
    TOUCHED_COUNT.store(count as u32 + 1, Relaxed);
    true
}

extern "C" fn on_signal(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel passes a valid siginfo and ucontext.
    let (info, context) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    let registers = &mut context.uc_mcontext.gregs;
    // 64-bit code of the kernel has the selector of this program, and other addresses.
    let in_kernel_code = match low::is_wide() {
        false => registers[libc::REG_CSGSFS as usize] as u16 != low::SELECTOR_64,
        true => (registers[libc::REG_RIP as usize] as u64) >> 32 == 0,
    };
    if signal == libc::SIGALRM {
        let lock = HELD_LOCK.swap(0, Relaxed);
        if lock != 0 {
            let value = low::read32(GUARDED.load(Relaxed));
            BROKEN_INTO.store(value != GUARDED_VALUE.load(Relaxed), Relaxed);
            low::write32(lock, 0);
        }
        return;
    }
    if signal == libc::SIGVTALRM {
        if in_kernel_code && out_of_time() {
            give_up(registers, EXIT_TIMEOUT);
        }
        return;
    }
    // SAFETY: these signals carry an address.
    let address = unsafe { info.si_addr() } as usize;
    let write = registers[libc::REG_ERR as usize] & 2 != 0;
    if signal == libc::SIGSEGV && write && address >> 32 == 0 && touch(address as u32) {
        return;
    }
    if in_kernel_code {
        let eip = registers[libc::REG_RIP as usize] as u32;
        if signal == libc::SIGTRAP {
            if step::on_trap(registers) {
                return;
            }
            let flags = registers[libc::REG_EFL as usize] as u32;
            if let Some(next) = reach::branch(eip.wrapping_sub(1), flags) {
                registers[libc::REG_RIP as usize] = i64::from(next);
                return;
            }
        }
        FAULT_SIGNAL.store(signal as u32, Relaxed);
        FAULT_EIP.store(eip, Relaxed);
        FAULT_ADDRESS.store(address as u32, Relaxed);
        give_up(registers, EXIT_FAULT);
        return;
    }
    // A fault of this program itself: let it happen again, for real.
    // SAFETY: resetting a handler to the default.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Whether the call that runs now ran through `MOST_TICKS` ticks already.
fn out_of_time() -> bool {
    let call = CALLS.load(Relaxed);
    if TICK_CALL.swap(call, Relaxed) != call {
        TICKS.store(0, Relaxed);
    }
    TICKS.fetch_add(1, Relaxed) >= MOST_TICKS
}

/// Makes the interrupted code of the kernel leave through the gate.
fn give_up(registers: &mut [i64; 23], exit: u32) {
    const DIRECTION_AND_TRAP: i64 = 0x500;
    low::gate().exit = exit;
    let selectors = &mut registers[libc::REG_CSGSFS as usize];
    *selectors = *selectors & !0xffff | i64::from(low::SELECTOR_64);
    registers[libc::REG_RIP as usize] = low::leave64_address() as i64;
    registers[libc::REG_EFL as usize] &= !DIRECTION_AND_TRAP;
}
