/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_map_delete, vm_map_remove and vm_map_entry_delete. */
#include <string.h>

#include "ranges.h"

SUITE(callers_delete);

static vm_map_t map;

TEST(a_part_of_what_is_wired)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 8);
	wire(map, 2, 8, READ_WRITE);
	CHECK_EQ(unmap(map, 3, 5), KERN_SUCCESS);
	CHECK_EQ(map->size, AT(4));
	CHECK_EQ(map->size_wired, AT(4));
	CHECK_EQ(unmap(map, 0, 32), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 0);
	CHECK(objects_first() == NULL);
	CHECK_EQ(entries_live(), 0);
}

static void
expect_no_count(const struct call *call)
{
	if (call->kind == CALL_VM_FAULT_UNWIRE)
		CHECK_EQ(call->entry->wired_count, 0);
}

TEST(what_is_unwired_counts_as_such)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 8);
	wire(map, 2, 8, READ_WRITE);
	calls_clear();
	call_hook = expect_no_count;
	CHECK_EQ(vm_map_remove(map, AT(2), AT(8)), KERN_SUCCESS);
	CHECK_EQ(strncmp(calls_text(1), "vm_fault_unwire [2,8)", 21), 0);
}

TEST(the_hint_and_first_free_are_left_before_it)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	map_add(map, 6, 8);
	map_add(map, 10, 12);
	map->hint = map_find(map, 10);
	map->first_free = map_find(map, 6);
	CHECK_EQ(unmap(map, 6, 12), KERN_SUCCESS);
	CHECK(map->hint == map_find(map, 2));
	CHECK(map->first_free == map_find(map, 2));
}

TEST(a_range_within_the_map)
{
	map = map_new(USER_MAP, 2, 8);
	map_add(map, 2, 8);
	CHECK_EQ(unmap(map, 0, 3), KERN_SUCCESS);
	CHECK_EQ(unmap(map, 7, 100), KERN_SUCCESS);
	CHECK_EQ(map->size, AT(4));
	/* Backwards: nothing, but a clip at the end. */
	CHECK_EQ(unmap(map, 6, 4), KERN_SUCCESS);
	CHECK_EQ(map->size, AT(4));
	CHECK_EQ(map_find(map, 4)->links.start, AT(4));
	CHECK_EQ(map_find(map, 6)->links.start, AT(4));
}

TEST(who_waits_for_space_is_woken)
{
	map = map_new(USER_MAP, 0, 8);
	map_add(map, 2, 4);
	map->wait_for_space = 1;
	calls_clear();
	CHECK_EQ(vm_map_remove(map, AT(5), AT(6)), KERN_SUCCESS);
	EXPECT_CALLS("vm_map_lock", "thread_wakeup_prim 0 0",
		     "vm_map_unlock");
}

TEST(physical_memory_stays)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 8);
	kernel_virtual_start = AT(4);
	kernel_virtual_end = AT(8);
	CHECK_EQ(unmap(map, 4, 8), KERN_SUCCESS);
	STOPS_PANICKING("falls in physical memory area")
		vm_map_remove(map, AT(3), AT(8));
	STOPS_PANICKING("falls in physical memory area")
		vm_map_remove(map, AT(4), AT(9));
}

TEST(a_map_without_references_is_no_map)
{
	map = map_new(USER_MAP, 0, 32);
	map->ref_count = -1;
	vm_map_lock(map);
	STOPS_ASSERTING("(map->ref_count > 0 && have_lock(&map->lock))"
			" || (map->ref_count == 0)", "vm_map_delete")
		vm_map_delete(map, AT(2), AT(3));
}

static unsigned int blocks;

/* What another thread does while vm_map_delete waits. */
static void
end_transition(const struct call *call)
{
	if (call->kind != CALL_THREAD_BLOCK)
		return;
	blocks++;
	/* A wakeup as soon as the map is unlocked must not be lost. */
	CHECK_EQ(strcmp(calls_text(calls_count() - 3), "assert_wait"), 0);
	CHECK_EQ(strcmp(calls_text(calls_count() - 2), "vm_map_unlock"), 0);
	CHECK_EQ(map_lock_state(map), UNLOCKED);
	CHECK_EQ(map_find(map, 4)->needs_wakeup, 1);
	if (blocks < 2)
		return;		/* woken for nothing */
	map_find(map, 4)->in_transition = 0;
	map_find(map, 4)->needs_wakeup = 0;
	map_add(map, 8, 10);
}

TEST(what_is_in_transition_is_waited_for)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4);
	map_add(map, 4, 6)->in_transition = 1;
	call_hook = end_transition;
	CHECK_EQ(vm_map_remove(map, AT(2), AT(12)), KERN_SUCCESS);
	call_hook = NULL;
	CHECK_EQ(blocks, 2);
	/* What was mapped meanwhile goes too. */
	CHECK_EQ(map->hdr.nentries, 0);
	CHECK_EQ(map->size, 0);
	CHECK_EQ(entries_live(), 0);
}

