/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VM_MAP_RUST_KERN_LOCK_H
#define VM_MAP_RUST_KERN_LOCK_H

#include <vm/vm_map.h>

/* The spin lock around a map's hint; nothing on a kernel for one CPU. */
extern void shim_hint_lock(vm_map_t map);
extern void shim_hint_unlock(vm_map_t map);

#ifdef VM_MAP_RUST_CALLERS
#include <vm/vm_object.h>

extern void shim_object_lock(vm_object_t object);
extern void shim_object_unlock(vm_object_t object);
#endif

#ifdef VM_MAP_RUST_SOUND
/* The lock of the lists of pages. */
extern void shim_page_queues_lock(void);
extern void shim_page_queues_unlock(void);
#endif

#endif /* VM_MAP_RUST_KERN_LOCK_H */
