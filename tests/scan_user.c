/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scan's second pass in a user map: under a recursive read lock. */
#include <sched.h>

#include "harness.h"

SUITE(scan_user);

static vm_map_t map;
static vm_map_entry_t first, second;

static void
set_up(void)
{
	map = map_new(USER_MAP, 0, 16);
	first = map_add(map, 1, 3);
	first->wired_access = READ_WRITE;
	second = map_add(map, 3, 5);
}

TEST(calls_are_made_in_this_order)
{
	set_up();
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 5), READ_LOCKED);
	EXPECT_CALLS("vm_object_allocate 2", "lock_set_recursive",
		     "lock_write_to_read", "vm_fault_wire [1,3)",
		     "lock_clear_recursive");
	vm_map_unlock(map);
	check_at_rest(map);
}

static unsigned int faults;

static void
look_at_lock(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE)
		return;
	faults++;
	CHECK_EQ(map_lock_state(map), READ_LOCKED);
	CHECK(map->lock.thread == current_thread());
	CHECK_EQ(map->lock.read_count, 1);
	CHECK_EQ(current_thread()->vm_privilege, 1);
	CHECK_EQ(first->in_transition, 0);
	CHECK_EQ(second->in_transition, 0);
}

TEST(faults_run_read_locked_recursive_and_unmarked)
{
	set_up();
	call_hook = look_at_lock;
	locked_scan(map, first, 5);
	CHECK_EQ(faults, 1);
}

TEST(timestamp_and_privilege_stay)
{
	set_up();
	vm_map_lock(map);
	scan(map, first, 5);
	CHECK_EQ(map->timestamp, 1);
	CHECK_EQ(current_thread()->vm_privilege, 1);
	CHECK(map->lock.thread == NO_THREAD);
	CHECK_EQ(map->lock.read_count, 1);
	CHECK_EQ(map->lock.want_write, 0);
	vm_map_unlock(map);
	check_at_rest(map);
}

/* What in_transition says is a matter of kernel maps. */
TEST(marks_are_neither_looked_at_nor_changed)
{
	set_up();
	first->in_transition = 1;
	second->needs_wakeup = 1;
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 5), READ_LOCKED);
	CHECK_EQ(first->in_transition, 1);
	CHECK_EQ(second->needs_wakeup, 1);
	vm_map_unlock(map);
}

static struct thread writer;

static void
write_once(void *argument)
{
	(void) argument;
	vm_map_lock(map);
	vm_map_unlock(map);
}

static void
let_a_writer_wait(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE_PAGE || writer.body != NULL)
		return;
	thread_start(&writer, "writer", write_once, NULL);
	while (!map->lock.want_write)
		sched_yield();
}

/*
 * A writer that waits keeps readers out, but not the fault of the thread that
 * made the lock recursive: else both would wait for ever.
 */
TEST(a_waiting_writer_does_not_stop_the_fault)
{
	set_up();
	call_hook = let_a_writer_wait;
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 5), READ_LOCKED);
	vm_map_unlock(map);
	thread_join(&writer);
	CHECK_EQ(map->timestamp, 2);
	check_at_rest(map);
}

static void
read_once(void *argument)
{
	(void) argument;
	lock_read(&map->lock);
	lock_done(&map->lock);
}

static void
let_a_reader_in(const struct call *call)
{
	static struct thread reader;

	if (call->kind != CALL_VM_FAULT_WIRE)
		return;
	thread_start(&reader, "reader", read_once, NULL);
	thread_join(&reader);
}

TEST(readers_come_in_while_it_faults)
{
	set_up();
	call_hook = let_a_reader_in;
	locked_scan(map, first, 5);
}

/* Nothing may be let in before the counts are right: still one write hold. */
TEST(a_scan_without_faults_never_gives_up_the_write_lock)
{
	set_up();
	first->wired_access = NONE;
	entry_set_wired(map, second, 2);
	vm_map_lock(map);
	CHECK_EQ(scan(map, first, 5), WRITE_LOCKED);
	EXPECT_CALLS("vm_fault_unwire [3,5) count 0, 0 wired");
	vm_map_unlock(map);
	check_at_rest(map);
}
