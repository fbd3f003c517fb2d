/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case: a task of its own, forked off this one, whose thread makes the calls on its own memory. Nothing is left of it when the
 * task is gone; and if it never comes back from a call, this task goes on.
 */
#ifndef FUZZ_SUBJECT_H
#define FUZZ_SUBJECT_H

#include "crowd.h"
#include "words.h"
#include "../storm/cpus.h"
#include "../storm/report.h"

enum end {
	ENDED,
	WRONG,	/* the kernel answered what the model does not have */
	STUCK,	/* it does not come back from a call */
	NOT_MADE,	/* the task could not be made */
};

struct outcome {
	enum end end;
	uint32_t digest;
	uint32_t made, steered;	/* calls that were made, and that were left out for a known defect */
	unsigned index;	/* the last call */
	enum operation operation;
	struct failure failure;
	/* Of several threads: what each is in. */
	volatile uint8_t in[MAX_THREADS];
};

/* Those calls whose bit in KEEP is set. */
struct outcome run_case(const struct caller *c, const struct cpus *cpus, const struct words *words, uint32_t number,
			const uint32_t keep[MAX_CALLS / 32]);

#endif
