/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bindgen reads for a kernel that is built from its source, once that
 * tree's own compiler has preprocessed it.
 */
#include "../bindings.h"
#include "kern_lock.h"
#ifdef VM_MAP_RUST_CALLERS
#include "../callers/bindings.h"
#endif
#ifdef VM_MAP_RUST_SOUND
#include "../sound/bindings.h"
#endif

#ifdef NDEBUG
/* Never called then, but the crate names it. */
extern void Assert(const char *exp, const char *file, int line,
		   const char *fun) __attribute__((noreturn));
#endif
