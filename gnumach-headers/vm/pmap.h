/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_PMAP_H
#define GNUMACH_VM_PMAP_H

#include <structs.h>

typedef struct pmap *pmap_t;

/* The kernel map's; submaps of the kernel map share it. */
extern pmap_t kernel_pmap;

#endif /* GNUMACH_VM_PMAP_H */
