/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"
#include "text.h"

static unsigned planned, point, failed;

bool expect(struct failure *failure, const char *what, word_t at, word_t seen, word_t wanted)
{
	if (!failure->what && seen != wanted)
		*failure = (struct failure){ .what = what, .at = at, .seen = seen, .wanted = wanted };
	return !failure->what;
}

void report_start(void)
{
	/* The kernel's own last line has no end yet. */
	print_line("");
	print_line("KTAP version 1");
	print_line("# storm: start");
}

void report_plan(unsigned points)
{
	planned = points;
	print_line("1..%u", points);
}

void report_point(const char *name, const struct failure *failure)
{
	point++;
	if (!failure->what) {
		print_line("ok %u - %s", point, name);
		return;
	}
	failed++;
	print_line("# %s: at %lu (0x%lx): got %ld (0x%lx), expected %ld (0x%lx)", failure->what, failure->at, failure->at,
		   failure->seen, failure->seen, failure->wanted, failure->wanted);
	print_line("not ok %u - %s", point, name);
}

void report_skip(const char *name, const char *reason)
{
	point++;
	print_line("ok %u - %s # SKIP %s", point, name, reason);
}

void report_verdict(void)
{
	print_line("# storm: verdict %s", !failed && point == planned ? "PASS" : "FAIL");
}
