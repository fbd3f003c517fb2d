/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm: loads and checks for the kernel's map code, as a boot module of GNU Mach. Says what it found as KTAP lines on the
 * kernel's console; the host that booted it reads them.
 */
#include "loads.h"
#include "maps.h"
#include "text.h"

enum { START_UP_MILLISECONDS = 500 };

typedef void load_t(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure);

static void report_load(const struct caller *c, struct cpus *cpus, const struct options *options, const char *name, load_t *load)
{
	struct failure failure = { 0 };

	load(c, cpus, options, &failure);
	report_point(name, &failure);
}

static bool has_crew(const struct options *options)
{
	return options->run_a || options->run_short || options->run_b;
}

static void run(const struct caller *c, const struct options *options, struct cpus *cpus)
{
	if (options->run_a) {
		print_line("# load a: %u threads list %u dead names", options->threads, options->names);
		report_load(c, cpus, options, "load a: mach_port_names by all threads", load_names);
	}
	if (options->run_short)
		report_load(c, cpus, options, "load a, while little memory is free", load_short);
	if (options->run_b) {
		print_line("# load b: %u threads, %u rounds each", options->slices, options->rounds);
		report_load(c, cpus, options, "load b: wire and inherit on adjacent slices of the kernel's map", load_slices);
	}
	if (has_crew(options))
		report_cpus(cpus);
	if (options->run_maps)
		report_maps(c);
	if (options->run_wired)
		report_wired(c, options->host_priv);
}

static unsigned count_points(const struct options *options)
{
	return 1 + options->run_a + options->run_short + options->run_b + has_crew(options) +
	       (options->run_maps ? MAPS_POINTS : 0) + (options->run_wired ? WIRED_POINTS : 0);
}

/* STACK is what the kernel left there: the count of arguments, then the pointers. */
void storm_main(word_t *stack)
{
	struct caller c = { .task = trap_task_self(), .reply = trap_reply_port() };
	struct failure failure = { 0 };
	struct options options;
	struct cpus cpus;
	bool ready;

	/* The other CPUs may still be starting. A kernel that dies of that must not seem to die of a load, so it has its time to. */
	sleep_for(&c, START_UP_MILLISECONDS);
	report_start();
	if (expect(&failure, "words accepted", 0, parse_options((int)stack[0], (char **)&stack[1], &options), true))
		find_cpus(&c, options.host_priv, &cpus, &failure);
	ready = !failure.what;
	report_plan(ready ? count_points(&options) : 1);
	report_point("arguments and processor sets", &failure);
	if (ready)
		run(&c, &options, &cpus);
	report_verdict();
	if (ready && options.reboot)
		print_line("# host_reboot: %d", host_reboot(&c, options.host_priv));
	sleep_forever(&c);
}
