/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand for the functions that call the two: nothing in them works. A test puts them into the miniature tree. */
#include <mach/vm_wire.h>

unsigned int clipped;

/*
 * Counts.
 */
void _vm_map_clip_start(struct vm_map_header *map_header, vm_map_entry_t entry, vm_offset_t start, boolean_t link_gap)
{
	clipped += start;
}

extern unsigned int clipped;

void _vm_map_clip_end(struct vm_map_header *map_header, vm_map_entry_t entry, vm_offset_t end, boolean_t link_gap)
{
	clipped += end;
}

/* Here the scan ends. */
/*
 *	vm_map_protect:
 *
 *	Behind the scan, and only one blank line is between them.
 */
kern_return_t
vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t new_prot, boolean_t set_max)
{
	vm_map_entry_t entry;

	vm_map_lookup_entry(map, start, &entry);
	assert(clipped != 1);
	return 0;
}

kern_return_t vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t new_inheritance)
{
	return 0;
}

kern_return_t
vm_map_pageable(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t access_type, boolean_t lock_map,
		boolean_t check_range)
{
	return 0;
}

/* Only for the next. */
static kern_return_t vm_map_pageable_current(vm_map_t map, vm_prot_t access_type)
{
	return vm_map_pageable(map, 0, 0, access_type, 0, 0);
}

kern_return_t vm_map_pageable_all(struct vm_map *map, vm_wire_t flags)
{
	return vm_map_pageable_current(map, 0);
}

void vm_map_entry_delete(vm_map_t map, vm_map_entry_t entry)
{
	assert(entry != 0);
}

kern_return_t vm_map_delete(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	assert(start <= end);
	return 0;
}

kern_return_t vm_map_remove(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	return vm_map_delete(map, start, end);
}
