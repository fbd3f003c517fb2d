/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calls.h"
#include "invariants.h"
#include "map_ops.h"
#include "objects.h"
#include "stop.h"
#include "threads.h"

struct map_observer map_observer;

enum lock_state
map_lock_state(vm_map_t map)
{
	if (lock_held(current_thread(), &map->lock, HOLD_WRITE))
		return WRITE_LOCKED;
	if (lock_held(current_thread(), &map->lock, HOLD_READ))
		return READ_LOCKED;
	return UNLOCKED;
}

const char *
lock_state_name(enum lock_state state)
{
	switch (state) {
	case UNLOCKED:		return "unlocked";
	case READ_LOCKED:	return "locked for reading";
	case WRITE_LOCKED:	return "locked for writing";
	}
	return "unknown";
}

enum lock_state
scan(vm_map_t map, vm_map_entry_t start_entry, unsigned long end)
{
	unsigned long first = start_entry->links.start / PAGE_BYTES;

	if (map_lock_state(map) != WRITE_LOCKED)
		kernel_panic("scan: the map is %s",
			     lock_state_name(map_lock_state(map)));
	if (map_observer.scanned != NULL && start_entry != map_header(map))
		map_observer.scanned(first, end);
	calls_clear();
	vm_map_pageable_scan(map, start_entry, end * PAGE_BYTES);
	if (start_entry != map_header(map))
		check_scanned(map, first, end);
	return map_lock_state(map);
}

void
locked_scan(vm_map_t map, vm_map_entry_t start_entry, unsigned long end)
{
	vm_map_lock(map);
	scan(map, start_entry, end);
	vm_map_unlock(map);
	check_at_rest(map);
}

boolean_t
coalesce(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t prev = entry->links.prev;
	unsigned long prev_first = prev->links.start / PAGE_BYTES;
	unsigned long first = entry->links.start / PAGE_BYTES;
	unsigned long end = entry->links.end / PAGE_BYTES;
	vm_size_t size = map->size, size_wired = map->size_wired;
	boolean_t merged;

	calls_clear();
	merged = vm_map_coalesce_entry(map, entry);
	if (merged != 0 && merged != 1)
		fail_at(__FILE__, __LINE__, "coalesce returned %d", merged);
	if (map->size != size || map->size_wired != size_wired)
		fail_at(__FILE__, __LINE__, "coalesce changed the sizes");
	if (map_lock_state(map) != WRITE_LOCKED)
		fail_at(__FILE__, __LINE__, "coalesce left the map %s",
			lock_state_name(map_lock_state(map)));
	if (merged && map_observer.merged != NULL)
		map_observer.merged(prev_first, first, end);
	check_write_locked(map);
	return merged;
}

boolean_t
locked_coalesce(vm_map_t map, vm_map_entry_t entry)
{
	boolean_t merged;

	vm_map_lock(map);
	merged = coalesce(map, entry);
	vm_map_unlock(map);
	check_at_rest(map);
	return merged;
}

/* Coalesces the entries of the range, and the one behind, with what precedes. */
static void
coalesce_range(vm_map_t map, unsigned long first, unsigned long end)
{
	vm_map_entry_t entry = map_find_from(map, first), next;

	while (entry != map_header(map)
	       && entry->links.start < end * PAGE_BYTES) {
		next = entry->links.next;
		coalesce(map, entry);
		entry = next;
	}
	coalesce(map, entry);
}

static void
clip_range(vm_map_t map, unsigned long first, unsigned long end)
{
	map_clip(map, first);
	map_clip(map, end);
}

#define for_entries(map, entry, first, end) \
	for (entry = map_find_from(map, first); \
	     entry != map_header(map) \
	     && entry->links.start < (end) * PAGE_BYTES; \
	     entry = entry->links.next)

void
map_wire(vm_map_t map, unsigned long first, unsigned long end,
	 vm_prot_t access)
{
	vm_map_entry_t entry;

	vm_map_lock(map);
	clip_range(map, first, end);
	for_entries(map, entry, first, end)
		entry->wired_access = access;
	scan(map, map_find_from(map, first), end);
	vm_map_unlock(map);
	check_at_rest(map);
}

/*
 * Scans out to the edges of the entries that the range has become part of: an
 * entry that crosses the end would be counted as wired and never faulted in
 * (scan_end.c shows that).
 */
void
map_protect(vm_map_t map, unsigned long first, unsigned long end,
	    vm_prot_t protection)
{
	vm_map_entry_t entry;

	vm_map_lock(map);
	clip_range(map, first, end);
	for_entries(map, entry, first, end) {
		entry->protection = protection;
		if (protection != NONE && entry->wired_access != NONE)
			entry->wired_access = protection;
	}
	coalesce_range(map, first, end);
	for_entries(map, entry, first, end)
		if (entry->links.end > end * PAGE_BYTES)
			end = entry->links.end / PAGE_BYTES;
	scan(map, map_find_from(map, first), end);
	vm_map_unlock(map);
	check_at_rest(map);
}

void
map_inherit(vm_map_t map, unsigned long first, unsigned long end,
	    vm_inherit_t inheritance)
{
	vm_map_entry_t entry;

	vm_map_lock(map);
	clip_range(map, first, end);
	for_entries(map, entry, first, end)
		entry->inheritance = inheritance;
	coalesce_range(map, first, end);
	vm_map_unlock(map);
	check_at_rest(map);
}

void
map_allocate(vm_map_t map, unsigned long first, unsigned long end)
{
	vm_map_lock(map);
	map_add(map, first, end);
	coalesce_range(map, first, end);
	vm_map_unlock(map);
	check_at_rest(map);
}

void
map_deallocate(vm_map_t map, unsigned long first, unsigned long end)
{
	vm_map_entry_t entry, next;

	vm_map_lock(map);
	clip_range(map, first, end);
	for (entry = map_find_from(map, first);
	     entry != map_header(map)
	     && entry->links.start < end * PAGE_BYTES; entry = next) {
		next = entry->links.next;
		map_delete(map, entry);
	}
	vm_map_unlock(map);
	check_at_rest(map);
}
