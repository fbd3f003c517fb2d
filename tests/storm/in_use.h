/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has of its own structures, for whoever looks whether something is left. */
#ifndef STORM_IN_USE_H
#define STORM_IN_USE_H

#include "mach.h"

/* How many of each the kernel has taken from its caches. */
struct in_use {
	uint32_t entries, objects, maps, ports;
};

/* It costs as much as a dozen other calls. */
result_t counts_in_use(const struct caller *c, port_t host, struct in_use *in_use);

#endif
