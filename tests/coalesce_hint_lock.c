/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hint changes under its spin lock, and under nothing else is it held. */
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include "harness.h"

SUITE(coalesce_hint_lock);

static vm_map_t map;
static vm_map_entry_t prev, entry;
static sem_t freed;

static void
set_up(void)
{
	map = map_new(USER_MAP, 0, 16);
	prev = map_add(map, 1, 3);
	entry = map_add(map, 3, 5);
	map->first_free = entry;
	map->hint = entry;
}

TEST(it_is_free_afterwards)
{
	set_up();
	CHECK_EQ(locked_coalesce(map, entry), 1);
	CHECK_EQ(map->hint_lock.lock_data, 0);
}

TEST(it_is_free_after_a_refusal)
{
	set_up();
	entry->is_shared = 1;
	CHECK_EQ(locked_coalesce(map, entry), 0);
	CHECK_EQ(map->hint_lock.lock_data, 0);
}

static void
hold_from_the_objects_on(const struct call *call)
{
	if (call->kind == CALL_VM_OBJECT_COALESCE)
		map->hint_lock.lock_data = 1;
}

/* It goes on to its next call, where a held hint lock ends the run. */
TEST(a_hint_elsewhere_needs_no_lock)
{
	set_up();
	map->hint = prev;
	vm_map_lock(map);
	call_hook = hold_from_the_objects_on;
	STOPS_PANICKING("hint_lock held over a call")
		vm_map_coalesce_entry(map, entry);
	vm_map_unlock(map);
}

static void
merge(void *argument)
{
	(void) argument;
	vm_map_lock(map);
	CHECK_EQ(vm_map_coalesce_entry(map, entry), 1);
	vm_map_unlock(map);
}

static void
watch(const struct call *call)
{
	if (call->kind == CALL_VM_OBJECT_COALESCE)
		/* Only now, as calls may not be made with it held. */
		__atomic_store_n(&map->hint_lock.lock_data, 1,
				 __ATOMIC_SEQ_CST);
	if (call->kind == CALL_VM_MAP_UNLOCK)
		sem_post(&freed);
}

/*
 * Another holder of the hint lock makes the merge wait, with the hint, and
 * all that comes after it, unchanged.  A merge that does not take the lock
 * goes on to its calls, where a held hint lock ends the run.
 */
TEST(a_merge_waits_for_the_holder)
{
	struct thread merger;
	struct timespec limit;

	set_up();
	sem_init(&freed, 0, 0);
	call_hook = watch;
	thread_start(&merger, "merger", merge, NULL);
	while (__atomic_load_n(&map->hint_lock.lock_data,
			       __ATOMIC_SEQ_CST) == 0)
		sched_yield();

	/* Time for a wrong merge to show; a right one waits however long. */
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += 50 * 1000 * 1000;
	limit.tv_sec += limit.tv_nsec / 1000000000;
	limit.tv_nsec %= 1000000000;
	CHECK_EQ(sem_timedwait(&freed, &limit), -1);
	CHECK(map->hint == entry);
	CHECK(map->first_free == entry);
	CHECK_EQ(prev->links.end, 3 * PAGE_BYTES);
	CHECK_EQ(map->hdr.nentries, 2);

	__atomic_store_n(&map->hint_lock.lock_data, 0, __ATOMIC_SEQ_CST);
	thread_join(&merger);
	CHECK(map->hint == prev);
	CHECK(map->first_free == prev);
	check_at_rest(map);
}
