/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More calls on memory, under the kernel's own names: those that no storm needs. All return 0 or the kernel's error. */
#ifndef STORM_MEMORY_H
#define STORM_MEMORY_H

#include "mach.h"

enum { PROT_ALL = 7 };
enum { WIRE_NONE = 0, WIRE_CURRENT = 1, WIRE_FUTURE = 2, WIRE_ALL = 3 };

struct mapping {
	uint32_t address, size, mask;
	bool anywhere;
	port_t object;	/* a receive right of this task, or 0: memory of zeros */
	bool object_is_sent;	/* it is a send right */
	uint32_t offset;
	bool copy;
	uint32_t protection, max_protection, inheritance;
};

/* A task with a copy of this one's memory, by each entry's inheritance; no thread runs in it. */
result_t task_fork(const struct caller *c, port_t *child);
/* Exceptions of TASK's threads are told to this task's receive right. */
result_t task_set_exception_port(const struct caller *c, port_t task, port_t receive);

result_t vm_protect_max(const struct caller *c, port_t task, uint32_t address, uint32_t size, uint32_t protection);
/* DATA is memory of this task; drop_array gives it back. */
result_t vm_read(const struct caller *c, port_t task, uint32_t address, uint32_t size, struct rpc_array *data);
result_t vm_write(const struct caller *c, port_t task, uint32_t address, const void *data, uint32_t size);
result_t vm_copy(const struct caller *c, port_t task, uint32_t source, uint32_t size, uint32_t destination);
/* Sets the mapping's address to where it is. */
result_t vm_map(const struct caller *c, port_t task, struct mapping *mapping);
/* HOST must be the privileged port. */
result_t vm_wire_all(const struct caller *c, port_t host, port_t task, uint32_t flags);
/* NAME is an object's name port, as its pager is told it. */
result_t vm_object_sync(const struct caller *c, port_t name, uint32_t offset, uint32_t size, bool flush, bool give_back);
/* A send right to a part of the object that is mapped at ADDRESS, which begins there. */
result_t vm_region_create_proxy(const struct caller *c, port_t task, uint32_t address, uint32_t access, uint32_t size, port_t *proxy);

/* Of the whole machine, from vm_statistics. */
struct pages {
	uint32_t free, wired;
};

result_t page_counts(const struct caller *c, struct pages *pages);

#endif
