/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "maps.h"

/* No test takes a second; this ends one that waits for ever. */
#define HANG_SECONDS	20

static struct test *tests;

/* Defined by tests/hosted.rs, which is compiled like the code under test. */
extern const int harness_debug_assertions __attribute__((weak));

bool
harness_debug_build(void)
{
	return &harness_debug_assertions != NULL
		&& harness_debug_assertions != 0;
}

static int
in_order(const struct test *a, const struct test *b)
{
	int suites = strcmp(a->suite, b->suite);

	return suites != 0 ? suites : strcmp(a->name, b->name);
}

void
harness_add(struct test *test)
{
	struct test **link = &tests;

	while (*link != NULL && in_order(*link, test) < 0)
		link = &(*link)->next;
	test->next = *link;
	*link = test;
}

unsigned int
harness_count(void)
{
	unsigned int count = 0;

	for (struct test *test = tests; test != NULL; test = test->next)
		count++;
	return count;
}

static struct test *
test_at(unsigned int index)
{
	struct test *test = tests;

	while (index-- > 0)
		test = test->next;
	return test;
}

const char *
harness_name(unsigned int index)
{
	static __thread char name[128];
	struct test *test = test_at(index);

	snprintf(name, sizeof name, "%s::%s", test->suite, test->name);
	return name;
}

static struct stop *
shared_record(void)
{
	struct stop *record = mmap(NULL, sizeof *record,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (record == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return record;
}

static void
check_no_entry_lost(void)
{
	unsigned int linked = 0;

	for (vm_map_t map = map_first(); map != NULL; map = map_after(map))
		linked += map->hdr.nentries;
	if (entries_live() != linked)
		FAIL("%u entries are allocated, %u are in a map",
		     entries_live(), linked);
}

static void __attribute__((noreturn))
run_in_child(const struct test *test, FILE *output, struct stop *record)
{
	stop_record = record;
	dup2(fileno(output), STDOUT_FILENO);
	dup2(fileno(output), STDERR_FILENO);
	alarm(HANG_SECONDS);
	entries_catch_misuse();
	test->body();
	check_no_entry_lost();
	fflush(NULL);
	_exit(HARNESS_PASSED);
}

int
harness_run(unsigned int index, char *output, size_t size)
{
	struct test *test = test_at(index);
	struct stop *record = shared_record();
	FILE *file = tmpfile();
	size_t length;
	int status;
	pid_t child;

	if (file == NULL) {
		snprintf(output, size, "no temporary file\n");
		return HARNESS_FAILED;
	}
	child = fork();
	if (child == 0)
		run_in_child(test, file, record);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		snprintf(output, size, "no process for the test\n");
		fclose(file);
		return HARNESS_FAILED;
	}

	rewind(file);
	length = fread(output, 1, size - 1, file);
	output[length] = '\0';
	fclose(file);
	munmap(record, sizeof *record);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	snprintf(output + length, size - length, "ended by signal %d, %s\n",
		 WTERMSIG(status), WTERMSIG(status) == SIGALRM
		 ? "as it did not end by itself" : strsignal(WTERMSIG(status)));
	return HARNESS_FAILED;
}

void
skip(const char *reason)
{
	printf("%s\n", reason);
	fflush(NULL);
	_exit(HARNESS_SKIPPED);
}

void
expect_calls(const char *file, int line, const char *const *expected)
{
	unsigned int index = 0;
	const char *actual;

	while ((actual = calls_text(index)) != NULL && expected[index] != NULL
	       && strcmp(actual, expected[index]) == 0)
		index++;
	if (actual == NULL && expected[index] == NULL)
		return;
	fprintf(stderr, "calls made:\n");
	for (unsigned int i = 0; calls_text(i) != NULL; i++)
		fprintf(stderr, "  %2u %s\n", i + 1, calls_text(i));
	fail_at(file, line, "call %u is \"%s\", not \"%s\"", index + 1,
		actual != NULL ? actual : "(no more)",
		expected[index] != NULL ? expected[index] : "(no more)");
}

static void
judge(const char *file, int line, const struct stop *stop, int status,
      enum stop_kind kind, const char *text, const char *function)
{
	const char *where = stop->kind == STOP_ASSERT ? stop->expression
						      : stop->text;
	bool right_text = kind == STOP_ASSERT ? strcmp(where, text) == 0
					      : strstr(where, text) != NULL;

	if (WIFSIGNALED(status))
		fail_at(file, line, "ended by signal %d, not by %s \"%s\"",
			WTERMSIG(status), stop_kind_name(kind), text);
	if (stop->kind != kind || !right_text)
		fail_at(file, line, "%s \"%s\", not %s \"%s\"",
			stop_kind_name(stop->kind), where,
			stop_kind_name(kind), text);
	if (function != NULL && strcmp(stop->function, function) != 0)
		fail_at(file, line, "asserted in %s, not in %s",
			stop->function, function);
}

bool
stop_begins(const char *file, int line, enum stop_kind kind,
	    const char *text, const char *function)
{
	struct stop *record = shared_record();
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		stop_record = record;
		alarm(HANG_SECONDS / 2);
		return true;
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		fail_at(file, line, "no process for the block");
	judge(file, line, record, status, kind, text, function);
	munmap(record, sizeof *record);
	return false;
}

void
stop_missed(void)
{
	fflush(NULL);
	_exit(HARNESS_PASSED);
}
