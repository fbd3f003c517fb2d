/* SPDX-License-Identifier: GPL-2.0-or-later */
/* _vm_map_clip_start and _vm_map_clip_end. */
#include "ranges.h"

SUITE(callers_clip);

static vm_map_t map;
static vm_map_entry_t entry;
static vm_object_t object;

/* [2,8) over o1 from page 1 on, locked. */
static void
set_up(void)
{
	object = object_new(AT(16));
	map = map_new(USER_MAP, 0, 32);
	entry = map_add_object(map, 2, 8, object, 1);
	vm_map_lock(map);
}

TEST(the_start)
{
	set_up();
	_vm_map_clip_start(&map->hdr, entry, AT(4), 1);
	check_write_locked(map);
	CHECK_EQ(map->hdr.nentries, 2);
	/* The entry that there was is the one behind. */
	CHECK(map_find(map, 4) == entry);
	CHECK_EQ(entry->offset, AT(3));
	CHECK_EQ(map_find(map, 2)->offset, AT(1));
	CHECK_EQ(map_find(map, 2)->links.end, AT(4));
	CHECK_EQ(object->ref_count, 2);
}

TEST(the_end)
{
	set_up();
	_vm_map_clip_end(&map->hdr, entry, AT(4), 1);
	check_write_locked(map);
	CHECK_EQ(map->hdr.nentries, 2);
	CHECK(map_find(map, 2) == entry);
	CHECK_EQ(entry->offset, AT(1));
	CHECK_EQ(map_find(map, 4)->offset, AT(3));
	CHECK_EQ(map_find(map, 4)->links.end, AT(8));
	CHECK_EQ(object->ref_count, 2);
}

TEST(all_else_is_the_same_in_both)
{
	vm_map_entry_t back;

	set_up();
	entry->protection = READ;
	entry->inheritance = INHERIT_NONE;
	entry->needs_copy = 1;
	entry_set_wired(map, entry, 1);
	entry->wired_access = READ;
	_vm_map_clip_end(&map->hdr, entry, AT(4), 1);
	check_write_locked(map);
	back = map_find(map, 4);
	CHECK_EQ(back->protection, READ);
	CHECK_EQ(back->inheritance, INHERIT_NONE);
	CHECK_EQ(back->needs_copy, 1);
	CHECK_EQ(back->wired_count, 1);
	CHECK_EQ(back->wired_access, READ);
}

TEST(a_submap_gains_a_reference)
{
	struct vm_map sub_map = { .ref_count = 1 };

	map = map_new(USER_MAP, 0, 32);
	entry = map_add(map, 2, 8);
	entry->is_sub_map = 1;
	entry->object.sub_map = &sub_map;
	vm_map_lock(map);
	_vm_map_clip_start(&map->hdr, entry, AT(4), 1);
	CHECK_EQ(sub_map.ref_count, 2);
	_vm_map_clip_end(&map->hdr, entry, AT(6), 1);
	CHECK_EQ(sub_map.ref_count, 3);
}

/* The entries of a copy have no gaps. */
TEST(a_copy_keeps_no_gaps)
{
	struct rbtree_node *root;

	set_up();
	root = map->hdr.gap_tree.root;
	_vm_map_clip_start(&map->hdr, entry, AT(4), 0);
	_vm_map_clip_end(&map->hdr, entry, AT(6), 0);
	CHECK_EQ(map->hdr.nentries, 3);
	CHECK(map->hdr.gap_tree.root == root);
	CHECK_EQ(object->ref_count, 3);
}

TEST(no_memory_for_an_entry)
{
	set_up();
	entries_left = 0;
	STOPS_PANICKING("_vm_map_entry_create: vm_map_entry_create")
		_vm_map_clip_start(&map->hdr, entry, AT(4), 1);
	STOPS_PANICKING("_vm_map_entry_create: vm_map_entry_create")
		_vm_map_clip_end(&map->hdr, entry, AT(4), 1);
}

/* Entries that overlap: the map is broken already. */
TEST(an_address_that_is_anothers)
{
	vm_map_entry_t other;

	set_up();
	other = map_add(map, 10, 12);
	other->links.start = AT(3);
	STOPS_ASSERTING("___diff != 0", "_vm_map_clip_end")
		_vm_map_clip_end(&map->hdr, entry, AT(4), 1);
	set_up();
	other = map_add(map, 0, 1);
	other->links.end = AT(3);
	STOPS_ASSERTING("___diff != 0", "_vm_map_clip_start")
		_vm_map_clip_start(&map->hdr, entry, AT(4), 1);
}
