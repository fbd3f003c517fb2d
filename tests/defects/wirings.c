/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"
#include "defects.h"

/* An empty task, so that nothing but the arena is in the map. */
static bool arena_in_child(struct actor *actor, struct arena *a)
{
	*a = arena_empty(actor);
	act(actor, "task_create", 0, 0, 0);
	return acted(actor, task_create(&actor->caller, &a->task));
}

static void wire_all(const struct arena *a, uint32_t flags)
{
	struct actor *actor = a->actor;

	act(actor, "vm_wire_all", 0, 0, flags);
	acted(actor, vm_wire_all(&actor->caller, actor->scene->host_priv, a->task, flags));
}

/* Giving page 1 its access back merges it with page 2, so the scan meets an entry that ends behind its range. */
void crossing_end(struct actor *actor)
{
	struct arena a = arena_make(actor, 3);

	arena_wire(&a, 1, 1, PROT_DEFAULT);
	arena_protect(&a, 1, 1, PROT_NONE);
	arena_protect(&a, 1, 1, PROT_DEFAULT);
	see(actor, "count of a page that nobody wired", 2, arena_wired_count(&a, 2), 0);
	arena_unwire(&a, 1, 2);
}

/* A copy onto page 7 takes its count but leaves the wish to wire it; the protection merges it with page 8. */
void crossing_end_copy(struct actor *actor)
{
	struct arena a = arena_make(actor, 9);

	arena_wire(&a, 0, 8, PROT_DEFAULT);
	arena_copy(&a, 6, 1, 7);
	arena_protect(&a, 4, 4, PROT_DEFAULT);
	see(actor, "count of a page that nobody wired", 8, arena_wired_count(&a, 8), 0);
	arena_unwire(&a, 0, 9);
}

/* A map that wires what comes extends an unwired entry with an unwired page, and wires half of it at the next change. */
void crossing_end_future(struct actor *actor)
{
	struct arena a;

	if (!arena_in_child(actor, &a))
		return;
	wire_all(&a, WIRE_FUTURE);
	arena_allocate(&a, 0, 1);
	arena_unwire(&a, 0, 1);
	arena_allocate(&a, 1, 1);
	arena_protect(&a, 0, 1, PROT_DEFAULT);
	arena_unwire(&a, 0, 2);
}

/* The entry of page 4 merges into that of page 3 and is freed; the scan then starts from it. */
void protect_freed_entry(struct actor *actor)
{
	struct arena a = arena_make(actor, 5);

	arena_wire(&a, 4, 1, PROT_DEFAULT);
	arena_copy(&a, 2, 2, 3);
	arena_protect_max(&a, 4, 1, PROT_ALL);
}

static void merge_without_access(struct actor *actor, uint32_t wired, uint32_t wanted)
{
	struct arena a = arena_make(actor, 2);

	/* One object for both pages: without it they would not merge. */
	arena_wire(&a, 0, 2, PROT_DEFAULT);
	arena_unwire(&a, 0, 2);
	arena_wire(&a, wired, 1, PROT_DEFAULT);
	arena_protect(&a, wired, 1, PROT_NONE);
	arena_protect(&a, 1 - wired, 1, PROT_NONE);
	arena_protect(&a, 0, 2, PROT_DEFAULT);
	see(actor, wanted ? "count of the page that was wired" : "count of a page that nobody wired", 1, arena_wired_count(&a, 1),
	    wanted);
}

void merge_loses_access(struct actor *actor)
{
	merge_without_access(actor, 1, 1);
}

void merge_spreads_access(struct actor *actor)
{
	merge_without_access(actor, 0, 0);
}

/* As malloc does in a task that wired everything: access comes page by page. */
void unmerged_wirings(struct actor *actor)
{
	struct arena a = arena_make(actor, 64);

	arena_wire(&a, 0, 64, PROT_DEFAULT);
	arena_protect(&a, 0, 64, PROT_NONE);
	for (uint32_t page = 0; page < 64; page++)
		arena_protect(&a, page, 1, PROT_DEFAULT);
	see(actor, "entries for 64 pages that are all alike", 0, arena_entries(&a, 0, 64), 1);
}

void wire_future_extends(struct actor *actor)
{
	struct arena a;

	if (!arena_in_child(actor, &a))
		return;
	wire_all(&a, WIRE_FUTURE);
	arena_allocate(&a, 0, 1);
	arena_unwire(&a, 0, 1);
	arena_allocate(&a, 1, 1);
	see(actor, "count of a page allocated in a map that wires what comes", 1, arena_wired_count(&a, 1), 1);
}

void wire_all_empty(struct actor *actor)
{
	struct arena a;

	if (arena_in_child(actor, &a))
		wire_all(&a, WIRE_CURRENT);
}

void copy_onto_wired(struct actor *actor)
{
	struct arena a = arena_make(actor, 2);

	arena_wire(&a, 0, 1, PROT_DEFAULT);
	arena_copy(&a, 1, 1, 0);
	see(actor, "count of a wired page after a copy onto it", 0, arena_wired_count(&a, 0), 1);
}

/* What is wired already counts again against the eight megabytes that an unprivileged task may wire. */
void wire_quota_twice(struct actor *actor)
{
	enum { PAGES = (5 << 20) / PAGE };
	struct arena a = arena_make(actor, PAGES);

	arena_wire(&a, 0, PAGES, PROT_DEFAULT);
	act(actor, "vm_wire again", 0, PAGES, PROT_DEFAULT);
	see(actor, "result of wiring the same pages again", 0,
	    vm_wire(&actor->caller, a.host, a.task, a.base, PAGES * PAGE, PROT_DEFAULT), 0);
	acted_freely(actor);
}

/* Refused, as the memory may only be read. What is clipped by then, nobody merges. */
void refused_clips(struct actor *actor)
{
	struct arena a = arena_make(actor, 4);

	arena_protect_max(&a, 0, 4, PROT_READ);
	act(actor, "vm_wire that is refused", 1, 1, PROT_DEFAULT);
	expect(&actor->failure, "vm_wire for writing", 1,
	       vm_wire(&actor->caller, a.host, a.task, arena_address(&a, 1), PAGE, PROT_DEFAULT), KERN_NO_SPACE);
	acted_freely(actor);
	see(actor, "entries for 4 pages after a vm_wire that is refused", 0, arena_entries(&a, 0, 4), 1);
}

void refused_clips_protect(struct actor *actor)
{
	struct arena a = arena_make(actor, 4);

	arena_protect_max(&a, 0, 4, PROT_READ);
	act(actor, "vm_protect that is refused", 1, 1, PROT_DEFAULT);
	expect(&actor->failure, "vm_protect for writing", 1,
	       vm_protect(&actor->caller, a.task, arena_address(&a, 1), PAGE, PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	acted_freely(actor);
	see(actor, "entries for 4 pages after a vm_protect that is refused", 0, arena_entries(&a, 0, 4), 1);
}

/* The map is unlocked without having been locked; the next lock by the same thread notices. */
void map_bad_mask(struct actor *actor)
{
	struct mapping mapping = {
		.size = PAGE, .mask = 0x55555555, .anywhere = true, .protection = PROT_DEFAULT, .max_protection = PROT_ALL,
		.inheritance = INHERIT_COPY,
	};

	act(actor, "vm_map anywhere, with a mask that has gaps", 0, 1, mapping.mask);
	vm_map(&actor->caller, actor->caller.task, &mapping);
	acted_freely(actor);
	arena_make(actor, 1);
}
