/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "thread.h"

bool make_thread(const struct caller *c, const struct cpus *cpus, uint32_t stack[STACK_WORDS], void (*body)(void *), void *argument,
		 port_t *thread, struct failure *failure)
{
	word_t *top = (word_t *)&stack[STACK_WORDS - 8];

	top[0] = 0;
	top[1] = (word_t)argument;
	return expect(failure, "thread_create", 0, thread_create(c, thread), 0) &&
	       expect(failure, "thread_set_state", *thread, thread_set_entry(c, *thread, (word_t)body, (word_t)top), 0) &&
	       move_to_other_cpus(c, cpus, *thread, failure);
}
