/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for <kern/slab.h>, as far as map entries go.  Each entry ends a page
 * of its own, which is made inaccessible when the entry is freed: reading a
 * freed entry, writing one, and running past an entry's end all fault at once.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "map.h"
#include "slab.h"
#include "stop.h"

#define SLOT_SIZE	4096UL
#define SLOT_COUNT	16384UL

struct kmem_cache {
	const char *name;
};

struct kmem_cache vm_map_entry_cache = { "vm_map_entry" };

enum slot_state { SLOT_FRESH, SLOT_LIVE, SLOT_FREED };

struct slot {
	enum slot_state state;
	vm_offset_t start, end;		/* of the entry, when it was freed */
};

static char *arena;
static struct slot slots[SLOT_COUNT];
static size_t fresh;			/* slots below have been used */
static size_t last_freed = SLOT_COUNT;
static bool reuse;
static unsigned int live;

static vm_map_entry_t
slot_entry(size_t index)
{
	return (vm_map_entry_t) (arena + (index + 1) * SLOT_SIZE
				 - sizeof(struct vm_map_entry));
}

/* SLOT_COUNT if no slot is at ADDRESS. */
static size_t
slot_at(const void *address)
{
	uintptr_t base = (uintptr_t) arena, at = (uintptr_t) address;

	if (arena == NULL || at < base || at >= base + SLOT_COUNT * SLOT_SIZE)
		return SLOT_COUNT;
	return (at - base) / SLOT_SIZE;
}

static void
slot_protect(size_t index, int protection)
{
	if (mprotect(arena + index * SLOT_SIZE, SLOT_SIZE, protection) != 0)
		abort();
}

static size_t
next_slot(void)
{
	if (reuse && last_freed != SLOT_COUNT
	    && slots[last_freed].state == SLOT_FREED)
		return last_freed;
	if (fresh < SLOT_COUNT)
		return fresh++;
	for (size_t i = 0; i < SLOT_COUNT; i++)
		if (slots[i].state == SLOT_FREED)
			return i;
	kernel_panic("no room for another map entry: a leak?");
}

vm_map_entry_t
entry_alloc(void)
{
	size_t index;

	if (arena == NULL) {
		arena = mmap(NULL, SLOT_COUNT * SLOT_SIZE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			     -1, 0);
		if (arena == MAP_FAILED)
			abort();
	}
	index = next_slot();
	slot_protect(index, PROT_READ | PROT_WRITE);
	slots[index].state = SLOT_LIVE;
	live++;
	return memset(slot_entry(index), 0xa5, sizeof(struct vm_map_entry));
}

void
kmem_cache_free(struct kmem_cache *cache, vm_offset_t obj)
{
	vm_map_entry_t entry = (vm_map_entry_t) obj;
	size_t index = slot_at(entry);

	if (cache != &vm_map_entry_cache)
		kernel_panic("kmem_cache_free: not vm_map_entry_cache");
	if (index == SLOT_COUNT || entry != slot_entry(index))
		kernel_panic("kmem_cache_free: %p is no map entry",
			     (void *) entry);
	if (slots[index].state != SLOT_LIVE)
		kernel_panic("kmem_cache_free: entry [%lu,%lu) freed twice",
			     slots[index].start / PAGE_BYTES,
			     slots[index].end / PAGE_BYTES);
	calls_note(&(struct call) { .kind = CALL_KMEM_CACHE_FREE,
				    .entry = entry },
		   "kmem_cache_free " ENTRY_FORMAT, ENTRY_PAGES(entry));
	slots[index].start = entry->links.start;
	slots[index].end = entry->links.end;
	slots[index].state = SLOT_FREED;
	last_freed = index;
	live--;
	slot_protect(index, PROT_NONE);
}

bool
entry_is_live(const struct vm_map_entry *entry)
{
	size_t index = slot_at(entry);

	return index != SLOT_COUNT && entry == slot_entry(index)
		&& slots[index].state == SLOT_LIVE;
}

unsigned int
entries_live(void)
{
	return live;
}

void
entries_reuse(bool newest_first)
{
	reuse = newest_first;
}

static void
report_access(int number, siginfo_t *info, void *context)
{
	size_t index = slot_at(info->si_addr);

	(void) number;
	(void) context;
	if (index == SLOT_COUNT)
		memory_stop("access to %p, which nothing is mapped at",
			    info->si_addr);
	if (slots[index].state == SLOT_FREED)
		memory_stop("access to entry [%lu,%lu), which was freed",
			    slots[index].start / PAGE_BYTES,
			    slots[index].end / PAGE_BYTES);
	memory_stop("access past the end of a map entry");
}

void
entries_catch_misuse(void)
{
	struct sigaction action = {
		.sa_sigaction = report_access,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}
