/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on a map, beside a model that knows no entries: for each
 * page what it holds, its protection, inheritance, the access it was asked to
 * be wired for, and how often that was counted.  Clipping and merging must
 * not show in it.  SEED=number replays one run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

SUITE(random_ops);

#define PAGES		64UL
#define OPERATIONS	3000
#define SNAPSHOTS	4
#define TRACE		12

struct page_model {
	bool mapped;
	unsigned long content;
	vm_prot_t protection;
	vm_inherit_t inheritance;
	vm_prot_t access;
	unsigned int count;
};

/* A lazy copy of some pages: another user of their object. */
struct snapshot {
	vm_object_t object;
	vm_offset_t offset;
	unsigned long pages;
	unsigned long contents[PAGES];
};

static vm_map_t map;
static struct page_model model[PAGES];
static struct snapshot snapshots[SNAPSHOTS];
static unsigned long seed, state;
static char trace[TRACE][64];
static unsigned int step;

static unsigned long
random_below(unsigned long limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % limit;
}

static void
print_trace(void)
{
	fprintf(stderr, "SEED=%lu, %s map, step %u; the last steps:\n", seed,
		map->name, step);
	for (unsigned int i = 0; i < TRACE; i++)
		fprintf(stderr, "%s", trace[(step + 1 + i) % TRACE]);
}

/* --- what each step means for a page ------------------------------------ */

static void
model_merged(unsigned long prev_first, unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++)
		model[page].access = model[prev_first].access;
}

static void
model_scanned(unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++) {
		struct page_model *p = &model[page];

		if (!p->mapped)
			continue;
		if (p->access == NONE || p->protection == NONE)
			p->count = 0;
		else if (p->count < 2)
			p->count++;
	}
}

static bool
all_free(unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++)
		if (model[page].mapped)
			return false;
	return true;
}

static void
do_allocate(unsigned long first, unsigned long end)
{
	if (!all_free(first, end))
		return;
	for (unsigned long page = first; page < end; page++)
		model[page] = (struct page_model) {
			.mapped = true,
			.protection = READ_WRITE,
			.inheritance = INHERIT_COPY,
		};
	map_allocate(map, first, end);
}

static void
do_deallocate(unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++)
		model[page] = (struct page_model) { .mapped = false };
	map_deallocate(map, first, end);
}

static const vm_prot_t protections[] = { NONE, READ, READ_WRITE };

static void
do_wire(unsigned long first, unsigned long end)
{
	vm_prot_t access = protections[random_below(3)];

	for (unsigned long page = first; page < end; page++)
		if (model[page].mapped)
			model[page].access = access;
	map_wire(map, first, end, access);
}

static void
do_protect(unsigned long first, unsigned long end)
{
	vm_prot_t protection = protections[random_below(3)];

	for (unsigned long page = first; page < end; page++) {
		if (!model[page].mapped)
			continue;
		model[page].protection = protection;
		if (protection != NONE && model[page].access != NONE)
			model[page].access = protection;
	}
	map_protect(map, first, end, protection);
}

static void
do_inherit(unsigned long first, unsigned long end)
{
	vm_inherit_t inheritance = random_below(3);

	for (unsigned long page = first; page < end; page++)
		if (model[page].mapped)
			model[page].inheritance = inheritance;
	map_inherit(map, first, end, inheritance);
}

static void
do_store(unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++) {
		if (!(model[page].protection & VM_PROT_WRITE))
			continue;
		model[page].content = random_below(1UL << 30) + 1;
		map_store(map, page, model[page].content);
	}
}

/* From here on the entry's object is shared with a snapshot of its pages. */
static void
do_snapshot(unsigned long first, unsigned long end)
{
	struct snapshot *snapshot = &snapshots[random_below(SNAPSHOTS)];
	vm_map_entry_t entry = map_find(map, first);

	(void) end;
	if (snapshot->object != NULL) {
		object_unhold(snapshot->object);
		snapshot->object = NULL;
		return;
	}
	if (entry == NULL || entry->object.vm_object == NULL
	    || entry->wired_count != 0)
		return;
	object_hold(entry->object.vm_object);
	entry->needs_copy = 1;
	snapshot->object = entry->object.vm_object;
	snapshot->offset = entry->offset;
	snapshot->pages = entry_bytes(entry) / PAGE_BYTES;
	for (unsigned long i = 0; i < snapshot->pages; i++)
		snapshot->contents[i] = map_load(map,
				entry->links.start / PAGE_BYTES + i);
}

