/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory objects and their pages, beyond <vm/vm_object.h>. */
#ifndef C_SHIM_OBJECTS_H
#define C_SHIM_OBJECTS_H

#include <stdbool.h>

#include <vm/vm_object.h>

struct vm_page {
	struct vm_page *next;
	vm_object_t object;
	vm_offset_t offset;
	unsigned long phys_addr;	/* unique */
	unsigned long content;		/* what the tests wrote to it */
	unsigned int wire_count:15,
		     busy:1,
		     wanted:1,
		     absent:1,
		     error:1;
};

struct vm_object {
	struct slock Lock;
	unsigned int serial;		/* 1, 2, ...: o1, o2 in the log */
	int ref_count;
	int held;			/* of these, references a test has */
	vm_size_t size;
	vm_object_t shadow;
	vm_offset_t shadow_offset;
	vm_object_t copy;
	unsigned int paging_in_progress:16,
		     pager_created:1,
		     internal:1;
	unsigned int resident_page_count;
	bool used_for_pageout;
	struct vm_page *pages;
	vm_object_t next;		/* of all live objects */
};

/* Makes vm_object_coalesce refuse whatever it is given. */
extern bool object_coalesce_refused;

extern vm_object_t object_new(vm_size_t size);	/* unlogged */
extern void object_reference(vm_object_t object);
extern void object_release(vm_object_t object);
/* A reference that is the test's own, as another user's of the object. */
extern void object_hold(vm_object_t object);
extern void object_unhold(vm_object_t object);

extern vm_object_t objects_first(void);

/* The page at OFFSET of OBJECT itself, or null. */
extern struct vm_page *object_page(vm_object_t object, vm_offset_t offset);
/* The same, made with content 0 if need be. */
extern struct vm_page *object_page_make(vm_object_t object, vm_offset_t offset);
/* The page seen through the chain of shadows, or null (reads as 0). */
extern struct vm_page *object_page_seen(vm_object_t object, vm_offset_t offset);

/* Drops the pages from START to END; none may be wired. */
extern void object_remove_pages(vm_object_t object, vm_offset_t start,
				vm_offset_t end);

/* The physical address of a page that is new. */
extern unsigned long object_next_page(void);

extern unsigned int object_serial(const struct vm_object *object);

#endif /* C_SHIM_OBJECTS_H */
