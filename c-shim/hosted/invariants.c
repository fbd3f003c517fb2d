/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "faults.h"
#include "invariants.h"
#include "maps.h"
#include "objects.h"
#include "slab.h"
#include "stop.h"
#include "threads.h"
#include "rbtrees.h"

static void __attribute__((noreturn, format(printf, 3, 4)))
broken(vm_map_t map, int number, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (number != 1)		/* else the ring may not be walked */
		map_print(map);
	fail_at("invariant", number, "%s", text);
}

#define for_each_entry(map, entry) \
	for (vm_map_entry_t entry = (map)->hdr.links.next; \
	     entry != map_header(map); entry = entry->links.next)

static void
check_ring(vm_map_t map)
{
	vm_map_entry_t entry, prev = map_header(map);
	vm_offset_t floor = map->hdr.links.start;
	int count = 0;

	for (entry = prev->links.next; entry != map_header(map);
	     prev = entry, entry = entry->links.next) {
		if (!entry_is_live(entry))
			broken(map, 1, "entry %d is not a live one", count);
		if (entry->links.prev != prev)
			broken(map, 1, ENTRY_FORMAT ": the entry before it is "
			       "not its prev", ENTRY_PAGES(entry));
		if (entry->links.start < floor
		    || entry->links.start >= entry->links.end
		    || entry->links.end > map->hdr.links.end)
			broken(map, 1, ENTRY_FORMAT " overlaps, is empty, or "
			       "leaves the map", ENTRY_PAGES(entry));
		if (entry->links.start % PAGE_BYTES != 0
		    || entry->links.end % PAGE_BYTES != 0)
			broken(map, 1, ENTRY_FORMAT " is not page-aligned",
			       ENTRY_PAGES(entry));
		floor = entry->links.end;
		if (++count > map->hdr.nentries)
			break;
	}
	if (count != map->hdr.nentries)
		broken(map, 1, "nentries is %d, %s%d entries are linked",
		       map->hdr.nentries,
		       count > map->hdr.nentries ? "at least " : "", count);
	if (map->hdr.links.prev != prev)
		broken(map, 1, "the header's prev is not the last entry");
}

static void
check_tree(vm_map_t map)
{
	const char *fault = tree_fault(&map->hdr.tree);
	struct rbtree_node *node = tree_first(&map->hdr.tree);

	if (fault != NULL)
		broken(map, 2, "tree: %s", fault);
	for_each_entry(map, entry) {
		if (node == NULL || tree_entry(node) != entry)
			broken(map, 2, ENTRY_FORMAT " is not where the tree "
			       "has it", ENTRY_PAGES(entry));
		node = tree_next(node);
	}
	if (node != NULL)
		broken(map, 2, "the tree has more entries than the list");
}

/* The tree's node of ENTRY's size, found through the tree. */
static vm_map_entry_t
gap_node_of_size(vm_map_t map, vm_size_t size)
{
	struct rbtree_node *node = map->hdr.gap_tree.root;

	while (node != NULL && gap_tree_entry(node)->gap_size != size)
		node = node->children[size > gap_tree_entry(node)->gap_size
				      ? TREE_RIGHT : TREE_LEFT];
	return node != NULL ? gap_tree_entry(node) : NULL;
}

static bool
on_gap_list(vm_map_entry_t node, vm_map_entry_t wanted, int most)
{
	struct list *at = node->gap_list.next;

	while (at != &node->gap_list && most-- > 0) {
		if (at == &wanted->gap_list)
			return at->prev->next == at && at->next->prev == at;
		at = at->next;
	}
	return false;
}

static void
check_gaps(vm_map_t map)
{
	const char *fault = tree_fault(&map->hdr.gap_tree);
	unsigned int places = 0, gaps = 0;

	if (fault != NULL)
		broken(map, 3, "gap tree: %s", fault);
	for_each_entry(map, entry) {
		vm_map_entry_t next = entry->links.next, node;
		vm_offset_t limit = next == map_header(map)
			? map->hdr.links.end : next->links.start;

		if (entry->gap_size != limit - entry->links.end)
			broken(map, 3, ENTRY_FORMAT ": gap_size is %lu pages, "
			       "the gap %lu", ENTRY_PAGES(entry),
			       entry->gap_size / PAGE_BYTES,
			       (limit - entry->links.end) / PAGE_BYTES);
		if (entry->gap_size == 0)
			continue;
		gaps++;
		node = gap_node_of_size(map, entry->gap_size);
		if (node == NULL)
			broken(map, 3, ENTRY_FORMAT ": its gap's size is not "
			       "in the gap tree", ENTRY_PAGES(entry));
		if (entry->in_gap_tree != (node == entry))
			broken(map, 3, ENTRY_FORMAT ": in_gap_tree is %u",
			       ENTRY_PAGES(entry), entry->in_gap_tree);
		if (node != entry
		    && !on_gap_list(node, entry, map->hdr.nentries))
			broken(map, 3, ENTRY_FORMAT " is not on the gap list "
			       "of " ENTRY_FORMAT, ENTRY_PAGES(entry),
			       ENTRY_PAGES(node));
	}
	for (struct rbtree_node *node = tree_first(&map->hdr.gap_tree);
	     node != NULL; node = tree_next(node)) {
		struct list *list = &gap_tree_entry(node)->gap_list;
		struct list *at = list;

		if (!entry_is_live(gap_tree_entry(node)))
			broken(map, 3, "a freed entry is in the gap tree");
		do {
			places++;
			if (!entry_is_live(gap_list_entry(at->next)))
				broken(map, 3, "a freed entry is on a gap list");
			at = at->next;
		} while (at != list && places <= gaps);
	}
	if (places != gaps)
		broken(map, 3, "%u entries have a gap, %u are kept for one",
		       gaps, places);
}

