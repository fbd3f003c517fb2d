/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_PMAP_H
#define GNUMACH_VM_PMAP_H

#include <mach/vm_types.h>
#include <structs.h>

typedef struct pmap *pmap_t;

/* The kernel map's; submaps of the kernel map share it. */
extern pmap_t kernel_pmap;

/* The kernel's part of the address space. */
extern vm_offset_t kernel_virtual_start;
extern vm_offset_t kernel_virtual_end;

extern void pmap_remove(pmap_t pmap, vm_offset_t start, vm_offset_t end);
extern void pmap_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end,
			 vm_prot_t protection);

#endif /* GNUMACH_VM_PMAP_H */
