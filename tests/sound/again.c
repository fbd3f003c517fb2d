/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wired as is asked for already is counted, and nothing else is done
 * to it; a range that is not so wholly is taken entry by entry.
 */
#include "parts.h"

SUITE(sound_again);

static vm_map_t map;

static void
two_that_are_wired(void)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6)->inheritance = INHERIT_SHARE;
	map_add(map, 6, 10);
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(8));
}

TEST(all_that_is_wired)
{
	two_that_are_wired();
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 2);
	CHECK_EQ(map_find(map, 6)->wired_count, 2);
	CHECK_EQ(map->size_wired, AT(8));
	for (unsigned long page = 2; page < 10; page++)
		CHECK_EQ(wirings(map, page), 1);
	CHECK_EQ(wire(map, 2, 10, NONE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
}

/* The parts that are cut out of shared memory do not grow together again, as
 * upstream's do not. */
TEST(a_part_of_what_is_wired_and_shared)
{
	two_that_are_wired();
	map_find(map, 2)->is_shared = 1;
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 2);
	CHECK_EQ(map_find(map, 4)->wired_count, 1);
	CHECK_EQ(wire(map, 5, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 5)->wired_count, 2);
	CHECK_EQ(map_find(map, 4)->wired_count, 1);
}

TEST(a_hole_between)
{
	two_that_are_wired();
	CHECK_EQ(unmap(map, 5, 6), KERN_SUCCESS);
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
	CHECK_EQ(map_find(map, 6)->wired_count, 1);
}

TEST(a_hole_before)
{
	two_that_are_wired();
	CHECK_EQ(wire(map, 1, 10, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
}

TEST(a_hole_behind)
{
	two_that_are_wired();
	CHECK_EQ(wire(map, 2, 11, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
}

TEST(for_another_access)
{
	two_that_are_wired();
	CHECK_EQ(wire(map, 2, 10, READ), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_access, READ);
	CHECK_EQ(map_find(map, 6)->wired_access, READ);
}

/* It was to be wired, and lost its access before. */
TEST(for_an_access_that_it_lacks)
{
	two_that_are_wired();
	map_find(map, 6)->protection = READ;
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
}

TEST(one_is_asked_for_and_not_wired)
{
	two_that_are_wired();
	CHECK_EQ(protect(map, 6, 10, NONE, 0), KERN_SUCCESS);
	map_find(map, 6)->protection = READ_WRITE;
	CHECK_EQ(map_find(map, 6)->wired_access, READ_WRITE);
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(8));
	CHECK_EQ(wirings(map, 6), 1);
}

static void
end_transition(const struct call *call)
{
	if (call->kind != CALL_THREAD_BLOCK)
		return;
	CHECK_EQ(map_find(map, 6)->needs_wakeup, 1);
	map_find(map, 6)->in_transition = 0;
	map_find(map, 6)->needs_wakeup = 0;
	call_hook = NULL;
}

/* By C, whose marks bear no ticket. */
TEST(one_is_in_transition)
{
	two_that_are_wired();
	map_find(map, 6)->in_transition = 1;
	call_hook = end_transition;
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_SUCCESS);
	CHECK(call_hook == NULL);
	CHECK_EQ(map_find(map, 6)->wired_count, 2);
}

/* A fork has been there since, which leaves what is wired so. */
TEST(one_is_to_be_copied)
{
	two_that_are_wired();
	object_hold(map_find(map, 6)->object.vm_object);
	map_find(map, 6)->needs_copy = 1;
	CHECK_EQ(wire(map, 2, 10, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 6)->needs_copy, 0);
	CHECK_EQ(wirings(map, 6), 1);
	CHECK_EQ(map->size_wired, AT(8));
}
