/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel calls that only random calls need, beside the storm's. All return 0 or the kernel's error. */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include "../storm/memory.h"

enum { KERN_INVALID_ADDRESS = 1, KERN_PROTECTION_FAILURE = 2, KERN_MEMORY_ERROR = 10 };

/* An entry of a map, as the kernel shows it to a debugger: more than vm_region tells. */
struct entry {
	uint32_t start, end, protection, max_protection, inheritance;
	uint32_t wired, user_wired;	/* 0 or 1: counts do not show */
	uint32_t object, offset;	/* the object's address in the kernel, or 0 */
	uint32_t needs_copy, shared;
};

/* The entry that holds ADDRESS, or the first one after it; KERN_NO_SPACE: there is none. */
result_t map_entry(const struct caller *c, port_t task, uint32_t address, struct entry *entry);

/* Gives TASK a send right to this task's receive right, under a name of our choice. */
result_t insert_right(const struct caller *c, port_t task, port_t name, port_t receive);

/* The same of a send right. */
result_t insert_sent_right(const struct caller *c, port_t task, port_t name, port_t sent);

struct pages {
	uint32_t free, wired;
};

result_t page_counts(const struct caller *c, struct pages *pages);

/* How many objects of the kernel's cache NAME are in use, in *COUNT. */
result_t cache_count(const struct caller *c, port_t host, const char *name, uint32_t *count);

/* The name port of the object that is mapped at ADDRESS. */
result_t object_name(const struct caller *c, port_t task, uint32_t address, port_t *name);

/* Asks for ATTRIBUTE of memory, with a value of 0. */
result_t vm_machine_attribute(const struct caller *c, port_t task, uint32_t address, uint32_t size, uint32_t attribute);

#endif
