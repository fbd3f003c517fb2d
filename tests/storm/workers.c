/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workers.h"
#include "text.h"
#include "thread.h"

enum { POLL_MILLISECONDS = 50 };

static uint32_t stacks[MAX_THREADS][STACK_WORDS] __attribute__((aligned(16)));
static struct crew crew;

uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

bool worker_expect(struct worker *worker, const char *what, word_t at, word_t seen, word_t wanted)
{
	if (expect(&worker->failure, what, at, seen, wanted))
		return true;
	worker->crew->stop = true;
	return false;
}

bool made_call(struct worker *worker, const char *what, result_t result)
{
	worker->calls++;
	worker->cpus |= current_cpu_bit();
	return worker_expect(worker, what, worker->calls, result, 0);
}

static void worker_main(void *argument)
{
	struct worker *worker = argument;

	worker->caller.task = trap_task_self();
	worker->caller.reply = trap_reply_port();
	worker->cpus |= current_cpu_bit();
	worker->crew->body(worker);
	worker->done = true;
	sleep_forever(&worker->caller);
}

static unsigned count_done(uint32_t *calls)
{
	unsigned done = 0;

	*calls = 0;
	for (unsigned i = 0; i < crew.count; i++) {
		done += crew.workers[i].done;
		*calls += crew.workers[i].calls;
	}
	return done;
}

/* Where the kernel says the threads run, looked at while they do. */
static void watch_processors(const struct caller *c, struct cpus *cpus, struct failure *failure)
{
	for (unsigned i = 0; i < crew.count; i++) {
		uint32_t slot;

		/* A thread that never ran has the boot CPU there. */
		if (!crew.workers[i].calls)
			continue;
		if (!expect(failure, "thread_info", i, thread_last_processor(c, crew.workers[i].thread, &slot), 0))
			return;
		cpus->seen_by_kernel |= 1u << (slot & 31);
	}
}

static void wait_for_crew(const struct caller *c, struct cpus *cpus, struct failure *failure)
{
	uint32_t step = crew.total / 10 + 1, mark = step, calls;

	while (count_done(&calls) < crew.count) {
		sleep_for(c, POLL_MILLISECONDS);
		if (!failure->what)
			watch_processors(c, cpus, failure);
		if (calls >= mark) {
			print_line("# %u of %u calls", calls, crew.total);
			mark = calls / step * step + step;
		}
	}
	print_line("# calls %u", calls);
}

void run_crew(const struct caller *c, struct cpus *cpus, unsigned count, uint32_t seed, uint32_t total,
	      void (*body)(struct worker *), struct failure *failure)
{
	memset(&crew, 0, sizeof crew);
	crew.count = count;
	crew.body = body;
	crew.total = total;
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &crew.workers[i];

		worker->crew = &crew;
		worker->index = i;
		worker->random = seed * 2654435761u + i * 40503u + 1;
		if (!worker->random)
			worker->random = 1;
		if (!make_thread(c, cpus, stacks[i], worker_main, worker, &worker->thread, failure))
			return;
	}
	if (!check_thread_list(c, cpus, crew.workers, count, failure))
		return;
	for (unsigned i = 0; i < count; i++)
		if (!expect(failure, "thread_resume", i, thread_resume(c, crew.workers[i].thread), 0))
			return;
	wait_for_crew(c, cpus, failure);
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &crew.workers[i];

		cpus->seen_by_threads |= worker->cpus;
		cpus->threads++;
		if (worker->cpus & cpus->boot_bit)
			cpus->threads_on_boot++;
		if (worker->failure.what && !failure->what) {
			*failure = worker->failure;
			print_line("# thread %u failed first, after %u calls", i, worker->calls);
		}
		expect(failure, "thread_terminate", i, thread_terminate(c, worker->thread), 0);
		expect(failure, "mach_port_deallocate of a thread", i,
		       mach_port_deallocate(c, c->task, worker->thread), 0);
	}
}
