/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the scan begins and ends.  The first pass takes entries that begin
 * below the end, the second those that end by it: the two differ for an entry
 * that crosses the end, which upstream's callers can produce.
 */
#include "harness.h"

SUITE(scan_end);

static vm_map_t map;

static vm_map_entry_t
wanted(unsigned long first, unsigned long end)
{
	vm_map_entry_t entry = map_add(map, first, end);

	entry->wired_access = READ;
	return entry;
}

TEST(starting_at_the_header_does_nothing)
{
	map = map_new(USER_MAP, 0, 16);
	wanted(1, 3);
	vm_map_lock(map);
	CHECK_EQ(scan(map, map_header(map), 16), WRITE_LOCKED);
	EXPECT_CALLS();
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(an_empty_map_does_nothing)
{
	map = map_new(KERNEL_MAP, 0, 16);
	vm_map_lock(map);
	CHECK_EQ(scan(map, map_header(map), 16), WRITE_LOCKED);
	EXPECT_CALLS();
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(an_empty_range_does_nothing)
{
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 16);
	entry = wanted(2, 3);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 2), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->wired_count, 0);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(an_end_below_the_start_does_nothing)
{
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 16);
	entry = wanted(5, 7);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 2), WRITE_LOCKED);
	EXPECT_CALLS();
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(holes_are_skipped)
{
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 64);
	entry = wanted(1, 2);
	wanted(5, 6);
	wanted(30, 32);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 60), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 1", "vm_object_allocate 1",
		     "vm_object_allocate 2", "vm_map_unlock",
		     "vm_fault_wire [1,2)", "vm_fault_wire [5,6)",
		     "vm_fault_wire [30,32)", "vm_map_lock");
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(the_entry_that_begins_at_the_end_is_left)
{
	vm_map_entry_t entry, behind;

	map = map_new(USER_MAP, 0, 16);
	entry = wanted(1, 2);
	behind = wanted(2, 3);
	locked_scan(map, entry, 2);
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(behind->wired_count, 0);
}

TEST(entries_before_the_first_are_left)
{
	vm_map_entry_t before, entry;

	map = map_new(KERNEL_MAP, 0, 16);
	before = wanted(0, 2);
	entry = wanted(2, 3);
	locked_scan(map, entry, 3);
	CHECK_EQ(before->wired_count, 0);
	CHECK_EQ(entry->wired_count, 1);
}

/* Up to the map's own limit, where no entry can lie behind. */
TEST(the_end_may_be_the_maps_last_address)
{
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 4);
	entry = wanted(3, 4);
	locked_scan(map, entry, 4);
	CHECK_EQ(entry->wired_count, 1);
}

/*
 * Upstream's, kept: an entry that crosses the end is counted as wired, and
 * size_wired raised, yet neither marked nor faulted in; unwiring it later
 * finds pages that are not wired.  A merge at the right edge makes such an
 * entry: allocate 3 pages, wire the middle one, protect it NONE, then RW.
 */
TEST(an_entry_across_the_end_is_counted_and_not_faulted_in)
{
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 16);
	entry = wanted(1, 4);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 2), READ_LOCKED);
	EXPECT_CALLS("vm_object_allocate 3", "lock_set_recursive",
		     "lock_write_to_read", "lock_clear_recursive");
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(map->size_wired, 3 * PAGE_BYTES);
	vm_map_unlock(map);

	entry->wired_access = NONE;
	STOPS_PANICKING("page 1 is not wired")
		locked_scan(map, entry, 4);
}

TEST(an_entry_across_the_end_is_not_marked)
{
	vm_map_entry_t entry, crossing;

	map = map_new(KERNEL_MAP, 0, 16);
	entry = wanted(1, 2);
	crossing = wanted(2, 4);
	crossing->in_transition = 1;	/* would assert if it were looked at */
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 1", "vm_object_allocate 2",
		     "vm_map_unlock", "vm_fault_wire [1,2)", "vm_map_lock");
	CHECK_EQ(crossing->wired_count, 1);
	CHECK_EQ(crossing->in_transition, 1);
	vm_map_unlock(map);
}

TEST(an_entry_across_the_end_is_unwired_whole)
{
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 16);
	entry = map_add(map, 1, 4);
	entry_set_wired(map, entry, 1);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 2), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,4) count 0, 0 wired");
	vm_map_unlock(map);
	check_at_rest(map);
}

/* A crossing entry still makes the kernel map be unlocked for nothing. */
TEST(a_crossing_entry_alone_unlocks_a_kernel_map)
{
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 16);
	entry = wanted(1, 4);
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 2), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 3", "vm_map_unlock", "vm_map_lock");
	CHECK_EQ(map->timestamp, 2);
	vm_map_unlock(map);
}

/* No kind of entry is treated in a way of its own. */
TEST(submap_entries_are_counted_and_faulted_in)
{
	vm_map_t submap = map_new(KERNEL_MAP, 2, 4);
	vm_map_entry_t entry;

	map = map_new(KERNEL_MAP, 0, 16);
	entry = wanted(2, 4);
	entry->is_sub_map = 1;
	entry->object.sub_map = submap;
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 4), WRITE_LOCKED);
	EXPECT_CALLS("vm_map_unlock", "vm_fault_wire [2,4)", "vm_map_lock");
	CHECK(entry->object.sub_map == submap);
	CHECK_EQ(entry->wired_count, 1);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(shared_entries_are_wired_like_others)
{
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 16);
	entry = wanted(2, 4);
	entry->is_shared = 1;
	locked_scan(map, entry, 4);
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(entry->is_shared, 1);
}

TEST(projected_entries_are_counted_like_others)
{
	vm_map_entry_t entry, target;
	vm_map_t kernel = map_new(KERNEL_MAP, 0, 16);

	map = map_new(USER_MAP, 0, 16);
	target = map_add(kernel, 2, 4);
	entry = wanted(2, 4);
	entry->projected_on = target;
	vm_map_lock(map);
	scan(map, entry, 4);
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
	vm_map_unlock(map);
}
