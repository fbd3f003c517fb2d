/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spin locks are macros that depend on the number of CPUs and on debugging. */
#include <kern/lock.h>

#include "kern_lock.h"

void shim_hint_lock(vm_map_t map)
{
	simple_lock(&map->hint_lock);
}

void shim_hint_unlock(vm_map_t map)
{
	simple_unlock(&map->hint_lock);
}

#ifdef VM_MAP_RUST_CALLERS
void shim_object_lock(vm_object_t object)
{
	vm_object_lock(object);
}

void shim_object_unlock(vm_object_t object)
{
	vm_object_unlock(object);
}
#endif

#ifdef VM_MAP_RUST_SOUND
#include <vm/vm_page.h>

void shim_page_queues_lock(void)
{
	vm_page_lock_queues();
}

void shim_page_queues_unlock(void)
{
	vm_page_unlock_queues();
}
#endif
