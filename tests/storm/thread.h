/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One more thread of this task. */
#ifndef STORM_THREAD_H
#define STORM_THREAD_H

#include "cpus.h"

enum { STACK_WORDS = 4096 };

/*
 * Makes a suspended thread that will call BODY with ARGUMENT on STACK, beside the boot CPU where that can be had. BODY must not
 * return.
 */
bool make_thread(const struct caller *c, const struct cpus *cpus, uint32_t stack[STACK_WORDS], void (*body)(void *), void *argument,
		 port_t *thread, struct failure *failure);

#endif
