/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_SLAB_H
#define GNUMACH_KERN_SLAB_H

#include <mach/vm_types.h>

struct kmem_cache;

extern void kmem_cache_free(struct kmem_cache *cache, vm_offset_t obj);

/* Null if there is no memory; may sleep. */
extern vm_offset_t kmem_cache_alloc(struct kmem_cache *cache);

#endif /* GNUMACH_KERN_SLAB_H */
