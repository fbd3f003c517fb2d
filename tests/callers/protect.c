/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_map_protect and vm_map_inherit. */
#include "ranges.h"

SUITE(callers_protect);

static vm_map_t map;

TEST(there_and_back_is_one_entry_again)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 10);
	CHECK_EQ(protect(map, 4, 6, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 3);
	CHECK_EQ(map_find(map, 4)->protection, READ);
	CHECK_EQ(map_find(map, 6)->protection, READ_WRITE);
	CHECK_EQ(protect(map, 2, 10, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
}

/* The range's end may have become like what is behind it. */
TEST(it_merges_behind_its_end)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 10);
	protect(map, 2, 6, READ, 0);
	CHECK_EQ(map->hdr.nentries, 2);
	protect(map, 2, 6, READ_WRITE, 0);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(the_pmap_is_told_of_what_changes)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	calls_clear();
	CHECK_EQ(vm_map_protect(map, AT(2), AT(4), READ, 0), KERN_SUCCESS);
	EXPECT_CALLS("vm_map_lock", "pmap_protect 2 4 1", "vm_map_unlock");
	calls_clear();
	CHECK_EQ(vm_map_protect(map, AT(2), AT(4), READ, 0), KERN_SUCCESS);
	EXPECT_CALLS("vm_map_lock", "vm_map_unlock");
}

TEST(more_than_the_maximum_is_refused)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->protection = READ;
	map_add(map, 4, 6)->protection = READ;
	map_find(map, 4)->max_protection = READ;
	CHECK_EQ(protect(map, 2, 6, READ_WRITE, 0), KERN_PROTECTION_FAILURE);
	CHECK_EQ(map_find(map, 2)->protection, READ);
	CHECK_EQ(protect(map, 2, 4, READ_WRITE, 0), KERN_SUCCESS);
	/* The maximum can only be lowered, too. */
	CHECK_EQ(protect(map, 4, 6, READ_WRITE, 1), KERN_PROTECTION_FAILURE);
}

TEST(notify_is_beyond_the_maximum)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	CHECK_EQ(protect(map, 2, 4, VM_PROT_NOTIFY, 0), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->protection, VM_PROT_NOTIFY);
}

TEST(the_maximum_takes_the_current_one_along)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	CHECK_EQ(protect(map, 2, 4, READ, 1), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->max_protection, READ);
	CHECK_EQ(map_find(map, 2)->protection, READ);
}

TEST(a_submap_is_refused)
{
	struct vm_map sub_map = { .ref_count = 1 };
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->protection = READ;
	entry = map_add(map, 4, 6);
	entry->is_sub_map = 1;
	entry->object.sub_map = &sub_map;
	CHECK_EQ(vm_map_protect(map, AT(2), AT(6), READ_WRITE, 0),
		 KERN_INVALID_ARGUMENT);
	CHECK_EQ(map_find(map, 2)->protection, READ);
	CHECK_EQ(map_lock_state(map), UNLOCKED);
}

TEST(a_wiring_is_suspended_without_access)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	wire(map, 2, 4, READ_WRITE);
	CHECK_EQ(protect(map, 2, 4, NONE, 0), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 0);
	CHECK_EQ(map_find(map, 2)->wired_access, READ_WRITE);
	CHECK_EQ(protect(map, 2, 4, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
	CHECK_EQ(map_find(map, 2)->wired_access, READ);
}

TEST(what_comes_accessible_is_wired_if_the_future_is)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->protection = NONE;
	map->wiring_required = 1;
	CHECK_EQ(protect(map, 2, 4, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
	CHECK_EQ(map->size_wired, AT(2));
}

TEST(a_range_within_the_map)
{
	map = map_new(USER_MAP, 2, 8);
	map_add(map, 2, 8);
	CHECK_EQ(protect(map, 0, 100, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map_find(map, 2)->protection, READ);
}

/*
 * What it looked up can be gone once it has merged. Protect the second page
 * READ, then READ_WRITE: it is merged into the first, and freed. An empty
 * range does, too: what was clipped for it is merged again. Upstream's slip,
 * kept, until it looks its start up again.
 */
TEST(the_entry_that_it_starts_from_can_be_gone)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	protect(map, 3, 4, READ, 0);
#ifdef PROTECT_LOOKS_AGAIN
	CHECK_EQ(protect(map, 3, 4, READ_WRITE, 0), KERN_SUCCESS);
	CHECK_EQ(protect(map, 3, 3, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
#else
	STOPS_TOUCHING("access to entry [3,4), which was freed")
		vm_map_protect(map, AT(3), AT(4), READ_WRITE, 0);
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 8);
	STOPS_TOUCHING("access to entry [4,8), which was freed")
		vm_map_protect(map, AT(4), AT(4), READ, 0);
#endif
}

TEST(inheritance_there_and_back_is_one_entry_again)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 10);
	CHECK_EQ(inherit(map, 2, 3, INHERIT_NONE), KERN_SUCCESS);
	CHECK_EQ(inherit(map, 9, 10, INHERIT_NONE), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 3);
	CHECK_EQ(map_find(map, 9)->inheritance, INHERIT_NONE);
	CHECK_EQ(inherit(map, 2, 10, INHERIT_COPY), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(inheritance_merges_behind_its_end)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 10);
	inherit(map, 2, 6, INHERIT_NONE);
	CHECK_EQ(map->hdr.nentries, 2);
	inherit(map, 2, 6, INHERIT_COPY);
	CHECK_EQ(map->hdr.nentries, 1);
}

TEST(inheritance_of_nothing)
{
	map = map_new(USER_MAP, 0, 32);
	CHECK_EQ(inherit(map, 2, 6, INHERIT_NONE), KERN_SUCCESS);
	CHECK_EQ(protect(map, 2, 6, READ, 0), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 0);
}
