/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in miniature for the tests of the graft: an i386 or x86_64 executable that Linux can run too.  It has functions with the
 * names, parameters and calling conventions of the real ones, and exits with a status that tells whose code ran.
 * Each macro makes it wrong in one way.
 */
#ifdef EXTRA_MEMBER
#define size_none size_none, one_more
#endif
#include "structs.h"

enum { ORIGINAL = 10, REPLACED = 20, WRONG_ARGUMENTS = 30, WRONG_RESULT = 40 };

struct vm_map the_map;
struct vm_map_entry entries[2];
/* Read each time, or the compiler makes a copy of a function that has the argument built in. */
struct vm_map *volatile map_now = &the_map;

/* What the replacement tells; the compiler sees that the originals leave it alone. */
struct vm_map *volatile seen_map;
struct vm_map_entry *volatile seen_entry;
volatile unsigned long seen_end;
volatile unsigned int original_ran;
/* The replacement's result is another one; gcc from 14 on goes by the range that it sees an original's to be in. */
volatile int any_number;

void tell_end(unsigned long end)
{
	seen_end = end;
}

#ifndef LEAVES_REGISTERS
/* As the real ones do, the originals use all registers that they may. */
#ifdef __x86_64__
#define USE_REGISTERS \
	asm volatile("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx" ::: "eax", "ecx", "edx"); \
	asm volatile("xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d" ::: "rsi", "rdi", "r8"); \
	asm volatile("xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::: "r9", "r10", "r11")
#else
#define USE_REGISTERS asm volatile("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx" ::: "eax", "ecx", "edx")
#endif
#else
#define USE_REGISTERS asm volatile("nop; nop; nop; nop")
#endif

#ifndef NO_COALESCE
__attribute__((noinline)) int vm_map_coalesce_entry(struct vm_map *map, struct vm_map_entry *entry)
{
	USE_REGISTERS;
	original_ran++;
	return any_number + (map->timestamp != 0 && entry->wired_count != 0);
}
#else
#define vm_map_coalesce_entry(map, entry) 0
#endif

#if defined(SCAN_INLINED)
#define SCAN static inline __attribute__((always_inline))
#elif defined(SCAN_ODD_PLACES)
#ifdef __x86_64__
#define SCAN __attribute__((noinline, ms_abi))
#else
#define SCAN __attribute__((noinline, fastcall))
#endif
#elif defined(SCAN_CDECL)
#define SCAN __attribute__((noinline))
#else
#define SCAN static __attribute__((noinline))
#endif

SCAN void vm_map_pageable_scan(struct vm_map *map, struct vm_map_entry *start_entry, unsigned long end
#ifdef SCAN_ONE_MORE
	, int one_more
#endif
)
{
	USE_REGISTERS;
	original_ran++;
#ifdef SCAN_ONE_MORE
	map->ref_count = one_more;
#endif
	map->size = end;
	map->hint = start_entry;
}

#ifdef CALLERS
#define CALLER_OF_THE_TWO __attribute__((noinline))
#define RAN do { USE_REGISTERS; original_ran++; } while (0)
CALLER_OF_THE_TWO void _vm_map_clip_end(struct vm_map_header *map_header, struct vm_map_entry *entry, unsigned long end,
					int link_gap)
{
	RAN;
	map_header->links.end = end + link_gap;
}
CALLER_OF_THE_TWO void _vm_map_clip_start(struct vm_map_header *map_header, struct vm_map_entry *entry,
					  unsigned long start, int link_gap)
{
	RAN;
	map_header->links.start = start + link_gap;
}
CALLER_OF_THE_TWO int vm_map_delete(struct vm_map *map, unsigned long start, unsigned long end)
{
	RAN;
	return any_number + (map->timestamp + start != end);
}
CALLER_OF_THE_TWO void vm_map_entry_delete(struct vm_map *map, struct vm_map_entry *entry)
{
	RAN;
	map->hint = entry;
}
CALLER_OF_THE_TWO int vm_map_inherit(struct vm_map *map, unsigned long start, unsigned long end, int new_inheritance)
{
	RAN;
	return any_number + (map->timestamp + start + new_inheritance != end);
}
CALLER_OF_THE_TWO int vm_map_pageable(struct vm_map *map, unsigned long start, unsigned long end, int access_type,
				      int lock_map, int check_range)
{
	RAN;
	return any_number + (map->timestamp + start + access_type + lock_map + check_range != end);
}
#ifndef NO_PAGEABLE_ALL
CALLER_OF_THE_TWO int vm_map_pageable_all(struct vm_map *map, int flags)
{
	RAN;
	return any_number + (map->timestamp != flags);
}
#else
#define vm_map_pageable_all(map, flags) 0
#endif
/* Its calls tell tools/callers-of.sh which form of vm_map_protect this is. */
__attribute__((noinline)) void vm_map_lookup_entry(void)
{
	asm volatile("");
}
#ifdef PROTECT_INLINED
#undef CALLER_OF_THE_TWO
#define CALLER_OF_THE_TWO inline __attribute__((always_inline))
#endif
CALLER_OF_THE_TWO int vm_map_protect(struct vm_map *map, unsigned long start, unsigned long end, int new_prot,
				     int set_max)
{
	RAN;
	vm_map_lookup_entry();
	return any_number + (map->timestamp + start + new_prot + set_max != end);
}
/* As gcc makes it for Debian: there, and inlined elsewhere too; it clobbers what its callees do. */
int vm_map_remove(struct vm_map *map, unsigned long start, unsigned long end)
{
	int result = vm_map_delete(map, start, end);

	asm volatile("");
	return result;
}
int (*volatile remove_now)(struct vm_map *, unsigned long, unsigned long) = vm_map_remove;
#endif

#ifdef CLONE
void part(void) asm("vm_map_pageable_scan.part.0");
void part(void)
{
	original_ran++;
}
#endif

#ifdef TAIL_JUMP
int tail(struct vm_map *map, struct vm_map_entry *entry)
{
	return vm_map_coalesce_entry(map, entry);
}
#endif

#ifdef KEEPS_VALUE
/* gcc itself keeps the value in a register that vm_map_coalesce_entry happens to leave alone. */
__attribute__((noinline)) unsigned int keeper(struct vm_map *map, struct vm_map_entry *entry, unsigned int value)
{
	value *= 3;
	return vm_map_coalesce_entry(map, entry) + value;
}
#endif

#ifdef CALLER
/* A caller in assembly: BODY is what it does. */
asm(".text; .globl caller; .type caller, @function; caller: " CALLER "; .size caller, . - caller");
#endif

/* Local symbols, which a linker would not let the replacement see. */
static __attribute__((used)) int own_data;
static __attribute__((noinline, used)) void own_function(void)
{
}

/* What should be used by nobody but debuggers is used here, once as data, once in an instruction. */
#ifdef DATA_IN_ROOM
#ifdef __x86_64__
asm(".data; .quad .Lroom; .section .eh_frame; .Lroom: .text");
#else
asm(".data; .long .Lroom; .section .eh_frame; .Lroom: .text");
#endif
#endif
#ifdef SHORT_DATA_IN_ROOM
asm(".data; .long 0, .Lroom, 1; .section .eh_frame; .Lroom: .text");
#endif
#ifdef OPERAND_IN_ROOM
#ifndef MOVE_ROOM
#define MOVE_ROOM "mov $.Lroom, %eax"
#endif
asm(".globl caller; .type caller, @function; caller: " MOVE_ROOM "; ret; .size caller, . - caller;"
    ".section .eh_frame; .Lroom: .text");
#endif

__attribute__((noreturn)) static void leave(int status)
{
#ifdef __x86_64__
	asm volatile("syscall" :: "a"(60), "D"(status));
#else
	asm volatile("int $0x80" :: "a"(1), "b"(status));
#endif
	__builtin_unreachable();
}

#ifdef CALLERS
/* How many of them are not the replacement, or saw other arguments. */
static __attribute__((noinline)) int wrong_callers(unsigned long end)
{
	int wrong = 0;

	_vm_map_clip_end(&map_now->hdr, &entries[1], end, 1);
	wrong += seen_entry != &entries[1] || seen_end != end;
	_vm_map_clip_start(&map_now->hdr, &entries[0], end + 1, 1);
	wrong += seen_entry != &entries[0] || seen_end != end + 1;
	vm_map_entry_delete(map_now, &entries[1]);
	wrong += seen_entry != &entries[1];
	wrong += vm_map_delete(map_now, end - 1, end) != 3;
	wrong += vm_map_inherit(map_now, end - 1, end, 1) != 4;
	wrong += vm_map_pageable(map_now, end - 1, end, 1, 2, 3) != 5;
	wrong += vm_map_pageable_all(map_now, 1) != 6;
	wrong += vm_map_protect(map_now, end - 1, end, 1, 2) != 7;
	wrong += remove_now(map_now, end - 1, end) != 8;
	/* A copy, which calls the replacement. */
	wrong += vm_map_remove(map_now, end - 1, end) != 3;
	return wrong;
}
#endif

static __attribute__((noinline)) int run(unsigned long end)
{
	int result = vm_map_coalesce_entry(map_now, &entries[1]);
	if (!original_ran && (seen_map != &the_map || seen_entry != &entries[1]))
		return WRONG_ARGUMENTS + 1;
	seen_map = 0;
	seen_entry = 0;
#ifdef SCAN_ONE_MORE
	vm_map_pageable_scan(map_now, &entries[0], end, result);
	vm_map_pageable_scan(map_now, &entries[1], end + 1, result + 1);
#else
	vm_map_pageable_scan(map_now, &entries[0], end);
	if (!original_ran && (seen_map != &the_map || seen_entry != &entries[0] || seen_end != end))
		return WRONG_ARGUMENTS + 2;
	vm_map_pageable_scan(map_now, &entries[1], end + 1);
	if (!original_ran && (seen_map != &the_map || seen_entry != &entries[1] || seen_end != end + 1))
		return WRONG_ARGUMENTS + 3;
#endif
#ifdef CALLERS
	unsigned int ran = original_ran;
	int wrong = wrong_callers(end);

	if (ran ? original_ran != ran + 10 : wrong != 0)
		return WRONG_ARGUMENTS + 4;
#endif
	if (original_ran)
		return ORIGINAL;
	return result == 7 ? REPLACED : WRONG_RESULT;
}

void _start(void)
{
	leave(run(0x12345000));
}
