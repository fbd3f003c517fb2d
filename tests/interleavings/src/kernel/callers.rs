// SPDX-License-Identifier: GPL-2.0-or-later
//! What the callers of the two functions use of the kernel besides.
//!
//! Where others may run: [`assert_wait`] and [`thread_block`]. The rest is done under
//! a map's lock, and takes no time that another thread could tell.

use std::ffi::{c_char, c_void, CStr};

use super::map::{index_of, lookup};
use super::object::{deallocate, number, reference, remove_pages};
use super::operations::{NONE, READ, WRITE};
use super::{
    me, point, slab, sleep, stop, wake_some, with, writes_map, writes_object, Event, PAGE,
};
use crate::bindings::{kmem_cache, pmap, rbtree, rbtree_node, vm_map, vm_map_entry, vm_object};
use crate::trace::Step;

/// Nobody's: no entry of a scenario is projected.
#[no_mangle]
static mut kernel_map: *mut vm_map = std::ptr::null_mut();
/// Nobody's: the scenarios' entries have objects of their own.
#[no_mangle]
static mut kernel_object: *mut vm_object = std::ptr::null_mut();
#[no_mangle]
static mut kernel_virtual_start: u64 = 0;
#[no_mangle]
static mut kernel_virtual_end: u64 = u64::MAX;

/// Upstream's takes arguments for its format, which nothing here reads.
#[no_mangle]
extern "C" fn Panic(
    _file: *const c_char,
    _line: i32,
    function: *const c_char,
    format: *const c_char,
) -> ! {
    // SAFETY: both are C strings.
    let (function, format) = unsafe { (CStr::from_ptr(function), CStr::from_ptr(format)) };
    stop(format!("panic: {}: {}", function.to_string_lossy(), format.to_string_lossy().trim_end()))
}

#[no_mangle]
extern "C" fn kmem_cache_alloc(_cache: *mut kmem_cache) -> u64 {
    slab::alloc() as u64
}

#[no_mangle]
extern "C" fn vm_map_lookup_entry(
    map: *mut vm_map,
    address: u64,
    found: *mut *mut vm_map_entry,
) -> i32 {
    let result = lookup(index_of(map), address as usize);
    let (Ok(entry) | Err(entry)) = result;
    // SAFETY: the caller passes where to store it.
    unsafe { found.write(entry) }
    i32::from(result.is_ok())
}

#[no_mangle]
extern "C" fn rbtree_firstlast(tree: *const rbtree, side: i32) -> *mut rbtree_node {
    // SAFETY: the tree of a live map.
    let nodes = super::tree::in_order(unsafe { &*tree });
    let node = if side == 0 { nodes.first() } else { nodes.last() };
    node.copied().unwrap_or(std::ptr::null_mut())
}

/// What a clip ends with: both of its entries have the object then.
#[no_mangle]
extern "C" fn vm_object_reference(object: *mut vm_object) {
    if let Some(object) = number(object) {
        reference(object);
    }
    with(|k| k.note(Step::Changes("clips an entry".to_string())));
}

/// Before this, who frees an entry looks whether the object is its alone.
#[no_mangle]
extern "C" fn vm_object_deallocate(object: *mut vm_object) {
    if let Some(object) = number(object) {
        writes_object(object);
        deallocate(object);
    }
}

#[no_mangle]
extern "C" fn vm_object_page_remove(object: *mut vm_object, start: u64, end: u64) {
    if let Some(object) = number(object) {
        remove_pages(object, start as usize / PAGE, end as usize / PAGE);
    }
}

// Who may do what with a page is asked of the entry alone.

#[no_mangle]
extern "C" fn vm_object_pmap_remove(_object: *mut vm_object, _start: u64, _end: u64) {}

#[no_mangle]
extern "C" fn pmap_remove(pmap: *mut pmap, start: u64, end: u64) {
    let of_range = |page: &usize| (start as usize..end as usize).contains(&(page * PAGE));
    with(|k| k.mapped_by(pmap).for_each(|mapped| mapped.retain(|page, _| !of_range(page))));
}

#[no_mangle]
extern "C" fn pmap_protect(pmap: *mut pmap, start: u64, end: u64, protection: i32) {
    match protection & (READ | WRITE) {
        NONE => pmap_remove(pmap, start, end),
        READ => with(|k| {
            let of_range = |page: usize| (start as usize..end as usize).contains(&(page * PAGE));
            for mapped in k.mapped_by(pmap) {
                mapped.iter_mut().filter(|(page, _)| of_range(**page)).for_each(|(_, mapped)| {
                    mapped.writable = false;
                });
            }
        }),
        _ => {}
    }
}

#[no_mangle]
extern "C" fn vm_map_reference(_map: *mut vm_map) {
    stop("the model has no submaps");
}

#[no_mangle]
extern "C" fn vm_map_deallocate(_map: *mut vm_map) {
    stop("the model has no submaps");
}

/// What an address means to who waits for it.
fn event_at(event: *mut c_void) -> Event {
    let address = event as usize;
    #[cfg(feature = "sound")]
    if let Some(page) = with(|k| k.page_of_event(address)) {
        return Event::Page(page);
    }
    let known = with(|k| {
        let space = || k.maps.iter().position(|map| &raw const map.raw as usize == address);
        k.map_of_header(address).map(Event::Transition).or_else(|| space().map(Event::Space))
    });
    known.unwrap_or_else(|| stop("waits for something that the model does not know"))
}

/// Others may run before: who unlocks first may miss the wakeup.
#[no_mangle]
extern "C" fn assert_wait(event: *mut c_void, _interruptible: i32) {
    point();
    let event = event_at(event);
    touch_event(event);
    let already = with(|k| k.threads[me()].will_wait.replace(event));
    if already.is_some() {
        stop(super::ALREADY_WAITS);
    }
}

/// Sleeps, unless the wakeup has come already.
#[no_mangle]
extern "C" fn thread_block(continuation: Option<unsafe extern "C" fn()>) {
    assert!(continuation.is_none(), "none of the functions goes on elsewhere");
    match with(|k| k.threads[me()].will_wait.take()) {
        Some(event) => sleep(event),
        None => point(),
    }
}

#[no_mangle]
extern "C" fn thread_wakeup_prim(event: *mut c_void, one_thread: i32, _result: i32) -> i32 {
    let event = event_at(event);
    touch_event(event);
    wake_some(event, if one_thread != 0 { 1 } else { usize::MAX });
    1
}

/// Waiting and waking do not commute.
fn touch_event(event: Event) {
    if let Event::Transition(map) | Event::Space(map) = event {
        writes_map(map);
    }
}
