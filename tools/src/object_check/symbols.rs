// SPDX-License-Identifier: GPL-2.0-or-later
//! What the object may name, and which data it may hold.

use super::image::{Image, Target};

/// The kernel's functions and data that the two functions use: nothing else may be undefined.
pub const ALLOWED: [&str; 16] = [
    "Assert",
    "kernel_pmap",
    "kmem_cache_free",
    "lock_clear_recursive",
    "lock_set_recursive",
    "lock_write_to_read",
    "rbtree_insert_rebalance",
    "rbtree_remove",
    "vm_fault_unwire",
    "vm_fault_wire",
    "vm_map_entry_cache",
    "vm_map_lock",
    "vm_map_unlock",
    "vm_object_allocate",
    "vm_object_coalesce",
    "vm_object_shadow",
];

/// What the feature `callers` adds, for an object that defines those.
pub const ALLOWED_TO_CALLERS: [&str; 19] = [
    "Panic",
    "assert_wait",
    "kernel_map",
    "kernel_object",
    "kernel_virtual_end",
    "kernel_virtual_start",
    "kmem_cache_alloc",
    "pmap_protect",
    "pmap_remove",
    "rbtree_firstlast",
    "thread_block",
    "thread_wakeup_prim",
    "vm_map_deallocate",
    "vm_map_lookup_entry",
    "vm_map_reference",
    "vm_object_deallocate",
    "vm_object_page_remove",
    "vm_object_pmap_remove",
    "vm_object_reference",
];

/// What the feature `sound` adds.
pub const ALLOWED_TO_SOUND: [&str; 17] = [
    "pmap_change_wiring",
    "pmap_clear_modify",
    "pmap_extract",
    "pmap_pte",
    "vm_fault",
    "vm_fault_wire_fast",
    "vm_page_free",
    "vm_page_grab",
    "vm_page_insert",
    "vm_page_lookup",
    "vm_page_mem_free",
    "vm_page_queue_lock",
    "vm_page_remove",
    "vm_page_table_size",
    "vm_page_unwire",
    "vm_page_wire",
    "vm_page_zero_fill",
];

/// By which an object with that feature is known.
const SOUND: &str = "vm_map_rust_sound";

/// Those of them that never return: what follows a call of one is not reached.
pub const NEVER_RETURN: [&str; 2] = ["Assert", "Panic"];

/// The one writable object that is allowed: what `--features counters` adds.
const COUNTERS: &str = "vm_map_rust_counters";

/// Parts of symbol names that show what must not be there, and why.
const FORBIDDEN_PARTS: [(&str, &str); 12] = [
    ("panicking", "panic code"),
    ("panic_fmt", "panic code"),
    ("panic_bounds", "panic code"),
    ("rust_begin_unwind", "panic code"),
    ("rust_panic", "panic code"),
    ("rust_eh_personality", "unwinding"),
    ("_Unwind_", "unwinding"),
    ("__rust_alloc", "allocation"),
    ("__rust_dealloc", "allocation"),
    ("__rust_realloc", "allocation"),
    ("__rdl_", "allocation"),
    ("__rg_", "allocation"),
];

/// Whole names that a compiler calls behind one's back, and the C allocator's.
const FORBIDDEN_NAMES: [(&str, &str); 11] = [
    ("memcpy", "a memory routine"),
    ("memmove", "a memory routine"),
    ("memset", "a memory routine"),
    ("memcmp", "a memory routine"),
    ("bcmp", "a memory routine"),
    ("strlen", "a memory routine"),
    ("malloc", "allocation"),
    ("calloc", "allocation"),
    ("realloc", "allocation"),
    ("free", "allocation"),
    ("kmem_cache_alloc", "allocation"),
];

pub fn violations(image: &Image) -> Vec<String> {
    let mut lines = Vec::new();
    let callers = super::has_callers(image);
    let sound = image.symbols.iter().any(|s| s.name == SOUND && !s.is_undefined);
    for symbol in &image.symbols {
        let name = symbol.name.as_str();
        let for_callers = callers && ALLOWED_TO_CALLERS.contains(&name)
            || sound && ALLOWED_TO_SOUND.contains(&name);
        if let Some(why) = forbidden(name).filter(|_| !for_callers) {
            lines.push(format!("symbol {name}: {why}"));
        } else if symbol.is_undefined && !ALLOWED.contains(&name) && !for_callers {
            lines.push(format!("undefined symbol {name}: not on the list of what may be called"));
        }
        if symbol.is_common {
            lines.push(format!("symbol {name}: writable data (common)"));
        }
    }
    for (index, section) in &image.sections {
        let name = section.name.as_str();
        if section.data.starts_with(b"BC\xc0\xde") || name.contains("llvmbc") || name == ".llvmcmd"
        {
            lines.push(format!("section {name}: bitcode"));
        }
        if name.contains("gcc_except_table") {
            lines.push(format!("section {name}: unwinding"));
        }
        if name.contains("eh_frame") {
            // Only a personality routine makes unwind data refer to anything but code.
            for reference in section.references.values() {
                let to_code = match &reference.target {
                    Target::Outside(_) => false,
                    Target::Inside(place) => {
                        image.sections.get(&place.0).is_some_and(|s| s.is_text)
                    }
                };
                if !to_code {
                    lines.push(format!("section {name}: unwinding with a personality routine"));
                }
            }
        }
        let is_counters = || {
            image
                .symbols
                .iter()
                .any(|s| s.name == COUNTERS && s.place == (*index, 0) && s.size >= section.size)
        };
        if section.is_writable && section.size > 0 && !is_counters() {
            lines.push(format!(
                "section {name}: {} bytes of writable data other than {COUNTERS}",
                section.size
            ));
        }
    }
    lines.sort();
    lines
}

fn forbidden(name: &str) -> Option<&'static str> {
    let part = FORBIDDEN_PARTS.iter().find(|(part, _)| name.contains(part));
    let whole = FORBIDDEN_NAMES.iter().find(|(whole, _)| name == *whole);
    part.or(whole).map(|(_, why)| *why)
}
