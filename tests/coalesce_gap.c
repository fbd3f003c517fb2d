/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A merge moves the gap behind the freed entry to the one that remains: out of
 * the gap tree, or off the list of those of one size, and in again.
 */
#include "harness.h"

SUITE(coalesce_gap);

static vm_map_t map;
static vm_map_entry_t prev, entry;

static vm_map_entry_t
root_of_gaps(void)
{
	return map->hdr.gap_tree.root != NULL
		? gap_tree_entry(map->hdr.gap_tree.root) : NULL;
}

static void
merge(void)
{
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(no_gap_behind)
{
	map = map_new(USER_MAP, 0, 5);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	EXPECT_CALLS("vm_object_coalesce o0+0 2 o0+0 2",
		     "rbtree_remove tree [3,5)", "kmem_cache_free [3,5)");
	CHECK_EQ(prev->gap_size, 0);
	CHECK(root_of_gaps() == NULL);
	vm_map_unlock(map);
	check_at_rest(map);
}

/* in_gap_tree says nothing while there is no gap. */
TEST(no_gap_behind_and_stale_in_gap_tree)
{
	map = map_new(USER_MAP, 0, 5);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	prev->in_gap_tree = 1;
	entry->in_gap_tree = 1;
	merge();
	CHECK(root_of_gaps() == NULL);
}

TEST(alone_in_the_gap_tree)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	EXPECT_CALLS("vm_object_coalesce o0+0 2 o0+0 2",
		     "rbtree_remove tree [3,5)",
		     "rbtree_remove gap_tree [3,5)",
		     "rbtree_insert_rebalance gap_tree [1,5)",
		     "kmem_cache_free [3,5)");
	CHECK_EQ(prev->gap_size, 11 * PAGE_BYTES);
	CHECK_EQ(prev->in_gap_tree, 1);
	CHECK(root_of_gaps() == prev);
	vm_map_unlock(map);
	check_at_rest(map);
}

/* A stale in_gap_tree of prev must not keep it from being entered anew. */
TEST(prev_with_stale_in_gap_tree_is_entered)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	prev->in_gap_tree = 1;
	merge();
	CHECK(root_of_gaps() == prev);
}

/*
 * Three gaps of two pages, behind [4,6), [10,12) and [16,18), each of which
 * touches the entry before it.
 */
static void
set_up_equal_gaps(void)
{
	map = map_new(USER_MAP, 0, 20);
	for (unsigned long at = 2; at < 20; at += 6) {
		map_add(map, at, at + 2);
		map_add(map, at + 2, at + 4);
	}
	check_at_rest(map);
}

static unsigned int
on_list_of(vm_map_entry_t node)
{
	unsigned int count = 0;

	for (struct list *at = node->gap_list.next; at != &node->gap_list;
	     at = at->next)
		count++;
	return count;
}

static vm_map_entry_t
nth_on_list_of(vm_map_entry_t node, unsigned int n)
{
	struct list *at = node->gap_list.next;

	while (n-- > 0)
		at = at->next;
	return gap_list_entry(at);
}

