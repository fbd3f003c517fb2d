/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever wants to change what another thread has in transition waits, and
 * looks it up again (W2).
 */
#include "parts.h"

SUITE(sound_waiting);

static vm_map_t map;
static unsigned int blocks;

static unsigned int
marks(void)
{
	unsigned int marked = 0;

	for (vm_map_entry_t entry = map->hdr.links.next;
	     entry != map_header(map); entry = entry->links.next)
		marked += entry->in_transition;
	return marked;
}

/* What another thread does while ours waits: page 4 is ready at last. */
static void
end_transition(const struct call *call)
{
	if (call->kind != CALL_THREAD_BLOCK)
		return;
	blocks++;
	/* A wakeup as soon as the map is unlocked must not be lost. */
	CHECK_EQ(strcmp(calls_text(calls_count() - 3), "assert_wait"), 0);
	CHECK_EQ(map_lock_state(map), UNLOCKED);
	CHECK_EQ(map_find(map, 4)->needs_wakeup, 1);
	/* Nor does who waits hold a mark. */
	CHECK_EQ(marks(), 1);
	if (blocks < 2)
		return;		/* woken for nothing */
	map_find(map, 4)->in_transition = 0;
	map_find(map, 4)->needs_wakeup = 0;
	call_hook = NULL;
}

static void
another_has_page_4(void)
{
	blocks = 0;
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->inheritance = INHERIT_SHARE;
	map_add(map, 4, 6)->in_transition = 1;
	map_add(map, 6, 8)->inheritance = INHERIT_SHARE;
	call_hook = end_transition;
}

TEST(to_wire)
{
	another_has_page_4();
	CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map->size_wired, AT(6));
}

TEST(to_wire_a_part_of_it)
{
	another_has_page_4();
	CHECK_EQ(wire(map, 5, 7, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map->size_wired, AT(2));
}

TEST(to_unwire)
{
	another_has_page_4();
	CHECK_EQ(wire(map, 4, 6, NONE), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
}

TEST(to_wire_all)
{
	another_has_page_4();
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_ALL), KERN_SUCCESS);
	check_at_rest(map);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map->size_wired, AT(6));
}

TEST(to_protect)
{
	another_has_page_4();
	CHECK_EQ(protect(map, 3, 8, READ, 0), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map_find(map, 4)->protection, READ);
}

TEST(to_inherit)
{
	another_has_page_4();
	CHECK_EQ(inherit(map, 2, 5, INHERIT_NONE), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map_find(map, 4)->inheritance, INHERIT_NONE);
}

/* Nor is it clipped before: one mark stands while it is waited for. */
TEST(to_inherit_a_part_of_it)
{
	another_has_page_4();
	CHECK_EQ(inherit(map, 5, 7, INHERIT_NONE), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map_find(map, 5)->inheritance, INHERIT_NONE);
	CHECK_EQ(map->hdr.nentries, 4);
}

TEST(to_delete_a_part_of_it)
{
	another_has_page_4();
	CHECK_EQ(unmap(map, 5, 7), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map->hdr.nentries, 3);
}

TEST(to_delete)
{
	another_has_page_4();
	CHECK_EQ(unmap(map, 2, 8), KERN_SUCCESS);
	CHECK_EQ(blocks, 2);
	CHECK_EQ(map->hdr.nentries, 0);
	/* The hint leads to no entry that was freed. */
	CHECK(map->hint == map_header(map));
}

TEST(what_is_beside_it_is_not_waited_for)
{
	another_has_page_4();
	call_hook = NULL;
	CHECK_EQ(vm_map_pageable(map, AT(6), AT(8), READ, 1, 1),
		 KERN_SUCCESS);
	CHECK_EQ(vm_map_protect(map, AT(2), AT(4), READ, 0), KERN_SUCCESS);
	CHECK_EQ(vm_map_remove(map, AT(2), AT(4)), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 4)->in_transition, 1);
	CHECK_EQ(map_find(map, 4)->needs_wakeup, 0);
}

static void
take_all(const struct call *call)
{
	if (call->kind != CALL_THREAD_BLOCK)
		return;
	blocks++;
	map_find(map, 4)->in_transition = 0;
	map_delete(map, map_find(map, 2));
	map_delete(map, map_find(map, 4));
	map_delete(map, map_find(map, 6));
}

/* The map went meanwhile: what was found before is looked up again. */
TEST(nothing_may_be_left)
{
	another_has_page_4();
	call_hook = take_all;
	CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_NO_SPACE);
	CHECK_EQ(blocks, 1);

	another_has_page_4();
	call_hook = take_all;
	CHECK_EQ(vm_map_pageable_all(map, VM_WIRE_CURRENT), KERN_NO_SPACE);
	CHECK_EQ(unmap(map, 2, 8), KERN_SUCCESS);
}
