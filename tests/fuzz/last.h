/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each thread is about to call, as text in a page of its own that begins with a mark: whoever looks into the memory of a
 * machine that has stopped finds it by that, and no line on the slow console is needed for each call.
 */
#ifndef FUZZ_LAST_H
#define FUZZ_LAST_H

#include "crowd.h"

/* In the first task, before there is another. */
bool share_last(const struct caller *c, struct failure *failure);
/* Forgets those of the case before. */
void clear_last(void);
void set_last(unsigned thread, uint32_t number, unsigned index, const struct call *call);

#endif
