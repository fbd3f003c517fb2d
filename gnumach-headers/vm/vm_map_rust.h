/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two functions that this library implements, for C callers.
 * Include after <vm/vm_map.h>, upstream's or ours.
 *
 * Both require the map's lock held for writing by the current thread, and
 * entries that belong to that map.  Neither frees or keeps the map.
 */
#ifndef GNUMACH_VM_VM_MAP_RUST_H
#define GNUMACH_VM_VM_MAP_RUST_H

/*
 * Brings wiring in line with wired_access and protection, for the entries
 * from START_ENTRY up to END.
 *
 * END		address in bytes; the caller has clipped the range there.
 * START_ENTRY	an entry of the map, or its header (then nothing is done).
 *
 * Lock on return: held for writing if there was nothing to fault in, or if the
 * map's pmap is kernel_pmap (in between it was released, with the entries of
 * the range marked in transition); else held for reading.  vm_map_unlock()
 * suits each.  Entries are neither made nor freed; vm_fault_wire() failing is
 * not reported.  Stops in Assert() if an entry to mark is in transition
 * already, is no longer so when it is unmarked, or has got needs_wakeup.
 */
extern void vm_map_pageable_scan(vm_map_t map, vm_map_entry_t start_entry,
				 vm_offset_t end);

/*
 * Merges ENTRY into the entry before it, if they touch and agree.
 *
 * Returns 1 if merged: ENTRY has been freed to vm_map_entry_cache, and the
 * entry before it covers both; hint and first_free no longer name it.
 * Returns 0 if not: nothing has changed, and ENTRY lives on.
 * The lock stays held for writing.  The map's sizes stay as they are.
 */
extern boolean_t vm_map_coalesce_entry(vm_map_t map, vm_map_entry_t entry);

#endif /* GNUMACH_VM_VM_MAP_RUST_H */
