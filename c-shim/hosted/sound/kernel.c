/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's functions that only `sound` uses: faults that do not wire, and
 * the wiring of pages that are there.
 */
#include <stdlib.h>

#include <kern/assert.h>
#include <kern/sched_prim.h>
#include <mach/kern_return.h>
#include <vm/vm_fault.h>

#include "calls.h"
#include "faults.h"
#include "map.h"
#include "map_ops.h"
#include "objects.h"
#include "stop.h"
#include "threads.h"

/* <vm/vm_page.h> wants to be behind "objects.h". */
#include <vm/vm_page.h>

#include "sound.h"

struct slock vm_page_queue_lock;

vm_offset_t fault_in_vain;
unsigned int faults;
bool no_page_is_free;
bool memory_is_plenty;

vm_page_t
vm_page_lookup(vm_object_t object, vm_offset_t offset)
{
	if (object->Lock.lock_data == 0)
		kernel_panic("vm_page_lookup: o%u is not locked",
			     object->serial);
	return object_page(object, offset);
}

static void
require_locks(const struct vm_page *page, const char *caller)
{
	if (page->object->Lock.lock_data == 0)
		kernel_panic("%s: o%u is not locked", caller,
			     page->object->serial);
	if (vm_page_queue_lock.lock_data == 0)
		kernel_panic("%s: the queues are not locked", caller);
}

void
vm_page_wire(vm_page_t page)
{
	require_locks(page, "vm_page_wire");
	page->wire_count++;
}

void
vm_page_unwire(vm_page_t page)
{
	require_locks(page, "vm_page_unwire");
	if (page->wire_count == 0)
		Assert("page->wire_count != 0", __FILE__, __LINE__,
		       "vm_page_unwire");
	page->wire_count--;
}

vm_page_t
vm_page_grab(unsigned int flags)
{
	struct vm_page *page;

	if (flags != VM_PAGE_HIGHMEM)
		kernel_panic("vm_page_grab: not for what a fault fills");
	if (no_page_is_free)
		return NULL;
	page = calloc(1, sizeof *page);
	if (page == NULL)
		abort();
	page->busy = 1;
	page->phys_addr = object_next_page();
	return page;
}

unsigned long
vm_page_mem_free(void)
{
	return memory_is_plenty ? 26 : 25;
}

unsigned long
vm_page_table_size(void)
{
	return 100;
}

void
vm_page_zero_fill(vm_page_t page)
{
	if (page->object != NULL)
		kernel_panic("vm_page_zero_fill: o%u has the page already",
			     page->object->serial);
	page->content = 0;
}

void
pmap_clear_modify(phys_addr_t phys)
{
	(void) phys;
}

void
vm_page_insert(vm_page_t page, vm_object_t object, vm_offset_t offset)
{
	if (object_page(object, offset) != NULL)
		kernel_panic("vm_page_insert: o%u has a page there",
			     object->serial);
	page->object = object;
	page->offset = offset;
	require_locks(page, "vm_page_insert");
	/* What is inserted are zeros, to wire or to store to. */
	if (object_page_seen(object, offset) != NULL)
		kernel_panic("vm_page_insert: zeros hide what is below o%u",
			     object->serial);
	if (object->pager_created || !object->internal)
		kernel_panic("vm_page_insert: zeros hide what o%u's pager has",
			     object->serial);
	if (object->copy != NULL)
		kernel_panic("vm_page_insert: o%u's copy gets no page",
			     object->serial);
	page->next = object->pages;
	object->pages = page;
	object->resident_page_count++;
}

void
vm_page_remove(vm_page_t page)
{
	struct vm_page **link = &page->object->pages;

	require_locks(page, "vm_page_remove");
	while (*link != page)
		link = &(*link)->next;
	*link = page->next;
	page->object->resident_page_count--;
}

void
vm_page_free(vm_page_t page)
{
	require_locks(page, "vm_page_free");
	if (object_page(page->object, page->offset) == page)
		vm_page_remove(page);
	if (page->wanted)
		thread_wakeup_prim((event_t) page, 0, THREAD_AWAKENED);
	free(page);
}

kern_return_t
vm_fault_wire_fast(vm_map_t map, vm_offset_t va, vm_map_entry_t entry)
{
	vm_object_t object = entry->object.vm_object;
	struct vm_page *page;

	if (map_lock_state(map) == UNLOCKED)
		kernel_panic("vm_fault_wire_fast: the map is not locked");
	if (entry->is_sub_map)
		return KERN_FAILURE;
	if (object->Lock.lock_data != 0)
		kernel_panic("vm_fault_wire_fast: o%u is locked already",
			     object->serial);
	page = object_page(object, va - entry->links.start + entry->offset);
	if (page == NULL || page->busy || page->absent || page->error)
		return KERN_FAILURE;
	if (object->copy != NULL && (entry->protection & VM_PROT_WRITE))
		return KERN_FAILURE;
	page->wire_count++;
	pmap_enter_page(map->pmap, va, page, entry->protection, 1);
	return KERN_SUCCESS;
}

/* As for a program's access of all kinds that the entry allows. */
static kern_return_t
bring_in(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t entry = map_find(map, va / PAGE_BYTES);
	vm_offset_t offset;
	struct vm_page *seen, *own;

	if (entry == NULL)
		return KERN_INVALID_ADDRESS;
	if (va / PAGE_BYTES == fault_failing_page)
		return KERN_MEMORY_ERROR;
	if (entry->object.vm_object == NULL)
		entry->object.vm_object = object_new(entry_bytes(entry));
	offset = va - entry->links.start + entry->offset;
	seen = object_page_seen(entry->object.vm_object, offset);
	if (seen != NULL && seen->busy)
		seen->busy = 0;		/* waited for */
	if (seen == NULL || ((entry->protection & VM_PROT_WRITE)
			     && entry->wired_count != 0)) {
		own = object_page_make(entry->object.vm_object, offset);
		if (seen != NULL)
			own->content = seen->content;
		seen = own;
	}
	pmap_enter_page(map->pmap, va, seen, entry->wired_count != 0
			? entry->protection : VM_PROT_READ,
			entry->wired_count != 0);
	return KERN_SUCCESS;
}

kern_return_t
vm_fault(vm_map_t map, vm_offset_t vaddr, vm_prot_t fault_type,
	 boolean_t change_wiring, boolean_t resume,
	 vm_fault_continuation_t continuation)
{
	kern_return_t result;

	if (fault_type != VM_PROT_NONE || change_wiring || resume
	    || continuation != NULL)
		kernel_panic("vm_fault: not the fault that sound makes");
	if (current_thread()->hold_count != 0)
		kernel_panic("vm_fault with a lock held");
	faults++;
	calls_note(&(struct call) { CALL_VM_FAULT_WIRE_PAGE, map, NULL,
				    vaddr }, NULL);
	if (fault_in_vain != 0) {
		fault_in_vain--;
		return KERN_SUCCESS;
	}
	lock_read(&map->lock);
	result = bring_in(map, vaddr);
	lock_done(&map->lock);
	return result;
}
