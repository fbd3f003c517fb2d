/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_PAGE_H
#define GNUMACH_VM_VM_PAGE_H

#include <mach/vm_types.h>
#include <structs.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

typedef struct vm_page *vm_page_t;

/* A kernel with PAE has more bits of it; struct vm_page comes from the kernel. */
typedef __typeof__(((struct vm_page *) 0)->phys_addr) phys_addr_t;

/* Covers the lists of pages; taken behind the lock of an object. */
extern struct slock vm_page_queue_lock;

/* The page at OFFSET of an object that is locked, or null. */
extern vm_page_t vm_page_lookup(vm_object_t object, vm_offset_t offset);
/* One wiring of a page more, or fewer; its object and the lists are locked. */
extern void vm_page_wire(vm_page_t page);
extern void vm_page_unwire(vm_page_t page);

/* Where in memory a page may lie: anywhere. */
#define VM_PAGE_HIGHMEM		0x08

/* A busy page out of those that are free, or null. */
extern vm_page_t vm_page_grab(unsigned int flags);
/* Fills a page that nobody else has with zeros. */
extern void vm_page_zero_fill(vm_page_t page);
/* How many pages are free, and how many there are. */
extern unsigned long vm_page_mem_free(void);
extern unsigned long vm_page_table_size(void);
/*
 * Puts a page into an object, takes it out, gives it up; the object and the
 * lists are locked.  Who waits for what is given up is woken.
 */
extern void vm_page_insert(vm_page_t page, vm_object_t object,
			   vm_offset_t offset);
extern void vm_page_remove(vm_page_t page);
extern void vm_page_free(vm_page_t page);
/*
 * Puts a page with memory into the place of *PAGE, which has none, if there is
 * memory; the object is locked, and the lists are not.
 */
extern boolean_t vm_page_convert(struct vm_page **page);

/* The physical address that VA is mapped to, or 0. */
extern phys_addr_t pmap_extract(pmap_t pmap, vm_offset_t va);
/* What the processor reads for VA; null where no table is. */
typedef phys_addr_t pt_entry_t;
extern pt_entry_t *pmap_pte(const pmap_t pmap, vm_offset_t va);

/* Bits of it: there is a page, and it may be stored to. */
#define INTEL_PTE_VALID		0x00000001
#define INTEL_PTE_WRITE		0x00000002

/* Forgets that a page was stored to. */
extern void pmap_clear_modify(phys_addr_t phys);
/* Whether the mapping of VA, which exists, is a wired one. */
extern void pmap_change_wiring(pmap_t pmap, vm_offset_t va, boolean_t wired);

#endif /* GNUMACH_VM_VM_PAGE_H */
