/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests as a plain program that prints KTAP; see --help. */
#ifdef HARNESS_MAIN

#include <stdio.h>
#include <string.h>

#include "harness.h"

extern const char *const harness_suites[];

static const char usage[] =
	"usage: harness [--list | --help] [NAME...]\n"
	"\n"
	"Runs the hosted tests of vm_map_pageable_scan and\n"
	"vm_map_coalesce_entry, or those whose name contains a NAME, each in\n"
	"a process of its own, and prints KTAP.\n"
	"\n"
	"  --list   print the names and stop\n"
	"\n"
	"SEED=number replays the random tests with that seed.\n"
	"Exit status: 0 all passed, 1 some failed, 2 no such test or option.\n";

static bool
wanted(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]) != NULL)
			return true;
	return false;
}

static void
print_diagnostics(char *output)
{
	for (char *line = strtok(output, "\n"); line != NULL;
	     line = strtok(NULL, "\n"))
		printf("# %s\n", line);
}

/* Returns whether the test did not fail. */
static bool
run(unsigned int number, unsigned int index)
{
	static char output[65536];
	int result = harness_run(index, output, sizeof output);

	if (result == HARNESS_SKIPPED) {
		output[strcspn(output, "\n")] = '\0';
		printf("ok %u - %s # SKIP %s\n", number, harness_name(index),
		       output);
	} else {
		if (result != HARNESS_PASSED)
			print_diagnostics(output);
		printf("%s %u - %s\n",
		       result == HARNESS_PASSED ? "ok" : "not ok", number,
		       harness_name(index));
	}
	fflush(stdout);
	return result == HARNESS_PASSED || result == HARNESS_SKIPPED;
}

int
main(int argc, char **argv)
{
	unsigned int chosen = 0, number = 0, failed = 0;
	bool list = argc == 2 && strcmp(argv[1], "--list") == 0;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (list)
		argc = 1;
	if (argc > 1 && argv[1][0] == '-') {
		fprintf(stderr, "harness: unknown option %s\n%s", argv[1],
			usage);
		return 2;
	}

	for (unsigned int i = 0; i < harness_count(); i++) {
		chosen += wanted(harness_name(i), argc, argv);
		if (list)
			printf("%s\n", harness_name(i));
	}
	if (list)
		return 0;
	if (chosen == 0 || harness_suites[0] == NULL) {
		fprintf(stderr, "harness: no test has that name; see --list\n");
		return 2;
	}

	printf("KTAP version 1\n1..%u\n", chosen);
	for (unsigned int i = 0; i < harness_count(); i++)
		if (wanted(harness_name(i), argc, argv))
			failed += !run(++number, i);
	printf("# %u of %u passed\n", number - failed, number);
	return failed != 0;
}

#endif /* HARNESS_MAIN */
