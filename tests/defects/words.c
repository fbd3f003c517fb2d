/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"
#include "../storm/text.h"

static const char *value_of(const char *word, const char *key)
{
	while (*key && *word == *key)
		word++, key++;
	return !*key && *word == '=' ? word + 1 : NULL;
}

static bool parse_seconds(const char *word, const char *value, uint32_t *seconds)
{
	if (parse_number(value, seconds) && *seconds >= 1 && *seconds <= 3600)
		return true;
	print_line("# '%s': give a number of seconds from 1 to 3600", word);
	return false;
}

static bool parse_word(const char *word, struct words *words)
{
	const char *value;

	if ((value = value_of(word, "seconds")))
		return parse_seconds(word, value, &words->seconds);
	if ((value = value_of(word, "patience")))
		return parse_seconds(word, value, &words->patience);
	if (!(value = value_of(word, "defect"))) {
		print_line("# '%s': no such option; there are defect seconds patience", word);
		return false;
	}
	words->defect = find_defect(value);
	if (!words->defect)
		print_line("# '%s': no such defect", word);
	return words->defect;
}

bool parse_words(int argc, char *const argv[], struct words *words)
{
	uint32_t device;

	*words = (struct words){ .seconds = 30, .patience = 30 };
	if (argc < 4 || !parse_number(argv[1], &words->host_priv) || !parse_number(argv[2], &device) ||
	    !parse_number(argv[3], &words->kernel_task)) {
		print_line("# the first three words must be ${host-port} ${device-port} ${kernel-task}, which become port names");
		return false;
	}
	for (int i = 4; i < argc; i++)
		if (!parse_word(argv[i], words))
			return false;
	if (!words->defect)
		print_line("# say which defect: defect=name");
	return words->defect;
}
