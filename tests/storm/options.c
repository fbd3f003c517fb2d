/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"
#include "text.h"

/* If WORD begins with KEY and an equals sign, what follows it. */
static const char *value_of(const char *word, const char *key)
{
	while (*key && *word == *key)
		word++, key++;
	return !*key && *word == '=' ? word + 1 : NULL;
}

static bool starts_with(const char **text, const char *name)
{
	const char *t = *text;

	while (*name && *t == *name)
		t++, name++;
	if (*name || (*t && *t != ',' && *t != '+'))
		return false;
	*text = *t ? t + 1 : t;
	return true;
}

static bool parse_loads(const char *list, struct options *options)
{
	options->run_a = options->run_short = options->run_b = options->run_maps = options->run_wired = false;
	do {
		if (starts_with(&list, "a"))
			options->run_a = true;
		else if (starts_with(&list, "short"))
			options->run_short = true;
		else if (starts_with(&list, "b"))
			options->run_b = true;
		else if (starts_with(&list, "maps"))
			options->run_maps = true;
		else if (starts_with(&list, "wired"))
			options->run_wired = true;
		else
			return false;
	} while (*list);
	return true;
}

static bool parse_word(const char *word, struct options *options)
{
	const struct {
		const char *key;
		uint32_t *number, min, max;
	} numbers[] = {
		{ "threads", &options->threads, 1, MAX_THREADS },
		{ "calls", &options->calls, 1, 100000000 },
		{ "names", &options->names, 1, MAX_NAME / 2 },
		{ "slices", &options->slices, 1, MAX_THREADS },
		{ "rounds", &options->rounds, 1, 10000000 },
		{ "seed", &options->seed, 0, UINT32_MAX },
	};
	const char *value;

	for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		value = value_of(word, numbers[i].key);
		if (!value)
			continue;
		if (parse_number(value, numbers[i].number) && *numbers[i].number >= numbers[i].min &&
		    *numbers[i].number <= numbers[i].max)
			return true;
		print_line("# '%s': give %s a number from %u to %u", word, numbers[i].key, numbers[i].min, numbers[i].max);
		return false;
	}
	value = value_of(word, "load");
	if (value) {
		if (parse_loads(value, options))
			return true;
		print_line("# '%s': load is a list, with + or commas, of a short b maps wired", word);
		return false;
	}
	value = value_of(word, "end");
	if (value) {
		options->reboot = same_text(value, "reboot");
		if (options->reboot || same_text(value, "idle"))
			return true;
		print_line("# '%s': end is idle or reboot", word);
		return false;
	}
	print_line("# '%s': no such option; there are load threads calls names slices rounds seed end", word);
	return false;
}

bool parse_options(int argc, char *const argv[], struct options *options)
{
	uint32_t device;

	*options = (struct options){
		.threads = 16, .calls = 8000, .names = 2100, .slices = 8, .rounds = 1000, .seed = 1,
		.run_a = true, .run_b = true, .run_maps = true, .run_wired = true,
	};
	if (argc < 4 || !parse_number(argv[1], &options->host_priv) || !parse_number(argv[2], &device) ||
	    !parse_number(argv[3], &options->kernel_task)) {
		print_line("# the first three words must be ${host-port} ${device-port} ${kernel-task}, which become port names");
		return false;
	}
	for (int i = 4; i < argc; i++)
		if (!parse_word(argv[i], options))
			return false;
	return true;
}
