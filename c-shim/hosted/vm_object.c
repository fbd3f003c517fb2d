/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for <vm/vm_object.h>: references, shadow chains, which ranges of
 * which objects may become one, and pages that remember what was written.
 */
#include <stdlib.h>

#include "calls.h"
#include "map.h"
#include "objects.h"
#include "stop.h"

bool object_coalesce_refused;

static vm_object_t all;
static unsigned int last_serial;
static unsigned long last_page;

vm_object_t
objects_first(void)
{
	return all;
}

unsigned int
object_serial(const struct vm_object *object)
{
	return object != NULL ? object->serial : 0;
}

vm_object_t
object_new(vm_size_t size)
{
	vm_object_t object = calloc(1, sizeof *object);

	if (object == NULL)
		abort();
	object->serial = ++last_serial;
	object->ref_count = 1;
	object->size = size;
	object->internal = 1;
	object->next = all;
	all = object;
	return object;
}

void
object_reference(vm_object_t object)
{
	if (object != NULL)
		object->ref_count++;
}

static void
destroy(vm_object_t object)
{
	vm_object_t *link = &all;

	while (object->pages != NULL) {
		struct vm_page *page = object->pages;

		if (page->wire_count != 0)
			kernel_panic("o%u goes away with page %lu wired",
				     object->serial,
				     page->offset / PAGE_BYTES);
		object->pages = page->next;
		free(page);
	}
	while (*link != object)
		link = &(*link)->next;
	*link = object->next;
	free(object);
}

void
object_release(vm_object_t object)
{
	while (object != NULL) {
		vm_object_t shadow = object->shadow;

		if (object->ref_count <= 0)
			kernel_panic("o%u: no reference left to give up",
				     object->serial);
		if (--object->ref_count > 0)
			return;
		destroy(object);
		object = shadow;
	}
}

void
object_hold(vm_object_t object)
{
	object->ref_count++;
	object->held++;
}

void
object_unhold(vm_object_t object)
{
	object->held--;
	object_release(object);
}

struct vm_page *
object_page(vm_object_t object, vm_offset_t offset)
{
	struct vm_page *page = object->pages;

	while (page != NULL && page->offset != offset)
		page = page->next;
	return page;
}

unsigned long
object_next_page(void)
{
	return ++last_page * 4096;
}

struct vm_page *
object_page_make(vm_object_t object, vm_offset_t offset)
{
	struct vm_page *page = object_page(object, offset);

	if (page != NULL)
		return page;
	page = calloc(1, sizeof *page);
	if (page == NULL)
		abort();
	page->object = object;
	page->offset = offset;
	page->phys_addr = object_next_page();
	page->next = object->pages;
	object->pages = page;
	object->resident_page_count++;
	return page;
}

struct vm_page *
object_page_seen(vm_object_t object, vm_offset_t offset)
{
	while (object != NULL) {
		struct vm_page *page = object_page(object, offset);

		if (page != NULL)
			return page;
		offset += object->shadow_offset;
		object = object->shadow;
	}
	return NULL;
}

/* Pages from START to END must not come back when the range is mapped. */
void
object_remove_pages(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	struct vm_page **link = &object->pages;

	while (*link != NULL) {
		struct vm_page *page = *link;

		if (page->offset < start || page->offset >= end) {
			link = &page->next;
			continue;
		}
		if (page->wire_count != 0)
			kernel_panic("o%u: page %lu is wired, yet to be "
				     "dropped", object->serial,
				     page->offset / PAGE_BYTES);
		*link = page->next;
		object->resident_page_count--;
		free(page);
	}
}

/* Shadows that only OBJECT uses become part of it. */
static void
collapse(vm_object_t object)
{
	vm_object_t shadow;

	while ((shadow = object->shadow) != NULL && shadow->ref_count == 1
	       && !shadow->pager_created && shadow->paging_in_progress == 0
	       && object->paging_in_progress == 0) {
		vm_offset_t first = object->shadow_offset;

		for (struct vm_page *page = shadow->pages; page != NULL;
		     page = page->next) {
			struct vm_page *own;

			if (page->offset < first
			    || page->offset - first >= object->size
			    || object_page(object, page->offset - first))
				continue;
			own = object_page_make(object, page->offset - first);
			own->content = page->content;
			own->wire_count = page->wire_count;
			page->wire_count = 0;
		}
		object->shadow = shadow->shadow;
		object->shadow_offset += shadow->shadow_offset;
		shadow->shadow = NULL;
		object_release(shadow);
	}
}

vm_object_t
vm_object_allocate(vm_size_t size)
{
	calls_note(&(struct call) { .kind = CALL_VM_OBJECT_ALLOCATE },
		   "vm_object_allocate %lu", size / PAGE_BYTES);
	return object_new(size);
}

void
vm_object_shadow(vm_object_t *object, vm_offset_t *offset, vm_size_t length)
{
	vm_object_t top;

	calls_note(&(struct call) { .kind = CALL_VM_OBJECT_SHADOW },
		   "vm_object_shadow o%u+%lu %lu", object_serial(*object),
		   *offset / PAGE_BYTES, length / PAGE_BYTES);
	top = object_new(length);
	top->shadow = *object;		/* with the caller's reference */
	top->shadow_offset = *offset;
	*object = top;
	*offset = 0;
}

/* Nobody else could notice if OBJECT covered more. */
static bool
private_to_one_entry(const struct vm_object *object)
{
	return object->ref_count == 1 && object->shadow == NULL
		&& object->copy == NULL && !object->pager_created
		&& !object->used_for_pageout
		&& object->paging_in_progress == 0;
}

boolean_t
vm_object_coalesce(vm_object_t prev_object, vm_object_t next_object,
		   vm_offset_t prev_offset, vm_offset_t next_offset,
		   vm_size_t prev_size, vm_size_t next_size,
		   vm_object_t *merged, vm_offset_t *merged_offset)
{
	calls_note(&(struct call) { .kind = CALL_VM_OBJECT_COALESCE },
		   "vm_object_coalesce o%u+%lu %lu o%u+%lu %lu",
		   object_serial(prev_object), prev_offset / PAGE_BYTES,
		   prev_size / PAGE_BYTES, object_serial(next_object),
		   next_offset / PAGE_BYTES, next_size / PAGE_BYTES);
	if (object_coalesce_refused)
		return 0;

	if (prev_object == NULL && next_object == NULL) {
		*merged = NULL;
		*merged_offset = 0;
		return 1;
	}
	if (prev_object == next_object) {
		if (prev_offset + prev_size != next_offset)
			return 0;
		*merged = prev_object;
		*merged_offset = prev_offset;
		object_release(next_object);	/* two users became one */
		return 1;
	}
	if (prev_object != NULL && next_object != NULL)
		return 0;

	if (prev_object != NULL) {
		vm_offset_t end = prev_offset + prev_size + next_size;

		collapse(prev_object);
		if (!private_to_one_entry(prev_object))
			return 0;
		object_remove_pages(prev_object, prev_offset + prev_size, end);
		if (prev_object->size < end)
			prev_object->size = end;
		*merged = prev_object;
		*merged_offset = prev_offset;
		return 1;
	}
	collapse(next_object);
	if (!private_to_one_entry(next_object) || next_offset < prev_size)
		return 0;
	object_remove_pages(next_object, next_offset - prev_size, next_offset);
	*merged = next_object;
	*merged_offset = next_offset - prev_size;
	return 1;
}
