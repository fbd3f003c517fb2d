/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own map, through the kernel task's port. There a scan unlocks the map while it faults pages in. */
#include "arena.h"
#include "defects.h"
#include "../storm/text.h"

static struct arena made;

static struct arena shared_arena(struct actor *actor)
{
	await(actor);
	return arena_of(actor, &made);
}

static struct arena share(struct actor *actor, struct arena a)
{
	made = a;
	actor->scene->ready = true;
	return arena_of(actor, &made);
}

/* hole-filled. What comes into a hole of the range while the map is unlocked has no mark to be taken off. */
static volatile bool hole;

void wire_around_hole(struct actor *actor)
{
	struct arena a = arena_in_kernel(actor, 3);

	arena_wire(&a, 0, 3, PROT_DEFAULT);
	a = share(actor, a);
	while (!actor->scene->stop) {
		arena_protect(&a, 0, 3, PROT_NONE);
		arena_deallocate(&a, 1, 1);
		hole = true;
		arena_protect(&a, 0, 3, PROT_DEFAULT);
		while (hole && !actor->scene->stop)
			asm volatile("pause");
	}
}

void fill_hole(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		if (!hole)
			continue;
		/* Somewhen while the other has the map unlocked. */
		for (unsigned i = actor_random(actor) % 512; i; i--)
			asm volatile("pause");
		arena_allocate(&a, 1, 1);
		hole = false;
	}
}

/* overlapping-wires. Two who wire a page at one time: one finds the other's mark. */
static void wire_for_ever(const struct arena *a, uint32_t page)
{
	while (!a->actor->scene->stop) {
		arena_wire(a, page, 3, PROT_DEFAULT);
		arena_unwire(a, page, 3);
	}
}

void wire_lower_pages(struct actor *actor)
{
	struct arena a = share(actor, arena_in_kernel(actor, 4));

	wire_for_ever(&a, 0);
}

void wire_upper_pages(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	wire_for_ever(&a, 1);
}

/* walk-behind-range. The entry behind a wired range is deleted, and comes again in front of it, while the walk reads it. */
void wire_page(struct actor *actor)
{
	struct arena a = arena_in_kernel(actor, 3);

	arena_deallocate(&a, 0, 1);
	a = share(actor, a);
	while (!actor->scene->stop) {
		arena_wire(&a, 1, 1, PROT_DEFAULT);
		arena_unwire(&a, 1, 1);
	}
}

void move_neighbours(struct actor *actor)
{
	struct arena a = shared_arena(actor);

	while (!actor->scene->stop) {
		arena_deallocate(&a, 2, 1);
		arena_allocate(&a, 0, 1);
		arena_wire(&a, 0, 1, PROT_DEFAULT);
		arena_deallocate(&a, 0, 1);
		arena_allocate(&a, 2, 1);
	}
}

/* The sum of the kernel map's wired memory, by its entries. */
static uint32_t sum_entries(struct actor *actor)
{
	struct wired_region region = { 0 };
	uint32_t sum = 0;

	act(actor, "mach_vm_region_info of each entry", 0, 0, 0);
	for (uint32_t address = 0;; address = region.end) {
		if (vm_wired_region(&actor->caller, actor->scene->kernel_task, address, &region) || region.end <= address)
			break;
		if (region.wired_count)
			sum += region.end - region.start;
	}
	acted_freely(actor);
	return sum;
}

enum { LIMIT = 8 << 20, NOWHERE = 0x1000 };

/* Whether so much more may be wired through the unprivileged port. Nothing is there, so nothing is wired. */
static bool may_wire(struct actor *actor, uint32_t size)
{
	return vm_wire(&actor->caller, actor->scene->host, actor->scene->kernel_task, NOWHERE, size, PROT_READ) != KERN_NO_ACCESS;
}

/* Where the answer changes between a size that has one and a greater size that has the other. */
static uint32_t turning_point(struct actor *actor, bool below)
{
	uint32_t least = PAGE, most = LIMIT;

	while (most - least > PAGE) {
		uint32_t middle = least + (most - least) / 2 / PAGE * PAGE;

		if (may_wire(actor, middle) == below)
			least = middle;
		else
			most = middle;
	}
	return most;
}

/* The sum as the kernel keeps it, as far as what one may still wire tells it: from minus to plus eight megabytes. */
static int sum_kept(struct actor *actor)
{
	bool page, all;
	int sum;

	act(actor, "vm_wire where nothing is", 0, 0, 0);
	page = may_wire(actor, PAGE);
	all = may_wire(actor, LIMIT);
	if (page == all)
		sum = page ? 0 : LIMIT;
	else
		sum = page ? LIMIT - (int)turning_point(actor, true) + PAGE : -(int)turning_point(actor, false);
	acted_freely(actor);
	return sum;
}

/* What kernel code takes already wired was never added to the sum, but is taken off it. */
void size_wired_drift(struct actor *actor)
{
	int by_entries = (int)sum_entries(actor), kept = sum_kept(actor);

	print_line("# bytes wired in the kernel's map: %d by its entries, %d by its sum", by_entries, kept);
	see(actor, "the kernel map's sum of wired memory is that of its entries", 0, kept == by_entries, true);
}
