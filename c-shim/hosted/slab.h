/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests need of the slab allocator beyond <kern/slab.h>. */
#ifndef C_SHIM_SLAB_H
#define C_SHIM_SLAB_H

#include <stdbool.h>

#include <vm/vm_map.h>

/* A fresh entry, all bytes 0xa5: nobody may count on zeroes. */
extern vm_map_entry_t entry_alloc(void);
extern bool entry_is_live(const struct vm_map_entry *entry);
extern unsigned int entries_live(void);

/* Off by default, so that a freed entry's memory faults for ever. */
extern void entries_reuse(bool newest_first);

/* Turns accesses to freed entries into a report that names the entry. */
extern void entries_catch_misuse(void);

#endif /* C_SHIM_SLAB_H */
