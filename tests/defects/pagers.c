/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"
#include "defects.h"
#include "../storm/pager.h"
#include <stddef.h>

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
enum { KERN_INVALID_ARGUMENT = 4, KERN_MEMORY_ERROR = 10 };

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

/*
 * The part begins behind two pages. The sum of its beginning, the offset and the size wraps, and is not beyond its end; what is
 * mapped is the page in front of it.
 */
void proxy_wraps(struct actor *actor)
{
	struct arena a = arena_empty(actor);
	struct mapping mapping = {
		.address = arena_address(&a, 5), .size = PAGE, .offset = -PAGE, .object_is_sent = true, .protection = PROT_READ,
		.max_protection = PROT_READ, .inheritance = INHERIT_COPY,
	};
	result_t result;

	pager.answer = PAGER_SUPPLIES;
	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	arena_map(&a, 0, 4, pager.object, PROT_DEFAULT);
	act(actor, "vm_region_create_proxy", 2, 2, PROT_READ);
	acted(actor, vm_region_create_proxy(&actor->caller, a.task, arena_address(&a, 2), PROT_READ, 2 * PAGE, &mapping.object));
	act(actor, "vm_map of a proxy, at offset -1 page", 5, 1, PROT_READ);
	result = vm_map(&actor->caller, a.task, &mapping);
	acted_freely(actor);
	see(actor, "result of a vm_map in front of what a proxy covers", 5, result, KERN_INVALID_ARGUMENT);
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

/* So long, in milliseconds, a thread waits for the page that it loads from. */
enum { LATE = 500, LONGEST = 10000, POLL = 50 };

/* Whether the kernel is done with the pager's object, which it tells the pager. */
static bool is_given_up(const struct actor *actor)
{
	for (uint32_t waited = 0; pager.mapped && waited < LONGEST; waited += POLL)
		sleep_for(&actor->caller, POLL);
	return !pager.mapped;
}

void copyin_leaks_object(struct actor *actor)
{
	struct arena a = arena_of_pager(actor, PAGER_ERRS);
	struct rpc_array data;

	act(actor, "vm_read", 0, 1, 0);
	expect(&actor->failure, "result of vm_read", 0, vm_read(&actor->caller, a.task, a.base, PAGE, &data), KERN_MEMORY_ERROR);
	acted_freely(actor);
	arena_deallocate(&a, 0, 1);
	see(actor, "whether the kernel is done with an object that is mapped nowhere", 0, is_given_up(actor), true);
}

/* The pager is late at each SOME of them, so that the memory goes while the kernel copies it. */
enum { GOING = 256, SOME = 64, KERN_INVALID_ADDRESS = 1 };
static struct arena of_reader;

void read_what_goes(struct actor *actor)
{
	const struct caller *c = &actor->caller;
	struct pages before, after;
	struct rpc_array data;

	of_reader = arena_empty(actor);
	pager.late = LATE;
	pager.late_each = SOME;
	if (!pager_start(&pager, c, actor->scene->cpus, &actor->failure) ||
	    !expect(&actor->failure, "vm_statistics", 0, page_counts(c, &before), 0))
		return;
	arena_map(&of_reader, 0, GOING, pager.object, PROT_DEFAULT);
	actor->scene->ready = true;
	act(actor, "vm_read", 0, GOING, 0);
	expect(&actor->failure, "result of vm_read", 0, vm_read(c, of_reader.task, of_reader.base, GOING * PAGE, &data), KERN_INVALID_ADDRESS);
	acted_freely(actor);
	expect(&actor->failure, "whether the kernel is done with the object", 0, is_given_up(actor), true);
	expect(&actor->failure, "vm_statistics", 1, page_counts(c, &after), 0);
	/* The kernel uses a few for itself, or gives a few back. */
	see(actor, "copies in the machine's memory that nobody has", 0, (before.free + GOING / 2 - after.free) / GOING, 0);
}

void take_it_away(struct actor *actor)
{
	await(actor);
	while (pager.requests < SOME && !actor->scene->stop)
		sleep_for(&actor->caller, 1);
	struct arena a = arena_of(actor, &of_reader);

	arena_deallocate(&a, 0, GOING);
}
enum { RIGHT_RECEIVE = 1, ID_EXCEPTION_RAISE = 2400 };

static struct arena of_loader;
static struct actor *volatile loader;

/*
 * A page that counts as wired and is not there; a thread loads from it, and has to wait. When it has the page it finds the map
 * changed, and looks again for all the access that there was before.
 */
void load_refused(struct actor *actor)
{
	const struct caller *c = &actor->caller;
	struct rpc m;
	port_t exceptions;
	uint32_t requests, code = 0;

	of_loader = arena_of_pager(actor, PAGER_ERRS);
	try_to_wire(&of_loader);
	if (actor->failure.what ||
	    !expect(&actor->failure, "mach_port_allocate", 0, mach_port_allocate(c, c->task, RIGHT_RECEIVE, &exceptions), 0) ||
	    !expect(&actor->failure, "task_set_special_port", 0, task_set_exception_port(c, c->task, exceptions), 0))
		return;
	pager.answer = PAGER_SUPPLIES;
	pager.late = LATE;
	requests = pager.requests;
	actor->scene->ready = true;
	while (pager.requests == requests && !actor->scene->stop)
		sleep_for(c, 1);
	arena_protect(&of_loader, 0, 1, PROT_READ);
	for (uint32_t waited = 0; !(loader && loader->done) && waited < LONGEST; waited += POLL)
		if (!rpc_receive_within(&m, exceptions, POLL) && rpc_id(&m) == ID_EXCEPTION_RAISE) {
			/* Of which thread and task, and which exception. */
			for (unsigned skipped = 0; skipped < 3; skipped++)
				rpc_get_word(&m);
			code = rpc_get_word(&m);
			/* It waits for an answer, and gets none. */
			loader->call = NULL;
			loader->done = true;
		}
	see(actor, "code of the exception that a load got", 0, code, 0);
}

void load_late_page(struct actor *actor)
{
	await(actor);
	loader = actor;
	struct arena a = arena_of(actor, &of_loader);

	expect(&actor->failure, "word of the pager", 0, arena_load(&a, 0), PAGER_WORD);
}
