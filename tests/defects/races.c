/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several threads on the map of their own task. No privilege is used but to bring them to the other CPUs. */
#include "arena.h"
#include "defects.h"
#include "../storm/pager.h"

static struct arena made;

static struct arena shared_arena(struct actor *actor)
{
	await(actor);
	return arena_of(actor, &made);
}

static struct arena share(struct actor *actor, struct arena a)
{
	made = a;
	actor->scene->ready = true;
	return arena_of(actor, &made);
}

/*
 * projected-unlocked. Each of these calls first walks the map without its lock; meanwhile another merges or deletes the entry
 * that it stands on.
 */
static void inherit_for_ever(const struct arena *a, uint32_t page)
{
	while (!a->actor->scene->stop) {
		arena_inherit(a, page, 2, INHERIT_NONE);
		arena_inherit(a, page, 2, INHERIT_COPY);
	}
}

void inherit_pages(struct actor *actor)
{
	struct arena a = share(actor, arena_make(actor, 8));

	inherit_for_ever(&a, 5);
}

void inherit_more(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	inherit_for_ever(&a, 1);
}

void move_page(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		arena_deallocate(&a, 3, 1);
		arena_allocate(&a, 3, 1);
	}
}

void protect_pages(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		arena_protect(&a, 4, 2, PROT_READ);
		arena_protect(&a, 4, 2, PROT_DEFAULT);
	}
}

/*
 * user-map-wire. Wiring waits, with the map locked for reading, for a page that a load has made busy; the load wants the map for
 * reading once more; a third, who wants it for writing, has precedence. The pages are fresh each time, and no entry is made or
 * freed, so that projected-unlocked stays out.
 */
enum { FRESH = 64, ZEROS = 128, ELSEWHERE = 256 };

void wire_fresh_pages(struct actor *actor)
{
	struct arena a = arena_make(actor, FRESH);

	arena_allocate(&a, ZEROS, FRESH);
	arena_allocate(&a, ELSEWHERE, 1);
	a = share(actor, a);
	while (!actor->scene->stop) {
		arena_wire(&a, 0, FRESH, PROT_DEFAULT);
		/* It takes the count, so that nothing need be unwired. */
		arena_copy(&a, ZEROS, FRESH, 0);
	}
}

void load_fresh_pages(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop)
		for (uint32_t page = 0; page < FRESH; page++)
			arena_load(&a, page);
}

void protect_elsewhere(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		arena_protect(&a, ELSEWHERE, 1, PROT_READ);
		arena_protect(&a, ELSEWHERE, 1, PROT_DEFAULT);
	}
}

/*
 * unwire-busy-page. Unwiring waits, with the map locked for writing, for a page that a load through another mapping has made
 * busy; the load wants the map for reading.
 */
enum { MAPPED_AGAIN = 4 };

void unwire_shared_page(struct actor *actor)
{
	static struct pager pager = { .answer = PAGER_SUPPLIES };
	struct arena a = arena_empty(actor);

	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
	arena_map(&a, MAPPED_AGAIN, 1, pager.object, PROT_DEFAULT);
	arena_load(&a, 0);
	a = share(actor, a);
	while (!actor->scene->stop) {
		arena_wire(&a, 0, 1, PROT_DEFAULT);
		arena_unwire(&a, 0, 1);
	}
}

void load_shared_page(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		/* The load must fault, each time. */
		arena_protect(&a, MAPPED_AGAIN, 1, PROT_NONE);
		arena_protect(&a, MAPPED_AGAIN, 1, PROT_READ);
		arena_load(&a, MAPPED_AGAIN);
	}
}

/*
 * copy-delayed-shadow. Shared memory is copied while an older copy of it is read: for a moment the older one's chain of objects
 * ends in the new one, and what is looked for further down is zeros. None of these calls walks the map without its lock.
 */
enum { COPIED = 16, NOT_ZERO = 0x5a5a5a5a, COPIES = 100 };

/* A copy of the shared pages, for as long as it is not 0; who reads it, says so. */
static volatile uint32_t older;
static volatile bool reading;

void copy_shared_pages(struct actor *actor)
{
	struct arena a = arena_make(actor, COPIED);

	for (uint32_t page = 0; page < COPIED; page++)
		arena_store(&a, page, NOT_ZERO);
	arena_inherit(&a, 0, COPIED, INHERIT_SHARE);
	arena_fork(&a);
	a = share(actor, a);
	while (!actor->scene->stop && !actor->failure.what) {
		uint32_t first = arena_copy_of(&a, a.base, COPIED);

		/* A store gives the latest copy a page of its own; one without is used again. */
		arena_store(&a, 0, NOT_ZERO);
		older = first;
		for (unsigned i = 0; i < COPIES && !actor->failure.what; i++) {
			uint32_t newer = arena_copy_of(&a, a.base, COPIED);

			arena_store(&a, 0, NOT_ZERO);
			arena_drop(&a, newer, COPIED);
		}
		older = 0;
		while (reading)
			asm volatile("pause");
		arena_drop(&a, first, COPIED);
	}
}

/* A copy of the copy, so that each load faults. */
static void load_copy(const struct arena *a, uint32_t address)
{
	uint32_t copy = arena_copy_of(a, address, COPIED);

	for (uint32_t page = 0; copy && page < COPIED; page++)
		see(a->actor, "word of a copy", 0, *(volatile uint32_t *)(copy + page * PAGE), NOT_ZERO);
	if (copy)
		arena_drop(a, copy, COPIED);
	if (a->actor->wrong.what)
		a->actor->scene->stop = true;
}

void load_copied_pages(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop && !actor->failure.what) {
		reading = true;
		__sync_synchronize();
		if (older)
			load_copy(&a, older);
		reading = false;
	}
}
