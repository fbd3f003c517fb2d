/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINI_VM_MAP_H
#define MINI_VM_MAP_H

#include_next <vm/vm_map.h>

extern boolean_t vm_map_coalesce_entry(vm_map_t map, vm_map_entry_t entry);
extern boolean_t vm_map_simplify(vm_map_t map, vm_map_entry_t entry);
extern void vm_map_wire(vm_map_t map, vm_map_entry_t entry);
extern int vm_map_last(void);

#endif /* MINI_VM_MAP_H */
