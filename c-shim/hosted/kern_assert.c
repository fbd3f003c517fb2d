/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for <kern/assert.h>, and for panic(). */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <kern/assert.h>

#include "stop.h"

static struct stop unshared_record;
struct stop *stop_record = &unshared_record;
void (*stop_hook)(void);

const char *
stop_kind_name(enum stop_kind kind)
{
	switch (kind) {
	case STOP_NONE:		return "ran to its end";
	case STOP_ASSERT:	return "assertion";
	case STOP_PANIC:	return "panic";
	case STOP_MEMORY:	return "memory error";
	case STOP_FAILURE:	return "failure";
	}
	return "unknown";
}

static void __attribute__((noreturn))
stop(enum stop_kind kind)
{
	stop_record->kind = kind;
	if (stop_hook != NULL)
		stop_hook();
	fprintf(stderr, "%s: %s\n", stop_kind_name(kind), stop_record->text);
	fflush(NULL);
	_exit(1);
}

static void
set_text(const char *format, va_list arguments)
{
	vsnprintf(stop_record->text, sizeof stop_record->text, format,
		  arguments);
}

void
Assert(const char *exp, const char *file, int line, const char *fun)
{
	snprintf(stop_record->expression, sizeof stop_record->expression,
		 "%s", exp);
	snprintf(stop_record->function, sizeof stop_record->function,
		 "%s", fun);
	snprintf(stop_record->text, sizeof stop_record->text,
		 "%s at %s:%d in %s", exp, file, line, fun);
	stop(STOP_ASSERT);
}

void
kernel_panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_text(format, arguments);
	va_end(arguments);
	stop(STOP_PANIC);
}

void
memory_stop(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_text(format, arguments);
	va_end(arguments);
	stop(STOP_MEMORY);
}

void
fail_at(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(arguments, format);
	set_text(format, arguments);
	va_end(arguments);
	stop(STOP_FAILURE);
}
