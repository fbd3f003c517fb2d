/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scan does to one entry: each state it can be in, before and after.
 * In a user map, where the second pass changes nothing but the lock.
 */
#include "harness.h"

SUITE(scan_table);

static vm_map_t map;
static vm_map_entry_t entry;

/* [1,3) in a locked map, to be scanned. */
static void
set_up(unsigned int wired_count, vm_prot_t access, vm_prot_t protection)
{
	map = map_new(USER_MAP, 0, 16);
	entry = map_add(map, 1, 3);
	if (wired_count != 0)
		entry_set_wired(map, entry, wired_count);
	entry->wired_access = access;
	entry->protection = protection;
	vm_map_lock(map);
}

static void
finish(void)
{
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(access_none_count_0_is_left)
{
	set_up(0, NONE, READ_WRITE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->wired_count, 0);
	CHECK(entry->object.vm_object == NULL);
	finish();
}

/* The count and size_wired are down before the pages are unwired. */
TEST(access_none_count_1_is_unwired)
{
	set_up(1, NONE, READ_WRITE);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	CHECK_EQ(entry->wired_count, 0);
	finish();
}

TEST(access_none_count_2_is_unwired_at_once)
{
	set_up(2, NONE, READ_WRITE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	finish();
}

TEST(access_none_protection_none_is_unwired)
{
	set_up(1, NONE, NONE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	finish();
}

TEST(protection_none_count_0_is_left)
{
	set_up(0, READ_WRITE, NONE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->wired_count, 0);
	CHECK_EQ(entry->wired_access, READ_WRITE);
	finish();
}

/* The request stays, for when the protection comes back. */
TEST(protection_none_count_1_is_unwired_and_keeps_its_request)
{
	set_up(1, READ_WRITE, NONE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	CHECK_EQ(entry->wired_access, READ_WRITE);
	finish();
}

TEST(protection_none_count_2_is_unwired_and_keeps_its_request)
{
	set_up(2, READ, NONE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	CHECK_EQ(entry->wired_access, READ);
	finish();
}

TEST(count_0_without_object_gets_one_and_is_wired)
{
	set_up(0, READ_WRITE, READ_WRITE);
	entry->offset = 7 * PAGE_BYTES;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2", "lock_set_recursive",
		     "lock_write_to_read", "vm_fault_wire [1,3)",
		     "lock_clear_recursive");
	CHECK_EQ(entry->wired_count, 1);
	CHECK_EQ(entry->offset, 0);
	CHECK_EQ(entry->object.vm_object->size, 2 * PAGE_BYTES);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
	finish();
}

TEST(count_0_with_object_keeps_it)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	set_up(0, READ, READ);
	entry->object.vm_object = object;
	entry->offset = 3 * PAGE_BYTES;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("lock_set_recursive", "lock_write_to_read",
		     "vm_fault_wire [1,3)", "lock_clear_recursive");
	CHECK(entry->object.vm_object == object);
	CHECK_EQ(entry->offset, 3 * PAGE_BYTES);
	finish();
}

TEST(needs_copy_and_write_is_shadowed)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	set_up(0, READ_WRITE, READ_WRITE);
	entry->object.vm_object = object;
	entry->offset = 3 * PAGE_BYTES;
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("vm_object_shadow o1+3 2", "lock_set_recursive",
		     "lock_write_to_read", "vm_fault_wire [1,3)",
		     "lock_clear_recursive");
	CHECK(entry->object.vm_object->shadow == object);
	CHECK_EQ(entry->offset, 0);
	CHECK_EQ(entry->needs_copy, 0);
	finish();
}

/* The access asked for does not count here, the protection does. */
TEST(needs_copy_without_write_protection_stays)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	set_up(0, READ_WRITE, READ);
	entry->object.vm_object = object;
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("lock_set_recursive", "lock_write_to_read",
		     "vm_fault_wire [1,3)", "lock_clear_recursive");
	CHECK_EQ(entry->needs_copy, 1);
	CHECK(entry->object.vm_object == object);
	finish();
}

TEST(needs_copy_with_execute_only_stays)
{
	set_up(0, READ, VM_PROT_EXECUTE);
	entry->object.vm_object = object_new(2 * PAGE_BYTES);
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	CHECK_EQ(entry->needs_copy, 1);
	finish();
}

/*
 * A shadow of nothing is an object already, so none is allocated behind it:
 * the shadow comes first.
 */
TEST(needs_copy_without_object_is_shadowed_and_not_allocated)
{
	set_up(0, READ_WRITE, READ_WRITE);
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("vm_object_shadow o0+0 2", "lock_set_recursive",
		     "lock_write_to_read", "vm_fault_wire [1,3)",
		     "lock_clear_recursive");
	CHECK_EQ(entry->needs_copy, 0);
	finish();
}

TEST(needs_copy_read_only_without_object_gets_one)
{
	set_up(0, READ, READ);
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2", "lock_set_recursive",
		     "lock_write_to_read", "vm_fault_wire [1,3)",
		     "lock_clear_recursive");
	CHECK_EQ(entry->needs_copy, 1);
	finish();
}

TEST(count_1_becomes_2_without_a_fault)
{
	set_up(1, READ_WRITE, READ_WRITE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->wired_count, 2);
	CHECK_EQ(map->size_wired, 2 * PAGE_BYTES);
	finish();
}

TEST(count_2_stays)
{
	set_up(2, READ_WRITE, READ_WRITE);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->wired_count, 2);
	finish();
}

/* However often it was wired, one request to unwire clears it. */
TEST(wiring_does_not_nest)
{
	set_up(0, READ, READ);
	CHECK_EQ(scan(map, entry, 3), READ_LOCKED);
	finish();
	for (int i = 0; i < 5; i++)
		locked_scan(map, entry, 3);
	CHECK_EQ(entry->wired_count, 2);
	entry->wired_access = NONE;
	vm_map_lock(map);
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [1,3) count 0, 0 wired");
	finish();
}

/* An object is prepared at the first wiring only. */
TEST(count_1_with_needs_copy_is_not_shadowed)
{
	set_up(1, READ_WRITE, READ_WRITE);
	entry->needs_copy = 1;
	CHECK_EQ(scan(map, entry, 3), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(entry->needs_copy, 1);
	entry->needs_copy = 0;
	finish();
}

/* Each of several entries as the table says, in order of address. */
TEST(entries_are_taken_one_by_one)
{
	vm_map_entry_t unwired, again, untouched;

	set_up(0, READ, READ);
	unwired = map_add(map, 3, 5);
	entry_set_wired(map, unwired, 1);
	again = map_add(map, 5, 6);
	entry_set_wired(map, again, 1);
	again->wired_access = READ;
	untouched = map_add(map, 6, 9);
	CHECK_EQ(scan(map, entry, 9), READ_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2",
		     "vm_fault_unwire [3,5) count 0, 3 wired",
		     "lock_set_recursive", "lock_write_to_read",
		     "vm_fault_wire [1,3)", "lock_clear_recursive");
	CHECK_EQ(again->wired_count, 2);
	CHECK_EQ(untouched->wired_count, 0);
	finish();
}
