/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cannot be wired is undone, and said (W4); nothing stops (W11). */
#include "parts.h"

SUITE(sound_errors);

static vm_map_t map;

TEST(a_page_that_cannot_be_had)
{
	for (unsigned long failing = 2; failing < 8; failing++) {
		map = map_new(USER_MAP, 0, 32);
		map_add(map, 2, 4)->inheritance = INHERIT_NONE;
		map_add(map, 4, 8);
		fault_failing_page = failing;
		CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_MEMORY_ERROR);
		CHECK_EQ(map->size_wired, 0);
		for (unsigned long page = 2; page < 8; page++) {
			CHECK_EQ(map_find(map, page)->wired_count, 0);
			CHECK_EQ(map_find(map, page)->wired_access, NONE);
			CHECK_EQ(wirings(map, page), 0);
			CHECK(!pmap_is_wired(map->pmap, page));
		}
		fault_failing_page = NO_PAGE;
		CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_SUCCESS);
		CHECK_EQ(wire(map, 2, 8, NONE), KERN_SUCCESS);
	}
}

/* Nor does what was there to be wired at once stay so. */
TEST(a_page_that_cannot_be_had_behind_some_that_were_there)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->inheritance = INHERIT_NONE;
	map_add(map, 4, 8);
	for (unsigned long page = 2; page < 6; page++)
		map_store(map, page, page);
	fault_failing_page = 6;
	CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_MEMORY_ERROR);
	CHECK_EQ(map->size_wired, 0);
	for (unsigned long page = 2; page < 8; page++) {
		CHECK_EQ(map_find(map, page)->wired_access, NONE);
		CHECK_EQ(wirings(map, page), 0);
	}
}

TEST(what_was_wired_before_stays_so)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 8);
	CHECK_EQ(wire(map, 2, 4, READ_WRITE), KERN_SUCCESS);
	fault_failing_page = 6;
	CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_MEMORY_ERROR);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(wirings(map, 2), 1);
	CHECK_EQ(wirings(map, 5), 0);
	CHECK(map_find(map, 3)->wired_count != 0);
	CHECK_EQ(map_find(map, 4)->wired_count, 0);
}

TEST(across_a_hole)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	map_add(map, 6, 8);
	fault_failing_page = 7;
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_MEMORY_ERROR);
	check_at_rest(map);
	CHECK_EQ(map->wiring_required, 0);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(wirings(map, 2), 0);
}

TEST(access_that_cannot_be_given_wired)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->protection = NONE;
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
	fault_failing_page = 3;
	CHECK_EQ(protect(map, 2, 4, READ, 0), KERN_MEMORY_ERROR);
	CHECK_EQ(map_find(map, 2)->protection, READ);
	CHECK_EQ(map->size_wired, 0);
}

/* Whoever has the map locked already is vm_map_enter, which drops the error, or vm_map_copyout, whose caller gave the copy away. */
TEST(who_has_locked_the_map_is_not_told)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	fault_failing_page = 3;
	vm_map_lock(map);
	CHECK_EQ(vm_map_pageable(map, AT(2), AT(4), READ_WRITE, 0, 0), KERN_SUCCESS);
	vm_map_unlock(map);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(map_find(map, 2)->wired_access, NONE);
	CHECK_EQ(wirings(map, 2), 0);
}

TEST(a_page_that_comes_and_goes)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	fault_in_vain = 20;
	CHECK_EQ(wire(map, 2, 4, READ), KERN_SUCCESS);
	CHECK_EQ(faults, 22);
	CHECK_EQ(wire(map, 2, 4, NONE), KERN_SUCCESS);

	map_add(map, 4, 6);
	fault_in_vain = 100000;
	CHECK_EQ(wire(map, 4, 6, READ), KERN_RESOURCE_SHORTAGE);
	CHECK_EQ(map->size_wired, 0);
}

TEST(a_map_with_nothing_in_it)
{
	map = map_new(USER_MAP, 0, 32);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_SUCCESS);
	CHECK_EQ(map->wiring_required, 1);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_NONE), KERN_SUCCESS);
	CHECK_EQ(map->wiring_required, 0);
	CHECK_EQ(vm_map_pageable_all(map, 8), KERN_INVALID_ARGUMENT);
}

TEST(physical_memory_stays)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 8);
	kernel_virtual_start = AT(4);
	kernel_virtual_end = AT(8);
	CHECK_EQ(unmap(map, 3, 8), KERN_INVALID_ADDRESS);
	CHECK_EQ(unmap(map, 4, 9), KERN_INVALID_ADDRESS);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(unmap(map, 4, 8), KERN_SUCCESS);
}

TEST(a_submap_is_passed_over)
{
	struct vm_map sub_map = { .ref_count = 2 };
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 4);
	entry = map_add(map, 4, 6);
	entry->is_sub_map = 1;
	entry->object.sub_map = &sub_map;
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(entry->wired_count, 0);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(wire(map, 2, 6, NONE), KERN_SUCCESS);
}

TEST(ranges_that_are_refused)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	map_add(map, 8, 10)->max_protection = READ;
	CHECK_EQ(wire(map, 3, 6, READ), KERN_NO_SPACE);
	CHECK_EQ(wire(map, 4, 9, READ), KERN_NO_SPACE);
	CHECK_EQ(wire(map, 4, 7, READ), KERN_NO_SPACE);
	CHECK_EQ(protect(map, 4, 9, READ_WRITE, 0), KERN_PROTECTION_FAILURE);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(map_find(map, 4)->wired_access, NONE);
}
