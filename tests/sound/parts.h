/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of `sound` have in common. */
#ifndef TESTS_SOUND_PARTS_H
#define TESTS_SOUND_PARTS_H

#include <string.h>

#include "../callers/ranges.h"
#include "sound.h"

/* The page of the entry's own object that PAGE of the map maps, or null. */
static inline struct vm_page *
own_page(vm_map_t map, unsigned long page)
{
	vm_map_entry_t entry = map_find(map, page);

	if (entry->object.vm_object == NULL)
		return NULL;
	return object_page(entry->object.vm_object, entry->offset + AT(page)
			   - entry->links.start);
}

static inline unsigned int
wirings(vm_map_t map, unsigned long page)
{
	struct vm_page *own = own_page(map, page);

	return own != NULL ? own->wire_count : 0;
}

#endif /* TESTS_SOUND_PARTS_H */
