/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"
#include "../storm/text.h"

static struct outcome ended(const struct actor *actors, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (actors[i].failure.what)
			return (struct outcome){ .kind = NOT_TRIED, .failure = actors[i].failure };
	for (unsigned i = 0; i < count; i++)
		if (actors[i].wrong.what)
			return (struct outcome){ .kind = WRONG, .failure = actors[i].wrong };
	return (struct outcome){ .kind = NOTHING };
}

/* The call that an actor is stuck in, or NULL. */
static const char *stuck_in(struct watch *watch, const struct actor *actor, unsigned i, uint32_t now, uint32_t patience)
{
	const char *call = actor->call;

	if (call && !actor->done && actor->calls == watch->calls[i])
		return now - watch->since[i] >= patience ? call : NULL;
	watch->calls[i] = actor->calls;
	watch->since[i] = now;
	return NULL;
}

struct outcome judge_actors(struct watch *watch, const struct actor *actors, unsigned count, uint32_t now, uint32_t patience)
{
	struct outcome outcome = { .kind = GOES_ON };
	unsigned done = 0, stuck = 0;

	for (unsigned i = 0; i < count; i++) {
		outcome.calls[i] = stuck_in(watch, &actors[i], i, now, patience);
		stuck += outcome.calls[i] != NULL;
		done += actors[i].done;
	}
	watch->stuck = stuck;
	if (done == count)
		return ended(actors, count);
	if (done + stuck == count)
		outcome.kind = STUCK;
	return outcome;
}

/* In the order of the actors, so that one defect has one line. */
static void print_stuck(const struct outcome *outcome)
{
	const char *calls[MAX_ACTORS + 1] = { NULL };
	unsigned count = 0;

	for (unsigned i = 0; i < MAX_ACTORS; i++)
		if (outcome->calls[i])
			calls[count++] = outcome->calls[i];
	switch (count) {
	case 1:
		print_line("# outcome: never returns: %s", calls[0]);
		break;
	case 2:
		print_line("# outcome: never returns: %s; %s", calls[0], calls[1]);
		break;
	default:
		print_line("# outcome: never returns: %s; %s; %s", calls[0], calls[1], calls[2]);
	}
}

void print_outcome(const struct outcome *outcome)
{
	const struct failure *f = &outcome->failure;

	switch (outcome->kind) {
	case GOES_ON:
		break;
	case NOTHING:
		print_line("# outcome: nothing");
		break;
	case WRONG:
		print_line("# outcome: wrong result: %s: %d instead of %d", f->what, (int)f->seen, (int)f->wanted);
		break;
	case STUCK:
		print_stuck(outcome);
		break;
	case NOT_TRIED:
		print_line("# outcome: not tried: %s: %d instead of %d", f->what, (int)f->seen, (int)f->wanted);
		break;
	}
}
