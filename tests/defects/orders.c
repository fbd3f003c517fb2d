/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup-order. Who asks something of an object by its name port has the port locked, and then the cache of objects; who ends an
 * object has locked the cache, and locks its ports.
 */
#include "arena.h"
#include "defects.h"
#include "../storm/pager.h"

static struct pager pager = { .answer = PAGER_SUPPLIES };

void map_and_unmap(struct actor *actor)
{
	struct arena a = arena_empty(actor);

	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	/*
	 * Once in peace: vm_deallocate waits for the pager with the map locked, and the pager must not want the map for memory of
	 * its own that it has not touched.
	 */
	arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
	while (!pager.mapped && !actor->scene->stop)
		sleep_for(&actor->caller, 1);
	arena_deallocate(&a, 0, 1);
	while (pager.mapped && !actor->scene->stop)
		sleep_for(&actor->caller, 1);
	actor->scene->ready = true;
	while (!actor->scene->stop) {
		arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
		arena_deallocate(&a, 0, 1);
	}
}

void ask_by_name(struct actor *actor)
{
	await(actor);
	while (!actor->scene->stop) {
		act(actor, "vm_object_sync", 0, 1, 0);
		/* The name is dead once the object is unmapped, until it is mapped again. */
		vm_object_sync(&actor->caller, pager.name, 0, PAGE, false, false);
		acted_freely(actor);
	}
}
