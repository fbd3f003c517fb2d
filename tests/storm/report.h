/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KTAP lines. */
#ifndef STORM_REPORT_H
#define STORM_REPORT_H

#include "traps.h"
#include <stdbool.h>

/* The first failure of something: what was done, and what came of it. */
struct failure {
	const char *what;	/* NULL: nothing failed */
	word_t seen, wanted;	/* results, or whatever WHAT says */
	word_t at;	/* which call, page or name */
};

/* Remembers a failure if SEEN is not WANTED and nothing failed before; true as long as nothing has failed. */
bool expect(struct failure *failure, const char *what, word_t at, word_t seen, word_t wanted);

void report_start(void);
void report_plan(unsigned points);
void report_point(const char *name, const struct failure *failure);
void report_skip(const char *name, const char *reason);
/* The last line: whether all the planned points were reported, and passed. */
void report_verdict(void);

#endif
