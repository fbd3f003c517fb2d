/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosted test of the parts of the storm that need no kernel: words, options, verdicts. Run by `make check` here. */
#include "options.h"
#include "report.h"
#include "text.h"

extern int printf(const char *format, ...);
extern char *strstr(const char *text, const char *part);
extern char *strcat(char *text, const char *more);

static char printed[4096];
static int failures;

void trap_print(const char *text)
{
	strcat(printed, text);
}

static void check(bool good, const char *what)
{
	if (!good)
		failures++, printf("not ok: %s; printed: %s\n", what, printed);
	printed[0] = '\0';
}

static bool parse(const char *word, struct options *options)
{
	char *argv[] = { "storm", "1", "2", "3", (char *)word };

	return parse_options(word ? 5 : 4, argv, options);
}

static void check_options(void)
{
	/* A word, and what the complaint about it must contain. */
	static const char *const refused[][2] = {
		{ "thread=3", "no such option" }, { "threads", "no such option" }, { "", "no such option" },
		{ "threads=0", "from 1 to 64" }, { "threads=65", "from 1 to 64" }, { "calls=", "a number" },
		{ "calls=4294967297", "a number" }, { "seed=-1", "a number" }, { "names=9999", "a number" },
		{ "rounds=1x", "a number" }, { "load=", "is a list" }, { "load=ab", "is a list" }, { "load=a,c", "is a list" },
		{ "end=stop", "idle or reboot" },
	};
	struct options options;
	char *no_ports[] = { "storm", "${host-port}", "2", "3" };

	for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		bool accepted = parse(refused[i][0], &options);

		check(!accepted && strstr(printed, refused[i][1]) && strstr(printed, refused[i][0]), refused[i][0]);
	}
	check(!parse_options(4, no_ports, &options) && strstr(printed, "port names"), "a variable that nobody replaced");
	check(!parse_options(3, no_ports, &options) && strstr(printed, "port names"), "too few words");
	check(parse(NULL, &options) && options.run_a && !options.run_short && options.run_b && options.run_maps && options.run_wired,
	      "no options");
	check(parse("load=b+wired", &options) && !options.run_a && options.run_b && !options.run_maps && options.run_wired, "plus");
	check(parse("load=short", &options) && options.run_short && !options.run_a && !options.run_b, "short");
	check(parse("load=a,maps", &options) && options.run_a && !options.run_b && options.run_maps && !options.run_wired, "comma");
	check(parse("seed=4294967295", &options) && options.seed == 4294967295u, "greatest seed");
	check(parse("end=reboot", &options) && options.reboot, "reboot");
}

static void check_report(void)
{
	struct failure none = { 0 }, failure = { 0 };

	expect(&failure, "first", 7, 3, 0);
	expect(&failure, "second", 8, 5, 0);
	check(same_text(failure.what, "first") && failure.at == 7 && failure.seen == 3, "the first failure stays");
	report_plan(2);
	report_point("a", &none);
	check(strstr(printed, "1..2\nok 1 - a\n") != NULL, "a point that passes");
	report_verdict();
	check(strstr(printed, "verdict FAIL") != NULL, "a plan that was not fulfilled");
	report_skip("b", "why");
	check(strstr(printed, "ok 2 - b # SKIP why\n") != NULL, "a point that is skipped");
	report_verdict();
	check(strstr(printed, "verdict PASS") != NULL, "a plan that was fulfilled");
	report_plan(3);
	report_point("c", &failure);
	check(strstr(printed, "got 3") && strstr(printed, "not ok 3 - c\n"), "a point that fails");
	report_verdict();
	check(strstr(printed, "verdict FAIL") != NULL, "a failed point");
}

int main(void)
{
	check_options();
	check_report();
	if (!failures)
		printf("storm: options and verdicts: ok\n");
	return failures != 0;
}
