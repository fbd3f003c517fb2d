/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs beside the boot CPU. GNU Mach keeps them in a processor set of their own, which runs only what is assigned to it.
 */
#ifndef STORM_CPUS_H
#define STORM_CPUS_H

#include "mach.h"
#include "report.h"

struct worker;

struct cpus {
	uint32_t others;	/* processors in the other set; 0: threads stay where they are */
	port_t set, set_name;
	uint32_t boot_bit;	/* the boot CPU, as current_cpu_bit says it */
	uint32_t seen_by_threads;	/* current_cpu_bit of every thread at every call */
	uint32_t seen_by_kernel;	/* slots that the kernel gave as the threads' last processor */
	uint32_t threads, threads_on_boot;
};

/* A bit for the CPU that executes this, from the processor's own identification; the kernel is not asked. */
uint32_t current_cpu_bit(void);

void find_cpus(const struct caller *c, port_t host_priv, struct cpus *cpus, struct failure *failure);

/* Assigns a suspended thread, and asks the kernel where it then is. */
bool move_to_other_cpus(const struct caller *c, const struct cpus *cpus, port_t thread, struct failure *failure);

/* All the threads must be in the set's own list. */
bool check_thread_list(const struct caller *c, const struct cpus *cpus, const struct worker *workers, unsigned count,
		       struct failure *failure);

/* The test point about all that was seen. */
void report_cpus(const struct cpus *cpus);

#endif