static void
take_all(const struct call *call)
{
	if (call->kind != CALL_THREAD_BLOCK)
		return;
	blocks++;
	map_find(map, 4)->in_transition = 0;
	map_delete(map, map_find(map, 4));
}

TEST(nothing_may_be_left_after_waiting)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 4, 6)->in_transition = 1;
	call_hook = take_all;
	CHECK_EQ(unmap(map, 4, 6), KERN_SUCCESS);
	CHECK_EQ(blocks, 1);
	CHECK_EQ(map->hdr.nentries, 0);
}

/* --- one entry ---------------------------------------------------------- */

static void
delete_entry(vm_map_entry_t entry)
{
	vm_map_lock(map);
	calls_clear();
	vm_map_entry_delete(map, entry);
	CHECK_EQ(map_lock_state(map), WRITE_LOCKED);
}

TEST(pages_that_are_its_own_are_freed)
{
	vm_object_t object = object_new(AT(4));

	object_hold(object);
	object_page_make(object, AT(1));
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 0);
	delete_entry(map_find(map, 2));
	/* Somebody else has the object: they stay. */
	EXPECT_CALLS("pmap_remove 2 4", "vm_object_deallocate o1",
		     "rbtree_remove tree [2,4)",
		     "rbtree_remove gap_tree [2,4)", "kmem_cache_free [2,4)");
	CHECK(object_page(object, AT(1)) != NULL);
	vm_map_unlock(map);

	object->ref_count++;
	object_unhold(object);
	map_add_object(map, 2, 4, object, 0);
	delete_entry(map_find(map, 2));
	EXPECT_CALLS("pmap_remove 2 4", "vm_object_page_remove o1 0 2",
		     "vm_object_deallocate o1", "rbtree_remove tree [2,4)",
		     "rbtree_remove gap_tree [2,4)",
		     "kmem_cache_free [2,4)");
}

/* [2,4) over a new object; what is left of its pages goes with that. */
static void
only_the_pmap_loses_it(unsigned int pager_created, unsigned int paging)
{
	vm_object_t object = object_new(AT(4));

	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 0);
	object->pager_created = pager_created;
	object->paging_in_progress = paging;
	delete_entry(map_find(map, 2));
	CHECK_EQ(calls_count(), 5);
	CHECK_EQ(strcmp(calls_text(0), "pmap_remove 2 4"), 0);
	CHECK_EQ(strncmp(calls_text(1), "vm_object_deallocate", 20), 0);
}

TEST(pages_of_a_pager_or_in_use_stay)
{
	only_the_pmap_loses_it(1, 0);
	only_the_pmap_loses_it(0, 1);
}

TEST(what_is_shared_leaves_all_pmaps)
{
	vm_object_t object = object_new(AT(4));

	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 1)->is_shared = 1;
	delete_entry(map_find(map, 2));
	EXPECT_CALLS("vm_object_pmap_remove o1 1 3",
		     "vm_object_deallocate o1", "rbtree_remove tree [2,4)",
		     "rbtree_remove gap_tree [2,4)",
		     "kmem_cache_free [2,4)");
}

TEST(the_kernels_object_loses_its_pages)
{
	vm_object_t object = object_new(AT(4));

	object_hold(object);
	kernel_object = object;
	map = map_new(KERNEL_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 1);
	delete_entry(map_find(map, 2));
	EXPECT_CALLS("vm_object_page_remove o1 1 3",
		     "vm_object_deallocate o1", "rbtree_remove tree [2,4)",
		     "rbtree_remove gap_tree [2,4)",
		     "kmem_cache_free [2,4)");
}

TEST(a_submap_loses_a_reference)
{
	struct vm_map sub_map = { .ref_count = 2 };
	vm_map_entry_t entry;

	map = map_new(USER_MAP, 0, 32);
	entry = map_add(map, 2, 4);
	entry->is_sub_map = 1;
	entry->is_shared = 1;
	entry->object.sub_map = &sub_map;
	vm_map_lock(map);
	vm_map_entry_delete(map, entry);
	CHECK_EQ(sub_map.ref_count, 1);
	CHECK_EQ(map->hdr.nentries, 0);
}

TEST(a_projected_buffer)
{
	vm_map_entry_t one, other;

	map = map_new(USER_MAP, 0, 32);
	one = map_add(map, 2, 4);
	other = map_add(map, 6, 8);
	one->projected_on = other;
	other->projected_on = one;
	delete_entry(one);
	EXPECT_CALLS();
	CHECK_EQ(map->hdr.nentries, 2);
	/* The other end is gone. */
	other->projected_on = NULL;
	vm_map_entry_delete(map, one);
	CHECK_EQ(map->hdr.nentries, 1);
	/* The kernel's own end goes at once. */
	kernel_map = map;
	other->projected_on = other;
	vm_map_entry_delete(map, other);
	CHECK_EQ(map->hdr.nentries, 0);
}
