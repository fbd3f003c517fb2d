/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for <vm/vm_fault.h>.  A wiring fault looks its page up in the map
 * under a read lock of its own, which is what makes a wrong lock state show:
 * a map still locked for writing is a deadlock, one that is not recursive is
 * one as soon as a writer waits.
 */
#include "calls.h"
#include "faults.h"
#include "objects.h"
#include "slab.h"
#include "stop.h"
#include "threads.h"

unsigned long fault_failing_page = NO_PAGE;
unsigned int fault_pages_missing;

static void
require_live(vm_map_entry_t entry, const char *caller)
{
	if (!entry_is_live(entry))
		kernel_panic("%s: %p is not a live entry", caller,
			     (void *) entry);
}

static void
wire_page(vm_map_t map, vm_offset_t address)
{
	vm_map_entry_t entry;
	struct vm_page *page;
	vm_offset_t offset;

	calls_note(&(struct call) { CALL_VM_FAULT_WIRE_PAGE, map, NULL,
				    address }, NULL);
	lock_read(&map->lock);
	entry = map_find(map, address / PAGE_BYTES);
	if (entry == NULL || entry->object.vm_object == NULL
	    || address / PAGE_BYTES == fault_failing_page) {
		fault_pages_missing++;
	} else if (!entry->is_sub_map) {
		offset = entry->offset + address - entry->links.start;
		page = object_page_seen(entry->object.vm_object, offset);
		if (page == NULL)
			page = object_page_make(entry->object.vm_object,
						offset);
		page->wire_count++;
	}
	lock_done(&map->lock);
}

void
vm_fault_wire(vm_map_t map, vm_map_entry_t entry)
{
	struct thread *thread = current_thread();
	vm_offset_t start, end;

	require_live(entry, "vm_fault_wire");
	calls_note(&(struct call) { CALL_VM_FAULT_WIRE, map, entry, 0 },
		   "vm_fault_wire " ENTRY_FORMAT, ENTRY_PAGES(entry));
	if (lock_held(thread, &map->lock, HOLD_WRITE))
		kernel_panic("vm_fault_wire: the map is locked for writing");
	if (map->pmap == kernel_pmap) {
		if (lock_held(thread, &map->lock, HOLD_READ))
			kernel_panic("vm_fault_wire: the kernel map is locked");
		if (!entry->in_transition)
			kernel_panic("vm_fault_wire: " ENTRY_FORMAT
				     " is not in transition",
				     ENTRY_PAGES(entry));
	} else if (!lock_held(thread, &map->lock, HOLD_READ)) {
		kernel_panic("vm_fault_wire: the user map is not locked");
	} else if (map->lock.thread != thread) {
		kernel_panic("vm_fault_wire: the lock is not recursive");
	}

	start = entry->links.start;
	end = entry->links.end;
	for (vm_offset_t address = start; address < end;
	     address += PAGE_BYTES)
		wire_page(map, address);
}

void
vm_fault_unwire(vm_map_t map, vm_map_entry_t entry)
{
	require_live(entry, "vm_fault_unwire");
	calls_note(&(struct call) { CALL_VM_FAULT_UNWIRE, map, entry, 0 },
		   "vm_fault_unwire " ENTRY_FORMAT " count %u, %lu wired",
		   ENTRY_PAGES(entry), entry->wired_count,
		   map->size_wired / PAGE_BYTES);
	if (!lock_held(current_thread(), &map->lock, HOLD_WRITE))
		kernel_panic("vm_fault_unwire without the write lock");
	if (entry->is_sub_map)
		return;
	for (vm_offset_t at = 0; at < entry_bytes(entry); at += PAGE_BYTES) {
		struct vm_page *page = object_page_seen(entry->object.vm_object,
						     entry->offset + at);

		if (page == NULL || page->wire_count == 0)
			kernel_panic("vm_fault_unwire: page %lu is not wired",
				     (entry->links.start + at) / PAGE_BYTES);
		page->wire_count--;
	}
}

void
map_store(vm_map_t map, unsigned long page_number, unsigned long content)
{
	vm_map_entry_t entry = map_find(map, page_number);
	vm_offset_t offset;
	struct vm_page *seen, *own;

	if (entry == NULL || !(entry->protection & VM_PROT_WRITE))
		kernel_panic("map_store: page %lu may not be written",
			     page_number);
	if (entry->needs_copy) {
		vm_object_t top = object_new(entry_bytes(entry));

		top->shadow = entry->object.vm_object;
		top->shadow_offset = entry->offset;
		entry->object.vm_object = top;
		entry->offset = 0;
		entry->needs_copy = 0;
	} else if (entry->object.vm_object == NULL) {
		entry->object.vm_object = object_new(entry_bytes(entry));
		entry->offset = 0;
	}
	offset = entry->offset + page_number * PAGE_BYTES
		- entry->links.start;
	seen = object_page_seen(entry->object.vm_object, offset);
	own = object_page_make(entry->object.vm_object, offset);
	if (seen != own && seen != NULL && entry->wired_count != 0) {
		seen->wire_count--;
		own->wire_count++;
	}
	own->content = content;
}

unsigned long
map_load(vm_map_t map, unsigned long page_number)
{
	vm_map_entry_t entry = map_find(map, page_number);
	struct vm_page *page;

	if (entry == NULL)
		kernel_panic("map_load: page %lu is not mapped", page_number);
	page = object_page_seen(entry->object.vm_object, entry->offset
				+ page_number * PAGE_BYTES
				- entry->links.start);
	return page != NULL ? page->content : 0;
}
