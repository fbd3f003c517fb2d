/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of the calls, while the kernel still runs. */
#ifndef DEFECTS_OUTCOME_H
#define DEFECTS_OUTCOME_H

#include "actor.h"

enum outcome_kind {
	GOES_ON,
	NOTHING,	/* all calls returned, as they should */
	WRONG,	/* they returned, and the result is wrong */
	STUCK,	/* one of them does not return, though others go on */
	NOT_TRIED,	/* one that had to go well did not */
};

struct outcome {
	enum outcome_kind kind;
	struct failure failure;	/* what was wrong, or why it was not tried */
	const char *calls[MAX_ACTORS];	/* what each is stuck in; NULL: it is not */
};

/* How long each actor has been in one call, as the first thread last saw it. */
struct watch {
	uint32_t calls[MAX_ACTORS], since[MAX_ACTORS];	/* milliseconds */
	bool stuck;	/* one of them is: the others need not go on */
};

/*
 * NOW and PATIENCE are in milliseconds. A thread that has been in one call for PATIENCE will never return from it. The outcome is
 * known once each actor is done or stuck.
 */
struct outcome judge_actors(struct watch *watch, const struct actor *actors, unsigned count, uint32_t now, uint32_t patience);

/* The line that the host reads. */
void print_outcome(const struct outcome *outcome);

#endif
