/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz: random VM calls, as a boot module of GNU Mach, and what came of them. Each case is a line; the host that booted it
 * compares the lines of two kernels, and knows a panic or a silence for itself.
 */
#include "last.h"
#include "left.h"
#include "subject.h"
#include "../storm/text.h"

enum { START_UP_MILLISECONDS = 500, BATCH = 64, WARM_UP = 8 };

/* Of several threads, each kind of call that one of them is in. */
static void tell_stuck(uint32_t number, const struct outcome *outcome)
{
	const char *names[OPERATIONS];
	unsigned count = 0;

	for (unsigned operation = 0; operation < OPERATIONS; operation++)
		for (unsigned i = 0; i < MAX_THREADS; i++)
			if (outcome->in[i] == operation) {
				names[count++] = operation_name(operation);
				break;
			}
	if (!count)
		names[count++] = operation_name(outcome->operation);
	while (count < MAX_THREADS)
		names[count++] = "";
	print_line("# stuck %u, call %u: %s %s %s %s %s %s", number, outcome->index, names[0], names[1], names[2], names[3], names[4],
		   names[5]);
}

/* False: nothing more can be tried. */
static bool tell_outcome(uint32_t number, const struct outcome *outcome, struct failure *failure)
{
	const struct failure *f = &outcome->failure;

	switch (outcome->end) {
	case ENDED:
		print_line("# case %u %x %u %u", number, outcome->digest, outcome->made, outcome->steered);
		return true;
	case WRONG:
		print_line("# wrong %u, call %u: %s: %s, at %u: %d instead of %d", number, outcome->index,
			   operation_name(outcome->operation), f->what, f->at, (int)f->seen, (int)f->wanted);
		return true;
	case STUCK:
		tell_stuck(number, outcome);
		return false;
	case NOT_MADE:
		*failure = *f;
		return false;
	}
	return false;
}

static void run_cases(const struct caller *c, const struct cpus *cpus, const struct words *words,
		      struct failure *failure)
{
	port_t host = trap_host_self();
	struct left before;
	uint32_t calls = 0;

	for (uint32_t i = 0; i < words->cases; i++) {
		uint32_t number = words->first + i;
		struct outcome outcome = run_case(c, cpus, words, number, words->keep);

		calls += outcome.made;
		/* A case of several threads takes long. */
		if (outcome.end == ENDED && words->threads == 1 && !words->tell) {
			add_ended(number, outcome.digest, outcome.made, outcome.steered);
		} else {
			tell_ended();
			if (!tell_outcome(number, &outcome, failure))
				break;
		}
		if (i + 1 == WARM_UP && !count_left(c, host, &before, failure))
			break;
		if (i + 1 <= WARM_UP || (i % BATCH != BATCH - 1 && i + 1 != words->cases))
			continue;
		tell_ended();
		see_left(c, host, &before, failure);
		if (failure->what)
			break;
	}
	tell_ended();
	print_line("# calls %u", calls);
}

/* One case, again and again, each time without another piece of it; the host knows by the last line which piece was not needed. */
static void shorten(const struct caller *c, const struct cpus *cpus, const struct words *words,
		      struct failure *failure)
{
	for (unsigned piece = words->from; piece * words->chunk < words->calls; piece++) {
		uint32_t keep[2] = { words->keep[0], words->keep[1] };
		struct outcome outcome;

		for (unsigned i = piece * words->chunk; i < (piece + 1) * words->chunk && i < MAX_CALLS; i++)
			keep[i / 32] &= ~(1u << i % 32);
		if (keep[0] == words->keep[0] && keep[1] == words->keep[1])
			continue;
		print_line("# without %u", piece);
		outcome = run_case(c, cpus, words, words->first, keep);
		if (!tell_outcome(words->first, &outcome, failure) || outcome.end != ENDED)
			return;
	}
}

/* STACK is what the kernel left there: the count of arguments, then the pointers. */
void storm_main(uint32_t *stack)
{
	struct caller c = { .task = trap_task_self(), .reply = trap_reply_port() };
	struct failure failure = { 0 };
	struct words words;
	struct cpus cpus;

	/* As in the storm: a kernel that dies of its start-up must not seem to die of a call. */
	sleep_for(&c, START_UP_MILLISECONDS);
	report_start();
	report_plan(2);
	if (expect(&failure, "words accepted", 0, parse_words((int)stack[0], (char **)&stack[1], &words), true) &&
		words.threads > 1)
		find_cpus(&c, words.host_priv, &cpus, &failure);
	report_point("arguments", &failure);
	if (!failure.what) {
		if (words.chunk)
			shorten(&c, &cpus, &words, &failure);
		else
			run_cases(&c, &cpus, &words, &failure);
		report_point("cases", &failure);
	}
	report_verdict();
	sleep_forever(&c);
}
