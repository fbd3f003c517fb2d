/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "last.h"
#include "../storm/text.h"

enum { MARK_WORDS = 4, TEXT = 120 };

static union {
	struct {
		uint32_t mark[MARK_WORDS];
		char text[MAX_THREADS][TEXT];
	};
	char page[PAGE];
} last __attribute__((aligned(PAGE)));

bool share_last(const struct caller *c, struct failure *failure)
{
	/* It is not in the file of the program, which lies in the machine's memory too. */
	static const volatile uint32_t turned[MARK_WORDS] = { ~0x7a7a7566u, ~0x7473616cu, ~0x6c6c6163u, ~0x0a3a7365u };

	for (unsigned i = 0; i < MARK_WORDS; i++)
		last.mark[i] = ~turned[i];
	return expect(failure, "vm_inherit", 1, vm_inherit(c, c->task, (uint32_t)&last, sizeof last, INHERIT_SHARE), 0);
}

void clear_last(void)
{
	for (unsigned i = 0; i < MAX_THREADS; i++)
		last.text[i][0] = 0;
}

static char *put_text(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_number(char *to, uint32_t number)
{
	uint32_t unit = 1;

	while (number / unit >= 10)
		unit *= 10;
	for (; unit; unit /= 10)
		*to++ = '0' + number / unit % 10;
	return to;
}

void set_last(unsigned thread, uint32_t number, unsigned index, const struct call *call)
{
	char *to = last.text[thread];

	/* Nothing of a longer one must stay behind it. */
	memset(to, 0, TEXT);
	to = put_number(put_text(to, "case "), number);
	to = put_number(put_text(to, ", call "), index);
	to = put_text(put_text(to, ": "), operation_name(call->operation));
	to = put_number(put_text(to, ", page "), call->page);
	put_number(put_text(to, ", pages "), call->pages);
}
