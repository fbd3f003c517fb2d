/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_map_pageable and vm_map_pageable_all. */
#include "ranges.h"

SUITE(callers_wire);

static vm_map_t map;

TEST(a_part_is_clipped_and_wired)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 12);
	CHECK_EQ(wire(map, 6, 8, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 3);
	CHECK_EQ(map_find(map, 6)->wired_count, 1);
	CHECK_EQ(map_find(map, 4)->wired_count, 0);
	CHECK_EQ(map_find(map, 8)->wired_count, 0);
	CHECK_EQ(map->size_wired, AT(2));
	CHECK_EQ(wire(map, 4, 12, NONE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
	/* Wiring never merges. */
	CHECK_EQ(map->hdr.nentries, 3);
}

TEST(nothing_is_mapped_at_the_start)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 12);
	CHECK_EQ(wire(map, 3, 6, READ), KERN_NO_SPACE);
	CHECK_EQ(wire(map, 12, 13, READ), KERN_NO_SPACE);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, 0);
}

TEST(a_hole_is_refused_if_asked_for)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 4, 6);
	map_add(map, 8, 10);
	CHECK_EQ(wire(map, 4, 10, READ), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 4)->wired_access, NONE);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(vm_map_pageable(map, AT(4), AT(10), READ, 1, 0),
		 KERN_SUCCESS);
	check_at_rest(map);
	CHECK_EQ(map->size_wired, AT(4));
}

TEST(an_open_end_is_refused_if_asked_for)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	CHECK_EQ(wire(map, 4, 7, READ), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 4)->wired_access, NONE);
	CHECK_EQ(wire(map, 4, 6, READ), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(2));
}

TEST(an_access_that_is_not_allowed_is_refused_if_asked_for)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	map_add(map, 6, 8)->protection = READ;
	CHECK_EQ(wire(map, 4, 8, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(map_find(map, 4)->wired_access, NONE);
	CHECK_EQ(wire(map, 4, 8, READ), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(4));
}

/* i386_set_ldt wires such a one. */
TEST(a_range_need_not_be_of_whole_pages)
{
	vm_map_entry_t front;

	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	vm_map_lock(map);
	CHECK_EQ(vm_map_pageable(map, AT(4) + 8, AT(5) + 16, NONE, 0, 1),
		 KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 3);
	front = map->hdr.links.next;
	CHECK_EQ(front->links.end, AT(4) + 8);
	CHECK_EQ(front->links.next->links.start, AT(4) + 8);
	CHECK_EQ(front->links.next->links.end, AT(5) + 16);
	CHECK_EQ(front->links.next->offset, 8);
	CHECK_EQ(front->links.next->links.next->offset, AT(1) + 16);
	vm_map_unlock(map);
}

TEST(a_range_ends_where_the_map_does)
{
	map = map_new(USER_MAP, 2, 8);
	map_add(map, 2, 8);
	CHECK_EQ(wire(map, 0, 100, READ), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(6));
}

/* As the scan leaves it: a caller that has locked the map must unlock it. */
TEST(without_lock_map_the_lock_is_as_the_scan_leaves_it)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	vm_map_lock(map);
	CHECK_EQ(vm_map_pageable(map, AT(4), AT(6), READ, 0, 1),
		 KERN_SUCCESS);
	CHECK_EQ(map_lock_state(map), READ_LOCKED);
	vm_map_unlock(map);
	check_at_rest(map);

	vm_map_lock(map);
	CHECK_EQ(vm_map_pageable(map, AT(4), AT(6), NONE, 0, 1),
		 KERN_SUCCESS);
	CHECK_EQ(map_lock_state(map), WRITE_LOCKED);
	CHECK_EQ(vm_map_pageable(map, AT(8), AT(9), READ, 0, 1),
		 KERN_NO_SPACE);
	CHECK_EQ(map_lock_state(map), WRITE_LOCKED);
	vm_map_unlock(map);
	check_at_rest(map);
}

static void
all(vm_wire_t flags, kern_return_t expected)
{
	CHECK_EQ(vm_map_pageable_all(map, flags), expected);
	check_at_rest(map);
}

TEST(all_of_a_map)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	map_add(map, 8, 9);
	all(VM_WIRE_CURRENT, KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(3));
	CHECK_EQ(map->wiring_required, 0);
	all(VM_WIRE_FUTURE, KERN_SUCCESS);
	CHECK_EQ(map->wiring_required, 1);
	CHECK_EQ(map->size_wired, AT(3));
	all(VM_WIRE_NONE, KERN_SUCCESS);
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(map->wiring_required, 0);
	all(VM_WIRE_ALL, KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(3));
	CHECK_EQ(map->wiring_required, 1);
}

TEST(flags_that_do_not_exist)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	calls_clear();
	all(4, KERN_INVALID_ARGUMENT);
	all(VM_WIRE_ALL | 8, KERN_INVALID_ARGUMENT);
	EXPECT_CALLS();
	CHECK_EQ(map->size_wired, 0);
	CHECK_EQ(map->wiring_required, 0);
}

/* The map begins above its first entry: nothing is mapped where it starts. */
TEST(a_failure_takes_the_future_back)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6);
	map->hdr.links.start = AT(7);
	map->hdr.links.end = AT(32);
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_NO_SPACE);
	CHECK_EQ(map->wiring_required, 0);
}
