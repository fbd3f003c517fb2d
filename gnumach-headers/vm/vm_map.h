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

#endif /* GNUMACH_VM_VM_MAP_H */
