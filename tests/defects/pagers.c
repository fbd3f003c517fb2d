/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"
#include "defects.h"
#include "../storm/pager.h"

static struct pager pager;

static struct arena arena_of_pager(struct actor *actor, enum pager_answer answer)
{
	struct arena a = arena_empty(actor);

	pager.answer = answer;
	if (pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
	return a;
}

/* The error of a page that its pager does not have. */
enum { KERN_MEMORY_ERROR = 10 };

static result_t try_to_wire(const struct arena *a)
{
	struct actor *actor = a->actor;
	result_t result;

	act(actor, "vm_wire", 0, 1, PROT_DEFAULT);
	result = vm_wire(&actor->caller, a->host, a->task, a->base, PAGE, PROT_DEFAULT);
	acted_freely(actor);
	return result;
}

/* Wiring finds no page and says nothing; unwiring does not find it either. A kernel that says so has unwired it itself. */
void silent_wire_failure(struct actor *actor)
{
	struct arena a = arena_of_pager(actor, PAGER_ERRS);
	result_t result = try_to_wire(&a);

	expect(&actor->failure, "requests that the pager was sent", 0, pager.requests != 0, true);
	see(actor, "count of a page that its pager does not have", 0, arena_wired_count(&a, 0), 0);
	if (result != KERN_MEMORY_ERROR)
		arena_unwire(&a, 0, 1);
}

/* The flush waits for the page to be unwired, and would not be woken by that. */
void lock_wired_page(struct actor *actor)
{
	struct arena a = arena_of_pager(actor, PAGER_SUPPLIES);

	expect(&actor->failure, "word of the pager", 0, arena_load(&a, 0), PAGER_WORD);
	arena_wire(&a, 0, 1, PROT_DEFAULT);
	act(actor, "vm_object_sync with a flush", 0, 1, 0);
	acted(actor, vm_object_sync(&actor->caller, pager.name, 0, PAGE, true, false));
}

/* Wiring waits for the pager with the map locked for reading; sending the page takes the lock for writing. */
void own_pager(struct actor *actor)
{
	struct arena a = arena_of_pager(actor, PAGER_SUPPLIES);

	arena_wire(&a, 0, 1, PROT_DEFAULT);
}

void copyin_hides_error(struct actor *actor)
{
	struct arena a = arena_of_pager(actor, PAGER_ERRS);
	struct rpc_array data;

	act(actor, "vm_read", 0, 1, 0);
	expect(&actor->failure, "result of reading before", 0, vm_read(&actor->caller, a.task, a.base, PAGE, &data), KERN_MEMORY_ERROR);
	acted_freely(actor);
	/* Where this fails, the page is as it was. */
	try_to_wire(&a);
	act(actor, "vm_read", 0, 1, 0);
	see(actor, "result of reading a page that its pager does not have, once it is wired", 0,
	    vm_read(&actor->caller, a.task, a.base, PAGE, &data), KERN_MEMORY_ERROR);
	acted_freely(actor);
}
