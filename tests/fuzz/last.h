/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each thread is about to call, as text in a page of its own that begins with a mark: whoever looks into the memory of a
 * machine that has stopped finds it by that, and no line on the slow console is needed for each call.
 */
#ifndef FUZZ_LAST_H
#define FUZZ_LAST_H

#include "crowd.h"

/* Both in the first task, before there is another; the second where a task does not share all memory with the first. */
void mark_last(void);
bool share_last(const struct caller *c, struct failure *failure);
/* Forgets those of the case before. */
void clear_last(void);
void set_last(unsigned thread, uint32_t number, unsigned index, const struct call *call);

/*
 * A case that ended well. Several are told in one line, as the console is slow; until then the line is in that page, too. It is
 * `ended NUMBER DIGEST MADE DIGEST MADE ...`, from case NUMBER on, and when it is told the calls that were left out follow.
 */
void add_ended(uint32_t number, uint32_t digest, uint32_t made, uint32_t left_out);
/* Before anything else is told, and at the end. */
void tell_ended(void);

#endif
