/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scan's second pass in a kernel map: mark, unlock, fault, lock, unmark. */
#include <string.h>

#include "harness.h"
#include "maps.h"

SUITE(scan_kernel);

static vm_map_t map;
static vm_map_entry_t first, second, third;

/* [1,3) and [5,6) are to be wired, [3,5) between them is not. */
static void
set_up(void)
{
	map = map_new(KERNEL_MAP, 0, 16);
	first = map_add(map, 1, 3);
	first->wired_access = READ_WRITE;
	second = map_add(map, 3, 5);
	third = map_add(map, 5, 6);
	third->wired_access = READ_WRITE;
}

static void
scan_all(void)
{
	locked_scan(map, first, 6);
}

TEST(calls_are_made_in_this_order)
{
	set_up();
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 6), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2", "vm_object_allocate 1",
		     "vm_map_unlock", "vm_fault_wire [1,3)",
		     "vm_fault_wire [5,6)", "vm_map_lock");
	vm_map_unlock(map);
	check_at_rest(map);
}

static unsigned int marked_at_unlock, marked_at_lock;

static unsigned int
marks(void)
{
	return first->in_transition | second->in_transition << 1
		| third->in_transition << 2;
}

static void
look_at_marks(const struct call *call)
{
	if (call->kind == CALL_VM_MAP_UNLOCK && marked_at_unlock == 0)
		marked_at_unlock = marks();
	if (call->kind == CALL_VM_FAULT_WIRE)
		CHECK_EQ(marks(), 7);
	if (call->kind == CALL_VM_MAP_LOCK)
		marked_at_lock = marks();
}

/* Also the one that is not being wired: the walk follows its links too. */
TEST(every_entry_of_the_range_is_marked)
{
	set_up();
	call_hook = look_at_marks;
	scan_all();
	CHECK_EQ(marked_at_unlock, 7);
	CHECK_EQ(marked_at_lock, 7);
	CHECK_EQ(marks(), 0);
}

TEST(entries_outside_the_range_are_not_marked)
{
	vm_map_entry_t before, after;

	set_up();
	before = map_add(map, 0, 1);
	after = map_add(map, 6, 7);
	before->in_transition = 1;	/* another thread's scan */
	after->in_transition = 1;
	vm_map_lock(map);
	scan(map, first, 6);
	vm_map_unlock(map);
	CHECK_EQ(before->in_transition, 1);
	CHECK_EQ(after->in_transition, 1);
}

TEST(nothing_is_marked_if_nothing_is_wired)
{
	set_up();
	first->wired_access = NONE;
	entry_set_wired(map, third, 1);
	second->in_transition = 1;
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 6), WRITE_LOCKED);
	EXPECT_CALLS();
	CHECK_EQ(marks(), 2);
	vm_map_unlock(map);
}

static unsigned int privilege_in_fault, timestamp_in_fault;

static void
look_at_privilege(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE)
		return;
	privilege_in_fault = current_thread()->vm_privilege;
	timestamp_in_fault = call->map->timestamp;
	CHECK_EQ(map_lock_state(call->map), UNLOCKED);
	CHECK_EQ(call->map->lock.want_write, 0);
	CHECK_EQ(call->map->lock.read_count, 0);
}

TEST(faults_run_unlocked_and_without_privilege)
{
	set_up();
	vm_map_lock(map);
	CHECK_EQ(current_thread()->vm_privilege, 1);
	CHECK_EQ(map->timestamp, 1);
	call_hook = look_at_privilege;
	scan(map, first, 6);
	CHECK_EQ(privilege_in_fault, 0);
	CHECK_EQ(timestamp_in_fault, 1);
	CHECK_EQ(current_thread()->vm_privilege, 1);
	CHECK_EQ(map->timestamp, 2);
	vm_map_unlock(map);
	check_at_rest(map);
}

