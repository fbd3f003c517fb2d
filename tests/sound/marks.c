/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks while a page is waited for: who sets them takes off those and no
 * others (W3), whatever the kernel's C does to the entries meanwhile.
 */
#include "parts.h"

SUITE(sound_marks);

static vm_map_t map;
static unsigned int pages_faulted;
static vm_map_entry_t others;

/* In the place of the kernel's C, at the first page that is waited for. */
static void (*meanwhile)(void);

static void
at_fault(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE_PAGE)
		return;
	if (pages_faulted++ == 0)
		meanwhile();
}

static void
between(void (*what)(void))
{
	meanwhile = what;
	pages_faulted = 0;
	call_hook = at_fault;
}

static void
look(void)
{
	for (unsigned long page = 2; page < 6; page++)
		CHECK_EQ(map_find(map, page)->in_transition, 1);
	CHECK_EQ(map_find(map, 6)->in_transition, 0);
}

TEST(what_is_wired_is_marked_while_a_page_is_waited_for)
{
	for (enum map_kind kind = KERNEL_MAP; kind <= USER_MAP; kind++) {
		map = map_new(kind, 0, 32);
		map_add(map, 2, 8);
		between(look);
		CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
		CHECK_EQ(map_find(map, 2)->wired_access, READ_WRITE);
		CHECK_EQ(map->size_wired, AT(4));
		/* All were absent: one fault each. */
		CHECK_EQ(pages_faulted, 4);
	}
}

/* Not until a page is waited for, but then it is, with what was before. */
TEST(what_has_been_wired_is_marked_then)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 3)->inheritance = INHERIT_SHARE;
	map_add(map, 3, 5)->inheritance = INHERIT_NONE;
	map_add(map, 5, 8)->inheritance = INHERIT_SHARE;
	for (unsigned long page = 2; page < 4; page++)
		map_store(map, page, page);
	between(look);
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(pages_faulted, 2);
	CHECK_EQ(map->size_wired, AT(4));
}

TEST(pages_that_are_there_are_not_waited_for)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 8);
	for (unsigned long page = 2; page < 8; page++)
		map_store(map, page, page);
	between(look);
	calls_clear();
	CHECK_EQ(wire(map, 2, 8, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(pages_faulted, 0);
	EXPECT_CALLS("vm_map_lock", "vm_map_unlock");
}

static void
clip(void)
{
	map_clip(map, 4);
}

TEST(both_parts_of_what_is_clipped_are_unmarked)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	between(clip);
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	/* And merged again, once nobody waits for a page. */
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(4));
}

static bool
called(const char *text)
{
	for (unsigned int i = 0; i < calls_count(); i++)
		if (strcmp(calls_text(i), text) == 0)
			return true;
	return false;
}

/* A waiter set the bit on the whole: each part may be the one it looked at. */
static void
wait_and_clip(void)
{
	map_find(map, 4)->needs_wakeup = 1;
	map_clip(map, 4);
}

TEST(who_waits_is_woken)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 6);
	between(wait_and_clip);
	calls_clear();
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK(called("thread_wakeup_prim 0 0"));
}

/* Another thread maps into the hole, and wires that. */
static void
fill_the_hole(void)
{
	others = map_add(map, 4, 6);
	others->wired_access = READ;
	others->in_transition = 1;
}

TEST(what_came_into_a_hole_is_left_alone)
{
	map = map_new(KERNEL_MAP, 0, 32);
	map_add(map, 2, 4);
	map_add(map, 6, 8);
	between(fill_the_hole);
	CHECK_EQ(vm_map_pageable(map, AT(2), AT(8), READ, 1, 0),
		 KERN_SUCCESS);
	CHECK_EQ(others->in_transition, 1);
	CHECK_EQ(others->wired_count, 0);
	CHECK_EQ(map_find(map, 2)->in_transition, 0);
	CHECK_EQ(map_find(map, 6)->in_transition, 0);
	CHECK_EQ(map->size_wired, AT(4));
}

/* As vm_map_copy_overwrite's second pass does, which does not look at marks. */
static void
replace(void)
{
	vm_map_entry_t entry = map_find(map, 2);
	vm_object_t old = entry->object.vm_object;

	entry->object.vm_object = object_new(AT(2));
	entry->offset = 0;
	map->size_wired -= entry_bytes(entry);
	entry->wired_count = 0;
	object_release(old);
}

TEST(what_was_put_in_its_place_is_not_taken_for_wired)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->inheritance = INHERIT_NONE;
	map_add(map, 4, 6);
	between(replace);
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map_find(map, 2)->wired_count, 0);
	CHECK_EQ(wirings(map, 2), 0);
	CHECK_EQ(wirings(map, 4), 1);
	CHECK_EQ(map->size_wired, AT(2));
	/* It is asked for still, and can be had. */
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map->size_wired, AT(4));
}

static void
take(void)
{
	vm_map_lock(map);
	map->hint = map_find(map, 2);
	map->first_free = map->hint;
	vm_map_entry_delete(map, map->hint);
	CHECK(map->hint == map_header(map));
	CHECK(map->first_free == map_header(map));
	vm_map_unlock(map);
}

/* As the kernel does with the two ends of a projected buffer. */
TEST(what_is_gone_is_not_gone_back_to)
{
	map = map_new(USER_MAP, 0, 32);
	map_add(map, 2, 4)->inheritance = INHERIT_NONE;
	map_add(map, 4, 6);
	between(take);
	CHECK_EQ(wire(map, 2, 6, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(map->hdr.nentries, 1);
	CHECK_EQ(map->size_wired, AT(2));
}

/* As vm_map_fork does with what is shared, whatever its count. */
static void
shadow(void)
{
	vm_map_entry_t entry = map_find(map, 2);

	vm_object_shadow(&entry->object.vm_object, &entry->offset,
			 entry_bytes(entry));
}

TEST(a_shadow_under_the_wiring_can_be_unwired)
{
	vm_object_t object = object_new(AT(8));
	struct vm_page *page = object_page_make(object, AT(1));

	object_hold(object);
	map = map_new(USER_MAP, 0, 32);
	map_add_object(map, 2, 4, object, 1);
	between(shadow);
	CHECK_EQ(vm_map_pageable(map, AT(2), AT(4), READ_WRITE, 1, 1),
		 KERN_SUCCESS);
	CHECK_EQ(page->wire_count, 1);
	CHECK_EQ(map_find(map, 2)->wired_count, 1);
	CHECK_EQ(wire(map, 2, 4, NONE), KERN_SUCCESS);
	CHECK_EQ(page->wire_count, 0);
	CHECK_EQ(map->size_wired, 0);
}
