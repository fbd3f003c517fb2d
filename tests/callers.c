/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two functions as their callers use them: operations on ranges of a map,
 * with every invariant checked after each.
 */
#include "harness.h"

SUITE(callers);

static vm_map_t map;

TEST(wire_and_unwire_a_part)
{
	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 4, 12);
	map_wire(map, 6, 8, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 3);
	CHECK_EQ(map_find(map, 6)->wired_count, 1);
	CHECK_EQ(map_find(map, 4)->wired_count, 0);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
	map_wire(map, 4, 12, NONE);
	CHECK_EQ(map->size_wired, 0);
	/* Wiring never merges: the three entries stay. */
	CHECK_EQ(map->hdr.nentries, 3);
}

TEST(wire_across_a_hole)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_allocate(map, 2, 4);
	map_allocate(map, 8, 10);
	map_wire(map, 3, 9, READ);
	CHECK_EQ(map_find(map, 3)->wired_count, 1);
	CHECK_EQ(map_find(map, 8)->wired_count, 1);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
}

TEST(neighbours_in_order_become_one_entry)
{
	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 2, 4);
	map_allocate(map, 6, 8);
	map_allocate(map, 4, 6);	/* closes the gap */
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size, 6 * PAGE_BYTES);
}

TEST(protect_and_back_is_one_entry_again)
{
	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 2, 10);
	map_protect(map, 4, 6, READ);
	CHECK_EQ(map->hdr.nentries, 3);
	map_protect(map, 4, 6, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(inherit_and_back_is_one_entry_again)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_allocate(map, 2, 10);
	map_inherit(map, 2, 3, INHERIT_NONE);
	map_inherit(map, 9, 10, INHERIT_NONE);
	CHECK_EQ(map->hdr.nentries, 3);
	map_inherit(map, 2, 10, INHERIT_COPY);
	CHECK_EQ(map->hdr.nentries, 1);
}

/* Wired memory that may not be accessed is unwired, and wired once it may. */
TEST(protection_none_suspends_a_wiring)
{
	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 2, 4);
	map_wire(map, 2, 4, READ_WRITE);
	map_protect(map, 2, 4, NONE);
	CHECK_EQ(map_find(map, 2)->wired_count, 0);
	CHECK_EQ(map_find(map, 2)->wired_access, READ_WRITE);
	map_protect(map, 2, 4, READ);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
	CHECK_EQ(map_find(map, 2)->wired_access, READ);
}

/* The load on kernel maps that the marks are there for, in one thread. */
TEST(slices_of_a_wired_region)
{
	map = map_new(KERNEL_MAP, 0, 64);
	map_allocate(map, 0, 36);
	map_wire(map, 0, 36, READ_WRITE);
	map_wire(map, 0, 36, NONE);
	for (unsigned long slice = 0; slice < 36; slice += 9) {
		for (unsigned long page = 0; page < 9; page++)
			map_inherit(map, slice + page, slice + page + 1,
				    page % 2 ? INHERIT_NONE : INHERIT_COPY);
		map_wire(map, slice, slice + 9, READ_WRITE);
		map_inherit(map, slice, slice + 1, INHERIT_NONE);
		map_inherit(map, slice + 8, slice + 9, INHERIT_NONE);
		map_inherit(map, slice, slice + 1, INHERIT_COPY);
		map_wire(map, slice, slice + 9, NONE);
	}
	map_inherit(map, 0, 36, INHERIT_COPY);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, 0);
}

TEST(what_was_written_survives_wiring_and_merging)
{
	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 2, 8);
	for (unsigned long page = 2; page < 8; page++)
		map_store(map, page, 100 + page);
	map_wire(map, 3, 5, READ_WRITE);
	map_protect(map, 4, 7, READ);
	map_wire(map, 2, 8, NONE);
	map_protect(map, 2, 8, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 1);
	for (unsigned long page = 2; page < 8; page++)
		CHECK_EQ(map_load(map, page), 100 + page);
}

TEST(deallocating_wired_memory)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_allocate(map, 2, 8);
	map_wire(map, 2, 8, READ_WRITE);
	map_deallocate(map, 3, 5);
	CHECK_EQ(map->size_wired, 4 * PAGE_BYTES);
	map_deallocate(map, 0, 32);
	CHECK_EQ(map->hdr.nentries, 0);
	CHECK(objects_first() == NULL);
}

/*
 * Upstream's, kept: vm_map_protect merges before it scans, so the entry that
 * it looked up can be gone.  Allocate two pages; protect the second READ, then
 * READ_WRITE: the second is merged into the first, and freed.
 */
TEST(protecting_can_merge_the_entry_it_starts_from)
{
	vm_map_entry_t looked_up;

	map = map_new(USER_MAP, 0, 32);
	map_allocate(map, 2, 4);
	map_protect(map, 3, 4, READ);
	looked_up = map_find(map, 3);

	vm_map_lock(map);
	looked_up->protection = READ_WRITE;
	CHECK_EQ(coalesce(map, looked_up), 1);
	STOPS_TOUCHING("access to entry [3,4), which was freed")
		vm_map_pageable_scan(map, looked_up, 4 * PAGE_BYTES);
	vm_map_unlock(map);
}
