/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for the file of a function that a fix is for. */
#include <vm/vm_map.h>

#define FALSE	0

/* Not upstream's: nothing is looked for. */
boolean_t
projected_buffer_in_range(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t entry;

	if (map == 0)
		return (FALSE);

	entry = map->hint;
	return (entry != 0 && start <= end);
}

/* Stands for what follows. */
boolean_t mini_kern;
