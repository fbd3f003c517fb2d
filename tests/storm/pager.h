/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memory object whose pager is a thread of ours. The kernel asks it over the object's port, and it answers as it is told: from
 * the unprivileged task's side everything about such an object is in its own hand.
 */
#ifndef STORM_PAGER_H
#define STORM_PAGER_H

#include "memory.h"
#include "thread.h"

enum pager_answer {
	PAGER_SUPPLIES,	/* the page, filled with PAGER_WORD */
	PAGER_HAS_NONE,	/* so that it is zeros, or what lies below */
	PAGER_ERRS,
	PAGER_IS_SILENT,
	PAGER_GOES,	/* does not answer, and destroys the object's port, so that nobody waits for ever; then it begins anew */
};

enum { COPY_NONE = 0, COPY_CALL = 1, COPY_DELAY = 2 };

enum { PAGER_WORD = 0x5a5a5a5a };

struct pager {
	struct caller caller;	/* of its thread */
	uint32_t stack[STACK_WORDS];
	volatile port_t object;
	port_t thread;
	uint32_t copy_strategy;
	volatile enum pager_answer answer;
	uint32_t late;	/* so many milliseconds before an answer */
	uint32_t late_each;	/* only before one of so many answers; 0: before each */
	/* From the kernel, once the object is mapped. */
	volatile port_t control, name;
	volatile uint32_t requests;	/* of data */
	volatile uint32_t mapped;	/* times that the kernel took it up, less those that it was done with it */
	volatile result_t result;	/* the first error of an answer */
};

/* Makes the object, and starts its thread. PAGER must not move from then on. */
bool pager_start(struct pager *pager, const struct caller *c, const struct cpus *cpus, struct failure *failure);

#endif
