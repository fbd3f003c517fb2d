/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The harness finds what it is there to find: each invariant broken by hand,
 * each misuse of the stand-in kernel.
 */
#include <sched.h>

#include "harness.h"
#include "rbtrees.h"

SUITE(shim);

static vm_map_t map;
static vm_map_entry_t low, high;

/* [1,3) and [5,6), a gap of two pages between them, one of ten behind. */
static void
set_up(void)
{
	map = map_new(USER_MAP, 0, 16);
	low = map_add(map, 1, 3);
	high = map_add(map, 5, 6);
	check_at_rest(map);
}

TEST(invariant_1_a_wrong_nentries)
{
	set_up();
	map->hdr.nentries = 3;
	STOPS_FAILING("nentries is 3, 2 entries are linked")
		check_at_rest(map);
	map->hdr.nentries = 1;
	STOPS_FAILING("nentries is 1, at least 2 entries are linked")
		check_at_rest(map);
	map->hdr.nentries = 2;
}

TEST(invariant_1_a_broken_ring)
{
	set_up();
	high->links.prev = map_header(map);
	STOPS_FAILING("[5,6): the entry before it is not its prev")
		check_at_rest(map);
}

TEST(invariant_1_overlap)
{
	set_up();
	low->links.end = 6 * PAGE_BYTES;
	STOPS_FAILING("[5,6) overlaps")
		check_at_rest(map);
}

TEST(invariant_1_alignment)
{
	set_up();
	high->links.end += 1;
	STOPS_FAILING("[5,6) is not page-aligned")
		check_at_rest(map);
}

TEST(invariant_2_an_entry_missing_from_the_tree)
{
	set_up();
	tree_unlink(&map->hdr.tree, &high->tree_node);
	STOPS_FAILING("[5,6) is not where the tree has it")
		check_at_rest(map);
}

TEST(invariant_2_colours)
{
	set_up();
	map->hdr.tree.root->parent &= ~TREE_BLACK;
	STOPS_FAILING("tree: the root is red")
		check_at_rest(map);
}

TEST(invariant_3_a_wrong_gap)
{
	set_up();
	low->gap_size = PAGE_BYTES;
	STOPS_FAILING("[1,3): gap_size is 1 pages, the gap 2")
		check_at_rest(map);
}

TEST(invariant_3_a_gap_in_no_tree)
{
	set_up();
	tree_unlink(&map->hdr.gap_tree, &low->gap_node);
	STOPS_FAILING("[1,3): its gap's size is not in the gap tree")
		check_at_rest(map);
}

TEST(invariant_3_a_gap_on_no_list)
{
	vm_map_entry_t same;

	set_up();
	same = map_add(map, 8, 9);	/* [5,6) has two pages behind it, too */
	check_at_rest(map);
	(void) same;
	high->gap_list.prev->next = high->gap_list.next;
	high->gap_list.next->prev = high->gap_list.prev;
	STOPS_FAILING("is not on the gap list of")
		check_at_rest(map);
}

TEST(invariant_4_size)
{
	set_up();
	map->size += PAGE_BYTES;
	STOPS_FAILING("size is 4 pages, the entries' 3")
		check_at_rest(map);
}

TEST(invariant_5_size_wired)
{
	set_up();
	entry_set_wired(map, low, 1);
	map->size_wired = 0;
	STOPS_FAILING("size_wired is 0 pages, the entries' 2")
		check_at_rest(map);
}

TEST(invariant_6_hint_and_first_free)
{
	set_up();
	map->hint = (vm_map_entry_t) map;
	STOPS_FAILING("hint is no entry")
		check_at_rest(map);
	map->hint = low;
	map->first_free = (vm_map_entry_t) map;
	STOPS_FAILING("first_free is no entry")
		check_at_rest(map);
}

TEST(invariant_7_wired_count)
{
	set_up();
	entry_set_wired(map, low, 3);
	STOPS_FAILING("[1,3): wired_count is 3")
		check_at_rest(map);
	entry_set_wired(map, low, 0);
	low->wired_count = 1;
	object_release(low->object.vm_object);
	low->object.vm_object = NULL;
	map->size_wired = 2 * PAGE_BYTES;
	STOPS_FAILING("[1,3) is wired and has no object")
		check_at_rest(map);
}

TEST(invariants_7_and_8_after_a_scan)
{
	set_up();
	low->wired_count = 1;
	STOPS_FAILING("[1,3) stayed wired")
		check_scanned(map, 1, 3);
	low->wired_count = 0;
	low->wired_access = READ;
	STOPS_FAILING("[1,3) was not wired")
		check_scanned(map, 1, 3);
}

TEST(invariant_9_a_mark_left_behind)
{
	set_up();
	high->in_transition = 1;
	STOPS_FAILING("[5,6) is in transition")
		check_at_rest(map);
}

TEST(invariant_10_references)
{
	vm_object_t object;

	set_up();
	object = object_new(PAGE_BYTES);
	STOPS_FAILING("o1: ref_count is 1, 0 use it")
		check_at_rest(map);
	high->object.vm_object = object;
	check_at_rest(map);
	object->paging_in_progress = 1;
	STOPS_FAILING("o1: paging is in progress")
		check_at_rest(map);
	object->paging_in_progress = 0;
	object_page_make(object, 0)->wire_count = 1;
	STOPS_FAILING("entries wire 0 pages, objects have 1 wired")
		check_at_rest(map);
}

