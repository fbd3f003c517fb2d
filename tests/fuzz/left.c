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
	return expect(failure, "host_slab_info of vm_map_entry", 0, cache_count(c, host, "vm_map_entry", &left->entries), 0) &&
	       expect(failure, "host_slab_info of vm_object", 0, cache_count(c, host, "vm_object", &left->objects), 0) &&
	       expect(failure, "host_slab_info of vm_map", 0, cache_count(c, host, "vm_map", &left->maps), 0) &&
	       expect(failure, "vm_statistics", 0, page_counts(c, &left->pages), 0);
}

static bool is_clean(const struct left *left, const struct left *before, uint32_t objects)
{
	return left->entries <= before->entries && left->maps <= before->maps && left->objects <= before->objects + objects &&
	       left->pages.wired <= before->pages.wired + SOME_WIRED && left->pages.free + SOME_PAGES >= before->pages.free;
}

void see_left(const struct caller *c, port_t host, const struct left *before, uint32_t objects, struct failure *failure)
{
	struct left left;

	for (unsigned waited = 0; waited < PATIENCE; waited += MILLISECONDS) {
		if (!count_left(c, host, &left, failure))
			return;
		if (is_clean(&left, before, objects))
			return;
		sleep_for(c, MILLISECONDS);
	}
	print_line("# left: entries %u, %u before; objects %u, %u; maps %u, %u; wired pages %u, %u; free pages %u, %u", left.entries,
		   before->entries, left.objects, before->objects, left.maps, before->maps, left.pages.wired, before->pages.wired,
		   left.pages.free, before->pages.free);
	expect(failure, "entries that are left", 0, left.entries, before->entries);
	expect(failure, "maps that are left", 0, left.maps, before->maps);
	expect(failure, "objects that are left", objects, left.objects, before->objects);
	expect(failure, "pages that are still wired", SOME_WIRED, left.pages.wired, before->pages.wired);
	expect(failure, "pages that are free", SOME_PAGES, left.pages.free, before->pages.free);
}