/* Submaps of the kernel map have its pmap, and go the same way. */
TEST(the_pmap_decides)
{
	set_up();
	map_new(USER_MAP, 0, 1)->pmap = kernel_pmap;
	map = map_after(map);
	first = map_add(map, 0, 1);
	first->wired_access = READ;
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 1), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 1", "vm_map_unlock",
		     "vm_fault_wire [0,1)", "vm_map_lock");
	vm_map_unlock(map);
	check_at_rest(map);
}

/* Only what this scan has brought from 0 to 1 is faulted in. */
TEST(only_count_1_is_faulted_in)
{
	set_up();
	entry_set_wired(map, third, 1);
	second->wired_access = READ;
	second->protection = NONE;
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 6), WRITE_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2", "vm_map_unlock",
		     "vm_fault_wire [1,3)", "vm_map_lock");
	CHECK_EQ(third->wired_count, 2);
	vm_map_unlock(map);
	check_at_rest(map);
}

TEST(a_stale_needs_wakeup_is_cleared_at_the_mark)
{
	set_up();
	first->needs_wakeup = 1;
	second->needs_wakeup = 1;
	scan_all();
	CHECK_EQ(first->needs_wakeup, 0);
	CHECK_EQ(second->needs_wakeup, 0);
}

TEST(overlapping_scans_assert)
{
	set_up();
	second->in_transition = 1;
	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

TEST(overlap_at_the_first_entry_asserts)
{
	set_up();
	first->in_transition = 1;
	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

TEST(overlap_at_the_last_entry_asserts)
{
	set_up();
	third->in_transition = 1;
	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

static void
clear_a_mark(const struct call *call)
{
	if (call->kind == CALL_VM_FAULT_WIRE)
		second->in_transition = 0;
}

TEST(a_mark_that_is_gone_asserts)
{
	set_up();
	call_hook = clear_a_mark;
	STOPS_ASSERTING("entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

static void
ask_for_wakeup(const struct call *call)
{
	if (call->kind == CALL_VM_FAULT_WIRE)
		second->needs_wakeup = 1;
}

TEST(a_waiter_asserts)
{
	set_up();
	call_hook = ask_for_wakeup;
	STOPS_ASSERTING("!entry->needs_wakeup", "vm_map_pageable_scan")
		scan_all();
}

/* Which of the two is said first, when both are wrong. */
static void
clear_the_mark_and_ask(const struct call *call)
{
	clear_a_mark(call);
	ask_for_wakeup(call);
}

TEST(the_mark_is_looked_at_before_the_waiter)
{
	set_up();
	call_hook = clear_the_mark_and_ask;
	STOPS_ASSERTING("entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

/*
 * The two bits are looked at together: so again, where no other bit of their
 * byte is set, neither one that no field has, nor in_gap_tree, which means
 * nothing without a gap.
 */
static void
set_up_bare(void)
{
	char *bits;

	set_up();
	CHECK_EQ(second->gap_size, 0);
	bits = (char *) (&second->offset + 1);
	memset(bits, 0, (char *) &second->protection - bits);
}

TEST(a_waiter_asserts_where_nothing_else_is_set)
{
	set_up_bare();
	call_hook = ask_for_wakeup;
	STOPS_ASSERTING("!entry->needs_wakeup", "vm_map_pageable_scan")
		scan_all();
}

TEST(a_lost_mark_asserts_where_a_waiter_is_all_that_is_set)
{
	set_up_bare();
	call_hook = clear_the_mark_and_ask;
	STOPS_ASSERTING("entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

TEST(overlap_asserts_where_a_waiter_is_all_else_that_is_set)
{
	set_up_bare();
	second->in_transition = 1;
	second->needs_wakeup = 1;
	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
		scan_all();
}

/* Nobody is told; the count stays 1 over a page that is not there. */
TEST(a_fault_that_fails_goes_unnoticed)
{
	set_up();
	fault_failing_page = 2;
	scan_all();
	CHECK_EQ(fault_pages_missing, 1);
	CHECK_EQ(first->wired_count, 1);
	CHECK_EQ(map->size_wired, 3 * PAGE_BYTES);
	first->wired_access = NONE;
	STOPS_PANICKING("page 2 is not wired")
		locked_scan(map, first, 3);
}
