// SPDX-License-Identifier: GPL-2.0-or-later
//! The page that a fault wants, made busy, be it in the first object or in one below: then a page
//! without memory stands in for it in the first one meanwhile.

use super::object::wakeup_done;
use super::operations::READ;
#[cfg(feature = "sound")]
use super::sound::convert;
use super::{point, sleep, stop, with, writes_page, Event, Kernel};

/// A page that a fault has made busy.
pub struct Busy {
    pub page: usize,
    /// Where one stands in for it, and which.
    stands_in: Option<(usize, usize)>,
}

impl Busy {
    /// Whether it is in an object below.
    pub fn is_below(&self) -> bool {
        self.stands_in.is_some()
    }

    pub fn release(self) {
        if let Some((object, page)) = self.stands_in {
            writes_page(object, with(|k| k.pages[page].index));
            with(|k| k.free_page(object, page));
            wakeup_done(page);
        }
        wakeup_done(self.page);
    }
}

/// `vm_fault_page`: a busy page, when it is there or can be had.
pub fn fault_page(
    object: usize,
    index: usize,
    must_be_resident: bool,
    at: usize,
    access: i32,
) -> Option<Busy> {
    enum Found {
        Busy(usize),
        Ready(usize),
        Below(usize),
        Nowhere,
        Missing,
        Bad,
    }
    point();
    loop {
        writes_page(object, index);
        let found = with(|k| match k.objects[object].resident.get(&index).copied() {
            Some(page) if k.pages[page].busy => Found::Busy(page),
            Some(page) => {
                k.set_busy(page);
                Found::Ready(page)
            }
            None => match look_below(k, object, index) {
                Some(page) if k.pages[page].busy => Found::Busy(page),
                Some(page) => {
                    k.set_busy(page);
                    Found::Below(page)
                }
                None if must_be_resident => Found::Missing,
                None if k.objects[object].bad_page == Some(index) => Found::Bad,
                None if k.below(object, index).is_some() => Found::Nowhere,
                None => {
                    let page = k.insert_page(object, index, at);
                    k.set_busy(page);
                    Found::Ready(page)
                }
            },
        });
        match found {
            Found::Busy(page) => sleep(Event::Page(page)),
            Found::Ready(page) => return Some(Busy { page, stands_in: None }),
            Found::Below(below) => {
                let page = stand_in(object, index, at);
                return Some(from_below(object, index, page, below, access));
            }
            Found::Nowhere => return Some(from_far_below(object, index, at, access)),
            Found::Missing => stop("vm_fault_page: assertion !must_be_resident failed"),
            Found::Bad => return None,
        }
    }
}

/// The page of an object below, be it busy or one that stands in for another.
fn look_below(k: &Kernel, object: usize, index: usize) -> Option<usize> {
    let (mut object, mut index) = k.below(object, index)?;
    loop {
        writes_page(object, index);
        if let Some(page) = k.objects[object].resident.get(&index) {
            return Some(*page);
        }
        (object, index) = k.below(object, index)?;
    }
}

/// Puts a busy page without memory into an object, for who looks further down.
fn stand_in(object: usize, index: usize, at: usize) -> usize {
    with(|k| {
        let page = k.insert_page(object, index, at);
        k.pages[page].stands_in = true;
        k.set_busy(page);
        page
    })
}

/// What a fault gets of a page `below`, which it has made busy, as `page`, which stands in for
/// it: that, or, to store, a copy.
fn from_below(object: usize, index: usize, page: usize, below: usize, access: i32) -> Busy {
    if access & !READ == 0 {
        return Busy { page: below, stands_in: Some((object, page)) };
    }
    // It may have to wait for memory.
    point();
    writes_page(object, index);
    with(|k| {
        k.pages[page].stands_in = false;
        k.unmap_page(below);
    });
    wakeup_done(below);
    Busy { page, stands_in: None }
}

/// The same where no object below had a page. The first one is unlocked on the way down; if
/// there is none then either, the page is filled with zeros.
fn from_far_below(object: usize, index: usize, at: usize, access: i32) -> Busy {
    let page = stand_in(object, index, at);
    loop {
        point();
        writes_page(object, index);
        match with(|k| look_below(k, object, index)) {
            Some(below) if with(|k| k.pages[below].busy) => sleep(Event::Page(below)),
            Some(below) => {
                with(|k| k.set_busy(below));
                return from_below(object, index, page, below, access);
            }
            None => return Busy { page: convert(object, index, at, page), stands_in: None },
        }
    }
}

/// `vm_page_convert`
#[cfg(not(feature = "sound"))]
fn convert(object: usize, index: usize, at: usize, old: usize) -> usize {
    let page = with(|k| {
        k.free_page(object, old);
        k.forget_busy(old);
        let page = k.insert_page(object, index, at);
        k.set_busy(page);
        page
    });
    if with(|k| k.version.in_c.convert_wakes) {
        super::wake(Event::Page(old));
    }
    page
}