/* A refused merge is refused again, and a done one leaves nothing to do. */
static void
do_coalesce(unsigned long first, unsigned long end)
{
	vm_map_entry_t entry = map_find_from(map, first), next;

	(void) end;
	vm_map_lock(map);
	next = entry->links.next;
	if (!coalesce(map, entry))
		CHECK_EQ(coalesce(map, entry), 0);
	coalesce(map, next);
	vm_map_unlock(map);
}

/* --- runs --------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(unsigned long first, unsigned long end);
} operations[] = {
	{ "allocate", do_allocate },
	{ "allocate", do_allocate },
	{ "deallocate", do_deallocate },
	{ "wire", do_wire },
	{ "wire", do_wire },
	{ "protect", do_protect },
	{ "inherit", do_inherit },
	{ "store", do_store },
	{ "snapshot", do_snapshot },
	{ "coalesce", do_coalesce },
};

static void
compare_page(unsigned long page)
{
	const struct page_model *expected = &model[page];
	vm_map_entry_t entry = map_find(map, page);
	bool same = (entry != NULL) == expected->mapped;

	if (same && entry != NULL)
		same = entry->protection == expected->protection
			&& entry->inheritance == expected->inheritance
			&& entry->wired_access == expected->access
			&& entry->wired_count == expected->count
			&& map_load(map, page) == expected->content;
	if (same)
		return;
	map_print(map);
	FAIL("page %lu: expected mapped %d protection %d inheritance %d "
	     "access %d count %u content %lu, which is not so (content %lu)",
	     page, expected->mapped, expected->protection,
	     expected->inheritance, expected->access, expected->count,
	     expected->content, entry != NULL ? map_load(map, page) : 0);
}

static void
compare(void)
{
	for (unsigned long page = 0; page < PAGES; page++)
		compare_page(page);
	for (unsigned int i = 0; i < SNAPSHOTS; i++) {
		const struct snapshot *s = &snapshots[i];

		for (unsigned long at = 0; s->object && at < s->pages; at++) {
			struct vm_page *page = object_page_seen(s->object,
					s->offset + at * PAGE_BYTES);

			CHECK_EQ(page != NULL ? page->content : 0,
				 s->contents[at]);
		}
	}
}

static void
run(enum map_kind kind)
{
	map = map_new(kind, 0, PAGES);
	map_observer.merged = model_merged;
	map_observer.scanned = model_scanned;
	stop_hook = print_trace;
	state = seed * 0x9e3779b97f4a7c15UL | 1;
	entries_reuse(seed % 2);
	for (step = 0; step < OPERATIONS; step++) {
		unsigned long first = random_below(PAGES);
		unsigned long end = first + 1 + random_below(8);
		unsigned int choice = random_below(sizeof operations
						   / sizeof operations[0]);
		unsigned int timestamp = map->timestamp;

		if (end > PAGES)
			end = PAGES;
		snprintf(trace[step % TRACE], sizeof trace[0],
			 "  %u: %s [%lu,%lu)\n", step,
			 operations[choice].name, first, end);
		operations[choice].run(first, end);
		check_at_rest(map);
		compare();
		CHECK(map->timestamp >= timestamp);
	}
}

static void
tear_down(void)
{
	for (unsigned int i = 0; i < SNAPSHOTS; i++) {
		if (snapshots[i].object != NULL)
			object_unhold(snapshots[i].object);
		snapshots[i].object = NULL;
	}
	map_destroy(map);
	CHECK(objects_first() == NULL);
	for (unsigned long page = 0; page < PAGES; page++)
		model[page] = (struct page_model) { .mapped = false };
}

static void
run_seeds(enum map_kind kind)
{
	const char *given = getenv("SEED");

	if (given != NULL) {
		seed = strtoul(given, NULL, 0);
		run(kind);
		return;
	}
	for (seed = 1; seed <= 3; seed++) {
		run(kind);
		tear_down();
	}
}

TEST(on_a_user_map)
{
	run_seeds(USER_MAP);
}

TEST(on_a_kernel_map)
{
	run_seeds(KERNEL_MAP);
}
