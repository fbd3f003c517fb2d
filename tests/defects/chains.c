/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * convert-loses-waiters. Two threads load the same fresh page. What it is looked for in is a long chain of objects, each the
 * shadow of the one before, and none has it: who comes first leaves a page without memory busy in the first object, goes down the
 * chain, and comes back to give it memory; who comes meanwhile waits for that page.
 */
#include "arena.h"
#include "defects.h"

enum { PAGES = 512, SHADOWS = 64, MOST_LATE = 16384 };

static struct arena made;
static volatile uint32_t chains;	/* that were made so far */
static volatile uint32_t turns[2];	/* how many pages each of the two has come to */

static uint32_t copies[SHADOWS];

/* The copies keep the objects apart; and, as each has a page that those above do not have, none is passed over. */
static void make_chain(struct arena *a)
{
	*a = arena_make(a->actor, PAGES);
	for (unsigned i = 0; i < SHADOWS; i++) {
		arena_store(a, i, 1);
		copies[i] = arena_copy_of(a, a->base, PAGES);
	}
	arena_store(a, SHADOWS, 1);
}

static void drop_chain(const struct arena *a)
{
	for (unsigned i = 0; i < SHADOWS; i++)
		arena_drop(a, copies[i], PAGES);
	arena_deallocate(a, 0, PAGES);
}

static void await_turn(const struct actor *actor, const volatile uint32_t *turn, uint32_t at_least)
{
	while (*turn < at_least && !actor->scene->stop)
		asm volatile("pause");
}

/* Each page that was not stored to; both come to a page at one time, more or less. */
static void load_chain(const struct arena *a, unsigned me)
{
	for (uint32_t page = SHADOWS + 1; page < PAGES && !a->actor->scene->stop; page++) {
		turns[me]++;
		await_turn(a->actor, &turns[!me], turns[me]);
		for (uint32_t late = me ? actor_random(a->actor) % MOST_LATE : 0; late; late--)
			asm volatile("");
		arena_load(a, page);
	}
	turns[me]++;
	await_turn(a->actor, &turns[!me], turns[me]);
}

void make_and_load_chains(struct actor *actor)
{
	made.actor = actor;
	while (!actor->scene->stop && !actor->failure.what) {
		make_chain(&made);
		actor->scene->ready = true;
		chains++;
		load_chain(&made, 0);
		/* At the end the other may still be at it. */
		if (!actor->scene->stop)
			drop_chain(&made);
	}
}

void load_chains(struct actor *actor)
{
	await(actor);
	for (uint32_t seen = 1; !actor->scene->stop; seen++) {
		await_turn(actor, &chains, seen);
		struct arena a = arena_of(actor, &made);

		load_chain(&a, 1);
	}
}
