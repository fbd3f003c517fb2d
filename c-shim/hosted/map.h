/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps to test with: building them, looking into them, and checking them.
 * Addresses here are page numbers; struct vm_map_entry keeps bytes.
 */
#ifndef C_SHIM_MAP_H
#define C_SHIM_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_map_rust.h>

#define PAGE_BYTES	4096UL

#define READ		VM_PROT_READ
#define READ_WRITE	(VM_PROT_READ | VM_PROT_WRITE)
#define NONE		VM_PROT_NONE

enum { INHERIT_SHARE, INHERIT_COPY, INHERIT_NONE };

#define ENTRY_FORMAT	"[%lu,%lu)"
#define ENTRY_PAGES(entry) \
	(entry)->links.start / PAGE_BYTES, (entry)->links.end / PAGE_BYTES

enum map_kind { KERNEL_MAP, USER_MAP };

/* An empty map of the pages from FIRST up to END. */
extern vm_map_t map_new(enum map_kind kind, unsigned long first,
			unsigned long end);
/* Entries, their objects, and the map itself. */
extern void map_destroy(vm_map_t map);

static inline vm_map_entry_t
map_header(vm_map_t map)
{
	return (vm_map_entry_t) &map->hdr.links;
}

static inline vm_map_entry_t
tree_entry(struct rbtree_node *node)
{
	return (vm_map_entry_t) ((char *) node
		- offsetof(struct vm_map_entry, tree_node));
}

static inline vm_map_entry_t
gap_tree_entry(struct rbtree_node *node)
{
	return (vm_map_entry_t) ((char *) node
		- offsetof(struct vm_map_entry, gap_node));
}

static inline vm_map_entry_t
gap_list_entry(struct list *node)
{
	return (vm_map_entry_t) ((char *) node
		- offsetof(struct vm_map_entry, gap_list));
}

static inline vm_size_t
entry_bytes(const struct vm_map_entry *entry)
{
	return entry->links.end - entry->links.start;
}

/*
 * A new entry: READ_WRITE of all protections, inheritance copied, no object,
 * not wired.  Change its fields as the test likes; wired_count has a
 * function of its own.
 */
extern vm_map_entry_t map_add(vm_map_t map, unsigned long first,
			      unsigned long end);
/* The same, over PAGES of OBJECT, whose reference it takes over. */
extern vm_map_entry_t map_add_object(vm_map_t map, unsigned long first,
				     unsigned long end,
				     struct vm_object *object,
				     unsigned long offset);
/* Wires or unwires the entry's pages too, and counts them in size_wired. */
extern void entry_set_wired(vm_map_t map, vm_map_entry_t entry,
			    unsigned int count);

/* The entry that covers PAGE, or null. */
extern vm_map_entry_t map_find(vm_map_t map, unsigned long page);
/* The first entry that ends behind PAGE, or the header. */
extern vm_map_entry_t map_find_from(vm_map_t map, unsigned long page);
/* Splits the entry that covers PAGE, so that one starts there. */
extern void map_clip(vm_map_t map, unsigned long page);
/* Takes the entry out of the map and frees it, its pages unwired. */
extern void map_delete(vm_map_t map, vm_map_entry_t entry);

/* Takes out and puts in, with both trees, the list and the gaps right. */
extern void entry_link(vm_map_t map, vm_map_entry_t after,
		       vm_map_entry_t entry);
extern void entry_unlink(vm_map_t map, vm_map_entry_t entry);
/* Computes the entry's gap anew, and moves it where that belongs. */
extern void gap_refresh(vm_map_t map, vm_map_entry_t entry);

/* One line per entry, on stderr. */
extern void map_print(vm_map_t map);

#endif /* C_SHIM_MAP_H */
