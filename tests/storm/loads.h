/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loads. Each leaves the system as it found it, if nothing fails. */
#ifndef STORM_LOADS_H
#define STORM_LOADS_H

#include "workers.h"

/*
 * Load a: all threads list the port names of this task. Each call wires and unwires two ranges of the kernel's map for messages,
 * and enters and removes two ranges of this task's map.
 */
void load_names(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure);

/* Load a once more, with less than a quarter of the machine's memory free: the rest is taken, and given back. */
void load_short(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure);

/*
 * Load b: one region of the kernel's map, all of one object, in slices that touch. Each thread wires and unwires its own slice,
 * and changes the inheritance of the slice's two outer pages, so that entries merge and split, also across slices, while
 * a neighbour's entries are in transition. It also takes one inner page's protection away, and gives it back.
 */
void load_slices(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure);

#endif
