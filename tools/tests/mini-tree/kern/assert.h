/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINI_ASSERT_H
#define MINI_ASSERT_H

#include_next <kern/assert.h>

#ifdef NDEBUG
#define assert(holds) ((void) 0)
#else
#define assert(holds) \
	((holds) ? (void) 0 : Assert(#holds, __FILE__, __LINE__, __func__))
#endif

#endif /* MINI_ASSERT_H */
