/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that make the kernel calls which provoke a defect. Each says what it is in before it goes there, so that a call which
 * never returns can be named: by the first thread, which makes no calls on memory, and looks on.
 */
#ifndef DEFECTS_ACTOR_H
#define DEFECTS_ACTOR_H

#include "../storm/memory.h"
#include "../storm/thread.h"

enum { MAX_ACTORS = 6 };

struct actor;
typedef void body_t(struct actor *actor);

/* What all of them share. */
struct scene {
	port_t host;	/* the name port, which any task has */
	port_t host_priv, kernel_task;	/* what only privileged ones are given */
	const struct cpus *cpus;
	volatile bool ready;	/* the first actor has made what the others act on */
	volatile bool stop;	/* the time is over, or one of them has seen enough */
};

struct actor {
	struct caller caller;
	struct scene *scene;
	body_t *body;
	port_t thread;
	unsigned number;
	uint32_t random;
	bool alone;	/* it says each call on the console; several would drown it */
	const char *volatile call;	/* the call, or the access to memory, that it is in */
	volatile uint32_t calls;
	volatile bool done;
	struct failure failure;	/* a call that had to go well did not: nothing was tried */
	struct failure wrong;	/* what the kernel did wrong */
};

/* Before a call: what it is, and on which pages of the arena; ARGUMENT is a protection, or whatever the call takes. */
void act(struct actor *actor, const char *call, uint32_t page, uint32_t pages, uint32_t argument);
/* After it. RESULT must be zero; returns whether all went well so far. */
bool acted(struct actor *actor, result_t result);
/* The same where RESULT may be any. */
void acted_freely(struct actor *actor);

/* What was SEEN instead of what was WANTED is the defect at work. */
static inline void see(struct actor *actor, const char *what, uint32_t at, uint32_t seen, uint32_t wanted)
{
	expect(&actor->wrong, what, at, seen, wanted);
}

/* A body that shares work: waits until the first actor is ready. */
void await(struct actor *actor);
uint32_t actor_random(struct actor *actor);

/* Starts a thread for each of BODIES, which ends at NULL or MAX_ACTORS. */
bool start_actors(struct actor actors[MAX_ACTORS], unsigned *count, const struct caller *c, struct scene *scene,
		  body_t *const bodies[MAX_ACTORS], struct failure *failure);

#endif
