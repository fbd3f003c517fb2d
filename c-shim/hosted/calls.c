/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "calls.h"
#include "map.h"
#include "maps.h"
#include "stop.h"

#define MAX_CALLS	4096
#define MAX_TEXT	80

void (*call_hook)(const struct call *call);

static char texts[MAX_CALLS][MAX_TEXT];
static unsigned int count;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread bool in_hook;

/* A spin lock must not be held over a call that may sleep or take another. */
static void
require_hint_locks_free(const struct call *call)
{
	if (call->kind == CALL_VM_FAULT_WIRE_PAGE)
		return;
	for (vm_map_t map = map_first(); map != NULL; map = map_after(map))
		if (map_written_by_current_thread(map)
		    && map->hint_lock.lock_data != 0)
			kernel_panic("hint_lock held over a call");
}

void
calls_note(const struct call *call, const char *format, ...)
{
	va_list arguments;

	if (in_hook)
		return;
	if (format != NULL) {
		pthread_mutex_lock(&log_mutex);
		if (count == MAX_CALLS)
			count = 0;	/* long random runs never read it */
		va_start(arguments, format);
		vsnprintf(texts[count++], MAX_TEXT, format, arguments);
		va_end(arguments);
		pthread_mutex_unlock(&log_mutex);
	}
	require_hint_locks_free(call);
	if (call_hook != NULL) {
		in_hook = true;
		call_hook(call);
		in_hook = false;
	}
}

void
calls_clear(void)
{
	count = 0;
}

unsigned int
calls_count(void)
{
	return count;
}

const char *
calls_text(unsigned int index)
{
	return index < count ? texts[index] : NULL;
}
