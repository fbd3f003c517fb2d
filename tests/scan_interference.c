/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other threads may do, and try to do, to a kernel map while the scan
 * has it unlocked.  They act from within a wiring fault.
 */
#include "harness.h"

SUITE(scan_interference);

static vm_map_t map;
static vm_map_entry_t before, first, second, after;
static bool acted;

static vm_map_entry_t
add_part(vm_object_t object, unsigned long first_page, unsigned long end)
{
	object_reference(object);
	return map_add_object(map, first_page, end, object, first_page);
}

/*
 * [3,5) and [5,7) are to be wired; they and their neighbours are parts of one
 * object, so that they could merge.
 */
static void
set_up(void)
{
	vm_object_t object = object_new(9 * PAGE_BYTES);

	map = map_new(KERNEL_MAP, 0, 32);
	before = add_part(object, 1, 3);
	first = add_part(object, 3, 5);
	second = add_part(object, 5, 7);
	after = add_part(object, 7, 9);
	object_release(object);
	first->wired_access = READ_WRITE;
	second->wired_access = READ_WRITE;
}

static bool
in_first_fault(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE || acted)
		return false;
	acted = true;
	return true;
}

static void
scan_while(void (*hook)(const struct call *call))
{
	call_hook = hook;
	locked_scan(map, first, 7);
	call_hook = NULL;
	CHECK(acted);
}

static void
merge_everything(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	/* As if the counts agreed, so that only the marks are in the way. */
	entry_set_wired(map, before, 1);
	entry_set_wired(map, after, 1);
	CHECK_EQ(vm_map_coalesce_entry(map, first), 0);
	CHECK_EQ(vm_map_coalesce_entry(map, second), 0);
	CHECK_EQ(vm_map_coalesce_entry(map, after), 0);
	vm_map_unlock(map);
}

TEST(nothing_merges_with_entries_in_transition)
{
	set_up();
	scan_while(merge_everything);
	CHECK_EQ(map->hdr.nentries, 4);
	CHECK_EQ(first->wired_count, 1);
	CHECK_EQ(second->wired_count, 1);
}

static void
clip_next_door(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	map_clip(map, 2);
	map_clip(map, 8);
	vm_map_unlock(map);
}

TEST(neighbours_may_be_clipped)
{
	set_up();
	scan_while(clip_next_door);
	CHECK_EQ(map->hdr.nentries, 6);
}

static void
fill_both_sides(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	map_add(map, 0, 1);
	map_add(map, 9, 12);
	vm_map_unlock(map);
}

TEST(others_may_map_memory_beside_the_range)
{
	set_up();
	scan_while(fill_both_sides);
	CHECK_EQ(map->hdr.nentries, 6);
	CHECK_EQ(map->size_wired, 4 * PAGE_BYTES);
}

static void
move_hint(const struct call *call)
{
	if (in_first_fault(call))
		map->hint = before;
}

TEST(the_hint_is_left_where_others_put_it)
{
	set_up();
	scan_while(move_hint);
	CHECK(map->hint == before);
}

static void
free_the_entry_behind(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE || call->entry != second)
		return;
	acted = true;
	vm_map_lock(map);
	map_delete(map, after);
	vm_map_unlock(map);
}

/*
 * The walk reads one entry beyond its range, which nobody keeps in place.  It
 * takes that link after the fault, not before: what is gone by then, and
 * inaccessible, is not touched.
 */
TEST(the_entry_behind_may_go_away_during_the_last_fault)
{
	set_up();
	scan_while(free_the_entry_behind);
	CHECK_EQ(map->hdr.nentries, 3);
}

static void
replace_the_entry_behind(const struct call *call)
{
	if (call->kind != CALL_VM_FAULT_WIRE || call->entry != second)
		return;
	acted = true;
	entries_reuse(true);
	vm_map_lock(map);
	map_delete(map, after);
	CHECK(map_add(map, 20, 21) == after);
	vm_map_unlock(map);
}

TEST(the_entry_behind_may_be_handed_out_again)
{
	set_up();
	scan_while(replace_the_entry_behind);
	CHECK_EQ(after->in_transition, 0);
	CHECK_EQ(after->links.start, 20 * PAGE_BYTES);
}

static void
mark_the_neighbours(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	before->in_transition = 1;
	after->in_transition = 1;
}

/* Two scans of adjacent ranges overlap in time; each takes off its own marks. */
TEST(marks_of_an_adjacent_scan_survive)
{
	set_up();
	call_hook = mark_the_neighbours;
	vm_map_lock(map);
	scan(map, first, 7);
	vm_map_unlock(map);
	CHECK_EQ(before->in_transition, 1);
	CHECK_EQ(after->in_transition, 1);
	CHECK_EQ(first->in_transition, 0);
	CHECK_EQ(second->in_transition, 0);
}

static void
wire_one_more(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	after->wired_access = READ;
	vm_map_pageable_scan(map, second, after->links.end);
}

TEST(two_scans_that_overlap_assert)
{
	set_up();
	call_hook = wire_one_more;
	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
		locked_scan(map, first, 7);
}

static void
map_into_the_hole(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	map_add(map, 5, 6);
	vm_map_unlock(map);
}

/* Upstream's, kept: an entry that comes to lie in the range was not marked. */
TEST(an_entry_mapped_into_a_hole_asserts)
{
	set_up();
	map_delete(map, second);
	call_hook = map_into_the_hole;
	STOPS_ASSERTING("entry->in_transition", "vm_map_pageable_scan")
		locked_scan(map, first, 7);
}

static void
clip_inside(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	vm_map_lock(map);
	map_clip(map, 6);
	vm_map_unlock(map);
}

/*
 * Upstream's, kept: clipping does not look at the mark, which both halves
 * then have, so each is faulted in and unmarked.
 */
TEST(a_clip_inside_the_range_slips_through)
{
	set_up();
	call_hook = clip_inside;
	locked_scan(map, first, 7);
	CHECK_EQ(map->hdr.nentries, 5);
	EXPECT_CALLS("vm_map_unlock", "vm_fault_wire [3,5)",
		     "vm_fault_wire [5,6)", "vm_fault_wire [6,7)",
		     "vm_map_lock", "vm_map_unlock");
}

static struct thread other;

static void
wire_next_door(void *argument)
{
	(void) argument;
	vm_map_lock(map);
	after->wired_access = READ;
	vm_map_pageable_scan(map, after, after->links.end);
	vm_map_unlock(map);
}

static void
scan_next_door(const struct call *call)
{
	if (!in_first_fault(call))
		return;
	thread_start(&other, "other", wire_next_door, NULL);
	thread_join(&other);
}

/* A second thread scans the adjacent range from start to end meanwhile. */
TEST(another_thread_scans_next_door)
{
	set_up();
	scan_while(scan_next_door);
	CHECK_EQ(after->wired_count, 1);
	CHECK_EQ(after->in_transition, 0);
	CHECK_EQ(map->size_wired, 6 * PAGE_BYTES);
	CHECK_EQ(map->timestamp, 4);	/* two scans, each locked twice */
}
