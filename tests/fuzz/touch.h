/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores that may fail: the first task is told of the exception, notes what it was in memory that both tasks see, and
 * lets the subject go on behind the touch.
 */
#ifndef FUZZ_TOUCH_H
#define FUZZ_TOUCH_H

#include "kernel.h"
#include "../storm/report.h"

/* TASK's exceptions come to the receive right PORT of the first task. */
bool take_exceptions(const struct caller *c, port_t task, port_t port, struct failure *failure);
/* Whether MESSAGE is one; if so, it is answered. */
bool answer_exception(const struct caller *c, struct rpc *message, struct failure *failure);

/* In the subject: 0, or the error with which the processor's load or store of *WORD failed. */
result_t touch(uint32_t address, bool store, uint32_t *word);

#endif
