/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-map-wire.storm. Six threads over the same pages of their task. The lower pages stay mapped, and can always be read; the
 * first of them can always be written too, so that loads of them fault, wait and return. The upper ones come, go and lose their
 * access. No memory is shared and nothing forks: what else is wrong with that is C's.
 *
 * Nor is a page loaded from that may lose its write access: vm_fault asks for all that a wired page allowed when it looked first,
 * and refuses the load if it has to look again and less is allowed (load-refused in docs/upstream.md). That ends the task.
 */
#include "arena.h"
#include "defects.h"

enum { LOADED = 4, LOWER = 8, PAGES = 16, MOST = 4 };

static struct arena made;

static uint32_t any(struct actor *actor, uint32_t below)
{
	return actor_random(actor) % below;
}

struct range {
	uint32_t page, pages;
};

static struct range any_range(struct actor *actor, uint32_t from, uint32_t end)
{
	uint32_t page = from + any(actor, end - from), pages = 1 + any(actor, MOST);

	return (struct range){ page, pages < end - page ? pages : end - page };
}

static struct arena begin(struct actor *actor)
{
	await(actor);
	return arena_of(actor, &made);
}

static void wire_and_unwire(const struct arena *a)
{
	struct actor *actor = a->actor;

	while (!actor->scene->stop) {
		struct range range = any_range(actor, 0, PAGES);

		arena_wire(a, range.page, range.pages, any(actor, 2) ? PROT_DEFAULT : PROT_READ);
		range = any_range(actor, 0, PAGES);
		arena_unwire(a, range.page, range.pages);
	}
	arena_unwire(a, 0, PAGES);
}

void storm_makes_and_wires(struct actor *actor)
{
	made = arena_make(actor, PAGES);
	actor->scene->ready = true;
	struct arena a = arena_of(actor, &made);

	wire_and_unwire(&a);
}

void storm_wires(struct actor *actor)
{
	struct arena a = begin(actor);

	wire_and_unwire(&a);
}

void storm_loads(struct actor *actor)
{
	struct arena a = begin(actor);

	while (!actor->scene->stop)
		arena_load(&a, any(actor, LOADED));
}

void storm_protects(struct actor *actor)
{
	struct arena a = begin(actor);

	while (!actor->scene->stop) {
		struct range loaded = any_range(actor, 0, LOADED), lower = any_range(actor, LOADED, LOWER);
		struct range upper = any_range(actor, LOWER, PAGES);

		arena_protect(&a, loaded.page, loaded.pages, PROT_DEFAULT);
		arena_protect(&a, lower.page, lower.pages, any(actor, 2) ? PROT_READ : PROT_DEFAULT);
		arena_protect(&a, upper.page, upper.pages, any(actor, 2) ? PROT_NONE : PROT_DEFAULT);
		arena_inherit(&a, upper.page, upper.pages, any(actor, 2) ? INHERIT_NONE : INHERIT_COPY);
	}
}

/* Copies onto the lower pages make them fresh, which have to be faulted in; those onto wired ones take their count. */
void storm_replaces(struct actor *actor)
{
	struct arena a = begin(actor);

	while (!actor->scene->stop) {
		struct range range = any_range(actor, LOWER, PAGES);

		arena_copy(&a, range.page, range.pages, any(actor, LOWER - MOST));
		arena_deallocate(&a, range.page, range.pages);
		arena_allocate(&a, range.page, range.pages);
	}
}

/* The whole map, the program itself included; and what is mapped later, or not. */
void storm_wires_all(struct actor *actor)
{
	struct arena a = begin(actor);

	while (!actor->scene->stop) {
		uint32_t flags = any(actor, 4);

		act(actor, "vm_wire_all", 0, 0, flags);
		vm_wire_all(&actor->caller, actor->scene->host_priv, a.task, flags);
		acted_freely(actor);
	}
}
