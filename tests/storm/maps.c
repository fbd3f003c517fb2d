/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"
#include "report.h"

/* Far from where an empty map begins, so that only the gap tree leads there. */
enum { PLACE = 0x10000000, OTHER_PLACE = 0x20000000, OTHER_STEP = 0x10000, OTHERS = 8 };

struct check {
	const struct caller *c;
	port_t task;	/* whose map is looked at */
	struct failure *failure;
};

static bool allocate_at(const struct check *k, word_t address, uint32_t pages)
{
	return expect(k->failure, "vm_allocate at an address", address,
		      vm_allocate(k->c, k->task, &address, pages * PAGE, false), 0);
}

static bool allocate_anywhere(const struct check *k, uint32_t pages, word_t *address)
{
	*address = 0;
	return expect(k->failure, "vm_allocate anywhere", pages,
		      vm_allocate(k->c, k->task, address, pages * PAGE, true), 0);
}

static bool expect_region(const struct check *k, word_t address, word_t start, uint32_t pages)
{
	struct region region = { 0 };

	return expect(k->failure, "vm_region", address, vm_region(k->c, k->task, address, &region), 0) &&
	       expect(k->failure, "start of the region", address, region.start, start) &&
	       expect(k->failure, "size of the region", address, region.size, pages * PAGE);
}

/* Cuts pages out of an entry by another inheritance, and merges them back in. */
static bool split(const struct check *k, word_t address, uint32_t pages)
{
	return expect(k->failure, "vm_inherit none", address,
		      vm_inherit(k->c, k->task, address, pages * PAGE, INHERIT_NONE), 0);
}

static bool merge(const struct check *k, word_t address, uint32_t pages)
{
	return expect(k->failure, "vm_inherit copy", address,
		      vm_inherit(k->c, k->task, address, pages * PAGE, INHERIT_COPY), 0);
}

/* The lookup hint was the entry that the merge freed. */
static bool check_lookup(const struct check *k)
{
	if (!allocate_at(k, PLACE, 4) || !split(k, PLACE + PAGE, 2) || !expect_region(k, PLACE, PLACE, 1) ||
	    !expect_region(k, PLACE + 3 * PAGE, PLACE + 3 * PAGE, 1) ||
	    !expect_region(k, PLACE + PAGE, PLACE + PAGE, 2) || !merge(k, PLACE + PAGE, 2))
		return false;
	/* First where the freed entry was: a lookup elsewhere would set the hint right. */
	return expect_region(k, PLACE + PAGE, PLACE, 4) && expect_region(k, PLACE + 2 * PAGE, PLACE, 4) &&
	       expect_region(k, PLACE + 3 * PAGE, PLACE, 4) && expect_region(k, PLACE, PLACE, 4);
}

/* An empty map is known by its count of entries: one that counts too many finds no room. */
static bool check_count(const struct check *k)
{
	word_t first, second;

	return allocate_anywhere(k, 4, &first) && split(k, first + PAGE, 1) && merge(k, first + PAGE, 1) &&
	       expect_region(k, first, first, 4) &&
	       expect(k->failure, "vm_deallocate", first, vm_deallocate(k->c, k->task, first, 4 * PAGE), 0) &&
	       allocate_anywhere(k, 4, &second) && expect(k->failure, "place in an emptied map", 0, second, first);
}

/* The gap after the entry that the merge freed must be found, of its exact size, after the entry before. */
static bool check_gap(const struct check *k)
{
	word_t found;

	return allocate_at(k, PLACE, 4) && allocate_at(k, PLACE + 6 * PAGE, 1) && split(k, PLACE + 2 * PAGE, 2) &&
	       merge(k, PLACE + 2 * PAGE, 2) && expect_region(k, PLACE, PLACE, 4) && allocate_anywhere(k, 2, &found) &&
	       expect(k->failure, "place in the gap", 0, found, PLACE + 4 * PAGE) && expect_region(k, PLACE, PLACE, 7) &&
	       allocate_anywhere(k, 2, &found) &&
	       expect(k->failure, "place after the gap was filled", 0, found, PLACE + 7 * PAGE);
}

/*
 * The free-space hint was the entry that the merge freed. The freed entry is soon used again, by another task's map; a hint that
 * still leads to it puts our memory beside that task's.
 */
static bool check_first_free(const struct check *k)
{
	struct check other = *k;
	word_t first, found;

	if (!allocate_anywhere(k, 2, &first) || !split(k, first + PAGE, 1) ||
	    !expect(k->failure, "task_create", 1, task_create(k->c, &other.task), 0) || !merge(k, first + PAGE, 1))
		return false;
	for (uint32_t i = 0; i < OTHERS; i++)
		if (!allocate_at(&other, OTHER_PLACE + i * OTHER_STEP, 1))
			return false;
	if (!allocate_anywhere(k, 1, &found) ||
	    !expect(k->failure, "place after the merged entry", 0, found, first + 2 * PAGE) || !expect_region(k, first, first, 3))
		return false;
	for (uint32_t i = 0; i < OTHERS; i++)
		if (!expect_region(&other, OTHER_PLACE + i * OTHER_STEP, OTHER_PLACE + i * OTHER_STEP, 1))
			return false;
	return expect(k->failure, "task_terminate", 1, task_terminate(k->c, other.task), 0);
}

static void report_check(const struct caller *c, const char *name, bool (*body)(const struct check *))
{
	struct failure failure = { 0 };
	struct check check = { .c = c, .failure = &failure };

	if (expect(&failure, "task_create", 0, task_create(c, &check.task), 0) && body(&check))
		/* A map found wrong is left alone: taking it down could panic before the report. */
		expect(&failure, "task_terminate", 0, task_terminate(c, check.task), 0);
	report_point(name, &failure);
}

void report_maps(const struct caller *c)
{
	report_check(c, "maps: lookups after a merge find one entry", check_lookup);
	report_check(c, "maps: a map emptied after a merge has room", check_count);
	report_check(c, "maps: the gap after a merged entry is found", check_gap);
	report_check(c, "maps: free space after a merge is beside the merged entry", check_first_free);
}
