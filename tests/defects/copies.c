/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"
#include "defects.h"
#include "../storm/pager.h"

/* Wired while it may only be read, a page that others share copy-on-write keeps needing the copy. */
void wired_needs_copy(struct actor *actor)
{
	struct arena a = arena_make(actor, 1);

	arena_store(&a, 0, 1);
	arena_read(&a, 0, 1);
	arena_protect(&a, 0, 1, PROT_READ);
	arena_wire(&a, 0, 1, PROT_READ);
	arena_protect(&a, 0, 1, PROT_DEFAULT);
	arena_store(&a, 0, 2);
	arena_unwire(&a, 0, 1);
}

/* The fork gives page 1, which is wired, another object, as its own is larger than it. */
void fork_shares_wired(struct actor *actor)
{
	struct arena a = arena_make(actor, 2);

	arena_inherit(&a, 0, 2, INHERIT_SHARE);
	arena_store(&a, 0, 1);
	arena_wire(&a, 1, 1, PROT_DEFAULT);
	arena_fork(&a);
	arena_write(&a, 1, 2);
	arena_unwire(&a, 1, 1);
}

/* A wired page is copied by reading it, which its protection forbids. */
void fork_endless(struct actor *actor)
{
	struct arena a = arena_make(actor, 1);

	arena_wire(&a, 0, 1, PROT_DEFAULT);
	arena_protect(&a, 0, 1, PROT_WRITE);
	arena_fork(&a);
}

/* So is a page of a pager's object; nothing is wired. */
void fork_endless_object(struct actor *actor)
{
	static struct pager pager = { .answer = PAGER_SUPPLIES, .copy_strategy = COPY_NONE };
	struct arena a = arena_empty(actor);

	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
	arena_load(&a, 0);
	arena_protect(&a, 0, 1, PROT_NONE);
	arena_fork(&a);
}

/* The copy holds the page that it reads from busy while it faults in the page that it writes to. */
void copy_onto_itself(struct actor *actor)
{
	struct arena a = arena_make(actor, 1);

	arena_inherit(&a, 0, 1, INHERIT_SHARE);
	arena_fork(&a);
	arena_copy(&a, 0, 1, 0);
}

/* The same of pages that are not their own source, but lie in one object. */
void copy_onto_itself_piece(struct actor *actor)
{
	struct arena a = arena_make(actor, 16);

	/* One object for all of them. */
	arena_wire(&a, 0, 16, PROT_DEFAULT);
	arena_unwire(&a, 0, 16);
	arena_wire(&a, 12, 2, PROT_DEFAULT);
	arena_copy(&a, 11, 1, 9);
	arena_inherit(&a, 7, 3, INHERIT_SHARE);
	arena_fork(&a);
	arena_copy(&a, 10, 3, 8);
}

/* A store to the object puts a page into the copy, in front of the one that the copy has wired. */
void pushed_before_wired(struct actor *actor)
{
	static struct pager pager;
	struct arena a = arena_empty(actor);

	pager.answer = PAGER_SUPPLIES;
	pager.copy_strategy = COPY_DELAY;
	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	arena_map_copy(&a, 0, 1, pager.object, PROT_READ);
	arena_load(&a, 0);
	arena_wire(&a, 0, 1, PROT_READ);
	arena_map(&a, 1, 1, pager.object, PROT_DEFAULT);
	arena_store(&a, 1, 1);
	arena_unwire(&a, 0, 1);
}

/* No pager is needed: of a part of an object that is shared the pages stay below, until there is a store to them. */
void pushed_before_wired_shared(struct actor *actor)
{
	struct arena a = arena_make(actor, 2), forked;

	arena_store(&a, 0, 1);
	arena_inherit(&a, 0, 1, INHERIT_SHARE);
	forked = arena_fork(&a);
	arena_protect(&forked, 0, 1, PROT_READ);
	arena_wire(&forked, 0, 1, PROT_READ);
	arena_store(&a, 0, 2);
	arena_unwire(&forked, 0, 1);
}

/*
 * What maps an object first tells the kernel how large it is, here one page; as large are the objects that copies of it are kept
 * in. Of two of these that become one, pages that lie beyond are thrown away: so is what the first copy had, once memory comes to
 * lie behind it, as the kernel looks then whether the two can.
 */
void copy_too_small(struct actor *actor)
{
	static struct pager pager = { .answer = PAGER_SUPPLIES, .copy_strategy = COPY_DELAY };
	struct arena a = arena_empty(actor);
	uint32_t second;

	if (!pager_start(&pager, &actor->caller, actor->scene->cpus, &actor->failure))
		return;
	arena_map(&a, 0, 1, pager.object, PROT_DEFAULT);
	arena_map(&a, 2, 2, pager.object, PROT_DEFAULT);
	arena_map_copy(&a, 5, 2, pager.object, PROT_DEFAULT);
	/* With a page that is pushed into a copy, the next one has an object of its own, below. */
	arena_store(&a, 2, 1);
	second = arena_copy_of(&a, arena_address(&a, 3), 1);
	arena_store(&a, 3, 2);
	arena_copy_of(&a, arena_address(&a, 3), 1);
	arena_drop(&a, second, 1);
	arena_allocate(&a, 7, 1);
	see(actor, "word of a copy that nobody stored to", 6, arena_load(&a, 6), PAGER_WORD);
}
