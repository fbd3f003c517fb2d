/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries into and out of a map, with both trees, the list and the gaps kept
 * by code of the harness's own: the code under test is not used here.
 */
#include "map.h"
#include "objects.h"
#include "slab.h"
#include "stop.h"
#include "rbtrees.h"

/* Where an entry with this gap goes: a null *FOUND means below *PARENT. */
static void
gap_place(struct rbtree *tree, vm_size_t size, vm_map_entry_t *found,
	  struct rbtree_node **parent, int *side)
{
	struct rbtree_node *node = tree->root;

	*found = NULL;
	*parent = NULL;
	*side = TREE_LEFT;
	while (node != NULL) {
		vm_map_entry_t here = gap_tree_entry(node);

		if (here->gap_size == size) {
			*found = here;
			return;
		}
		*parent = node;
		*side = size > here->gap_size ? TREE_RIGHT : TREE_LEFT;
		node = node->children[*side];
	}
}

static void
gap_enter(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t next = entry->links.next, same;
	struct rbtree_node *parent;
	int side;

	entry->gap_size = (next == map_header(map) ? map->hdr.links.end
			   : next->links.start) - entry->links.end;
	if (entry->gap_size == 0)
		return;
	gap_place(&map->hdr.gap_tree, entry->gap_size, &same, &parent, &side);
	entry->in_gap_tree = same == NULL;
	if (same == NULL) {
		entry->gap_list.prev = &entry->gap_list;
		entry->gap_list.next = &entry->gap_list;
		tree_link(&map->hdr.gap_tree, parent, side, &entry->gap_node);
		return;
	}
	entry->gap_list.next = &same->gap_list;
	entry->gap_list.prev = same->gap_list.prev;
	same->gap_list.prev->next = &entry->gap_list;
	same->gap_list.prev = &entry->gap_list;
}

static void
gap_leave(vm_map_t map, vm_map_entry_t entry)
{
	struct list *next = entry->gap_list.next;

	if (entry->gap_size == 0)
		return;
	if (entry->in_gap_tree)
		tree_unlink(&map->hdr.gap_tree, &entry->gap_node);
	if (!entry->in_gap_tree || next != &entry->gap_list) {
		next->prev = entry->gap_list.prev;
		entry->gap_list.prev->next = next;
		if (entry->in_gap_tree) {
			vm_map_entry_t heir = gap_list_entry(next), same;
			struct rbtree_node *parent;
			int side;

			gap_place(&map->hdr.gap_tree, heir->gap_size, &same,
				  &parent, &side);
			tree_link(&map->hdr.gap_tree, parent, side,
				  &heir->gap_node);
			heir->in_gap_tree = 1;
		}
	}
	entry->gap_size = 0;
}

void
gap_refresh(vm_map_t map, vm_map_entry_t entry)
{
	if (entry == map_header(map))
		return;
	gap_leave(map, entry);
	gap_enter(map, entry);
}

void
entry_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry)
{
	struct rbtree_node *parent = NULL, *node = map->hdr.tree.root;
	int side = TREE_LEFT;

	while (node != NULL) {
		parent = node;
		side = entry->links.start > tree_entry(node)->links.start
			? TREE_RIGHT : TREE_LEFT;
		node = node->children[side];
	}
	tree_link(&map->hdr.tree, parent, side, &entry->tree_node);
	entry->links.prev = after;
	entry->links.next = after->links.next;
	after->links.next->links.prev = entry;
	after->links.next = entry;
	map->hdr.nentries++;
	entry->gap_size = 0;
	gap_refresh(map, after);
	gap_enter(map, entry);
}

void
entry_unlink(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t prev = entry->links.prev;

	if (map->hint == entry)
		map->hint = prev;
	if (map->first_free == entry)
		map->first_free = prev;
	gap_leave(map, entry);
	tree_unlink(&map->hdr.tree, &entry->tree_node);
	prev->links.next = entry->links.next;
	entry->links.next->links.prev = prev;
	map->hdr.nentries--;
	gap_refresh(map, prev);
}

