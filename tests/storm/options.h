/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words after the module's name on its command line. */
#ifndef STORM_OPTIONS_H
#define STORM_OPTIONS_H

#include "traps.h"
#include <stdbool.h>

enum { MAX_THREADS = 64, MAX_NAME = 16384 };

struct options {
	port_t host_priv, kernel_task;
	uint32_t threads, calls, names;	/* load a */
	uint32_t slices, rounds;	/* load b */
	uint32_t seed;
	bool run_a, run_short, run_b, run_maps, run_wired;
	bool reboot;
};

/* On bad input prints what is wrong with which word, and returns false. */
bool parse_options(int argc, char *const argv[], struct options *options);

#endif
