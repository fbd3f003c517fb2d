/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"
#include "../storm/text.h"

static struct outcome ended(const struct actor *actors, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (actors[i].failure.what)
			return (struct outcome){ NOT_TRIED, actors[i].failure.what, actors[i].failure };
	for (unsigned i = 0; i < count; i++)
		if (actors[i].wrong.what)
			return (struct outcome){ WRONG, actors[i].wrong.what, actors[i].wrong };
	return (struct outcome){ NOTHING, NULL, { 0 } };
}

struct outcome judge_actors(struct watch *watch, const struct actor *actors, unsigned count, uint32_t now, uint32_t patience)
{
	const char *stuck = NULL;
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++) {
		const char *call = actors[i].call;

		if (!call || actors[i].done || actors[i].calls != watch->calls[i]) {
			watch->calls[i] = actors[i].calls;
			watch->since[i] = now;
		} else if (now - watch->since[i] >= patience) {
			stuck = call;
		}
		done += actors[i].done;
	}
	if (done == count)
		return ended(actors, count);
	if (stuck)
		return (struct outcome){ STUCK, stuck, { 0 } };
	return (struct outcome){ GOES_ON, NULL, { 0 } };
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
		print_line("# outcome: never returns: %s", outcome->text);
		break;
	case NOT_TRIED:
		print_line("# outcome: not tried: %s: %d instead of %d", f->what, (int)f->seen, (int)f->wanted);
		break;
	}
}
