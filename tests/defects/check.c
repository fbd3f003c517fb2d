/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosted test of the parts that need no kernel: words, and what is made of threads that end or do not. Run by `make check` here. */
#include "outcome.h"
#include "words.h"
#include "../storm/text.h"

extern int printf(const char *format, ...);
extern char *strstr(const char *text, const char *part);
extern char *strcat(char *text, const char *more);

static const struct defect known = { "known", { NULL } };
static char printed[4096];
static int failures;

void trap_print(const char *text)
{
	strcat(printed, text);
}

const struct defect *find_defect(const char *name)
{
	return same_text(name, known.name) ? &known : NULL;
}

static void check(bool good, const char *what)
{
	if (!good)
		failures++, printf("not ok: %s; printed: %s\n", what, printed);
	printed[0] = '\0';
}

static bool parse(const char *one, const char *two, struct words *words)
{
	char *argv[] = { "defects", "1", "2", "3", (char *)one, (char *)two };

	return parse_words(4 + (one != NULL) + (two != NULL), argv, words);
}

static void check_words(void)
{
	static const char *const refused[][2] = {
		{ "defect=other", "no such defect" }, { "defect", "no such option" }, { "seconds=0", "from 1 to 3600" },
		{ "patience=x", "from 1 to 3600" }, { "patience=3601", "from 1 to 3600" }, { "second=1", "no such option" },
	};
	char *no_ports[] = { "defects", "${host-port}", "2", "3" };
	struct words words;

	for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		bool accepted = parse(refused[i][0], "defect=known", &words);

		check(!accepted && strstr(printed, refused[i][1]) && strstr(printed, refused[i][0]), refused[i][0]);
	}
	check(!parse_words(4, no_ports, &words) && strstr(printed, "port names"), "a variable that nobody replaced");
	check(!parse(NULL, NULL, &words) && strstr(printed, "which defect"), "no defect");
	check(parse("defect=known", "seconds=7", &words) && words.defect == &known && words.seconds == 7, "a defect");
}

static struct outcome judge(struct watch *watch, const struct actor *actors, uint32_t now)
{
	struct outcome outcome = judge_actors(watch, actors, 2, now, 100);

	print_outcome(&outcome);
	return outcome;
}

static void check_outcomes(void)
{
	struct actor actors[2] = { { .call = "vm_wire" }, { .call = "vm_copy" } };
	struct watch watch = { 0 };

	check(judge(&watch, actors, 0).kind == GOES_ON && !printed[0], "at the start");
	actors[1].calls = 1;
	check(judge(&watch, actors, 50).kind == GOES_ON, "both work");
	check(judge(&watch, actors, 99).kind == GOES_ON && !watch.stuck, "patience is not over");
	check(judge(&watch, actors, 100).kind == GOES_ON && watch.stuck, "one is stuck, one may still end");
	check(judge(&watch, actors, 149).kind == GOES_ON, "as long as the other may");
	check(judge(&watch, actors, 150).kind == STUCK && strstr(printed, "never returns: vm_wire; vm_copy\n"), "both are stuck");
	actors[1].done = true;
	check(judge(&watch, actors, 151).kind == STUCK && strstr(printed, "never returns: vm_wire\n"), "the other ended");
	actors[0].calls = 1;
	check(judge(&watch, actors, 152).kind == GOES_ON && !watch.stuck, "it returned after all");
	actors[0].call = NULL;
	check(judge(&watch, actors, 9999).kind == GOES_ON, "waiting between calls is not being stuck");
	actors[0].done = true;
	check(judge(&watch, actors, 9999).kind == NOTHING && strstr(printed, "outcome: nothing\n"), "all went well");
	see(&actors[1], "count", 3, 1, 0);
	check(judge(&watch, actors, 9999).kind == WRONG && strstr(printed, "wrong result: count: 1 instead of 0\n"), "a wrong result");
	actors[0].failure = (struct failure){ .what = "vm_allocate", .seen = 3 };
	check(judge(&watch, actors, 9999).kind == NOT_TRIED && strstr(printed, "not tried: vm_allocate: 3 instead of 0\n"),
	      "a call that had to go well did not");
}

int main(void)
{
	check_words();
	check_outcomes();
	if (!failures)
		printf("defects: words and outcomes: ok\n");
	return failures != 0;
}
