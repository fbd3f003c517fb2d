/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crowd.h"
#include "look.h"
#include "../storm/text.h"

enum { PLACE = FAR_PLACE };

static bool wires(uint32_t number)
{
	return number % 2;
}

/* Calls of one thread alone. */
static bool is_left_out(enum operation operation)
{
	return operation == LOAD || operation == STORE || operation == TERMINATE || operation >= MAP_ALIGNED || operation == MAP_OBJECT;
}

/*
 * Where there is wiring: no protection but with read and write access, nothing shared, copied onto or forked; nor does the
 * processor touch the pages; and they are read or taken away, not both. Where there is none: memory is shared or copied onto, not
 * both.
 */
static bool is_harmless(uint32_t number, const struct call *call)
{
	switch (call->operation) {
	case WIRE:
	case UNWIRE:
		return wires(number);
	case READ:
		return number % 4 != 1;
	case DEALLOCATE:
		return number % 4 != 3;
	case WRITE:
	case COPY:
		return !wires(number) && number % 4 == 0;
	case FORK:
		return !wires(number);
	case INHERIT:
		return call->inheritance != INHERIT_SHARE || number % 4 == 2;
	default:
		return true;
	}
}

struct call crowd_call(uint32_t seed, uint32_t number, unsigned thread, unsigned index, bool known, bool sound)
{
	struct call call;

	/* Another that can be made stands in for one that cannot. */
	for (unsigned turn = 0;; turn++) {
		call = make_call(seed + turn * 0x9e3779b9, number * MAX_THREADS + thread, index);
		if (is_left_out(call.operation))
			continue;
		if (known || is_harmless(number, &call))
			break;
	}
	call.view = 0;
	if (known)
		return call;
	if (call.operation == MAP && call.inheritance == INHERIT_SHARE)
		call.inheritance = INHERIT_COPY;
	if (wires(number) && !sound) {
		call.protection |= PROT_DEFAULT;
		call.max_protection = PROT_ALL;
	}
	return call;
}

static void read_and_drop(const struct caller *c, uint32_t address, uint32_t size)
{
	struct rpc_array out;

	if (!vm_read(c, c->task, address, size, &out))
		drop_array(c, &out);
}

static void fork_and_end(const struct caller *c)
{
	port_t child;

	if (task_fork(c, &child))
		return;
	task_terminate(c, child);
	mach_port_deallocate(c, c->task, child);
}

void attempt(const struct caller *c, port_t host, const struct call *call)
{
	static uint32_t data[PAGES * PAGE / sizeof(uint32_t)] __attribute__((aligned(PAGE)));
	uint32_t address = PLACE + call->page * PAGE, size = call->pages * PAGE;
	struct mapping mapping = {
		.address = address, .size = size, .protection = call->protection, .max_protection = call->max_protection,
		.inheritance = call->inheritance,
	};

	switch (call->operation) {
	case ALLOCATE:
		vm_allocate(c, c->task, &address, size, false);
		break;
	case ALLOCATE_ANYWHERE:
		if (!vm_allocate(c, c->task, &address, size, true))
			vm_deallocate(c, c->task, address, size);
		break;
	case MAP:
		vm_map(c, c->task, &mapping);
		break;
	case DEALLOCATE:
		vm_deallocate(c, c->task, address, size);
		break;
	case PROTECT:
		vm_protect(c, c->task, address, size, call->protection);
		break;
	case PROTECT_MAX:
		vm_protect_max(c, c->task, address, size, call->protection);
		break;
	case INHERIT:
		vm_inherit(c, c->task, address, size, call->inheritance);
		break;
	case WIRE:
		vm_wire(c, host, c->task, address, size, call->protection);
		break;
	case UNWIRE:
		vm_wire(c, host, c->task, address, size, PROT_NONE);
		break;
	case READ:
		read_and_drop(c, address, size);
		break;
	case WRITE:
		vm_write(c, c->task, address, data, size);
		break;
	case COPY:
		vm_copy(c, c->task, address, size, PLACE + call->to * PAGE);
		break;
	case FORK:
		fork_and_end(c);
		break;
	default:
		break;
	}
}

void end_crowd(struct subject *s)
{
	see(s, "result of giving all back", 0, vm_deallocate(&s->caller, s->caller.task, PLACE, PAGES * PAGE), 0);
	s->model.views[0].task = s->caller.task;
	s->model.place = PLACE;
	look(s, 0, 0, PAGES);
	see_wired_sum(s, 0);
}
