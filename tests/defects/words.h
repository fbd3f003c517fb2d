/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words after the module's name on its command line. */
#ifndef DEFECTS_WORDS_H
#define DEFECTS_WORDS_H

#include "defects.h"

struct words {
	port_t host_priv, kernel_task;
	const struct defect *defect;
	uint32_t seconds;	/* that several threads try for */
	uint32_t patience;	/* seconds in one call until it will never return */
};

/* On bad input prints what is wrong with which word, and returns false. */
bool parse_words(int argc, char *const argv[], struct words *words);

#endif
