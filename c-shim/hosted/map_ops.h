/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What callers do with the two functions, in miniature.  Those named after a
 * function run just that, with every check that holds of it alone; the
 * others do what the kernel's calls of that kind do: lock the map, clip, set
 * fields, coalesce, scan, unlock, and check the map.
 */
#ifndef C_SHIM_MAP_OPS_H
#define C_SHIM_MAP_OPS_H

#include "map.h"

enum lock_state { UNLOCKED, READ_LOCKED, WRITE_LOCKED };

extern enum lock_state map_lock_state(vm_map_t map);
extern const char *lock_state_name(enum lock_state state);

/*
 * vm_map_pageable_scan of a map that is locked for writing, up to page END.
 * The log then holds the calls of this scan alone.  Leaves the lock as the
 * scan did, which it also returns.
 */
extern enum lock_state scan(vm_map_t map, vm_map_entry_t start_entry,
			    unsigned long end);
/* The same with the locking around it. */
extern void locked_scan(vm_map_t map, vm_map_entry_t start_entry,
			unsigned long end);

/* vm_map_coalesce_entry of a map that is locked for writing. */
extern boolean_t coalesce(vm_map_t map, vm_map_entry_t entry);
extern boolean_t locked_coalesce(vm_map_t map, vm_map_entry_t entry);

/* Told what the functions were about to do, and did: for reference models. */
struct map_observer {
	void (*merged)(unsigned long prev_first, unsigned long first,
		       unsigned long end);
	void (*scanned)(unsigned long first, unsigned long end);
};
extern struct map_observer map_observer;

/* Access NONE unwires. */
extern void map_wire(vm_map_t map, unsigned long first, unsigned long end,
		     vm_prot_t access);
extern void map_protect(vm_map_t map, unsigned long first, unsigned long end,
			vm_prot_t protection);
extern void map_inherit(vm_map_t map, unsigned long first, unsigned long end,
			vm_inherit_t inheritance);
extern void map_allocate(vm_map_t map, unsigned long first,
			 unsigned long end);
extern void map_deallocate(vm_map_t map, unsigned long first,
			   unsigned long end);

#endif /* C_SHIM_MAP_OPS_H */
