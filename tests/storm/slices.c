/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loads.h"
#include "text.h"

enum { SLICE_PAGES = 9, INNER_PAGE = 4, CHANGES = 3, CALLS_PER_ROUND = CHANGES + 4 };

static port_t host_priv, kernel_task;
static word_t base;
static uint32_t rounds_wanted;
/* What each page's inheritance must be; a page is touched by its slice's thread only. */
static uint8_t inheritance[MAX_THREADS * SLICE_PAGES];

static word_t address_of(uint32_t page)
{
	return base + (word_t)page * PAGE;
}

/* Flips the inheritance of one of the slice's outer pages. */
static bool flip_outer_page(struct worker *worker)
{
	uint32_t page = worker->index * SLICE_PAGES + (next_random(&worker->random) & 0x100 ? SLICE_PAGES - 1 : 0);
	uint8_t wanted = inheritance[page] == INHERIT_COPY ? INHERIT_NONE : INHERIT_COPY;

	if (!made_call(worker, "vm_inherit", vm_inherit(&worker->caller, kernel_task, address_of(page), PAGE, wanted)))
		return false;
	inheritance[page] = wanted;
	return true;
}

/*
 * Unwires one page by taking its protection away, and wires it by giving it back. The page is one whose neighbours differ from it
 * in inheritance: upstream's vm_map_protect goes on with its first entry even when that one was merged away.
 */
static bool protect_inner_page(struct worker *worker)
{
	word_t address = address_of(worker->index * SLICE_PAGES + INNER_PAGE);

	return made_call(worker, "vm_protect none", vm_protect(&worker->caller, kernel_task, address, PAGE, PROT_NONE)) &&
	       made_call(worker, "vm_protect back", vm_protect(&worker->caller, kernel_task, address, PAGE, PROT_DEFAULT));
}

static void wire_slice(struct worker *worker)
{
	const struct caller *c = &worker->caller;
	word_t start = address_of(worker->index * SLICE_PAGES), size = SLICE_PAGES * PAGE;

	for (uint32_t round = 0; round < rounds_wanted && !worker->crew->stop; round++) {
		if (!made_call(worker, "vm_wire", vm_wire(c, host_priv, kernel_task, start, size, PROT_DEFAULT)))
			return;
		for (unsigned i = 0; i < CHANGES; i++)
			if (!flip_outer_page(worker))
				return;
		if (!protect_inner_page(worker) ||
		    !made_call(worker, "vm_wire of nothing", vm_wire(c, host_priv, kernel_task, start, size, PROT_NONE)))
			return;
	}
}

static bool make_region(const struct caller *c, uint32_t pages, struct failure *failure)
{
	word_t size = pages * PAGE;

	base = 0;
	if (!expect(failure, "vm_allocate in the kernel's map", 0, vm_allocate(c, kernel_task, &base, size, true), 0) ||
	    /* Wiring gives the region its object while it is still one entry. */
	    !expect(failure, "first vm_wire", 0, vm_wire(c, host_priv, kernel_task, base, size, PROT_DEFAULT), 0) ||
	    !expect(failure, "first vm_wire of nothing", 0, vm_wire(c, host_priv, kernel_task, base, size, PROT_NONE), 0))
		return false;
	for (uint32_t page = 0; page < pages; page++) {
		inheritance[page] = page % SLICE_PAGES % 2 ? INHERIT_NONE : INHERIT_COPY;
		if (!expect(failure, "first vm_inherit", page,
			    vm_inherit(c, kernel_task, address_of(page), PAGE, inheritance[page]), 0))
			return false;
	}
	return true;
}

static void check_page(const struct caller *c, uint32_t page, struct failure *failure)
{
	struct region region = { 0 };
	struct wired_region wired = { 0 };
	word_t address = address_of(page);

	if (!expect(failure, "vm_region", page, vm_region(c, kernel_task, address, &region), 0) ||
	    !expect(failure, "vm_region finds the page", page, address - region.start < region.size, true) ||
	    !expect(failure, "inheritance of a page", page, region.inheritance, inheritance[page]) ||
	    !expect(failure, "protection of a page", page, region.protection, PROT_DEFAULT) ||
	    !expect(failure, "mach_vm_region_info", page, vm_wired_region(c, kernel_task, address, &wired), 0))
		return;
	expect(failure, "both calls see one entry", page, wired.start, region.start);
	expect(failure, "wired count of a page", page, wired.wired_count, 0);
}

/* With one inheritance for all pages nothing keeps the entries apart any more. */
static void check_whole(const struct caller *c, word_t size, struct failure *failure)
{
	struct region region = { 0 };

	if (!expect(failure, "last vm_inherit", 0, vm_inherit(c, kernel_task, base, size, INHERIT_SHARE), 0) ||
	    !expect(failure, "last vm_region", 0, vm_region(c, kernel_task, base, &region), 0))
		return;
	expect(failure, "start of the merged region", 0, region.start, base);
	expect(failure, "size of the merged region", 0, region.size, size);
	expect(failure, "vm_deallocate in the kernel's map", 0, vm_deallocate(c, kernel_task, base, size), 0);
}

void load_slices(const struct caller *c, struct cpus *cpus, const struct options *options, struct failure *failure)
{
	uint32_t pages = options->slices * SLICE_PAGES;

	host_priv = options->host_priv;
	kernel_task = options->kernel_task;
	rounds_wanted = options->rounds;
	if (!make_region(c, pages, failure))
		return;
	run_crew(c, cpus, options->slices, options->seed, options->slices * options->rounds * CALLS_PER_ROUND, wire_slice, failure);
	for (uint32_t page = 0; page < pages && !failure->what; page++)
		check_page(c, page, failure);
	if (!failure->what)
		check_whole(c, pages * PAGE, failure);
}
