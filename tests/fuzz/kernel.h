/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel calls that only random calls need, beside the storm's. All return 0 or the kernel's error. */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include "../storm/in_use.h"
#include "../storm/memory.h"

enum { KERN_INVALID_ADDRESS = 1, KERN_MEMORY_ERROR = 10 };

/* An entry of a map, as the kernel shows it to a debugger: more than vm_region tells. */
struct entry {
	uint32_t start, end, protection, max_protection, inheritance;
	uint32_t wired, user_wired;	/* 0 or 1: counts do not show */
	uint32_t object, offset;	/* the object's address in the kernel, or 0 */
	uint32_t needs_copy, shared;
};

/*
 * The entry that holds ADDRESS, or the first one after it; KERN_NO_SPACE: there is none. *NAME is the object's name port, or 0; it
 * is never given back: as long as this task has it, no other object gets that name.
 */
result_t map_entry(const struct caller *c, port_t task, uint32_t address, struct entry *entry, port_t *name);

/* Gives TASK a send right to this task's receive right, under a name of our choice. */
result_t insert_right(port_t task, port_t name, port_t receive);

/* The same of a send right. */
result_t insert_sent_right(port_t task, port_t name, port_t sent);

/* What thread_set_entry does, with the segments of the first thread that it was done with: all have the same. */
result_t set_entry(const struct caller *c, port_t thread, uint32_t entry, uint32_t stack);

/* Ends what the thread waits for, and takes the port from it that the answer to an exception comes to. */
result_t thread_abort(const struct caller *c, port_t thread);

/* The name port of the object that is mapped at ADDRESS. */
result_t object_name(const struct caller *c, port_t task, uint32_t address, port_t *name);

/* Asks for ATTRIBUTE of memory, with a value of 0. */
result_t vm_machine_attribute(const struct caller *c, port_t task, uint32_t address, uint32_t size, uint32_t attribute);

#endif