TEST(the_node_hands_its_list_to_the_first_on_it)
{
	vm_map_entry_t heir, last;

	set_up_equal_gaps();
	entry = root_of_gaps();
	CHECK_EQ(on_list_of(entry), 2);
	heir = nth_on_list_of(entry, 0);
	last = nth_on_list_of(entry, 1);
	prev = entry->links.prev;
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	CHECK(root_of_gaps() == heir);
	CHECK_EQ(heir->in_gap_tree, 1);
	CHECK_EQ(on_list_of(heir), 2);
	CHECK(nth_on_list_of(heir, 0) == last);
	CHECK(nth_on_list_of(heir, 1) == prev);
	CHECK_EQ(prev->in_gap_tree, 0);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(the_node_with_one_other_leaves_it_alone)
{
	vm_map_entry_t heir;

	map = map_new(USER_MAP, 0, 12);
	prev = map_add(map, 2, 4);
	entry = map_add(map, 4, 6);
	heir = map_add(map, 8, 10);
	gap_refresh(map, heir);
	CHECK(root_of_gaps() == entry);
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	EXPECT_CALLS("vm_object_coalesce o0+0 2 o0+0 2",
		     "rbtree_remove tree [4,6)",
		     "rbtree_remove gap_tree [4,6)",
		     "rbtree_insert_rebalance gap_tree [8,10)",
		     "kmem_cache_free [4,6)");
	CHECK(root_of_gaps() == heir);
	CHECK_EQ(on_list_of(heir), 1);
	CHECK(nth_on_list_of(heir, 0) == prev);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(on_the_list_of_another)
{
	vm_map_entry_t node;

	set_up_equal_gaps();
	node = root_of_gaps();
	entry = nth_on_list_of(node, 0);
	prev = entry->links.prev;
	CHECK_EQ(entry->in_gap_tree, 0);
	vm_map_lock(map);
	CHECK_EQ(coalesce(map, entry), 1);
	CHECK_EQ(calls_count(), 3);	/* the gap tree is not touched */
	CHECK(root_of_gaps() == node);
	CHECK_EQ(on_list_of(node), 2);
	CHECK(nth_on_list_of(node, 1) == prev);
	vm_map_unlock(map);
	check_at_rest(map);
}

/* Gaps of many sizes, so that the tree is more than a root. */
TEST(in_a_tree_of_many_sizes)
{
	for (unsigned long merged = 1; merged <= 12; merged++) {
		unsigned long at = 0;

		map = map_new(USER_MAP, 0, 256);
		for (unsigned long size = 1; size <= 12; size++) {
			prev = map_add(map, at, at + 1);
			entry = map_add(map, at + 1, at + 2);
			if (size != merged)
				entry->inheritance = INHERIT_NONE;
			at += 2 + size;
		}
		for (unsigned long page = 0; page < at; page++)
			if (map_find(map, page) != NULL)
				locked_coalesce(map, map_find(map, page));
		CHECK_EQ(map->hdr.nentries, 23);
		map_destroy(map);
	}
}

/* --- assertions --------------------------------------------------------- */

TEST(a_gap_behind_prev_asserts)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	prev->gap_size = PAGE_BYTES;
	vm_map_lock(map);
	STOPS_ASSERTING("prev->gap_size == 0", "vm_map_coalesce_entry")
		vm_map_coalesce_entry(map, entry);
	/* Only a merge looks at it. */
	entry->inheritance = INHERIT_NONE;
	CHECK_EQ(vm_map_coalesce_entry(map, entry), 0);
	prev->gap_size = 0;
	vm_map_unlock(map);
}

TEST(a_heir_of_another_size_asserts)
{
	set_up_equal_gaps();
	entry = root_of_gaps();
	prev = entry->links.prev;
	nth_on_list_of(entry, 0)->gap_size += PAGE_BYTES;
	vm_map_lock(map);
	STOPS_ASSERTING("tmp->gap_size == entry->gap_size",
			"vm_map_gap_remove_single")
		vm_map_coalesce_entry(map, entry);
}

TEST(a_heir_that_is_in_the_tree_asserts)
{
	set_up_equal_gaps();
	entry = root_of_gaps();
	prev = entry->links.prev;
	nth_on_list_of(entry, 0)->in_gap_tree = 1;
	vm_map_lock(map);
	STOPS_ASSERTING("!tmp->in_gap_tree", "vm_map_gap_remove_single")
		vm_map_coalesce_entry(map, entry);
}

TEST(a_second_node_of_the_heirs_size_asserts)
{
	vm_map_entry_t twin;

	set_up_equal_gaps();
	entry = root_of_gaps();
	prev = entry->links.prev;
	twin = map_add(map, 0, 1);	/* a gap of its own size */
	CHECK_EQ(twin->in_gap_tree, 1);
	twin->gap_size = entry->gap_size;
	vm_map_lock(map);
	STOPS_ASSERTING("___diff != 0", "vm_map_gap_remove_single")
		vm_map_coalesce_entry(map, entry);
}

/*
 * The tree packs flags into the low bits of node addresses.  Rust's own check
 * of alignment comes first where it is compiled in (debug builds).
 */
TEST(a_misaligned_gap_node_asserts)
{
	static char room[2 * sizeof(struct vm_map_entry)]
		__attribute__((aligned(16)));
	char *odd = room + 2;
	vm_size_t gap_size;

	if (harness_debug_build())
		skip("Rust's debug checks stop a misaligned access first");
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	gap_size = entry->gap_size;
	entry->gap_size = 0;		/* so that only prev's is looked up */
	map->hdr.gap_tree.root = (struct rbtree_node *)
		(odd + offsetof(struct vm_map_entry, gap_node));
	vm_map_lock(map);
	STOPS_ASSERTING("rbtree_check_alignment(parent)", "rbtree_slot")
		vm_map_coalesce_entry(map, entry);
	vm_map_unlock(map);
	entry->gap_size = gap_size;
	map->hdr.gap_tree.root = &entry->gap_node;
	check_at_rest(map);
}
