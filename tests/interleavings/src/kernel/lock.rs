// SPDX-License-Identifier: GPL-2.0-or-later
//! The kernel's sleeping reader/writer lock, on its own structure, and the map's
//! use of it.
//!
//! Writers have priority; the thread named in the lock passes every wait. The
//! interlock is not modelled: between two points nobody else runs. A lock is one
//! primitive, with one point before it is taken, which keeps schedules few.

use super::map::index_of;
use super::{current_thread, me, point, reads_map, sleep, wake, with, writes_map, Event, Mode};
use crate::bindings::{lock, vm_map};
use crate::trace::Step;

/// Runs `f` on the lock of a map.
fn on_lock<R>(map: usize, f: impl FnOnce(&mut lock) -> R) -> R {
    with(|k| f(&mut k.maps[map].raw.lock))
}

fn is_mine(map: usize) -> bool {
    on_lock(map, |l| l.thread == current_thread())
}

fn hold(map: usize, mode: Mode) {
    with(|k| {
        k.threads[me()].holds.push((map, mode));
        k.note(Step::Takes(map, mode));
    });
}

fn let_go(map: usize) {
    with(|k| {
        let holds = &mut k.threads[me()].holds;
        // The last of its read holds first, as the kernel's lock does.
        let at = holds.iter().rposition(|hold| *hold == (map, Mode::Read));
        let at = at.or_else(|| holds.iter().rposition(|(held, _)| *held == map));
        let (_, mode) = holds.remove(at.expect("a thread releases what it holds"));
        k.note(Step::Releases(map, mode));
    });
}

/// Marks that somebody waits, and sleeps.
fn wait(map: usize) {
    on_lock(map, |l| l.set_waiting(1));
    sleep(Event::Lock(map));
}

/// `lock_read` on a map's lock.
pub fn read(map: usize) {
    point();
    reads_map(map);
    if !is_mine(map) {
        while on_lock(map, |l| l.want_write() | l.want_upgrade()) != 0 {
            wait(map);
            reads_map(map);
        }
    }
    on_lock(map, |l| l.set_read_count(l.read_count() + 1));
    hold(map, Mode::Read);
}

/// `lock_try_read` on a map's lock.
pub fn try_read(map: usize) -> bool {
    point();
    reads_map(map);
    if !is_mine(map) && on_lock(map, |l| l.want_write() | l.want_upgrade()) != 0 {
        return false;
    }
    on_lock(map, |l| l.set_read_count(l.read_count() + 1));
    hold(map, Mode::Read);
    true
}

/// `lock_write` on a map's lock.
fn write(map: usize) {
    point();
    writes_map(map);
    if is_mine(map) {
        on_lock(map, |l| l.set_recursion_depth(l.recursion_depth() + 1));
        hold(map, Mode::Write);
        return;
    }
    while on_lock(map, |l| l.want_write()) != 0 {
        wait(map);
        writes_map(map);
    }
    on_lock(map, |l| l.set_want_write(1));
    while on_lock(map, |l| l.read_count() != 0 || l.want_upgrade() != 0) {
        wait(map);
        writes_map(map);
    }
    hold(map, Mode::Write);
}

/// `lock_done` on a map's lock.
pub fn done(map: usize) {
    let wakes = on_lock(map, |l| {
        if l.read_count() != 0 {
            l.set_read_count(l.read_count() - 1);
        } else if l.recursion_depth() != 0 {
            l.set_recursion_depth(l.recursion_depth() - 1);
        } else if l.want_upgrade() != 0 {
            l.set_want_upgrade(0);
        } else {
            l.set_want_write(0);
        }
        let wakes = l.waiting() != 0 && l.read_count() == 0;
        if wakes {
            l.set_waiting(0);
        }
        wakes
    });
    reads_map(map);
    if wakes {
        writes_map(map);
        wake(Event::Lock(map));
    }
    let_go(map);
}

/// `vm_map_lock` of the model's own callers.
pub fn lock_map(map: usize) {
    write(map);
    with(|k| {
        k.threads[me()].privilege += 1;
        k.maps[map].raw.timestamp += 1;
    });
}

/// `vm_map_unlock` of the model's own callers.
pub fn unlock_map(map: usize) {
    with(|k| k.threads[me()].privilege -= 1);
    done(map);
}

#[no_mangle]
extern "C" fn vm_map_lock(map: *mut vm_map) {
    lock_map(index_of(map));
}

#[no_mangle]
extern "C" fn vm_map_unlock(map: *mut vm_map) {
    unlock_map(index_of(map));
}

#[no_mangle]
extern "C" fn lock_set_recursive(l: *mut lock) {
    // A map begins with its lock.
    on_lock(index_of(l.cast()), |l| l.thread = current_thread());
}

#[no_mangle]
extern "C" fn lock_clear_recursive(l: *mut lock) {
    let map = index_of(l.cast());
    if !is_mine(map) {
        super::stop("panic: lock_clear_recursive: wrong thread");
    }
    on_lock(map, |l| {
        if l.recursion_depth() == 0 {
            l.thread = super::map::NO_THREAD;
        }
    });
}

#[no_mangle]
extern "C" fn lock_write_to_read(l: *mut lock) {
    let map = index_of(l.cast());
    writes_map(map);
    let wakes = on_lock(map, |l| {
        l.set_read_count(l.read_count() + 1);
        if l.recursion_depth() != 0 {
            l.set_recursion_depth(l.recursion_depth() - 1);
        } else if l.want_upgrade() != 0 {
            l.set_want_upgrade(0);
        } else {
            l.set_want_write(0);
        }
        let wakes = l.waiting() != 0;
        l.set_waiting(0);
        wakes
    });
    if wakes {
        wake(Event::Lock(map));
    }
    with(|k| {
        let holds = &mut k.threads[me()].holds;
        if let Some(hold) = holds.iter_mut().rev().find(|hold| **hold == (map, Mode::Write)) {
            hold.1 = Mode::Read;
        }
        k.note(Step::Downgrades(map));
    });
}
