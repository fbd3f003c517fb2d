/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge changes, in which order, and what it leaves alone. */
#include <string.h>

#include "harness.h"
#include "rbtrees.h"

SUITE(coalesce_merge);

static vm_map_t map;
static vm_map_entry_t prev, entry, next;

/* [1,3), [3,5) and [5,8) touch; nothing lies beyond. */
static void
set_up(void)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	next = map_add(map, 5, 8);
	map->hint = map_header(map);
}

TEST(prev_covers_both_and_entry_is_freed)
{
	set_up();
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(prev->links.start, 1 * PAGE_BYTES);
	CHECK_EQ(prev->links.end, 5 * PAGE_BYTES);
	CHECK(prev->links.next == next);
	CHECK(next->links.prev == prev);
	CHECK_EQ(map->hdr.nentries, 2);
	CHECK_EQ(tree_count(&map->hdr.tree), 2);
	CHECK(!entry_is_live(entry));
	CHECK_EQ(entries_live(), 2);
	CHECK_EQ(map->size, 7 * PAGE_BYTES);
}

TEST(the_last_entry_may_merge)
{
	set_up();
	CHECK_EQ(locked_coalesce(map, next), 1);
	CHECK(entry->links.next == map_header(map));
	CHECK(map->hdr.links.prev == entry);
	CHECK_EQ(entry->gap_size, 8 * PAGE_BYTES);
}

TEST(a_hint_on_entry_moves_to_prev)
{
	set_up();
	map->hint = entry;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->hint == prev);
}

TEST(a_hint_elsewhere_stays)
{
	set_up();
	map->hint = next;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->hint == next);
}

TEST(a_hint_on_prev_stays)
{
	set_up();
	map->hint = prev;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->hint == prev);
}

TEST(first_free_on_entry_moves_to_prev)
{
	set_up();
	map->first_free = entry;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->first_free == prev);
}

TEST(first_free_elsewhere_stays)
{
	set_up();
	map->first_free = next;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->first_free == next);
}

TEST(hint_and_first_free_on_entry_both_move)
{
	set_up();
	map->hint = entry;
	map->first_free = entry;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->hint == prev);
	CHECK(map->first_free == prev);
}

TEST(neither_hint_nor_first_free_on_entry)
{
	set_up();
	map->first_free = prev;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(map->hint == map_header(map));
	CHECK(map->first_free == prev);
}

TEST(wiring_of_the_map_and_the_lock_stay)
{
	unsigned int timestamp;

	set_up();
	vm_map_lock(map);
	timestamp = map->timestamp;
	CHECK_EQ(coalesce(map, entry), 1);
	CHECK_EQ(map->timestamp, timestamp);
	CHECK_EQ(current_thread()->vm_privilege, 1);
	CHECK_EQ(map_lock_state(map), WRITE_LOCKED);
	vm_map_unlock(map);
}

/*
 * Upstream's, kept: wired_access is not compared, and the earlier entry's
 * survives, so a pending request is lost, or spreads to pages that nobody
 * asked for.
 */
TEST(wired_access_of_prev_survives)
{
	set_up();
	prev->wired_access = READ;
	entry->wired_access = READ_WRITE;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(prev->wired_access, READ);
}

TEST(a_pending_request_of_entry_is_lost)
{
	set_up();
	entry->wired_access = READ_WRITE;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(prev->wired_access, NONE);
}

TEST(wired_entries_merge_when_the_counts_agree)
{
	vm_object_t object = object_new(4 * PAGE_BYTES);

	map = map_new(KERNEL_MAP, 0, 16);
	object_reference(object);
	prev = map_add_object(map, 1, 3, object, 0);
	entry = map_add_object(map, 3, 5, object, 2);
	entry_set_wired(map, prev, 2);
	entry_set_wired(map, entry, 2);
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(prev->wired_count, 2);
	CHECK_EQ(map->size_wired, 4 * PAGE_BYTES);
	CHECK_EQ(object->ref_count, 1);
}

TEST(flags_that_agree_survive)
{
	set_up();
	prev->needs_copy = 1;
	entry->needs_copy = 1;
	prev->needs_wakeup = 1;		/* nobody looks at it here */
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	CHECK_EQ(prev->needs_copy, 1);
	CHECK_EQ(prev->needs_wakeup, 1);
	CHECK_EQ(prev->protection, READ_WRITE);
	CHECK_EQ(prev->inheritance, INHERIT_COPY);
	vm_map_unlock(map);
}

/* --- objects ------------------------------------------------------------ */

