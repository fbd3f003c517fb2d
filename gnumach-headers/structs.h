/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The structures that the two functions read and write, as an SMP kernel has
 * them, for hosted builds.  This is the only header here that defines one.
 * For a given kernel, `vmtool layout` writes a file of the same name from that
 * kernel's DWARF, and the include path puts it in front of this one; a build
 * inside a GNU Mach tree includes the tree's own headers and neither of these.
 */
#ifndef GNUMACH_STRUCTS_H
#define GNUMACH_STRUCTS_H

struct thread;
struct vm_object;
struct vm_map;
struct vm_map_entry;
struct pmap;

/* Spin lock: 0 when free, 1 when held.  UP kernels have one of size 0. */
struct slock {
	volatile unsigned int lock_data;
};

/* Sleeping reader/writer lock. */
struct lock {
	struct thread *thread;		/* holder, once made recursive */
	unsigned int read_count:16,
		     want_upgrade:1,
		     want_write:1,	/* held for writing, or wanted so */
		     waiting:1,
		     can_sleep:1,
		     recursion_depth:12,
		     :0;
	struct slock interlock;
};

struct list {
	struct list *prev;
	struct list *next;
};

/* The parent's address with the node's colour in bit 0 (1 = black). */
struct rbtree_node {
	unsigned long parent;
	struct rbtree_node *children[2];
};

struct rbtree {
	struct rbtree_node *root;
};

union vm_map_object {
	struct vm_object *vm_object;
	struct vm_map *sub_map;
};

/* Addresses in bytes, page-aligned; [start, end). */
struct vm_map_links {
	struct vm_map_entry *prev;
	struct vm_map_entry *next;
	unsigned long start;
	unsigned long end;
};

struct vm_map_entry {
	struct vm_map_links links;
	struct rbtree_node tree_node;	/* in hdr.tree, by address */
	struct rbtree_node gap_node;	/* in hdr.gap_tree, when in_gap_tree */
	struct list gap_list;		/* others with the same gap_size */
	unsigned long gap_size;		/* free bytes up to the next entry */
	union vm_map_object object;
	unsigned long offset;		/* bytes into the object */
	unsigned int in_gap_tree:1,
		     is_shared:1,
		     is_sub_map:1,
		     in_transition:1,
		     needs_wakeup:1,
		     needs_copy:1;
	int protection;
	int max_protection;
	int inheritance;
	unsigned short wired_count;	/* 0, 1 or 2: see the scan */
	int wired_access;
	struct vm_map_entry *projected_on;
};

/* In a map's header, links.start and links.end are the map's limits. */
struct vm_map_header {
	struct vm_map_links links;
	struct rbtree tree;
	struct rbtree gap_tree;
	int nentries;
};

struct vm_map {
	struct lock lock;
	struct vm_map_header hdr;
	struct pmap *pmap;
	unsigned long size;		/* bytes mapped */
	unsigned long size_wired;	/* bytes in entries with wired_count != 0 */
	unsigned long size_none;
	int ref_count;
	struct slock ref_lock;
	struct vm_map_entry *hint;
	struct slock hint_lock;
	struct vm_map_entry *first_free;
	unsigned int wait_for_space:1,
		     wiring_required:1;
	unsigned int timestamp;		/* one more at each write lock */
	const char *name;
	unsigned long size_cur_limit;
	unsigned long size_max_limit;
};

#endif /* GNUMACH_STRUCTS_H */
