// SPDX-License-Identifier: GPL-2.0-or-later
//! A record of the layouts and signatures that this crate was compiled with.
//!
//! Three sections of the object hold it: `.gnumach_layout.names`, the names one
//! after another, each with a NUL behind it, and `.gnumach_layout.values`, for
//! each name its offset and size in bits. A struct's own row has offset 0; the
//! name of a bit-field ends in a colon.
//! `.gnumach_layout.signatures` has a line for each C function and variable that
//! the crate uses or defines: `fn NAME RESULT PARAMETER...` or `var NAME TYPE`. A
//! type is `void`; a struct's tag; `NAME:iBITS` or `NAME:uBITS`, a signed or
//! unsigned number by its name in C, with `-` for a space; `*TYPE`, a pointer, or
//! `&TYPE`, one to what is const.
//!
//! `vmtool` compares the record with a kernel's DWARF before the object goes into
//! that kernel, and tools/tree-object.sh puts it to the compiler that builds a
//! kernel. Nothing reads it at run time.

use core::mem::{offset_of, size_of, MaybeUninit};
use core::ptr::addr_of;

use static_assertions::{assert_eq_align, assert_eq_size, const_assert};

use crate::bindings::{
    list, rbtree, rbtree_node, vm_map, vm_map_entry, vm_map_header, vm_map_links,
};

/// The bit and width of each bit-field of `vm_map_entry` in its unit.
pub mod bits {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/bits.rs"));
}

/// Whether this kernel has spin locks; a UP kernel's have no size.
#[cfg(not(feature = "kernel-spin-locks"))]
pub const HAS_SIMPLE_LOCKS: bool = member_size!(vm_map, hint_lock) != 0;

// What the code relies on beyond what bindgen checks.
assert_eq_size!(usize, *mut vm_map, core::ffi::c_ulong);
assert_eq_align!(usize, *mut vm_map);
const_assert!(member_size!(vm_map_entry, wired_count) == 2);
const_assert!(bits::IN_TRANSITION.0 / 8 == bits::NEEDS_WAKEUP.0 / 8);
const_assert!(offset_of!(vm_map_entry, links) == 0 && offset_of!(vm_map_header, links) == 0);
#[cfg(not(feature = "kernel-spin-locks"))]
const_assert!(member_size!(vm_map, hint_lock) == 0 || member_size!(vm_map, hint_lock) == 4);
#[cfg(not(feature = "kernel-spin-locks"))]
const_assert!(offset_of!(vm_map, hint_lock) % 4 == 0);

/// Bytes of a struct's member.
macro_rules! member_size {
    ($struct:ty, $member:ident) => {{
        const fn pointee<T>(_: *const T) -> usize {
            size_of::<T>()
        }
        let value = MaybeUninit::<$struct>::uninit();
        // SAFETY: takes an address inside the value, and reads nothing.
        pointee(unsafe { addr_of!((*value.as_ptr()).$member) })
    }};
}
use member_size;

/// A row of the record: offset and size in bits.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row(u32, u32);

/// Makes names and rows from one list of structs, members and bit-fields.
macro_rules! record {
    ($names:ident, $rows:ident:
        $($struct:ident { $($member:ident),* $(; $($bits:ident = $constant:ident),*)? })*) => {
        const $names: &str = concat!($(
            stringify!($struct), "\0",
            $(stringify!($struct), ".", stringify!($member), "\0",)*
            $($(stringify!($struct), ".", stringify!($bits), ":\0",)*)?
        )*);
        const $rows: &[Row] = &[$(
            Row(0, 8 * size_of::<$struct>() as u32),
            $(Row(
                8 * offset_of!($struct, $member) as u32,
                8 * member_size!($struct, $member) as u32,
            ),)*
            $($({
                let unit = 8 * offset_of!($struct, _bitfield_1) as u32;
                Row(unit + bits::$constant.0, bits::$constant.1)
            },)*)?
        )*];
    };
}