TEST(invariant_12_locks)
{
	set_up();
	vm_map_lock(map);
	STOPS_FAILING("the lock is not at rest: write 1")
		check_at_rest(map);
	vm_map_unlock(map);
	current_thread()->vm_privilege = 1;
	STOPS_FAILING("vm_privilege is 1")
		check_at_rest(map);
	current_thread()->vm_privilege = 0;
	map->hint_lock.lock_data = 1;
	STOPS_FAILING("hint_lock is held")
		check_at_rest(map);
}

/* --- misuse ------------------------------------------------------------- */

TEST(a_lock_that_is_not_held)
{
	set_up();
	STOPS_PANICKING("does not hold the lock for writing")
		lock_done(&map->lock);
	STOPS_PANICKING("does not hold the lock for writing")
		lock_write_to_read(&map->lock);
	STOPS_PANICKING("without the write lock")
		lock_set_recursive(&map->lock);
	STOPS_PANICKING("not the recursive one")
		lock_clear_recursive(&map->lock);
	STOPS_PANICKING("vm_privilege is 0")
		vm_map_unlock(map);
}

TEST(a_wait_that_nobody_ends)
{
	set_up();
	lock_write(&map->lock);
	STOPS_PANICKING("deadlock: thread main waits to read")
		lock_read(&map->lock);
	STOPS_PANICKING("deadlock: thread main waits to write")
		lock_write(&map->lock);
	lock_done(&map->lock);
	lock_read(&map->lock);
	STOPS_PANICKING("deadlock: thread main waits to write")
		lock_write(&map->lock);
}

static void
wait_to_read(void *argument)
{
	(void) argument;
	lock_read(&map->lock);
}

/* Whichever of the two comes first. */
TEST(a_wait_for_a_thread_that_waits)
{
	struct thread reader;

	set_up();
	lock_write(&map->lock);
	STOPS_PANICKING("deadlock: thread reader waits to read") {
		thread_start(&reader, "reader", wait_to_read, NULL);
		thread_join(&reader);
	}
	STOPS_PANICKING("deadlock: thread reader waits to read") {
		thread_start(&reader, "reader", wait_to_read, NULL);
		while (!map->lock.waiting)
			sched_yield();
		thread_join(&reader);
	}
}

TEST(faults_in_the_wrong_lock_state)
{
	vm_map_t kernel = map_new(KERNEL_MAP, 0, 4);
	vm_map_entry_t entry = map_add(kernel, 0, 1);

	set_up();
	STOPS_PANICKING("the user map is not locked")
		vm_fault_wire(map, low);
	STOPS_PANICKING("[0,1) is not in transition")
		vm_fault_wire(kernel, entry);
	STOPS_PANICKING("vm_fault_unwire without the write lock")
		vm_fault_unwire(map, low);
	vm_map_lock(map);
	STOPS_PANICKING("the map is locked for writing")
		vm_fault_wire(map, low);
	lock_write_to_read(&map->lock);
	STOPS_PANICKING("the lock is not recursive")
		vm_fault_wire(map, low);
}

TEST(freed_entries)
{
	struct vm_map_entry copy;

	set_up();
	map_delete(map, low);
	STOPS_PANICKING("entry [1,3) freed twice")
		kmem_cache_free(&vm_map_entry_cache, (vm_offset_t) low);
	STOPS_TOUCHING("entry [1,3), which was freed")
		copy = *low;
	STOPS_TOUCHING("entry [1,3), which was freed")
		low->wired_count = 1;
	STOPS_PANICKING("not vm_map_entry_cache")
		kmem_cache_free((struct kmem_cache *) &copy,
				(vm_offset_t) high);
	STOPS_PANICKING("is no map entry")
		kmem_cache_free(&vm_map_entry_cache, (vm_offset_t) &copy);
}

TEST(an_expected_stop_that_does_not_come)
{
	set_up();
	STOPS_FAILING("ran to its end \"\", not assertion \"x\"")
		STOPS_ASSERTING("x", NULL)
			check_at_rest(map);
	STOPS_FAILING("panic \"lock_clear_recursive")
		STOPS_ASSERTING("x", NULL)
			lock_clear_recursive(&map->lock);
}

TEST(unexpected_calls)
{
	set_up();
	calls_clear();
	vm_map_lock(map);
	STOPS_FAILING("call 2 is \"(no more)\", not \"vm_map_unlock\"")
		EXPECT_CALLS("vm_map_lock", "vm_map_unlock");
	STOPS_FAILING("call 1 is \"vm_map_lock\", not \"(no more)\"")
		EXPECT_CALLS();
	vm_map_unlock(map);
}

/* Trees of every size, emptied in an order that is not that of filling. */
TEST(trees_stay_balanced)
{
	struct vm_map_entry *entries[96];

	map = map_new(USER_MAP, 0, 4096);
	for (unsigned long i = 0; i < 96; i++) {
		unsigned long at = i * 37 % 96;

		entries[at] = map_add(map, at * 40, at * 40 + 1 + at % 7);
		check_at_rest(map);
	}
	CHECK_EQ(tree_count(&map->hdr.tree), 96);
	for (unsigned long i = 0; i < 96; i++) {
		map_delete(map, entries[i * 55 % 96]);
		check_at_rest(map);
	}
}
