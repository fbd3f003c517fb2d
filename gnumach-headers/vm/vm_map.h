/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_MAP_H
#define GNUMACH_VM_VM_MAP_H

#include <kern/slab.h>
#include <mach/vm_prot.h>
#include <mach/vm_types.h>
#include <structs.h>

typedef struct vm_map *vm_map_t;
typedef struct vm_map_entry *vm_map_entry_t;

/* Where entries come from and go back to. */
extern struct kmem_cache vm_map_entry_cache;

/* For writing; also vm_privilege of the current thread, and the timestamp. */
extern void vm_map_lock(vm_map_t map);
extern void vm_map_unlock(vm_map_t map);

/*
 * The entry that covers ADDRESS, or if none does the one before it or the
 * header; moves the map's hint.  The map is locked.
 */
extern boolean_t vm_map_lookup_entry(vm_map_t map, vm_offset_t address,
				     vm_map_entry_t *entry);
/* One reference to a map more, or fewer. */
extern void vm_map_reference(vm_map_t map);
extern void vm_map_deallocate(vm_map_t map);

#endif /* GNUMACH_VM_VM_MAP_H */
