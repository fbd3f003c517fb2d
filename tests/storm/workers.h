/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that run a load together, on the CPUs beside the boot CPU where there are any. */
#ifndef STORM_WORKERS_H
#define STORM_WORKERS_H

#include "cpus.h"
#include "mach.h"
#include "options.h"
#include "report.h"

struct worker {
	struct caller caller;
	struct crew *crew;
	port_t thread;
	unsigned index;
	uint32_t random;
	volatile uint32_t calls;	/* kernel calls of the load made so far; the first thread reads it */
	uint32_t cpus;	/* one bit for each CPU that the thread found itself on */
	struct failure failure;
	volatile bool done;
};

struct crew {
	struct worker workers[MAX_THREADS];
	unsigned count;
	void (*body)(struct worker *worker);
	uint32_t total;	/* kernel calls that the whole crew will make */
	volatile bool stop;	/* one of them failed */
};

/* Runs BODY in COUNT threads to its end, and prints the number of calls made. A thread's first failure stops all. */
void run_crew(const struct caller *c, struct cpus *cpus, unsigned count, uint32_t seed, uint32_t total,
	      void (*body)(struct worker *), struct failure *failure);

/* For bodies: count a call of the load, note the CPU, and remember the first result that is not zero. */
bool made_call(struct worker *worker, const char *what, result_t result);
/* For bodies: the same without a call. */
bool worker_expect(struct worker *worker, const char *what, word_t at, word_t seen, word_t wanted);

uint32_t next_random(uint32_t *state);

#endif
