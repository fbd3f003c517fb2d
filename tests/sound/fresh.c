/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that nobody has touched, and plenty that is free. */
#include "parts.h"

#include "objects.h"

/* Wants to be behind "objects.h". */
#include <vm/vm_page.h>

SUITE(sound_fresh);

static vm_map_t map;

static void
map_with_memory(void)
{
	memory_is_plenty = true;
	map = map_new(USER_MAP, 0, 32);
}

static void
check_wired_once(unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++) {
		CHECK_EQ(wirings(map, page), 1);
		CHECK_EQ(own_page(map, page)->busy, 0);
		CHECK(pmap_is_wired(map->pmap, page));
	}
}

TEST(is_wired_without_a_fault)
{
	map_with_memory();
	map_add(map, 2, 6);
	calls_clear();
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	/* Nor is the lock let go. */
	EXPECT_CALLS("vm_map_lock", "vm_object_allocate 4", "vm_map_unlock");
	CHECK_EQ(faults, 0);
	CHECK_EQ(map->size_wired, AT(4));
	check_wired_once(2, 6);
	CHECK_EQ(vm_page_queue_lock.lock_data, 0);
	CHECK_EQ(map_load(map, 3), 0);
	CHECK_EQ(wire(map, 2, 6, NONE), KERN_SUCCESS);
	CHECK_EQ(own_page(map, 3)->wire_count, 0);
	CHECK(!pmap_is_wired(map->pmap, 3));
}

TEST(is_wired_for_reading)
{
	map_with_memory();
	map_add(map, 2, 4)->protection = READ;
	CHECK_EQ(wire(map, 2, 4, READ), KERN_SUCCESS);
	CHECK_EQ(faults, 0);
	check_wired_once(2, 4);
}

TEST(a_fault_waits_where_memory_is_short)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 4);
	check_wired_once(2, 6);
}

TEST(there_is_none_for_this_page)
{
	map_with_memory();
	no_page_is_free = true;
	map_add(map, 2, 4);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 2);
	check_wired_once(2, 4);
}

/* Touched here and there. */
TEST(what_is_there_stays)
{
	map_with_memory();
	map_add(map, 2, 7);
	map_store(map, 3, 7);
	map_store(map, 5, 8);
	CHECK_EQ(wire(map, 2, 7, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 0);
	check_wired_once(2, 7);
	CHECK_EQ(map_load(map, 3), 7);
	CHECK_EQ(map_load(map, 4), 0);
	CHECK_EQ(map_load(map, 5), 8);
}

TEST(a_busy_page_is_waited_for)
{
	map_with_memory();
	map_add(map, 2, 5);
	map_store(map, 3, 7);
	own_page(map, 3)->busy = 1;
	CHECK_EQ(wire(map, 2, 5, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 1);
	check_wired_once(2, 5);
	CHECK_EQ(map_load(map, 3), 7);
}

TEST(what_a_pager_has_is_left_to_a_fault)
{
	map_with_memory();
	map_add(map, 2, 4);
	map_store(map, 3, 7);
	map_find(map, 2)->object.vm_object->pager_created = 1;
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 1);
	CHECK_EQ(wirings(map, 2), 1);
}

TEST(what_is_not_the_kernels_own_is_left_to_a_fault)
{
	vm_object_t object = object_new(AT(2));

	object->internal = 0;
	map_with_memory();
	map_add_object(map, 2, 4, object, 0);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 2);
}

TEST(what_lies_below_is_not_hidden)
{
	for (int protection = READ; protection <= READ_WRITE; protection += 2) {
		vm_object_t below = object_new(AT(2)), top = object_new(AT(2));

		object_page_make(below, 0)->content = 7;
		top->shadow = below;
		map_with_memory();
		map_add_object(map, 2, 4, top, 0)->protection = protection;
		CHECK_EQ(wire(map, 2, 4, protection), KERN_SUCCESS);
		CHECK_EQ(faults, 2);
		CHECK_EQ(map_load(map, 2), 7);
		CHECK_EQ(map_load(map, 3), 0);
		faults = 0;
	}
}

TEST(an_object_with_a_copy_is_left_to_a_fault)
{
	vm_object_t object = object_new(AT(2)), copy = object_new(AT(2));

	copy->held = 1;
	object->copy = copy;
	map_with_memory();
	map_add_object(map, 2, 4, object, 0);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(wirings(map, 2), 1);
	CHECK_EQ(faults, 2);
}

/* A copy is still to be made: that is wired. */
TEST(what_is_to_be_copied)
{
	vm_object_t object = object_new(AT(1));

	object_page_make(object, 0)->content = 7;
	object_hold(object);
	map_with_memory();
	map_add_object(map, 2, 3, object, 0)->needs_copy = 1;
	CHECK_EQ(wire(map, 2, 3, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->needs_copy, 0);
	CHECK_EQ(object_page(object, 0)->wire_count, 0);
	CHECK_EQ(map_load(map, 2), 7);
}

TEST(what_was_brought_in_is_unwired_if_the_rest_cannot_be_had)
{
	vm_object_t object = object_new(AT(2));

	object->pager_created = 1;
	map_with_memory();
	map_add(map, 2, 4)->inheritance = INHERIT_NONE;
	map_add_object(map, 4, 6, object, 0);
	fault_failing_page = 5;
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_MEMORY_ERROR);
	CHECK_EQ(map->size_wired, 0);
	for (unsigned long page = 2; page < 6; page++) {
		CHECK_EQ(map_find(map, page)->wired_access, NONE);
		CHECK_EQ(wirings(map, page), 0);
		CHECK(!pmap_is_wired(map->pmap, page));
	}
	CHECK(own_page(map, 2) != NULL);
}
