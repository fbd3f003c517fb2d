/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for the file that defines the two functions: nothing in them works. */
#include <kern/assert.h>
#include <vm/vm_map.h>

boolean_t vm_map_simplify(vm_map_t map, vm_map_entry_t entry)
{
	if (vm_map_coalesce_entry(map, entry)) {
		return 1;
	}
	return 0;
}

static void
vm_map_entry_reset_wired(vm_map_t map, vm_map_entry_t entry)
{
	map->size_wired -= entry->links.end - entry->links.start;
	entry->wired_count = 0;
}

/*
 * vm_map_pageable_scan: with a comment of its own { that opens a brace.
 */
static void vm_map_pageable_scan(
	vm_map_t	map,
	vm_map_entry_t	start_entry,
	vm_offset_t	end)
{
	if (start_entry->links.end <= end)
		vm_map_entry_reset_wired(map, start_entry);
	assert(!start_entry->in_transition);
}

void vm_map_wire(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_reset_wired(map, entry);
	vm_map_pageable_scan(map, entry, entry->links.end);
	assert(map->size_wired == 0);
}

/* No blank line between this comment and its function. */
boolean_t
vm_map_coalesce_entry(vm_map_t map, vm_map_entry_t entry)
{
	const char *brace = "}";

	assert(map->hdr.nentries > 0);
	return *brace != '}' && !entry->in_transition;
}

int vm_map_last(void)
{
	assert(__LINE__ > 0);
	return __LINE__;
}
