/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_FAULT_H
#define GNUMACH_VM_VM_FAULT_H

#include <vm/vm_map.h>

/* Faults in and wires, or unwires, every page of an entry. */
extern void vm_fault_wire(vm_map_t map, vm_map_entry_t entry);
extern void vm_fault_unwire(vm_map_t map, vm_map_entry_t entry);

typedef void (*vm_fault_continuation_t)(kern_return_t);

/*
 * Brings in the page at an address, and wires or unwires it with
 * CHANGE_WIRING.  An entry that is counted as wired is faulted for all that
 * its protection allows.  The map is not locked.
 */
extern kern_return_t vm_fault(vm_map_t map, vm_offset_t vaddr,
			      vm_prot_t fault_type, boolean_t change_wiring,
			      boolean_t resume,
			      vm_fault_continuation_t continuation);
/*
 * Wires the page at an address of an entry if it is in the entry's own object
 * and nobody is busy with it; else returns KERN_FAILURE, and has not waited.
 * The map is locked.
 */
extern kern_return_t vm_fault_wire_fast(vm_map_t map, vm_offset_t va,
					vm_map_entry_t entry);

#endif /* GNUMACH_VM_VM_FAULT_H */