TEST(prev_object_takes_in_an_entry_without_one)
{
	vm_object_t object = object_new(2 * PAGE_BYTES);

	map = map_new(USER_MAP, 0, 16);
	prev = map_add_object(map, 1, 3, object, 4);
	entry = map_add(map, 3, 5);
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	EXPECT_CALLS("vm_object_coalesce o1+4 2 o0+0 2",
		     "rbtree_remove tree [3,5)", "rbtree_remove gap_tree [3,5)",
		     "rbtree_insert_rebalance gap_tree [1,5)",
		     "kmem_cache_free [3,5)");
	CHECK(prev->object.vm_object == object);
	CHECK_EQ(prev->offset, 4 * PAGE_BYTES);
	CHECK_EQ(object->size, 8 * PAGE_BYTES);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(entry_object_takes_in_a_prev_without_one)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add_object(map, 3, 5, object, 5);
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(prev->object.vm_object == object);
	CHECK_EQ(prev->offset, 3 * PAGE_BYTES);
}

TEST(two_parts_of_one_object_give_up_a_reference)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	map = map_new(USER_MAP, 0, 16);
	object_reference(object);
	prev = map_add_object(map, 1, 3, object, 1);
	entry = map_add_object(map, 3, 5, object, 3);
	object_hold(object);		/* others may use it all the same */
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(object->ref_count, 2);
	CHECK_EQ(prev->offset, 1 * PAGE_BYTES);
}

TEST(parts_of_one_object_that_are_not_in_line_stay)
{
	vm_object_t object = object_new(8 * PAGE_BYTES);

	map = map_new(USER_MAP, 0, 16);
	object_reference(object);
	prev = map_add_object(map, 1, 3, object, 3);
	entry = map_add_object(map, 3, 5, object, 1);
	CHECK_EQ(locked_coalesce(map, entry), 0);
	CHECK_EQ(object->ref_count, 2);
}

TEST(without_objects_offsets_do_not_matter)
{
	set_up();
	prev->offset = 9 * PAGE_BYTES;
	entry->offset = 2 * PAGE_BYTES;
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK(prev->object.vm_object == NULL);
	CHECK_EQ(prev->offset, 0);
}

/* --- order -------------------------------------------------------------- */

static struct vm_map map_before;
static struct vm_map_entry prev_before, entry_before;

static void
look_for_early_changes(const struct call *call)
{
	if (call->kind != CALL_VM_OBJECT_COALESCE)
		return;
	CHECK(memcmp(map, &map_before, sizeof *map) == 0);
	CHECK(memcmp(prev, &prev_before, sizeof *prev) == 0);
	CHECK(memcmp(entry, &entry_before, sizeof *entry) == 0);
}

TEST(the_objects_are_asked_before_anything_changes)
{
	set_up();
	map->hint = entry;
	map->first_free = entry;
	vm_map_lock(map);
	map_before = *map;
	prev_before = *prev;
	entry_before = *entry;
	call_hook = look_for_early_changes;
	CHECK_EQ(coalesce(map, entry), 1);
	vm_map_unlock(map);
}

static void
look_for_late_changes(const struct call *call)
{
	if (call->kind != CALL_RBTREE_REMOVE || call->entry != entry
	    || map->hdr.nentries == 3)
		return;
	CHECK(map->hint == prev);
	CHECK(map->first_free == prev);
	CHECK_EQ(prev->links.end, 5 * PAGE_BYTES);
	CHECK_EQ(map->hdr.nentries, 2);
	CHECK(prev->links.next == next);
	CHECK(next->links.prev == prev);
}

/* Hints and prev's end are right before the tree changes; so is the list. */
TEST(hints_end_and_list_come_before_the_tree)
{
	set_up();
	map->hint = entry;
	map->first_free = entry;
	call_hook = look_for_late_changes;
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	EXPECT_CALLS("vm_object_coalesce o0+0 2 o0+0 2",
		     "rbtree_remove tree [3,5)", "kmem_cache_free [3,5)");
	vm_map_unlock(map);
}

static void
look_whether_unlinked(const struct call *call)
{
	if (call->kind != CALL_KMEM_CACHE_FREE)
		return;
	CHECK(call->entry == entry);
	check_write_locked(map);
}

/* When the entry is given back, the map is whole without it. */
TEST(the_entry_is_freed_last)
{
	set_up();
	map->hint = entry;
	map_delete(map, next);
	call_hook = look_whether_unlinked;
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	vm_map_unlock(map);
}

/* A run of entries collapses into its first, whichever way it is walked. */
TEST(a_run_merges_from_either_side)
{
	set_up();
	CHECK_EQ(locked_coalesce(map, next), 1);
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(prev->links.end, 8 * PAGE_BYTES);
	map_destroy(map);

	set_up();
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(locked_coalesce(map, next), 1);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(prev->links.end, 8 * PAGE_BYTES);
}
