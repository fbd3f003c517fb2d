/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several threads of one task, whose calls meet. No model knows what each of them gets; the kernel must live, each call must
 * return, and nothing must be left at the end.
 */
#ifndef FUZZ_CROWD_H
#define FUZZ_CROWD_H

#include "perform.h"

enum { MAX_THREADS = 6 };

/*
 * Call INDEX of a thread. Two kinds of cases by NUMBER, as wiring meets known defects beside much of the rest: see known.toml. KNOWN:
 * these are let in; SOUND: those that take access away from what is wired are.
 */
struct call crowd_call(uint32_t seed, uint32_t number, unsigned thread, unsigned index, bool known, bool sound);
/* Whatever comes of it. */
void attempt(const struct caller *caller, port_t host, const struct call *call);
/* When all have made theirs: nothing must be wired, or counted so, once all is unwired and given back. */
void end_crowd(struct subject *subject);

#endif
