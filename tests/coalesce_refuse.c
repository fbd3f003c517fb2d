/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each reason to refuse a merge, alone: two entries that would merge but for
 * that one thing.  That they would is shown too, by taking it away.
 */
#include <string.h>

#include "harness.h"

SUITE(coalesce_refuse);

static vm_map_t map;
static vm_map_entry_t prev, entry;

/* [1,3) and [3,5) agree in everything. */
static void
set_up(void)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
}

/* Refused before the objects are asked, and nothing has changed. */
static void
expect_refusal(void)
{
	struct vm_map_entry prev_was, entry_was;
	struct vm_map map_was;

	vm_map_lock(map);
	prev_was = *prev;
	entry_was = *entry;
	map_was = *map;
	CHECK_EQ(coalesce(map, entry), 0);
	EXPECT_CALLS();
	CHECK(memcmp(prev, &prev_was, sizeof prev_was) == 0);
	CHECK(memcmp(entry, &entry_was, sizeof entry_was) == 0);
	CHECK(memcmp(map, &map_was, sizeof map_was) == 0);
	vm_map_unlock(map);
}

static void
expect_merge(void)
{
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(!entry_is_live(entry));
}

TEST(the_two_entries_would_merge)
{
	set_up();
	expect_merge();
}

/* The header has links only; what follows them in it is no entry's field. */
static void
expect_refusal_at_header(vm_map_entry_t at)
{
	struct vm_map map_was;

	vm_map_lock(map);
	map_was = *map;
	CHECK_EQ(coalesce(map, at), 0);
	EXPECT_CALLS();
	CHECK(memcmp(map, &map_was, sizeof map_was) == 0);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(entry_is_the_header)
{
	set_up();
	expect_refusal_at_header(map_header(map));
}

TEST(prev_is_the_header)
{
	set_up();
	expect_refusal_at_header(prev);
}

/*
 * The header's links hold the map's limits, so it touches no entry of a map
 * that has any room; in one that has none it touches itself.
 */
TEST(the_header_is_no_neighbour_even_if_it_touches)
{
	map = map_new(USER_MAP, 4, 4);
	expect_refusal_at_header(map_header(map));
}

TEST(one_entry_that_fills_the_map)
{
	map = map_new(USER_MAP, 0, 4);
	entry = map_add(map, 0, 4);
	expect_refusal_at_header(entry);
	expect_refusal_at_header(map_header(map));
}

TEST(an_empty_map)
{
	map = map_new(KERNEL_MAP, 0, 4);
	expect_refusal_at_header(map_header(map));
}

TEST(they_do_not_touch)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 4, 5);
	expect_refusal();
}

TEST(prev_is_shared)
{
	set_up();
	prev->is_shared = 1;
	expect_refusal();
	prev->is_shared = 0;
	expect_merge();
}

TEST(entry_is_shared)
{
	set_up();
	entry->is_shared = 1;
	expect_refusal();
	entry->is_shared = 0;
	expect_merge();
}

TEST(both_are_shared)
{
	set_up();
	prev->is_shared = 1;
	entry->is_shared = 1;
	expect_refusal();
}

TEST(prev_is_a_submap)
{
	set_up();
	prev->is_sub_map = 1;
	expect_refusal();
	prev->is_sub_map = 0;
	expect_merge();
}

TEST(entry_is_a_submap)
{
	set_up();
	entry->is_sub_map = 1;
	expect_refusal();
	entry->is_sub_map = 0;
	expect_merge();
}

TEST(both_are_submaps)
{
	set_up();
	prev->is_sub_map = 1;
	entry->is_sub_map = 1;
	expect_refusal();
}

/* Two reasons, tested together, are not to cancel out: exclusive or binds tighter than or. */
TEST(entry_is_shared_and_prev_a_submap)
{
	set_up();
	entry->is_shared = 1;
	prev->is_sub_map = 1;
	expect_refusal();
}

TEST(entry_is_a_submap_and_needs_copy_differs)
{
	set_up();
	entry->is_sub_map = 1;
	entry->needs_copy = 1;
	expect_refusal();
}

TEST(inheritance_differs)
{
	set_up();
	entry->inheritance = INHERIT_NONE;
	expect_refusal();
	prev->inheritance = INHERIT_NONE;
	expect_merge();
}

TEST(protection_differs)
{
	set_up();
	entry->protection = READ;
	expect_refusal();
	prev->protection = READ;
	expect_merge();
}

TEST(max_protection_differs)
{
	set_up();
	entry->max_protection = READ_WRITE;
	expect_refusal();
	prev->max_protection = READ_WRITE;
	expect_merge();
}

TEST(needs_copy_differs)
{
	set_up();
	entry->needs_copy = 1;
	expect_refusal();
	prev->needs_copy = 1;
	expect_merge();
}

TEST(prev_is_in_transition)
{
	set_up();
	prev->in_transition = 1;
	expect_refusal();
	prev->in_transition = 0;
	expect_merge();
}

TEST(entry_is_in_transition)
{
	set_up();
	entry->in_transition = 1;
	expect_refusal();
	entry->in_transition = 0;
	expect_merge();
}

TEST(both_are_in_transition)
{
	set_up();
	prev->in_transition = 1;
	entry->in_transition = 1;
	expect_refusal();
}

/* One object over both, so that the objects would agree. */
static void
set_up_wired(unsigned int prev_count, unsigned int entry_count)
{
	vm_object_t object = object_new(4 * PAGE_BYTES);

	map = map_new(USER_MAP, 0, 16);
	object_reference(object);
	prev = map_add_object(map, 1, 3, object, 0);
	entry = map_add_object(map, 3, 5, object, 2);
	if (prev_count != 0)
		entry_set_wired(map, prev, prev_count);
	if (entry_count != 0)
		entry_set_wired(map, entry, entry_count);
}

TEST(only_prev_is_wired)
{
	set_up_wired(1, 0);
	expect_refusal();
	entry_set_wired(map, prev, 0);
	expect_merge();
}

TEST(only_entry_is_wired)
{
	set_up_wired(0, 2);
	expect_refusal();
	entry_set_wired(map, entry, 0);
	expect_merge();
}

TEST(wired_count_is_1_and_2)
{
	set_up_wired(1, 2);
	expect_refusal();
	entry_set_wired(map, prev, 2);
	expect_merge();
}

TEST(prev_is_projected)
{
	set_up();
	prev->projected_on = entry;
	expect_refusal();
	prev->projected_on = NULL;
	expect_merge();
}

TEST(entry_is_projected)
{
	set_up();
	entry->projected_on = prev;
	expect_refusal();
	entry->projected_on = NULL;
	expect_merge();
}

/* The only reason that is not the entries' own: their objects say no. */
TEST(the_objects_refuse)
{
	struct vm_map_entry prev_was, entry_was;

	set_up();
	prev->offset = 7 * PAGE_BYTES;
	prev_was = *prev;
	entry_was = *entry;
	object_coalesce_refused = true;
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 0);
	EXPECT_CALLS("vm_object_coalesce o0+7 2 o0+0 2");
	CHECK(memcmp(prev, &prev_was, sizeof prev_was) == 0);
	CHECK(memcmp(entry, &entry_was, sizeof entry_was) == 0);
	vm_map_unlock(map);
	object_coalesce_refused = false;
	expect_merge();
}

/* Coalescing what was refused is refused again: no trace is left. */
TEST(a_refusal_is_repeatable)
{
	set_up();
	entry->inheritance = INHERIT_SHARE;
	for (int i = 0; i < 3; i++)
		expect_refusal();
	check_at_rest(map);
}
