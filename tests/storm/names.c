/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loads.h"

static bool expected[MAX_NAME];
static uint32_t expected_count, calls_wanted, calls_taken;
static uint32_t seen[MAX_THREADS][MAX_NAME];	/* the call in which a thread saw a name last */

static bool check_names(struct worker *worker, const struct rpc_array *names, const struct rpc_array *types)
{
	uint32_t *seen_here = seen[worker->index], found = 0;

	if (!worker_expect(worker, "types beside the names", worker->calls, types->count, names->count))
		return false;
	for (uint32_t i = 0; i < names->count; i++) {
		uint32_t name = names->words[i];

		if (name >= MAX_NAME || !expected[name])
			continue;
		if (!worker_expect(worker, "type of a dead name", name, types->words[i], TYPE_DEAD_NAME))
			return false;
		found += seen_here[name] != worker->calls;
		seen_here[name] = worker->calls;
	}
	return worker_expect(worker, "dead names in the list", worker->calls, found, expected_count);
}

/* Nothing is left of a load before. */
static void forget_names(void)
{
	expected_count = calls_taken = 0;
	for (unsigned i = 0; i < MAX_NAME; i++) {
		expected[i] = false;
		for (unsigned thread = 0; thread < MAX_THREADS; thread++)
			seen[thread][i] = 0;
	}
}

static void list_names(struct worker *worker)
{
	const struct caller *c = &worker->caller;

	while (!worker->crew->stop && __atomic_fetch_add(&calls_taken, 1, __ATOMIC_RELAXED) < calls_wanted) {
		struct rpc_array names, types;

		if (!made_call(worker, "mach_port_names", mach_port_names(c, c->task, &names, &types)) ||
		    !check_names(worker, &names, &types) ||
		    !worker_expect(worker, "vm_deallocate of the names", worker->calls, drop_array(c, &names), 0) ||
		    !worker_expect(worker, "vm_deallocate of the types", worker->calls, drop_array(c, &types), 0))
			return;
	}
}

void load_names(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure)
{
	forget_names();
	calls_wanted = options->calls;
	for (uint32_t i = 0; i < options->names; i++) {
		port_t name = 0;

		if (!expect(failure, "mach_port_allocate", i, mach_port_allocate(c, c->task, RIGHT_DEAD_NAME, &name), 0) ||
		    !expect(failure, "a new name that is too large for our table", name, name >= MAX_NAME, false))
			return;
		expected_count += !expected[name];
		expected[name] = true;
	}
	if (!expect(failure, "different new names", 0, expected_count, options->names))
		return;
	run_crew(c, cpus, options->threads, options->seed, options->calls, list_names, failure);
	for (port_t name = 0; name < MAX_NAME; name++)
		if (expected[name])
			expect(failure, "mach_port_deallocate of a dead name", name, mach_port_deallocate(c, c->task, name), 0);
}
