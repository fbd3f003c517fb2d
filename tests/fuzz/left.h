/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has in use: all that cases took must come back once their tasks are gone. */
#ifndef FUZZ_LEFT_H
#define FUZZ_LEFT_H

#include "kernel.h"
#include "../storm/report.h"

struct left {
	struct in_use in_use;
	struct pages pages;
};

/* Once what is going has gone: tasks end a moment after their termination was answered. */
bool count_left(const struct caller *c, port_t host, struct left *left, struct failure *failure);
/* Whether no more is left than BEFORE; it may take a while. */
void see_left(const struct caller *c, port_t host, const struct left *before, struct failure *failure);

#endif
