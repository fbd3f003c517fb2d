/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a hosted run ends early.  Each test runs in a process of its own, so
 * whatever cannot go on says why and ends that process; the record is in
 * memory shared with the parent, which may have expected it.
 */
#ifndef C_SHIM_STOP_H
#define C_SHIM_STOP_H

enum stop_kind {
	STOP_NONE,
	STOP_ASSERT,		/* the code under test called Assert() */
	STOP_PANIC,		/* it misused the kernel: locks, faults, slab */
	STOP_MEMORY,		/* it touched memory that is not (or no longer) there */
	STOP_FAILURE,		/* a test's own check, or an invariant */
};

struct stop {
	enum stop_kind kind;
	char expression[96];	/* Assert's, else empty */
	char function[48];
	char text[256];
};

/* Where to write; the process that forks points it at shared memory. */
extern struct stop *stop_record;

/* Called, if set, before the process ends: to say what led there. */
extern void (*stop_hook)(void);

extern void kernel_panic(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
extern void fail_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
extern void memory_stop(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* "assertion", "panic", ... for messages. */
extern const char *stop_kind_name(enum stop_kind kind);

#endif /* C_SHIM_STOP_H */
