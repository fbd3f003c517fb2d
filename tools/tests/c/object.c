/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stand-in for the object of the two functions, for the tests of the graft: it tells what it was called with. */
#include "structs.h"

extern struct vm_map *seen_map;
extern struct vm_map_entry *seen_entry;
void tell_end(unsigned long end);

unsigned int vm_map_rust_counters[7];

/* One address in read-only data, one jump through it: both kinds of relocation. */
static void tell(struct vm_map *map, struct vm_map_entry *entry)
{
	seen_map = map;
	seen_entry = entry;
}
static void (*const volatile tellers[])(struct vm_map *, struct vm_map_entry *) = { tell };

#ifdef __x86_64__
#define USE_REGISTERS \
	asm volatile("mov $-1, %%rax; mov %%rax, %%rcx; mov %%rax, %%rdx" ::: "rax", "rcx", "rdx"); \
	asm volatile("mov $-1, %%rsi; mov %%rsi, %%rdi; mov %%rsi, %%r8" ::: "rsi", "rdi", "r8"); \
	asm volatile("mov $-1, %%r9; mov %%r9, %%r10; mov %%r9, %%r11" ::: "r9", "r10", "r11")
#define LONG "u64"
#else
#define USE_REGISTERS asm volatile("mov $-1, %%eax; mov %%eax, %%ecx; mov %%eax, %%edx" ::: "eax", "ecx", "edx")
#define LONG "u32"
#endif

int vm_map_coalesce_entry(struct vm_map *map, struct vm_map_entry *entry)
{
	vm_map_rust_counters[0]++;
	tellers[0](map, entry);
	USE_REGISTERS;
#ifdef NEEDS
	NEEDS
#endif
	return 7;
}

void vm_map_pageable_scan(struct vm_map *map, struct vm_map_entry *start_entry, unsigned long end)
{
	vm_map_rust_counters[3]++;
	tellers[0](map, start_entry);
	tell_end(end);
	USE_REGISTERS;
}

#ifdef CALLERS
void _vm_map_clip_end(struct vm_map_header *map_header, struct vm_map_entry *entry, unsigned long end, int link_gap)
{
	tell(0, link_gap == 1 ? entry : 0);
	tell_end(end);
	USE_REGISTERS;
}
void _vm_map_clip_start(struct vm_map_header *map_header, struct vm_map_entry *entry, unsigned long start, int link_gap)
{
	tell(0, link_gap == 1 ? entry : 0);
	tell_end(start);
	USE_REGISTERS;
}
void vm_map_entry_delete(struct vm_map *map, struct vm_map_entry *entry)
{
	tell(map, entry);
	USE_REGISTERS;
}
int vm_map_delete(struct vm_map *map, unsigned long start, unsigned long end)
{
	USE_REGISTERS;
	return end - start == 1 ? 3 : 0;
}
int vm_map_inherit(struct vm_map *map, unsigned long start, unsigned long end, int new_inheritance)
{
	USE_REGISTERS;
	return end - start == 1 && new_inheritance == 1 ? 4 : 0;
}
int vm_map_pageable(struct vm_map *map, unsigned long start, unsigned long end, int access_type, int lock_map,
		    int check_range)
{
	USE_REGISTERS;
	return end - start == 1 && access_type == 1 && lock_map == 2 && check_range == 3 ? 5 : 0;
}
#ifndef LACKS_ONE
int vm_map_pageable_all(struct vm_map *map, int flags)
{
	USE_REGISTERS;
	return flags == 1 ? 6 : 0;
}
#endif
int vm_map_protect(struct vm_map *map, unsigned long start, unsigned long end, int new_prot, int set_max)
{
	USE_REGISTERS;
	return end - start == 1 && new_prot == 1 && set_max == 2 ? 7 : 0;
}
int vm_map_remove(struct vm_map *map, unsigned long start, unsigned long end)
{
	USE_REGISTERS;
	return end - start == 1 ? 8 : 0;
}
#endif

#ifndef NO_RECORD
#define RECORD(part) __attribute__((section(".gnumach_layout." part), used))
#ifdef UNNAMED_ENTRY
#define ENTRY "vm_map_links"
#else
#define ENTRY "vm_map_entry"
#endif
RECORD("names") static const char names[] =
	"vm_map\0vm_map.timestamp\0" ENTRY "\0vm_map_entry.in_transition\0vm_map_header\0vm_map_links";
RECORD("values") static const unsigned int values[][2] = {
	{ 0, 8 * sizeof(struct vm_map) },
	{ 8 * __builtin_offsetof(struct vm_map, timestamp), 32 },
#ifdef UNNAMED_ENTRY
	{ 0, 8 * sizeof(struct vm_map_links) },
#else
	{ 0, 8 * sizeof(struct vm_map_entry) },
#endif
	/* The bit-fields fill the word before the protection, from bit 0. */
#ifdef WRONG_BIT
	{ 8 * (__builtin_offsetof(struct vm_map_entry, protection) - 4) + 4, 1 },
#else
	{ 8 * (__builtin_offsetof(struct vm_map_entry, protection) - 4) + 3, 1 },
#endif
	{ 0, 8 * sizeof(struct vm_map_header) },
	{ 0, 8 * sizeof(struct vm_map_links) },
};

#ifndef SCAN_SIGNATURE
#define SCAN_SIGNATURE "fn vm_map_pageable_scan void *vm_map *vm_map_entry unsigned-long:" LONG "\n"
#endif
#define SIGNATURES "fn vm_map_coalesce_entry int:i32 *vm_map *vm_map_entry\n" SCAN_SIGNATURE
#ifndef NO_SIGNATURES
RECORD("signatures") static const char signatures[sizeof(SIGNATURES) - 1] = SIGNATURES;
#endif
#endif
