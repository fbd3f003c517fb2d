/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages are wired, and unwired without waiting (W5, W8, W10, W13, W14). */
#include "parts.h"

#include "objects.h"

/* Wants to be behind "objects.h". */
#include <vm/vm_page.h>

SUITE(sound_pages);

static vm_map_t map;

TEST(a_busy_page_is_unwired_at_once)
{
	struct vm_page *page;

	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	page = own_page(map, 2);
	page->busy = 1;
	page->wanted = 1;
	faults = 0;
	CHECK_EQ(wire(map, 2, 4, NONE), KERN_SUCCESS);
	CHECK_EQ(faults, 0);
	CHECK_EQ(page->wire_count, 0);
	/* Who made it busy wakes whoever waits. */
	CHECK_EQ(page->busy, 1);
	CHECK_EQ(page->wanted, 1);
}

TEST(a_busy_page_is_waited_for_without_the_lock)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	map_store(map, 2, 7);
	own_page(map, 2)->busy = 1;
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(wirings(map, 2), 1);
	CHECK_EQ(map_load(map, 2), 7);
}

TEST(the_last_wiring_wakes_who_waits_for_the_page)
{
	struct vm_page *page;

	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 3);
	CHECK_EQ(wire(map, 2, 3, READ_WRITE), KERN_SUCCESS);
	page = own_page(map, 2);
	page->wanted = 1;
	page->wire_count++;	/* another map's */
	CHECK_EQ(vm_map_pageable(map, AT(2), AT(3), NONE, 1, 1),
		 KERN_SUCCESS);
	CHECK_EQ(page->wanted, 1);
	map_find(map, 2)->wired_count = 1;
	map->size_wired = AT(1);
	calls_clear();
	CHECK_EQ(wire(map, 2, 3, NONE), KERN_SUCCESS);
	CHECK_EQ(page->wanted, 0);
	EXPECT_CALLS("vm_map_lock", "thread_wakeup_prim 0 0",
		     "vm_map_unlock");
}

TEST(a_page_below_is_wired_for_reading)
{
	vm_object_t below = object_new(AT(4)), top = object_new(AT(2));

	object_page_make(below, AT(1))->content = 7;
	object_page_make(below, AT(2))->content = 8;
	top->shadow = below;
	top->shadow_offset = AT(1);
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, top, 0)->protection = READ;
	CHECK_EQ(wire(map, 2, 4, READ), KERN_SUCCESS);
	CHECK_EQ(object_page(below, AT(1))->wire_count, 1);
	CHECK(object_page(top, 0) == NULL);
	CHECK(pmap_is_wired(map->pmap, 2));
	CHECK_EQ(wire(map, 2, 4, NONE), KERN_SUCCESS);
	CHECK_EQ(object_page(below, AT(1))->wire_count, 0);
	CHECK(!pmap_is_wired(map->pmap, 2));
}

TEST(a_page_below_is_copied_to_be_wired_for_writing)
{
	vm_object_t below = object_new(AT(2)), top = object_new(AT(2));

	object_page_make(below, 0)->content = 7;
	top->shadow = below;
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, top, 0);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(object_page(below, 0)->wire_count, 0);
	CHECK_EQ(wirings(map, 2), 1);
	CHECK_EQ(map_load(map, 2), 7);
}

/* vm_fault_wire_fast gives up on such: what a fault has mapped is wired. */
TEST(a_page_of_an_object_with_a_copy)
{
	vm_object_t object = object_new(AT(2)), copy = object_new(AT(2));

	copy->held = 1;
	object->copy = copy;
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 0);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(wirings(map, 2), 1);
	CHECK_EQ(faults, 2);
}

/* Upstream counts the second page, and does not fault it in. */
TEST(an_entry_across_the_end_is_wired_wholly_or_not)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 5);
	wire(map, 3, 4, READ_WRITE);
	protect(map, 3, 4, NONE, 0);
	CHECK_EQ(map->size_wired, 0);
	protect(map, 3, 4, READ_WRITE, 0);
	CHECK_EQ(map->size_wired, AT(1));
	CHECK_EQ(wirings(map, 3), 1);
	CHECK_EQ(wirings(map, 4), 0);
	CHECK_EQ(wire(map, 2, 5, NONE), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
}

