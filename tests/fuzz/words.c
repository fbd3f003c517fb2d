/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"
#include "crowd.h"
#include "../storm/text.h"

static const char *value_of(const char *word, const char *key)
{
	while (*key && *word == *key)
		word++, key++;
	return !*key && *word == '=' ? word + 1 : NULL;
}

static bool parse_word(const char *word, struct words *words)
{
	const struct {
		const char *key;
		uint32_t *number, min, max;
	} numbers[] = {
		{ "seed", &words->seed, 0, UINT32_MAX },
		{ "first", &words->first, 0, UINT32_MAX },
		{ "cases", &words->cases, 1, UINT32_MAX },
		{ "calls", &words->calls, 1, MAX_CALLS },
		{ "known", &words->known, 0, 1 },
		{ "sound", &words->sound, 0, 1 },
		{ "fixed", &words->fixed, 0, 1 },
		{ "privileged", &words->privileged, 0, 1 },
		{ "tell", &words->tell, 0, 1 },
		{ "keep0", &words->keep[0], 0, UINT32_MAX },
		{ "keep1", &words->keep[1], 0, UINT32_MAX },
		{ "chunk", &words->chunk, 1, MAX_CALLS },
		{ "from", &words->from, 0, MAX_CALLS },
		{ "threads", &words->threads, 1, MAX_THREADS },
		{ "rounds", &words->rounds, 1, 10000 },
		{ "patience", &words->patience, 1, 3600 },
	};

	for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const char *value = value_of(word, numbers[i].key);

		if (!value)
			continue;
		if (parse_number(value, numbers[i].number) && *numbers[i].number >= numbers[i].min &&
		    *numbers[i].number <= numbers[i].max)
			return true;
		print_line("# '%s': give %s a number from %u to %u", word, numbers[i].key, numbers[i].min, numbers[i].max);
		return false;
	}
	print_line("# '%s': no such option; there are seed first cases calls known sound fixed privileged tell keep0 keep1 chunk from threads rounds patience", word);
	return false;
}

bool parse_words(int argc, char *const argv[], struct words *words)
{
	uint32_t device;

	*words = (struct words){
		.seed = 1, .cases = 100, .calls = 48, .keep = { UINT32_MAX, UINT32_MAX }, .threads = 1, .rounds = 8,
		.patience = 20,
	};
	if (argc < 4 || !parse_number(argv[1], &words->host_priv) || !parse_number(argv[2], &device) ||
	    !parse_number(argv[3], &words->kernel_task)) {
		print_line("# the first three words must be ${host-port} ${device-port} ${kernel-task}, which become port names");
		return false;
	}
	for (int i = 4; i < argc; i++)
		if (!parse_word(argv[i], words))
			return false;
	return true;
}
