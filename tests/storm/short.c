/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loads.h"
#include "memory.h"
#include "text.h"

/* Of a hundred pages that were free. What pages out begins with some ten. */
enum { LEFT = 20 };

static bool take_pages(const struct caller *c, word_t *place, word_t *size, struct failure *failure)
{
	struct pages pages = { 0 };
	uint32_t before;

	if (!expect(failure, "vm_statistics", 0, page_counts(c, &pages), 0))
		return false;
	before = pages.free;
	*size = (word_t)(before - before / 100 * LEFT) * PAGE;
	if (!expect(failure, "vm_allocate of most that is free", 0, vm_allocate(c, c->task, place, *size, true), 0))
		return false;
	for (word_t at = 0; at < *size; at += PAGE)
		*(volatile uint8_t *)(*place + at) = 1;
	if (!expect(failure, "vm_statistics", 1, page_counts(c, &pages), 0))
		return false;
	print_line("# %u pages free, of %u before", pages.free, before);
	return expect(failure, "less than a quarter is free", pages.free, pages.free < before / 4, true);
}

void load_short(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure)
{
	word_t place = 0, size = 0;

	if (take_pages(c, &place, &size, failure))
		load_names(c, cpus, options, failure);
	if (place)
		expect(failure, "vm_deallocate of it", 0, vm_deallocate(c, c->task, place, size), 0);
}
