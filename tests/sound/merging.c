/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What agrees is merged after wiring (W9), and nothing else is (W6, W7). */
#include "parts.h"

SUITE(sound_merging);

static vm_map_t map;

TEST(what_was_clipped_to_be_wired)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 10);
	wire(map, 4, 6, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 3);
	wire(map, 6, 8, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 3);
	wire(map, 2, 10, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(8));
	wire(map, 5, 6, NONE);
	CHECK_EQ(map->hdr.nentries, 3);
	wire(map, 2, 10, NONE);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, 0);
}

/* As malloc does in a task that wires all that it is given. */
static void
give_access_page_by_page(unsigned int stride)
{
	map = map_new(USER_MAP, 0, 68);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_SUCCESS);
	map_add(map, 2, 66)->protection = NONE;
	for (unsigned long i = 0; i < 64; i++) {
		unsigned long page = 2 + i * stride % 64;

		CHECK_EQ(protect(map, page, page + 1, READ_WRITE, 0),
			 KERN_SUCCESS);
	}
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(64));
	for (unsigned long page = 2; page < 66; page++)
		CHECK_EQ(wirings(map, page), 1);
}

TEST(sixty_four_pages_stay_one_entry)
{
	give_access_page_by_page(1);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_NONE), KERN_SUCCESS);
	check_at_rest(map);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(in_whatever_order)
{
	give_access_page_by_page(63);	/* from the last to the first */
	give_access_page_by_page(37);
}

/* Each with an entry of its own, as vm_map_enter makes it in such a map. */
TEST(pages_that_are_mapped_one_by_one)
{
	map = map_new(USER_MAP, 0, 68);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_SUCCESS);
	for (unsigned long page = 2; page < 66; page++) {
		vm_map_lock(map);
		map_add(map, page, page + 1);
		CHECK_EQ(vm_map_pageable(map, AT(page), AT(page + 1),
					 READ_WRITE, 0, 0), KERN_SUCCESS);
		CHECK_EQ(map_lock_state(map), WRITE_LOCKED);
		vm_map_unlock(map);
	}
	check_at_rest(map);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(64));
}

TEST(wired_once_and_wired_twice_are_alike)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	wire(map, 2, 4, READ_WRITE);
	wire(map, 2, 4, READ_WRITE);
	CHECK_EQ(map_find(map, 2)->wired_count, 2);
	wire(map, 4, 6, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map_find(map, 2)->wired_count, 2);
}

/* Nothing changes but a count, which keeps nothing apart. */
TEST(what_is_wired_again_stays_one)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 10);
	wire(map, 2, 10, READ_WRITE);
	wire(map, 4, 6, READ_WRITE);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(8));
}

/* Wired, its access taken away, and beside what nobody asked for. */
TEST(a_request_is_not_lost)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	wire(map, 4, 6, READ_WRITE);
	protect(map, 2, 6, NONE, 0);
	CHECK_EQ(map->hdr.nentries, 2);
	CHECK_EQ(map_find(map, 2)->wired_access, NONE);
	CHECK_EQ(map_find(map, 4)->wired_access, READ_WRITE);
	protect(map, 2, 6, READ_WRITE, 0);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(wirings(map, 4), 1);
	CHECK_EQ(wirings(map, 2), 0);
}

TEST(a_request_does_not_spread)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	wire(map, 2, 4, READ_WRITE);
	protect(map, 2, 6, NONE, 0);
	CHECK_EQ(map->hdr.nentries, 2);
	protect(map, 2, 6, READ_WRITE, 0);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(wirings(map, 4), 0);
}

/* The first entry of the range is merged into the one before, and freed. */
TEST(protect_goes_on_with_what_is_there)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	protect(map, 3, 4, READ, 0);
	CHECK_EQ(map->hdr.nentries, 2);
	protect(map, 3, 4, READ_WRITE, 0);
	CHECK_EQ(map->hdr.nentries, 1);
	/* An empty range inside an entry. */
	protect(map, 3, 3, READ, 0);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(inherit_merges_as_it_did)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 10);
	wire(map, 2, 10, READ_WRITE);
	inherit(map, 2, 3, INHERIT_NONE);
	inherit(map, 9, 10, INHERIT_NONE);
	CHECK_EQ(map->hdr.nentries, 3);
	inherit(map, 2, 10, INHERIT_COPY);
	CHECK_EQ(map->hdr.nentries, 1);
}
