/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "left.h"
#include "../storm/text.h"

enum { MILLISECONDS = 20, PATIENCE = 20000 };
/* The kernel's caches and tables grow a little for good, and pages are free that were wired for them. */
enum { SOME_PAGES = 256, SOME_WIRED = 8 };

/* The linker's: where what can be stored to begins, and ends. */
extern char _edata[], _end[];

/*
 * What a fork has copied of this task's is merged again when the next fault comes by. Without one each case with a fork would
 * leave an object more, and the pages in it.
 */
static void store_to_own_memory(void)
{
	for (char *at = _edata; at < _end; at += PAGE)
		*(volatile char *)at = *at;
}

bool count_left(const struct caller *c, port_t host, struct left *left, struct failure *failure)
{
	store_to_own_memory();
	return expect(failure, "host_slab_info", 0, counts_in_use(c, host, &left->in_use), 0) &&
	       expect(failure, "vm_statistics", 0, page_counts(c, &left->pages), 0);
}

static bool is_clean(const struct left *left, const struct left *before)
{
	const struct in_use *now = &left->in_use, *then = &before->in_use;

	return now->entries <= then->entries && now->maps <= then->maps && now->objects <= then->objects && now->ports <= then->ports &&
	       left->pages.wired <= before->pages.wired + SOME_WIRED && left->pages.free + SOME_PAGES >= before->pages.free;
}

void see_left(const struct caller *c, port_t host, const struct left *before, struct failure *failure)
{
	struct left left;

	for (unsigned waited = 0; waited < PATIENCE; waited += MILLISECONDS) {
		if (!count_left(c, host, &left, failure))
			return;
		if (is_clean(&left, before))
			return;
		sleep_for(c, MILLISECONDS);
	}
	print_line("# left: entries %u, %u before; objects %u, %u; maps %u, %u; ports %u, %u; wired pages %u, %u; free pages %u, %u",
		   left.in_use.entries, before->in_use.entries, left.in_use.objects, before->in_use.objects, left.in_use.maps,
		   before->in_use.maps, left.in_use.ports, before->in_use.ports, left.pages.wired, before->pages.wired,
		   left.pages.free, before->pages.free);
	expect(failure, "entries that are left", 0, left.in_use.entries, before->in_use.entries);
	expect(failure, "maps that are left", 0, left.in_use.maps, before->in_use.maps);
	expect(failure, "objects that are left", 0, left.in_use.objects, before->in_use.objects);
	expect(failure, "ports that are left", 0, left.in_use.ports, before->in_use.ports);
	expect(failure, "pages that are still wired", SOME_WIRED, left.pages.wired, before->pages.wired);
	expect(failure, "pages that are free", SOME_PAGES, left.pages.free, before->pages.free);
}
