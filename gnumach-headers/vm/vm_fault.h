/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_FAULT_H
#define GNUMACH_VM_VM_FAULT_H

#include <vm/vm_map.h>

/* Faults in and wires, or unwires, every page of an entry. */
extern void vm_fault_wire(vm_map_t map, vm_map_entry_t entry);
extern void vm_fault_unwire(vm_map_t map, vm_map_entry_t entry);

#endif /* GNUMACH_VM_VM_FAULT_H */
