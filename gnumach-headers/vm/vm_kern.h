/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_KERN_H
#define GNUMACH_VM_VM_KERN_H

#include <vm/vm_map.h>

extern vm_map_t kernel_map;

/* Whether a projected buffer begins from START up to END, or covers START. */
extern boolean_t projected_buffer_in_range(vm_map_t map, vm_offset_t start,
					   vm_offset_t end);

#endif /* GNUMACH_VM_VM_KERN_H */
