/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a kernel call whose arguments are put: it is made, and its result taken out. All return 0 or the kernel's error. */
#ifndef STORM_CALL_H
#define STORM_CALL_H

#include "mach.h"

/* No result but success. */
result_t call_and_end(const struct caller *c, struct rpc *m);
/* A 32-bit word, or the name of a port. */
result_t call_for_word(const struct caller *c, struct rpc *m, uint32_t *word);
/* An array of them, out of line if there are any. */
result_t call_for_array(const struct caller *c, struct rpc *m, struct rpc_array *array);

#endif
