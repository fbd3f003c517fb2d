/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests in C, each run in a process of its own.
 *
 * A file of tests starts with SUITE(its name), which tests/suites.c lists, and
 * then has TEST(name) { ... } as often as it likes.  `cargo test` and the
 * plain program of tests/main.c run the same tests under the same names.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

#include <vm/vm_fault.h>

#include "calls.h"
#include "faults.h"
#include "invariants.h"
#include "map.h"
#include "map_ops.h"
#include "objects.h"
#include "slab.h"
#include "stop.h"
#include "threads.h"

struct test {
	const char *suite;
	const char *name;
	void (*body)(void);
	struct test *next;
};

#define SUITE(suite_name) \
	const char suite_of_##suite_name[] = #suite_name; \
	static const char *const this_suite = suite_of_##suite_name

#define TEST(test_name) \
	static void test_name(void); \
	__attribute__((constructor)) static void test_name##_is_a_test(void) \
	{ \
		static struct test test = { .name = #test_name, \
					    .body = test_name }; \
		test.suite = this_suite; \
		harness_add(&test); \
	} \
	static void test_name(void)

extern void harness_add(struct test *test);

/* For the two programs that run tests; in order of suite and name. */
enum { HARNESS_PASSED = 0, HARNESS_FAILED = 1, HARNESS_SKIPPED = 77 };
extern unsigned int harness_count(void);
/* "suite::name" */
extern const char *harness_name(unsigned int index);
/* What the test printed, or why it was skipped, goes to OUTPUT. */
extern int harness_run(unsigned int index, char *output, size_t size);

/* --- in tests ----------------------------------------------------------- */

#define FAIL(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			FAIL("not so: %s", #condition); \
	} while (0)

#define CHECK_EQ(actual, expected) \
	do { \
		unsigned long actual_ = (unsigned long) (actual); \
		unsigned long expected_ = (unsigned long) (expected); \
		if (actual_ != expected_) \
			FAIL("%s is %lu (0x%lx), not %lu (0x%lx)", #actual, \
			     actual_, actual_, expected_, expected_); \
	} while (0)

/* Whether the Rust code is compiled with its own debug checks. */
extern bool harness_debug_build(void);

extern void skip(const char *reason) __attribute__((noreturn));

/* The log since it was last cleared: exactly these calls, in this order. */
#define EXPECT_CALLS(...) \
	expect_calls(__FILE__, __LINE__, (const char *const[]) \
		     { __VA_ARGS__ __VA_OPT__(,) NULL })
extern void expect_calls(const char *file, int line,
			 const char *const *expected);

/*
 * The block that follows runs in a process of its own and must end in this
 * way; what it changes is gone afterwards.
 *
 *	STOPS_ASSERTING("!entry->in_transition", "vm_map_pageable_scan")
 *		locked_scan(map, entry, 3);
 */
#define STOPS_ASSERTING(expression, function) \
	STOPS_(STOP_ASSERT, expression, function)
/* TEXT is part of the message. */
#define STOPS_PANICKING(text)	STOPS_(STOP_PANIC, text, NULL)
#define STOPS_FAILING(text)	STOPS_(STOP_FAILURE, text, NULL)
#define STOPS_TOUCHING(text)	STOPS_(STOP_MEMORY, text, NULL)

#define STOPS_(kind, text, function) \
	for (bool in_child_ = stop_begins(__FILE__, __LINE__, kind, text, \
					  function); \
	     in_child_; stop_missed())

/* True in the child; false in the parent, once the child has ended right. */
extern bool stop_begins(const char *file, int line, enum stop_kind kind,
			const char *text, const char *function);
extern void stop_missed(void) __attribute__((noreturn));

#endif /* TESTS_HARNESS_H */
