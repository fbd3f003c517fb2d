/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's functions that only the callers of the two functions use. */
#include <stdarg.h>
#include <stdio.h>

#include <kern/debug.h>
#include <kern/sched_prim.h>
#include <vm/vm_kern.h>

#include "calls.h"
#include "kernel.h"
#include "map.h"
#include "objects.h"
#include "rbtrees.h"
#include "slab.h"
#include "stop.h"
#include "threads.h"

vm_map_t kernel_map;
vm_object_t kernel_object;
vm_offset_t kernel_virtual_start;
vm_offset_t kernel_virtual_end = ~0UL;

unsigned int entries_left = ~0U;

void
Panic(const char *file, int line, const char *fun, const char *s, ...)
{
	char text[128];
	va_list arguments;

	(void) file;
	(void) line;
	va_start(arguments, s);
	vsnprintf(text, sizeof text, s, arguments);
	va_end(arguments);
	kernel_panic("%s: %s", fun, text);
}

vm_offset_t
kmem_cache_alloc(struct kmem_cache *cache)
{
	if (cache != &vm_map_entry_cache)
		kernel_panic("kmem_cache_alloc: not vm_map_entry_cache");
	if (entries_left == 0)
		return 0;
	entries_left--;
	return (vm_offset_t) entry_alloc();
}

/* The hint moves in any case, and is not asked. */
boolean_t
vm_map_lookup_entry(vm_map_t map, vm_offset_t address, vm_map_entry_t *entry)
{
	vm_map_entry_t at = map->hdr.links.next, before = map_header(map);

	while (at != map_header(map) && at->links.start <= address) {
		before = at;
		at = at->links.next;
	}
	*entry = before;
	map->hint = before;
	return before != map_header(map) && address < before->links.end;
}

struct rbtree_node *
rbtree_firstlast(const struct rbtree *tree, int direction)
{
	struct rbtree_node *node = tree->root;

	while (node != NULL && node->children[direction] != NULL)
		node = node->children[direction];
	return node;
}

void
vm_object_reference(vm_object_t object)
{
	object_reference(object);
}

void
vm_object_deallocate(vm_object_t object)
{
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "vm_object_deallocate o%u", object_serial(object));
	object_release(object);
}

void
vm_object_page_remove(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	if (object->Lock.lock_data == 0)
		kernel_panic("vm_object_page_remove: o%u is not locked",
			     object->serial);
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "vm_object_page_remove o%u %lu %lu", object->serial,
		   start / PAGE_BYTES, end / PAGE_BYTES);
	object_remove_pages(object, start, end);
}

void
vm_object_pmap_remove(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "vm_object_pmap_remove o%u %lu %lu", object->serial,
		   start / PAGE_BYTES, end / PAGE_BYTES);
}

void
pmap_remove(pmap_t pmap, vm_offset_t start, vm_offset_t end)
{
	(void) pmap;
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "pmap_remove %lu %lu", start / PAGE_BYTES,
		   end / PAGE_BYTES);
}

void
pmap_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end,
	     vm_prot_t protection)
{
	(void) pmap;
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "pmap_protect %lu %lu %d", start / PAGE_BYTES,
		   end / PAGE_BYTES, protection);
}

void
vm_map_reference(vm_map_t map)
{
	map->ref_count++;
}

void
vm_map_deallocate(vm_map_t map)
{
	map->ref_count--;
}

void
assert_wait(event_t event, boolean_t interruptible)
{
	(void) event;
	(void) interruptible;
	calls_note(&(struct call) { .kind = CALL_OTHER }, "assert_wait");
}

/* Others run: the call hook is they. */
void
thread_block(continuation_t continuation)
{
	if (continuation != NULL)
		kernel_panic("thread_block: with a continuation");
	if (current_thread()->hold_count != 0)
		kernel_panic("thread_block with a lock held");
	calls_note(&(struct call) { .kind = CALL_THREAD_BLOCK },
		   "thread_block");
}

boolean_t
thread_wakeup_prim(event_t event, boolean_t one_thread, int result)
{
	(void) event;
	calls_note(&(struct call) { .kind = CALL_OTHER },
		   "thread_wakeup_prim %d %d", one_thread, result);
	return 1;
}
