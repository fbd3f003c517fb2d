/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actor.h"
#include "../storm/text.h"

static uint32_t stacks[MAX_ACTORS][STACK_WORDS];

void act(struct actor *actor, const char *call, uint32_t page, uint32_t pages, uint32_t argument)
{
	actor->call = call;
	if (actor->alone)
		print_line("# call %u: %s, page %u, %u pages, 0x%x", actor->calls + 1, call, page, pages, argument);
}

void acted_freely(struct actor *actor)
{
	actor->calls++;
	actor->call = NULL;
}

bool acted(struct actor *actor, result_t result)
{
	expect(&actor->failure, actor->call, actor->calls + 1, result, 0);
	acted_freely(actor);
	return !actor->failure.what;
}

void await(struct actor *actor)
{
	while (!actor->scene->ready && !actor->scene->stop)
		sleep_for(&actor->caller, 1);
}

uint32_t actor_random(struct actor *actor)
{
	actor->random ^= actor->random << 13;
	actor->random ^= actor->random >> 17;
	actor->random ^= actor->random << 5;
	return actor->random;
}

static void actor_main(void *argument)
{
	struct actor *actor = argument;

	actor->caller = (struct caller){ .task = trap_task_self(), .reply = trap_reply_port() };
	actor->body(actor);
	actor->done = true;
	sleep_forever(&actor->caller);
}

bool start_actors(struct actor actors[MAX_ACTORS], unsigned *count, const struct caller *c, struct scene *scene,
		  body_t *const bodies[MAX_ACTORS], struct failure *failure)
{
	unsigned n = 0;

	while (n < MAX_ACTORS && bodies[n])
		n++;
	*count = n;
	for (unsigned i = 0; i < n; i++) {
		struct actor *actor = &actors[i];

		*actor = (struct actor){
			.scene = scene, .body = bodies[i], .number = i, .random = i * 2654435761u + 1, .alone = n == 1,
		};
		/* A fault on a stack would need the map that a defect may leave locked. */
		memset(stacks[i], 0, sizeof stacks[i]);
		if (!make_thread(c, scene->cpus, stacks[i], actor_main, actor, &actor->thread, failure))
			return false;
	}
	for (unsigned i = 0; i < n; i++)
		if (!expect(failure, "thread_resume", i, thread_resume(c, actors[i].thread), 0))
			return false;
	return true;
}
