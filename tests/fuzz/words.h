/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words after the module's name on its command line. */
#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include "../storm/traps.h"
#include <stdbool.h>

struct words {
	port_t host_priv, kernel_task;
	uint32_t seed, first, cases, calls;	/* calls of each case */
	uint32_t known, sound, fixed, privileged, tell;	/* 0 or 1 */
	uint32_t keep[2];	/* a bit for each call that is not left out */
	uint32_t chunk, from;	/* shortening: see README.md */
	uint32_t threads, rounds;	/* of several threads each makes so many times CALLS */
	uint32_t patience;	/* seconds for a case until it will never end */
};

/* On bad input prints what is wrong with which word, and returns false. */
bool parse_words(int argc, char *const argv[], struct words *words);

#endif
