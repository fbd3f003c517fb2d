/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"
#include "call.h"

/* Subsystem bases plus the place of each routine, as in mach.c. */
enum id {
	ID_TASK_CREATE = 2007,
	ID_VM_PROTECT = 2024,
	ID_VM_READ = 2026,
	ID_VM_WRITE = 2027,
	ID_VM_COPY = 2028,
	ID_VM_STATISTICS = 2030,
	ID_TASK_SET_SPECIAL_PORT = 2059,
	ID_VM_MAP = 2089,
	ID_VM_REGION_CREATE_PROXY = 4011,
	ID_VM_WIRE_ALL = 4207,
	ID_VM_OBJECT_SYNC = 4208,
};

enum { EXCEPTION_PORT = 3 };
enum { STATISTICS_WORDS = 13, STATISTICS_FREE = 1, STATISTICS_WIRED = 4 };

result_t task_fork(const struct caller *c, port_t *child)
{
	struct rpc m;

	rpc_begin(&m, c->task, ID_TASK_CREATE);
	rpc_put_boolean(&m, true);
	return call_for_word(c, &m, child);
}

result_t task_set_exception_port(const struct caller *c, port_t task, port_t receive)
{
	struct rpc m;

	rpc_begin(&m, task, ID_TASK_SET_SPECIAL_PORT);
	rpc_put_number(&m, EXCEPTION_PORT);
	rpc_put_made_port(&m, receive);
	return call_and_end(c, &m);
}

result_t vm_protect_max(const struct caller *c, port_t task, uint32_t address, uint32_t size, uint32_t protection)
{
	struct rpc m;

	rpc_begin(&m, task, ID_VM_PROTECT);
	rpc_put_number(&m, address);
	rpc_put_number(&m, size);
	rpc_put_boolean(&m, true);
	rpc_put_number(&m, protection);
	return call_and_end(c, &m);
}

result_t vm_read(const struct caller *c, port_t task, uint32_t address, uint32_t size, struct rpc_array *data)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_VM_READ);
	rpc_put_number(&m, address);
	rpc_put_number(&m, size);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	*data = rpc_get_array(&m);
	if (rpc_end(&m) || !data->out_of_line || data->count != size / sizeof data->words[0])
		return RPC_WRONG_REPLY;
	return 0;
}

result_t vm_write(const struct caller *c, port_t task, uint32_t address, const void *data, uint32_t size)
{
	struct rpc m;

	rpc_begin(&m, task, ID_VM_WRITE);
	rpc_put_number(&m, address);
	rpc_put_memory(&m, data, size);
	return call_and_end(c, &m);
}

result_t vm_copy(const struct caller *c, port_t task, uint32_t source, uint32_t size, uint32_t destination)
{
	struct rpc m;

	rpc_begin(&m, task, ID_VM_COPY);
	rpc_put_number(&m, source);
	rpc_put_number(&m, size);
	rpc_put_number(&m, destination);
	return call_and_end(c, &m);
}

result_t vm_map(const struct caller *c, port_t task, struct mapping *mapping)
{
	struct rpc m;

	rpc_begin(&m, task, ID_VM_MAP);
	rpc_put_number(&m, mapping->address);
	rpc_put_number(&m, mapping->size);
	rpc_put_number(&m, mapping->mask);
	rpc_put_boolean(&m, mapping->anywhere);
	if (mapping->object && !mapping->object_is_sent)
		rpc_put_made_port(&m, mapping->object);
	else
		rpc_put_port(&m, mapping->object);
	rpc_put_number(&m, mapping->offset);
	rpc_put_boolean(&m, mapping->copy);
	rpc_put_number(&m, mapping->protection);
	rpc_put_number(&m, mapping->max_protection);
	rpc_put_number(&m, mapping->inheritance);
	return call_for_word(c, &m, &mapping->address);
}

result_t vm_wire_all(const struct caller *c, port_t host, port_t task, uint32_t flags)
{
	struct rpc m;

	rpc_begin(&m, host, ID_VM_WIRE_ALL);
	rpc_put_port(&m, task);
	rpc_put_number(&m, flags);
	return call_and_end(c, &m);
}

result_t vm_object_sync(const struct caller *c, port_t name, uint32_t offset, uint32_t size, bool flush, bool give_back)
{
	struct rpc m;

	rpc_begin(&m, name, ID_VM_OBJECT_SYNC);
	rpc_put_number(&m, offset);
	rpc_put_number(&m, size);
	rpc_put_boolean(&m, flush);
	rpc_put_boolean(&m, give_back);
	rpc_put_boolean(&m, true);	/* wait; the kernel always does */
	return call_and_end(c, &m);
}

result_t vm_region_create_proxy(const struct caller *c, port_t task, uint32_t address, uint32_t access, uint32_t size, port_t *proxy)
{
	struct rpc m;

	rpc_begin(&m, task, ID_VM_REGION_CREATE_PROXY);
	rpc_put_number(&m, address);
	rpc_put_number(&m, access);
	rpc_put_number(&m, size);
	return call_for_word(c, &m, proxy);
}

result_t page_counts(const struct caller *c, struct pages *pages)
{
	struct rpc_array counts;
	struct rpc m;
	result_t result;

	rpc_begin(&m, c->task, ID_VM_STATISTICS);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	counts = rpc_get_array(&m);
	if (rpc_end(&m) || counts.out_of_line || counts.count != STATISTICS_WORDS)
		return RPC_WRONG_REPLY;
	*pages = (struct pages){ .free = counts.words[STATISTICS_FREE], .wired = counts.words[STATISTICS_WIRED] };
	return 0;
}
