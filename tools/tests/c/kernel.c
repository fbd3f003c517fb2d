/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in miniature for the tests of the graft: an i386 executable that Linux can run too.  It has functions with the
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

void tell_end(unsigned long end)
{
	seen_end = end;
}

#ifndef LEAVES_REGISTERS
/* As the real ones do, the originals use all registers that they may. */
#define USE_REGISTERS asm volatile("xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx" ::: "eax", "ecx", "edx")
#else
#define USE_REGISTERS asm volatile("nop; nop; nop; nop")
#endif

#ifndef NO_COALESCE
__attribute__((noinline)) int vm_map_coalesce_entry(struct vm_map *map, struct vm_map_entry *entry)
{
	USE_REGISTERS;
	original_ran++;
	return map->timestamp != 0 && entry->wired_count != 0;
}
#else
#define vm_map_coalesce_entry(map, entry) 0
#endif

#if defined(SCAN_INLINED)
#define SCAN static inline __attribute__((always_inline))
#elif defined(SCAN_ODD_PLACES)
#define SCAN __attribute__((noinline, fastcall))
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
asm(".data; .long .Lroom; .section .eh_frame; .Lroom: .text");
#endif
#ifdef OPERAND_IN_ROOM
asm(".globl caller; .type caller, @function; caller: mov $.Lroom, %eax; ret; .size caller, . - caller;"
    ".section .eh_frame; .Lroom: .text");
#endif

__attribute__((noreturn)) static void leave(int status)
{
	asm volatile("int $0x80" :: "a"(1), "b"(status));
	__builtin_unreachable();
}

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
	if (original_ran)
		return ORIGINAL;
	return result == 7 ? REPLACED : WRONG_RESULT;
}

void _start(void)
{
	leave(run(0x12345000));
}