static void
check_sizes(vm_map_t map)
{
	vm_size_t size = 0, wired = 0;

	for_each_entry(map, entry) {
		size += entry_bytes(entry);
		if (entry->wired_count != 0 && entry->projected_on == NULL)
			wired += entry_bytes(entry);
	}
	if (map->size != size)
		broken(map, 4, "size is %lu pages, the entries' %lu",
		       map->size / PAGE_BYTES, size / PAGE_BYTES);
	if (map->size_wired != wired)
		broken(map, 5, "size_wired is %lu pages, the entries' %lu",
		       map->size_wired / PAGE_BYTES, wired / PAGE_BYTES);
}

static void
check_hints(vm_map_t map)
{
	bool hint = map->hint == map_header(map);
	bool first_free = map->first_free == map_header(map);

	for_each_entry(map, entry) {
		hint |= map->hint == entry;
		first_free |= map->first_free == entry;
	}
	if (!hint)
		broken(map, 6, "hint is no entry of the map");
	if (!first_free)
		broken(map, 6, "first_free is no entry of the map");
	if (map->hint_lock.lock_data != 0)
		broken(map, 12, "hint_lock is held");
}

static void
check_wired_counts(vm_map_t map)
{
	for_each_entry(map, entry) {
		if (entry->wired_count > 2)
			broken(map, 7, ENTRY_FORMAT ": wired_count is %u",
			       ENTRY_PAGES(entry), entry->wired_count);
		if (entry->wired_count != 0
		    && entry->object.vm_object == NULL)
			broken(map, 7, ENTRY_FORMAT " is wired and has no "
			       "object", ENTRY_PAGES(entry));
	}
}

static void
check_transition(vm_map_t map)
{
	for_each_entry(map, entry)
		if (entry->in_transition || entry->needs_wakeup)
			broken(map, 9, ENTRY_FORMAT " is in transition, or "
			       "to be woken for", ENTRY_PAGES(entry));
}

static void
check_references(vm_map_t map)
{
	for (vm_object_t object = objects_first(); object != NULL;
	     object = object->next) {
		int users = object->held;

		for (vm_map_t any = map_first(); any != NULL;
		     any = map_after(any))
			for_each_entry(any, entry)
				users += !entry->is_sub_map
					&& entry->object.vm_object == object;
		for (vm_object_t other = objects_first(); other != NULL;
		     other = other->next)
			users += other->shadow == object;
		if (object->ref_count != users)
			broken(map, 10, "o%u: ref_count is %d, %d use it",
			       object->serial, object->ref_count, users);
	}
}

static void
check_idle(vm_map_t map)
{
	unsigned int wired = 0, covered = 0;

	for (vm_object_t object = objects_first(); object != NULL;
	     object = object->next) {
		if (object->paging_in_progress != 0)
			broken(map, 10, "o%u: paging is in progress",
			       object->serial);
		for (struct vm_page *page = object->pages; page != NULL;
		     page = page->next)
			wired += page->wire_count;
	}
	for (vm_map_t any = map_first(); any != NULL; any = map_after(any))
		for_each_entry(any, entry)
			if (entry->wired_count != 0 && !entry->is_sub_map)
				covered += entry_bytes(entry) / PAGE_BYTES;
	if (wired + fault_pages_missing != covered)
		broken(map, 10, "entries wire %u pages, objects have %u wired "
		       "(and %u faults failed)", covered, wired,
		       fault_pages_missing);
}

static void
check_lock(vm_map_t map)
{
	const struct lock *lock = &map->lock;

	if (lock->want_write || lock->want_upgrade || lock->read_count != 0
	    || lock->recursion_depth != 0 || lock->thread != NO_THREAD)
		broken(map, 12, "the lock is not at rest: write %u, upgrade "
		       "%u, readers %u, depth %u%s", lock->want_write,
		       lock->want_upgrade, lock->read_count,
		       lock->recursion_depth,
		       lock->thread != NO_THREAD ? ", recursive" : "");
	if (current_thread()->vm_privilege != 0)
		broken(map, 12, "vm_privilege is %u",
		       current_thread()->vm_privilege);
}

void
check_write_locked(vm_map_t map)
{
	check_ring(map);
	check_tree(map);
	check_gaps(map);
	check_sizes(map);
	check_hints(map);
	check_references(map);
}

void
check_at_rest(vm_map_t map)
{
	check_write_locked(map);
	check_wired_counts(map);
	check_transition(map);
	check_idle(map);
	check_lock(map);
}

void
check_scanned(vm_map_t map, unsigned long first, unsigned long end)
{
	for_each_entry(map, entry) {
		if (entry->links.start < first * PAGE_BYTES
		    || entry->links.start >= end * PAGE_BYTES)
			continue;
		if (entry->wired_access == NONE || entry->protection == NONE) {
			if (entry->wired_count != 0)
				broken(map, 7, ENTRY_FORMAT " stayed wired",
				       ENTRY_PAGES(entry));
		} else if (entry->wired_count == 0) {
			broken(map, 8, ENTRY_FORMAT " was not wired",
			       ENTRY_PAGES(entry));
		}
	}
}
