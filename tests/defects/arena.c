/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"

/* Far from the program, its stack, and what the kernel chooses. */
enum { PLACE = 0x10000000 };

static uint32_t words[PAGE / sizeof(uint32_t)] __attribute__((aligned(PAGE)));

struct arena arena_empty(struct actor *actor)
{
	return (struct arena){ .actor = actor, .task = actor->caller.task, .host = actor->scene->host, .base = PLACE };
}

struct arena arena_make(struct actor *actor, uint32_t pages)
{
	struct arena a = arena_empty(actor);

	arena_allocate(&a, 0, pages);
	return a;
}

struct arena arena_in_kernel(struct actor *actor, uint32_t pages)
{
	struct arena a = { .actor = actor, .task = actor->scene->kernel_task, .host = actor->scene->host_priv };

	act(actor, "vm_allocate in the kernel's map", 0, pages, 0);
	acted(actor, vm_allocate(&actor->caller, a.task, &a.base, pages * PAGE, true));
	return a;
}

struct arena arena_of(struct actor *actor, const struct arena *made)
{
	struct arena a = *made;

	a.actor = actor;
	a.freely = true;
	return a;
}

/* After a call. */
static bool made(const struct arena *a, result_t result)
{
	if (!a->freely)
		return acted(a->actor, result);
	acted_freely(a->actor);
	return !result;
}

uint32_t arena_address(const struct arena *a, uint32_t page)
{
	return a->base + page * PAGE;
}

void arena_allocate(const struct arena *a, uint32_t page, uint32_t pages)
{
	uint32_t address = arena_address(a, page);

	act(a->actor, "vm_allocate", page, pages, 0);
	made(a, vm_allocate(&a->actor->caller, a->task, &address, pages * PAGE, false));
}

void arena_deallocate(const struct arena *a, uint32_t page, uint32_t pages)
{
	act(a->actor, "vm_deallocate", page, pages, 0);
	made(a, vm_deallocate(&a->actor->caller, a->task, arena_address(a, page), pages * PAGE));
}

void arena_wire(const struct arena *a, uint32_t page, uint32_t pages, uint32_t access)
{
	act(a->actor, access ? "vm_wire" : "vm_wire of nothing", page, pages, access);
	made(a, vm_wire(&a->actor->caller, a->host, a->task, arena_address(a, page), pages * PAGE, access));
}

void arena_unwire(const struct arena *a, uint32_t page, uint32_t pages)
{
	arena_wire(a, page, pages, PROT_NONE);
}

void arena_protect(const struct arena *a, uint32_t page, uint32_t pages, uint32_t protection)
{
	act(a->actor, "vm_protect", page, pages, protection);
	made(a, vm_protect(&a->actor->caller, a->task, arena_address(a, page), pages * PAGE, protection));
}

void arena_protect_max(const struct arena *a, uint32_t page, uint32_t pages, uint32_t protection)
{
	act(a->actor, "vm_protect of the maximum", page, pages, protection);
	made(a, vm_protect_max(&a->actor->caller, a->task, arena_address(a, page), pages * PAGE, protection));
}

void arena_inherit(const struct arena *a, uint32_t page, uint32_t pages, uint32_t inheritance)
{
	act(a->actor, "vm_inherit", page, pages, inheritance);
	made(a, vm_inherit(&a->actor->caller, a->task, arena_address(a, page), pages * PAGE, inheritance));
}

void arena_copy(const struct arena *a, uint32_t from, uint32_t pages, uint32_t to)
{
	act(a->actor, "vm_copy", from, pages, to);
	made(a, vm_copy(&a->actor->caller, a->task, arena_address(a, from), pages * PAGE, arena_address(a, to)));
}

void arena_read(const struct arena *a, uint32_t page, uint32_t pages)
{
	struct rpc_array data;

	act(a->actor, "vm_read", page, pages, 0);
	if (made(a, vm_read(&a->actor->caller, a->task, arena_address(a, page), pages * PAGE, &data)))
		expect(&a->actor->failure, "vm_deallocate of what was read", page, drop_array(&a->actor->caller, &data), 0);
}

uint32_t arena_copy_of(const struct arena *a, uint32_t address, uint32_t pages)
{
	struct rpc_array data = { 0 };

	act(a->actor, "vm_read", 0, pages, 0);
	acted(a->actor, vm_read(&a->actor->caller, a->task, address, pages * PAGE, &data));
	return (uint32_t)data.words;
}

void arena_drop(const struct arena *a, uint32_t copy, uint32_t pages)
{
	act(a->actor, "vm_deallocate of a copy", 0, pages, 0);
	acted(a->actor, vm_deallocate(&a->actor->caller, a->task, copy, pages * PAGE));
}

void arena_write(const struct arena *a, uint32_t page, uint32_t word)
{
	for (unsigned i = 0; i < PAGE / sizeof words[0]; i++)
		words[i] = word;
	act(a->actor, "vm_write", page, 1, word);
	made(a, vm_write(&a->actor->caller, a->task, arena_address(a, page), words, PAGE));
}

static void map(const struct arena *a, uint32_t page, uint32_t pages, port_t object, bool copy, uint32_t protection)
{
	struct mapping mapping = {
		.address = arena_address(a, page), .size = pages * PAGE, .object = object, .copy = copy, .protection = protection,
		.max_protection = PROT_ALL, .inheritance = INHERIT_COPY,
	};

	act(a->actor, copy ? "vm_map of a copy of an object" : object ? "vm_map of an object" : "vm_map", page, pages, protection);
	made(a, vm_map(&a->actor->caller, a->task, &mapping));
}

void arena_map(const struct arena *a, uint32_t page, uint32_t pages, port_t object, uint32_t protection)
{
	map(a, page, pages, object, false, protection);
}

void arena_map_copy(const struct arena *a, uint32_t page, uint32_t pages, port_t object, uint32_t protection)
{
	map(a, page, pages, object, true, protection);
}

struct arena arena_fork(const struct arena *a)
{
	struct arena forked = *a;

	act(a->actor, "task_create with this task's memory", 0, 0, 0);
	made(a, task_fork(&a->actor->caller, &forked.task));
	return forked;
}

void arena_store(const struct arena *a, uint32_t page, uint32_t word)
{
	act(a->actor, "a store to memory", page, 1, word);
	*(volatile uint32_t *)arena_address(a, page) = word;
	acted_freely(a->actor);
}

uint32_t arena_load(const struct arena *a, uint32_t page)
{
	uint32_t word;

	act(a->actor, "a load from memory", page, 1, 0);
	word = *(volatile uint32_t *)arena_address(a, page);
	acted_freely(a->actor);
	return word;
}

uint32_t arena_wired_count(const struct arena *a, uint32_t page)
{
	struct wired_region region = { 0 };

	act(a->actor, "mach_vm_region_info", page, 1, 0);
	made(a, vm_wired_region(&a->actor->caller, a->task, arena_address(a, page), &region));
	return region.wired_count;
}

uint32_t arena_entries(const struct arena *a, uint32_t page, uint32_t pages)
{
	uint32_t end = arena_address(a, page + pages), count = 0;

	for (uint32_t address = arena_address(a, page); address < end; count++) {
		struct region region = { 0 };

		act(a->actor, "vm_region", page, pages, 0);
		if (!made(a, vm_region(&a->actor->caller, a->task, address, &region)) || !region.size)
			return 0;
		address = region.start + region.size;
	}
	return count;
}
