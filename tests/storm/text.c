/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"
#include "traps.h"

/* Memory of any type, a word at a time. */
typedef uint32_t __attribute__((may_alias, aligned(1))) any_word;

void *memcpy(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	for (; size >= sizeof(any_word); size -= sizeof(any_word), t += sizeof(any_word), f += sizeof(any_word))
		*(any_word *)t = *(const any_word *)f;
	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	const uint32_t word = (unsigned char)byte * 0x01010101u;
	unsigned char *t = to;

	for (; size >= sizeof(any_word); size -= sizeof(any_word), t += sizeof(any_word))
		*(any_word *)t = word;
	while (size--)
		*t++ = (unsigned char)byte;
	return to;
}

bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool parse_number(const char *text, uint32_t *number)
{
	uint32_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint32_t digit = (uint32_t)(*text - '0');

		if (digit > 9 || value > (UINT32_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

struct line {
	char text[256];
	unsigned used;
};

static void put_char(struct line *line, char c)
{
	/* Room is kept for the newline and the final zero. */
	if (line->used < sizeof line->text - 2)
		line->text[line->used++] = c;
}

static void put_number(struct line *line, word_t number, uint32_t base)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	while (count)
		put_char(line, digits[--count]);
}

static void put_signed(struct line *line, long number)
{
	if (number < 0)
		put_char(line, '-');
	put_number(line, number < 0 ? -(word_t)number : (word_t)number, 10);
}

static void put_argument(struct line *line, char kind, bool is_long, va_list *list)
{
	switch (kind) {
	case 's':
		for (const char *s = va_arg(*list, const char *); *s; s++)
			put_char(line, *s);
		break;
	case 'd':
		put_signed(line, is_long ? va_arg(*list, long) : va_arg(*list, int));
		break;
	case 'u':
		put_number(line, is_long ? va_arg(*list, word_t) : va_arg(*list, uint32_t), 10);
		break;
	case 'x':
		put_number(line, is_long ? va_arg(*list, word_t) : va_arg(*list, uint32_t), 16);
		break;
	default:
		put_char(line, kind);
	}
}

void print_line_list(const char *format, va_list list)
{
	struct line line = { .used = 0 };
	va_list rest;

	va_copy(rest, list);
	for (; *format; format++) {
		if (*format == '%' && format[1]) {
			bool is_long = *++format == 'l' && format[1];

			format += is_long;
			put_argument(&line, *format, is_long, &rest);
		} else {
			put_char(&line, *format);
		}
	}
	va_end(rest);
	line.text[line.used++] = '\n';
	line.text[line.used] = '\0';
	trap_print(line.text);
}

void print_line(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	print_line_list(format, list);
	va_end(list);
}
