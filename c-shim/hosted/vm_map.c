/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for <vm/vm_map.h> and <vm/pmap.h>: locking, and maps as such. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "map.h"
#include "maps.h"
#include "objects.h"
#include "stop.h"
#include "threads.h"

struct pmap {
	const char *name;
};

static struct pmap kernel_pmap_store = { "kernel" };
static struct pmap user_pmap = { "user" };
pmap_t kernel_pmap = &kernel_pmap_store;

void
vm_map_lock(vm_map_t map)
{
	calls_note(&(struct call) { .kind = CALL_VM_MAP_LOCK, .map = map },
		   "vm_map_lock");
	lock_write(&map->lock);
	current_thread()->vm_privilege++;
	map->timestamp++;
}

void
vm_map_unlock(vm_map_t map)
{
	calls_note(&(struct call) { .kind = CALL_VM_MAP_UNLOCK, .map = map },
		   "vm_map_unlock");
	if (current_thread()->vm_privilege == 0)
		kernel_panic("vm_map_unlock: vm_privilege is 0 already");
	current_thread()->vm_privilege--;
	lock_done(&map->lock);
}

vm_map_t
map_new(enum map_kind kind, unsigned long first, unsigned long end)
{
	vm_map_t map = calloc(1, sizeof *map);

	if (map == NULL)
		abort();
	maps_add(map);
	lock_init(&map->lock);
	map->hdr.links.start = first * PAGE_BYTES;
	map->hdr.links.end = end * PAGE_BYTES;
	map->hdr.links.prev = map_header(map);
	map->hdr.links.next = map_header(map);
	map->pmap = kind == KERNEL_MAP ? kernel_pmap : &user_pmap;
	map->ref_count = 1;
	map->hint = map_header(map);
	map->first_free = map_header(map);
	map->name = map->pmap->name;
	return map;
}

void
map_destroy(vm_map_t map)
{
	while (map->hdr.links.next != map_header(map))
		map_delete(map, map->hdr.links.next);
	maps_remove(map);
	free(map);
}

void
map_print(vm_map_t map)
{
	vm_map_entry_t entry;

	fprintf(stderr, "%s map " ENTRY_FORMAT ", %d entries, %lu pages, "
		"%lu wired, timestamp %u\n", map->name, ENTRY_PAGES(&map->hdr),
		map->hdr.nentries, map->size / PAGE_BYTES,
		map->size_wired / PAGE_BYTES, map->timestamp);
	fprintf(stderr, "  %-12s %-8s %-4s %-4s %-3s %-5s %-6s %s\n",
		"pages", "object", "prot", "inh", "acc", "wired", "gap",
		"flags");
	for (entry = map->hdr.links.next; entry != map_header(map);
	     entry = entry->links.next) {
		char pages[48], object[48];

		snprintf(pages, sizeof pages, ENTRY_FORMAT,
			 ENTRY_PAGES(entry));
		snprintf(object, sizeof object, "o%u+%lu",
			 entry->is_sub_map ? 0
			 : object_serial(entry->object.vm_object),
			 entry->offset / PAGE_BYTES);
		fprintf(stderr, "  %-12s %-8s %-4d %-4d %-3d %-5u %-6lu "
			"%c%c%c%c%c%c  %s%s\n", pages, object,
			entry->protection, entry->inheritance,
			entry->wired_access, entry->wired_count,
			entry->gap_size / PAGE_BYTES,
			entry->in_gap_tree ? 'g' : '-',
			entry->is_shared ? 's' : '-',
			entry->is_sub_map ? 'm' : '-',
			entry->in_transition ? 't' : '-',
			entry->needs_wakeup ? 'w' : '-',
			entry->needs_copy ? 'c' : '-',
			map->hint == entry ? "<- hint " : "",
			map->first_free == entry ? "<- first_free" : "");
	}
}