/* As the kernel makes them in its own map. */
TEST(what_was_never_counted_takes_nothing_from_the_sum)
{
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 4);
	entry = map_add(map, 6, 10);
	CHECK_EQ(wire(map, 2, 10, READ), KERN_NO_SPACE);
	CHECK_EQ(wire(map, 6, 10, READ_WRITE), KERN_SUCCESS);
	map->size_wired = 0;
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(wire(map, 6, 10, NONE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
}

/* F2: upstream wires the old page, and the store makes another. */
TEST(a_copy_is_made_before_a_wired_page_can_be_stored_to)
{
	vm_object_t object = object_new(AT(1));

	object_page_make(object, 0)->content = 7;
	object_hold(object);	/* the copy that is still to be made */
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 3, object, 0)->needs_copy = 1;
	protect(map, 2, 3, READ, 0);
	CHECK_EQ(wire(map, 2, 3, READ), KERN_SUCCESS);
	CHECK_EQ(object_page(object, 0)->wire_count, 1);
	CHECK_EQ(protect(map, 2, 3, READ_WRITE, 0), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->needs_copy, 0);
	CHECK_EQ(object_page(object, 0)->wire_count, 0);
	CHECK_EQ(wirings(map, 2), 1);
	map_store(map, 2, 8);
	CHECK_EQ(object_page(object, 0)->content, 7);
	CHECK_EQ(wire(map, 2, 3, NONE), KERN_SUCCESS);
}

TEST(a_deleted_range_leaves_no_wiring)
{
	vm_object_t object = object_new(AT(4));

	object_hold(object);
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 6, object, 0);
	CHECK_EQ(wire(map, 2, 6, READ), KERN_SUCCESS);
	object_page(object, AT(1))->busy = 1;
	CHECK_EQ(unmap(map, 3, 5), KERN_SUCCESS);
	CHECK_EQ(object_page(object, AT(1))->wire_count, 0);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(unmap(map, 0, 32), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
}

static void
count_locks(const struct call *call)
{
	if (call->kind == CALL_VM_MAP_LOCK)
		faults++;
}

TEST(projected_buffers_are_looked_for_under_the_lock)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->inheritance = INHERIT_NONE;
	map_add(map, 4, 6)->projected_on = map_find(map, 2);
	call_hook = count_locks;
	CHECK(!projected_buffer_in_range(map, AT(2), AT(4) - 1));
	CHECK(projected_buffer_in_range(map, AT(2), AT(4)));
	CHECK(projected_buffer_in_range(map, AT(5), AT(6)));
	CHECK(!projected_buffer_in_range(map, AT(6), AT(9)));
	CHECK(projected_buffer_in_range(map, AT(0), ~0UL));
	CHECK_EQ(faults, 5);
	CHECK_EQ(map_lock_state(map), UNLOCKED);
	CHECK(!projected_buffer_in_range(NULL, 0, AT(9)));
	kernel_map = map;
	CHECK(!projected_buffer_in_range(map, AT(2), AT(6)));
}

/* Mapped for reading from below, and then to be stored to. */
TEST(a_page_below_that_is_mapped_is_not_wired_for_writing)
{
	vm_object_t below = object_new(AT(2)), top = object_new(AT(2));

	object_page_make(below, 0)->content = 7;
	top->shadow = below;
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, top, 0)->protection = READ;
	CHECK_EQ(wire(map, 2, 4, READ), KERN_SUCCESS);
	CHECK_EQ(wire(map, 2, 4, NONE), KERN_SUCCESS);
	CHECK_EQ(protect(map, 2, 4, READ_WRITE, 0), KERN_SUCCESS);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(object_page(below, 0)->wire_count, 0);
	CHECK_EQ(wirings(map, 2), 1);
}

/* As a fault leaves its object while it looks further down, and comes back. */
static vm_object_t
object_with_a_busy_page(struct vm_page **page)
{
	vm_object_t object = object_new(AT(4));

	object_page_make(object, AT(3));
	*page = object_page_make(object, AT(1));
	(*page)->busy = 1;
	(*page)->wanted = 1;
	object->Lock.lock_data = 1;
	calls_clear();
	return object;
}

TEST(a_page_with_memory_takes_the_place_of_one_that_is_waited_for)
{
	struct vm_page *page, *old;
	vm_object_t object = object_with_a_busy_page(&page);

	old = page;
	CHECK(vm_page_convert(&page));
	CHECK(page != old);
	CHECK(object_page(object, AT(1)) == page);
	CHECK_EQ(page->busy, 1);
	CHECK_EQ(page->wanted, 0);
	CHECK_EQ(object->Lock.lock_data, 1);
	CHECK_EQ(vm_page_queue_lock.lock_data, 0);
	/* Who waits looks again, and waits for the new one. */
	EXPECT_CALLS("thread_wakeup_prim 0 0");
}

TEST(there_is_no_memory_for_a_page)
{
	struct vm_page *page, *old;
	vm_object_t object = object_with_a_busy_page(&page);

	old = page;
	no_page_is_free = true;
	CHECK(!vm_page_convert(&page));
	CHECK(page == old);
	CHECK(object_page(object, AT(1)) == old);
	CHECK_EQ(old->wanted, 1);
	CHECK_EQ(object->Lock.lock_data, 1);
	EXPECT_CALLS();
}