vm_map_entry_t
map_find_from(vm_map_t map, unsigned long page)
{
	vm_map_entry_t entry = map->hdr.links.next;

	while (entry != map_header(map)
	       && entry->links.end <= page * PAGE_BYTES)
		entry = entry->links.next;
	return entry;
}

vm_map_entry_t
map_find(vm_map_t map, unsigned long page)
{
	vm_map_entry_t entry = map_find_from(map, page);

	if (entry == map_header(map)
	    || entry->links.start > page * PAGE_BYTES)
		return NULL;
	return entry;
}

vm_map_entry_t
map_add_object(vm_map_t map, unsigned long first, unsigned long end,
	       struct vm_object *object, unsigned long offset)
{
	vm_map_entry_t next = map_find_from(map, first);
	vm_map_entry_t entry = entry_alloc();

	if (next != map_header(map) && next->links.start < end * PAGE_BYTES)
		kernel_panic("map_add: [%lu,%lu) is not free", first, end);
	entry->links.start = first * PAGE_BYTES;
	entry->links.end = end * PAGE_BYTES;
	entry->object.vm_object = object;
	entry->offset = offset * PAGE_BYTES;
	entry->in_gap_tree = 0;
	entry->is_shared = 0;
	entry->is_sub_map = 0;
	entry->in_transition = 0;
	entry->needs_wakeup = 0;
	entry->needs_copy = 0;
	entry->protection = READ_WRITE;
	entry->max_protection = READ_WRITE | VM_PROT_EXECUTE;
	entry->inheritance = INHERIT_COPY;
	entry->wired_count = 0;
	entry->wired_access = NONE;
	entry->projected_on = NULL;
	entry_link(map, next->links.prev, entry);
	map->size += entry_bytes(entry);
	map->hint = entry;
	if (map->first_free->links.next == entry
	    && (map->first_free == map_header(map) ? map->hdr.links.start
		: map->first_free->links.end) == entry->links.start)
		map->first_free = entry;
	return entry;
}

vm_map_entry_t
map_add(vm_map_t map, unsigned long first, unsigned long end)
{
	return map_add_object(map, first, end, NULL, 0);
}

void
map_clip(vm_map_t map, unsigned long page)
{
	vm_map_entry_t entry = map_find(map, page), tail;
	vm_offset_t cut = page * PAGE_BYTES;

	if (entry == NULL || entry->links.start == cut)
		return;
	tail = entry_alloc();
	*tail = *entry;
	tail->links.start = cut;
	if (!entry->is_sub_map) {
		object_reference(entry->object.vm_object);
		tail->offset += cut - entry->links.start;
	}
	gap_leave(map, entry);
	entry->links.end = cut;
	entry_link(map, entry, tail);
}

static void
wire_pages(vm_map_entry_t entry, int change)
{
	for (vm_offset_t at = 0; at < entry_bytes(entry); at += PAGE_BYTES) {
		struct vm_page *page = object_page_seen(entry->object.vm_object,
						     entry->offset + at);

		if (page == NULL)
			page = object_page_make(entry->object.vm_object,
						entry->offset + at);
		page->wire_count += change;
	}
}

void
entry_set_wired(vm_map_t map, vm_map_entry_t entry, unsigned int count)
{
	if (!entry->is_sub_map && entry->object.vm_object == NULL) {
		entry->object.vm_object = object_new(entry_bytes(entry));
		entry->offset = 0;
	}
	if ((entry->wired_count == 0) != (count == 0)) {
		if (count != 0)
			map->size_wired += entry_bytes(entry);
		else
			map->size_wired -= entry_bytes(entry);
		if (!entry->is_sub_map)
			wire_pages(entry, count != 0 ? 1 : -1);
	}
	entry->wired_count = count;
}

void
map_delete(vm_map_t map, vm_map_entry_t entry)
{
	entry_set_wired(map, entry, 0);
	entry_unlink(map, entry);
	map->size -= entry_bytes(entry);
	if (!entry->is_sub_map)
		object_release(entry->object.vm_object);
	kmem_cache_free(&vm_map_entry_cache, (vm_offset_t) entry);
}
