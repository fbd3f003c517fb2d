/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's pmap has already, with all that the entry allows, is wired
 * as it is: to enter it again would have all processors flush their TLBs.
 */
#include "parts.h"

#include "objects.h"

/* Wants to be behind "objects.h". */
#include <vm/vm_page.h>

SUITE(sound_mapped);

static vm_map_t map;

/* What was wired once is in memory, and in the pmap. */
static void
mapped(enum map_kind kind, vm_prot_t protection)
{
	map = map_new(kind, 0, 32);
	map_add(map, 2, 5)->protection = protection;
	CHECK_EQ(wire(map, 2, 5, protection), KERN_SUCCESS);
	CHECK_EQ(wire(map, 2, 5, NONE), KERN_SUCCESS);
	CHECK(!pmap_is_wired(map->pmap, 3));
	faults = 0;
	pages_entered = 0;
}

static void
check_wired_again(vm_prot_t protection, unsigned int entered)
{
	CHECK_EQ(wire(map, 2, 5, protection), KERN_SUCCESS);
	CHECK_EQ(pages_entered, entered);
	for (unsigned long page = 2; page < 5; page++) {
		CHECK_EQ(wirings(map, page), 1);
		CHECK(pmap_is_wired(map->pmap, page));
	}
	CHECK_EQ(map->size_wired, AT(3));
	CHECK_EQ(vm_page_queue_lock.lock_data, 0);
	CHECK_EQ(map_find(map, 2)->object.vm_object->Lock.lock_data, 0);
}

TEST(is_not_entered_again)
{
	mapped(KERNEL_MAP, READ_WRITE);
	check_wired_again(READ_WRITE, 0);
	CHECK_EQ(faults, 0);
	CHECK_EQ(wire(map, 2, 5, NONE), KERN_SUCCESS);
	CHECK_EQ(wirings(map, 3), 0);
	CHECK(!pmap_is_wired(map->pmap, 3));
}

TEST(for_reading)
{
	mapped(KERNEL_MAP, READ);
	check_wired_again(READ, 0);
}

/* Tables of it are freed while memory is short. */
TEST(a_users_pmap_is_not_asked)
{
	mapped(USER_MAP, READ_WRITE);
	check_wired_again(READ_WRITE, 3);
	CHECK_EQ(faults, 0);
}

/* As when a copy was made of the page, and given back. */
TEST(what_may_not_be_stored_to_is_entered)
{
	mapped(KERNEL_MAP, READ_WRITE);
	pmap_forbid_writing(map->pmap, 3);
	check_wired_again(READ_WRITE, 1);
	/* It may be by now. */
	CHECK_EQ(wire(map, 2, 5, NONE), KERN_SUCCESS);
	check_wired_again(READ_WRITE, 1);
}

TEST(a_page_that_went_is_brought_in)
{
	vm_object_t object;

	mapped(KERNEL_MAP, READ_WRITE);
	object = map_find(map, 2)->object.vm_object;
	object->Lock.lock_data = 1;
	vm_page_queue_lock.lock_data = 1;
	vm_page_free(own_page(map, 3));
	vm_page_queue_lock.lock_data = 0;
	object->Lock.lock_data = 0;
	check_wired_again(READ_WRITE, 1);
	CHECK_EQ(faults, 1);
}

TEST(a_busy_page_is_waited_for)
{
	mapped(KERNEL_MAP, READ_WRITE);
	own_page(map, 4)->busy = 1;
	CHECK_EQ(wire(map, 2, 5, READ_WRITE), KERN_SUCCESS);
	CHECK_EQ(faults, 1);
	CHECK_EQ(wirings(map, 4), 1);
}
