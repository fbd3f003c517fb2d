/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "last.h"
#include "../storm/text.h"

enum { MARK_WORDS = 4, TEXT = 120, LINE = 200, TOGETHER = 8 };

static union {
	struct {
		uint32_t mark[MARK_WORDS];
		char text[MAX_THREADS][TEXT];
		char ended[LINE];
	};
	char page[PAGE];
} last __attribute__((aligned(PAGE)));

void mark_last(void)
{
	/* It is not in the file of the program, which lies in the machine's memory too. */
	static const volatile uint32_t turned[MARK_WORDS] = { ~0x7a7a7566u, ~0x7473616cu, ~0x6c6c6163u, ~0x0a3a7365u };

	for (unsigned i = 0; i < MARK_WORDS; i++)
		last.mark[i] = ~turned[i];
}

bool share_last(const struct caller *c, struct failure *failure)
{
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

static char *put_number_of(char *to, uint32_t number, uint32_t base)
{
	char digits[10];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	while (count)
		*to++ = digits[--count];
	return to;
}

static char *put_number(char *to, uint32_t number)
{
	return put_number_of(to, number, 10);
}

void set_last(unsigned thread, uint32_t number, unsigned index, const struct call *call)
{
	static char *ends[MAX_THREADS];
	char *to = last.text[thread], *end;

	to = put_number(put_text(to, "case "), number);
	to = put_number(put_text(to, ", call "), index);
	to = put_text(put_text(to, ": "), operation_name(call->operation));
	to = put_number(put_text(to, ", page "), call->page);
	to = end = put_number(put_text(to, ", pages "), call->pages);
	/* Nothing of a longer one must stay behind it. */
	do
		*to++ = 0;
	while (to < ends[thread]);
	ends[thread] = end;
}

/* How many are in the line, where it goes on, and calls of them that were left out. */
static unsigned together, steered;
static char *line_end;

void tell_ended(void)
{
	if (!together)
		return;
	/* The page has zeros behind it. */
	print_line("# %s %u", last.ended, steered);
	memset(last.ended, 0, sizeof last.ended);
	together = steered = 0;
}

void add_ended(uint32_t number, uint32_t digest, uint32_t made, uint32_t left_out)
{
	if (!together)
		line_end = put_number(put_text(last.ended, "ended "), number);
	*line_end++ = ' ';
	line_end = put_number_of(line_end, digest, 16);
	*line_end++ = ' ';
	line_end = put_number(line_end, made);
	steered += left_out;
	if (++together == TOGETHER)
		tell_ended();
}
