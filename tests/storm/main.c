/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm: loads and checks for the kernel's map code, as a boot module of GNU Mach. Says what it found as KTAP lines on the
 * kernel's console; the host that booted it reads them.
 */
#include "loads.h"
#include "maps.h"
#include "text.h"

typedef void load_t(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure);

static void report_load(const struct caller *c, struct cpus *cpus, const struct options *options, const char *name, load_t *load)
{
	struct failure failure = { 0 };

	load(c, cpus, options, &failure);
	report_point(name, &failure);
}

static void run(const struct caller *c, const struct options *options, struct cpus *cpus)
{
	bool any_load = options->run_a || options->run_b;

	report_plan(1 + options->run_a + options->run_b + any_load + (options->run_maps ? MAPS_POINTS : 0) +
		    (options->run_wired ? WIRED_POINTS : 0));
	report_point("arguments and processor sets", &(struct failure){ 0 });
	if (options->run_a) {
		print_line("# load a: %u threads list %u dead names", options->threads, options->names);
		report_load(c, cpus, options, "load a: mach_port_names by all threads", load_names);
	}
	if (options->run_b) {
		print_line("# load b: %u threads, %u rounds each", options->slices, options->rounds);
		report_load(c, cpus, options, "load b: wire and inherit on adjacent slices of the kernel's map", load_slices);
	}
	if (any_load)
		report_cpus(cpus);
	if (options->run_maps)
		report_maps(c);
	if (options->run_wired)
		report_wired(c, options->host_priv);
}

/* STACK is what the kernel left there: the count of arguments, then the pointers. */
void storm_main(uint32_t *stack)
{
	struct caller c = { .task = trap_task_self(), .reply = trap_reply_port() };
	struct failure failure = { 0 };
	struct options options;
	struct cpus cpus;

	report_start();
	expect(&failure, "the words of the command line", 0, parse_options((int)stack[0], (char **)&stack[1], &options), true);
	if (!failure.what)
		find_cpus(&c, options.host_priv, &cpus, &failure);
	if (failure.what) {
		report_plan(1);
		report_point("arguments and processor sets", &failure);
	} else {
		run(&c, &options, &cpus);
	}
	report_verdict();
	if (!failure.what && options.reboot)
		host_reboot(&c, options.host_priv);
	sleep_forever(&c);
}
