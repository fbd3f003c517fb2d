/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"
#include "stop.h"
#include "threads.h"

#define MAX_MAPS	8
static vm_map_t maps[MAX_MAPS];

void
maps_add(vm_map_t map)
{
	unsigned int slot = 0;

	while (slot < MAX_MAPS && maps[slot] != NULL)
		slot++;
	if (slot == MAX_MAPS)
		kernel_panic("maps_add: more than %d maps", MAX_MAPS);
	maps[slot] = map;
}

static unsigned int
slot_of(vm_map_t map)
{
	unsigned int slot = 0;

	while (maps[slot] != map)
		slot++;
	return slot;
}

void
maps_remove(vm_map_t map)
{
	maps[slot_of(map)] = NULL;
}

static vm_map_t
map_from_slot(unsigned int slot)
{
	while (slot < MAX_MAPS && maps[slot] == NULL)
		slot++;
	return slot < MAX_MAPS ? maps[slot] : NULL;
}

vm_map_t
map_first(void)
{
	return map_from_slot(0);
}

vm_map_t
map_after(vm_map_t map)
{
	return map_from_slot(slot_of(map) + 1);
}

bool
map_written_by_current_thread(vm_map_t map)
{
	return lock_held(current_thread(), &map->lock, HOLD_WRITE);
}
