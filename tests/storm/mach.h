/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel calls of the storm, under the kernel's own names. All return 0 or the kernel's error. */
#ifndef STORM_MACH_H
#define STORM_MACH_H

#include "rpc.h"

enum { PAGE = 4096 };

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_DEFAULT = 3 };
enum { INHERIT_SHARE = 0, INHERIT_COPY = 1, INHERIT_NONE = 2 };
enum { KERN_PROTECTION_FAILURE = 2, KERN_NO_SPACE = 3, KERN_NO_ACCESS = 8 };
enum { RIGHT_DEAD_NAME = 4, TYPE_DEAD_NAME = 0x100000 };

/* Who calls: each thread has a reply port of its own. */
struct caller {
	port_t task;
	port_t reply;
};

/* Of a thread, as the kernel has them: general ones and segments. */
#ifdef __x86_64__
enum { REGISTERS = 42 };
#else
enum { REGISTERS = 17 };
#endif
struct registers {
	uint32_t words[REGISTERS];
};

struct region {
	word_t start, size;
	uint32_t protection, max_protection, inheritance;
};

struct wired_region {
	word_t start, end;
	uint32_t wired_count;
};

struct set_size {
	uint32_t processors, tasks, threads;
};

/* Tasks and threads. */
result_t task_create(const struct caller *c, port_t *child);
result_t task_terminate(const struct caller *c, port_t task);
result_t thread_create(const struct caller *c, port_t *thread);
result_t thread_terminate(const struct caller *c, port_t thread);
result_t thread_resume(const struct caller *c, port_t thread);
result_t thread_get_registers(const struct caller *c, port_t thread, struct registers *registers);
/* The same as the next with registers of any other thread, whose segments are the same. */
result_t thread_enter(const struct caller *c, port_t thread, struct registers *registers, word_t entry, word_t stack);
/* Makes a suspended thread start in the function at ENTRY; its return address is at STACK, and above that its argument. */
result_t thread_set_entry(const struct caller *c, port_t thread, word_t entry, word_t stack);
/* Slot number of the processor that ran the thread last. */
result_t thread_last_processor(const struct caller *c, port_t thread, uint32_t *slot);

/* Processor sets. */
result_t processor_set_default(const struct caller *c, port_t host, port_t *name);
result_t processor_set_size(const struct caller *c, port_t name, struct set_size *size);
result_t processor_set_threads(const struct caller *c, port_t set, struct rpc_array *threads);
result_t host_processor_sets(const struct caller *c, port_t host, struct rpc_array *names);
result_t host_processor_set_priv(const struct caller *c, port_t host_priv, port_t name, port_t *set);
result_t thread_assign(const struct caller *c, port_t thread, port_t set);
result_t thread_get_assignment(const struct caller *c, port_t thread, port_t *name);

/* Memory. HOST may be the privileged port or not: without privilege, the kernel limits how much a task wires. */
result_t vm_allocate(const struct caller *c, port_t task, word_t *address, word_t size, bool anywhere);
result_t vm_deallocate(const struct caller *c, port_t task, word_t address, word_t size);
result_t vm_protect(const struct caller *c, port_t task, word_t address, word_t size, uint32_t protection);
result_t vm_inherit(const struct caller *c, port_t task, word_t address, word_t size, uint32_t inheritance);
result_t vm_wire(const struct caller *c, port_t host, port_t task, word_t address, word_t size, uint32_t access);
/* The entry that holds ADDRESS, or the first one after it. */
result_t vm_region(const struct caller *c, port_t task, word_t address, struct region *region);
result_t vm_wired_region(const struct caller *c, port_t task, word_t address, struct wired_region *region);

/* Ports. */
result_t mach_port_names(const struct caller *c, port_t task, struct rpc_array *names, struct rpc_array *types);
result_t mach_port_allocate(const struct caller *c, port_t task, uint32_t right, port_t *name);
result_t mach_port_deallocate(const struct caller *c, port_t task, port_t name);
/* All rights that the task has under the name. */
result_t mach_port_destroy(const struct caller *c, port_t task, port_t name);

result_t host_reboot(const struct caller *c, port_t host_priv);

/* Gives back out-of-line memory that a call brought. */
result_t drop_array(const struct caller *c, const struct rpc_array *array);

/* Sleeps on the caller's reply port, which must expect no message. */
void sleep_for(const struct caller *c, uint32_t milliseconds);
void sleep_forever(const struct caller *c) __attribute__((noreturn));

#endif
