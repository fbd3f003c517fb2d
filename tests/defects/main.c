/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * defects: provokes one known defect of the kernel, as a boot module of GNU Mach, and says what came of it if the kernel still
 * runs. The host that booted it reads the lines, and knows a panic or a silence for itself.
 */
#include "outcome.h"
#include "words.h"
#include "../storm/text.h"

enum { START_UP_MILLISECONDS = 500, POLL_MILLISECONDS = 50, TOLD_MILLISECONDS = 5000 };

static struct actor actors[MAX_ACTORS];

/* Sleeping is all that it does between its lines, so that it goes on whatever else stands still. */
static struct outcome look_on(const struct caller *c, struct scene *scene, unsigned count, const struct words *words)
{
	uint32_t now = 0, told = TOLD_MILLISECONDS;
	struct watch watch = { 0 };

	for (;;) {
		struct outcome outcome = judge_actors(&watch, actors, count, now, words->patience * 1000);

		if (outcome.kind != GOES_ON)
			return outcome;
		if (watch.stuck || now >= words->seconds * 1000)
			scene->stop = true;
		if (now >= told) {
			const char *call = actors[0].call;

			print_line("# after %u s: %u calls of the first thread; it is in %s", now / 1000, actors[0].calls,
				   call ? call : "none");
			told += TOLD_MILLISECONDS;
		}
		sleep_for(c, POLL_MILLISECONDS);
		now += POLL_MILLISECONDS;
	}
}

static void provoke(const struct caller *c, const struct cpus *cpus, const struct words *words)
{
	struct scene scene = {
		.host = trap_host_self(), .host_priv = words->host_priv, .kernel_task = words->kernel_task, .cpus = cpus,
	};
	struct failure failure = { 0 };
	struct outcome outcome;
	uint32_t calls = 0;
	unsigned count;

	print_line("# provoking %s", words->defect->name);
	if (start_actors(actors, &count, c, &scene, words->defect->bodies, &failure))
		outcome = look_on(c, &scene, count, words);
	else
		outcome = (struct outcome){ .kind = NOT_TRIED, .failure = failure };
	for (unsigned i = 0; i < count; i++)
		calls += actors[i].calls;
	print_line("# calls %u", calls);
	print_outcome(&outcome);
	if (outcome.kind == NOT_TRIED)
		failure = outcome.failure;
	report_point(words->defect->name, &failure);
}

/* STACK is what the kernel left there: the count of arguments, then the pointers. */
void storm_main(uint32_t *stack)
{
	struct caller c = { .task = trap_task_self(), .reply = trap_reply_port() };
	struct failure failure = { 0 };
	struct words words;
	struct cpus cpus;

	/* As in the storm: a kernel that dies of its start-up must not seem to die of a defect. */
	sleep_for(&c, START_UP_MILLISECONDS);
	report_start();
	report_plan(2);
	if (expect(&failure, "words accepted", 0, parse_words((int)stack[0], (char **)&stack[1], &words), true))
		find_cpus(&c, words.host_priv, &cpus, &failure);
	report_point("arguments and processor sets", &failure);
	if (!failure.what)
		provoke(&c, &cpus, &words);
	report_verdict();
	sleep_forever(&c);
}
