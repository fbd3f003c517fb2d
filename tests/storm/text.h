/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings, and lines on the kernel's console. */
#ifndef STORM_TEXT_H
#define STORM_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
bool same_text(const char *a, const char *b);

/* False if TEXT is not wholly a decimal number that fits. */
bool parse_number(const char *text, uint32_t *number);

/* Prints one line with one trap; those of one CPU never mix. Knows %s %u %d %x, and l before the last three for a word_t. */
void print_line(const char *format, ...);
void print_line_list(const char *format, va_list list);

#endif