record! { NAMES, ROWS:
    list { prev, next }
    rbtree { root }
    rbtree_node { parent, children }
    vm_map_links { prev, next, start, end }
    vm_map_header { links, tree, gap_tree, nentries }
    vm_map { lock, hdr, pmap, size_wired, hint, hint_lock, first_free }
    vm_map_entry {
        links, tree_node, gap_node, gap_list, gap_size, object, offset, protection,
        max_protection, inheritance, wired_count, wired_access, projected_on;
        in_gap_tree = IN_GAP_TREE, is_shared = IS_SHARED, is_sub_map = IS_SUB_MAP,
        in_transition = IN_TRANSITION, needs_wakeup = NEEDS_WAKEUP, needs_copy = NEEDS_COPY
    }
}

#[cfg(feature = "callers")]
use crate::bindings::vm_object;
#[cfg(feature = "callers")]
record! { NAMES_OF_CALLERS, ROWS_OF_CALLERS:
    vm_map {
        size, ref_count;
        wait_for_space = MAP_WAIT_FOR_SPACE, wiring_required = MAP_WIRING_REQUIRED
    }
    vm_object {
        Lock, ref_count;
        paging_in_progress = OBJECT_PAGING_IN_PROGRESS, pager_created = OBJECT_PAGER_CREATED
    }
}
#[cfg(not(feature = "callers"))]
record! { NAMES_OF_CALLERS, ROWS_OF_CALLERS: }
#[cfg(all(feature = "callers", size_none))]
record! { NAMES_OF_NONE, ROWS_OF_NONE: vm_map { size_none } }
#[cfg(not(all(feature = "callers", size_none)))]
record! { NAMES_OF_NONE, ROWS_OF_NONE: }

#[cfg(feature = "sound")]
use crate::bindings::vm_page;
#[cfg(feature = "sound")]
record! { NAMES_OF_SOUND, ROWS_OF_SOUND:
    vm_object { shadow, shadow_offset, copy, resident_page_count; internal = OBJECT_INTERNAL }
    vm_page {
        object, offset, phys_addr;
        wire_count = PAGE_WIRE_COUNT, busy = PAGE_BUSY, wanted = PAGE_WANTED,
        absent = PAGE_ABSENT, error = PAGE_ERROR
    }
}
#[cfg(not(feature = "sound"))]
record! { NAMES_OF_SOUND, ROWS_OF_SOUND: }

const ALL_NAMES: [&[u8]; 4] = [
    NAMES.as_bytes(),
    NAMES_OF_CALLERS.as_bytes(),
    NAMES_OF_NONE.as_bytes(),
    NAMES_OF_SOUND.as_bytes(),
];
const ALL_ROWS: [&[Row]; 4] = [ROWS, ROWS_OF_CALLERS, ROWS_OF_NONE, ROWS_OF_SOUND];

/// What all the lists have together.
const fn length<T>(lists: &[&[T]]) -> usize {
    let (mut list, mut all) = (0, 0);
    while list < lists.len() {
        all += lists[list].len();
        list += 1;
    }
    all
}

/// One list behind another. `N` is their length; `empty` is nowhere in the result.
const fn join<T: Copy, const N: usize>(lists: &[&[T]], empty: T) -> [T; N] {
    let mut joined = [empty; N];
    let (mut list, mut at, mut to) = (0, 0, 0);
    while list < lists.len() {
        if at == lists[list].len() {
            (list, at) = (list + 1, 0);
        } else {
            joined[to] = lists[list][at];
            (at, to) = (at + 1, to + 1);
        }
    }
    assert!(to == N, "something is missing");
    joined
}

#[used]
#[link_section = ".gnumach_layout.names"]
static RECORDED_NAMES: [u8; length(&ALL_NAMES)] = join(&ALL_NAMES, 0);

#[used]
#[link_section = ".gnumach_layout.values"]
static RECORDED_VALUES: [Row; length(&ALL_ROWS)] = join(&ALL_ROWS, Row(0, 0));

const SIGNATURES: usize = include_bytes!(concat!(env!("OUT_DIR"), "/signatures.txt")).len();

#[used]
#[link_section = ".gnumach_layout.signatures"]
static RECORDED_SIGNATURES: [u8; SIGNATURES] =
    *include_bytes!(concat!(env!("OUT_DIR"), "/signatures.txt"));
