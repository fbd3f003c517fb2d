/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the pmaps have: of each page that was entered, where, and as what. */
#include <stdlib.h>

#include "map.h"
#include "objects.h"
#include "stop.h"

/* <vm/vm_page.h> wants to be behind "objects.h". */
#include <vm/vm_page.h>

#include "sound.h"

struct pte {
	struct pte *next;
	pmap_t pmap;
	vm_offset_t va;
	unsigned long phys;
	boolean_t wired;
	pt_entry_t bits;
};

static struct pte *ptes;

unsigned int pages_entered;

/* A page that goes is taken out of all pmaps first. */
static bool
page_exists(unsigned long phys)
{
	for (vm_object_t object = objects_first(); object != NULL;
	     object = object->next)
		for (struct vm_page *page = object->pages; page != NULL;
		     page = page->next)
			if (page->phys_addr == phys)
				return true;
	return false;
}

static struct pte *
pte_find(pmap_t pmap, vm_offset_t va)
{
	struct pte *pte = ptes;

	while (pte != NULL && (pte->pmap != pmap || pte->va != va))
		pte = pte->next;
	if (pte != NULL && !page_exists(pte->phys))
		pte->phys = pte->bits = 0;
	return pte;
}

void
pmap_enter_page(pmap_t pmap, vm_offset_t va, const struct vm_page *page,
		vm_prot_t protection, boolean_t wired)
{
	struct pte *pte = pte_find(pmap, va);

	pages_entered++;
	if (pte == NULL) {
		pte = calloc(1, sizeof *pte);
		if (pte == NULL)
			abort();
		pte->next = ptes;
		ptes = pte;
	}
	pte->pmap = pmap;
	pte->va = va;
	pte->phys = page->phys_addr;
	pte->wired = wired;
	pte->bits = INTEL_PTE_VALID;
	if (protection & VM_PROT_WRITE)
		pte->bits |= INTEL_PTE_WRITE;
}

void
pmap_forbid_writing(pmap_t pmap, unsigned long page)
{
	pte_find(pmap, page * PAGE_BYTES)->bits &= ~INTEL_PTE_WRITE;
}

phys_addr_t
pmap_extract(pmap_t pmap, vm_offset_t va)
{
	struct pte *pte = pte_find(pmap, va);

	return pte != NULL ? pte->phys : 0;
}

pt_entry_t *
pmap_pte(const pmap_t pmap, vm_offset_t va)
{
	struct pte *pte;

	if (pmap != kernel_pmap)
		kernel_panic("pmap_pte: the table of a user's pmap may go");
	pte = pte_find(pmap, va);
	return pte != NULL ? &pte->bits : NULL;
}

void
pmap_change_wiring(pmap_t pmap, vm_offset_t va, boolean_t wired)
{
	struct pte *pte = pte_find(pmap, va);

	if (pte == NULL)
		kernel_panic("pmap_change_wiring: pte missing");
	pte->wired = wired;
}

boolean_t
pmap_is_wired(pmap_t pmap, unsigned long page)
{
	struct pte *pte = pte_find(pmap, page * PAGE_BYTES);

	return pte != NULL && pte->wired;
}
