/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"
#include "../storm/text.h"

/* Subsystem bases plus the place of each routine, as in the storm's mach.c. */
enum id {
	ID_VM_REGION = 2029,
	ID_THREAD_ABORT = 2064,
	ID_VM_MACHINE_ATTRIBUTE = 2099,
	ID_MACH_VM_REGION_INFO = 3019,
};

/* Of the rights that a task can be given. */
enum { COPY_SEND = 19, MAKE_SEND = 20 };
enum { ENTRY_WORDS = sizeof(struct entry) / sizeof(uint32_t) };

result_t map_entry(const struct caller *c, port_t task, uint32_t address, struct entry *entry, port_t *name)
{
	struct rpc_array info;
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_MACH_VM_REGION_INFO);
	rpc_put_number(&m, address);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	info = rpc_get_array(&m);
	*name = rpc_get_word(&m);
	if (rpc_end(&m) || info.out_of_line || info.count != ENTRY_WORDS)
		return RPC_WRONG_REPLY;
	memcpy(entry, info.words, sizeof *entry);
	return 0;
}

result_t insert_right(port_t task, port_t name, port_t receive)
{
	return trap_insert_right(task, name, receive, MAKE_SEND);
}

result_t insert_sent_right(port_t task, port_t name, port_t sent)
{
	return trap_insert_right(task, name, sent, COPY_SEND);
}

result_t set_entry(const struct caller *c, port_t thread, uint32_t entry, uint32_t stack)
{
	static struct registers registers;
	static bool have;

	if (!have) {
		result_t result = thread_get_registers(c, thread, &registers);

		if (result)
			return result;
		have = true;
	}
	return thread_enter(c, thread, &registers, entry, stack);
}

result_t thread_abort(const struct caller *c, port_t thread)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, thread, ID_THREAD_ABORT);
	result = rpc_call(&m, c->reply);
	return result ? result : rpc_end(&m);
}

result_t object_name(const struct caller *c, port_t task, uint32_t address, port_t *name)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_VM_REGION);
	rpc_put_number(&m, address);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	/* Address, size, protections, inheritance, and whether it is shared. */
	for (unsigned i = 0; i < 6; i++)
		rpc_get_word(&m);
	*name = rpc_get_word(&m);
	return rpc_end(&m);
}

result_t vm_machine_attribute(const struct caller *c, port_t task, uint32_t address, uint32_t size, uint32_t attribute)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_VM_MACHINE_ATTRIBUTE);
	rpc_put_number(&m, address);
	rpc_put_number(&m, size);
	rpc_put_number(&m, attribute);
	rpc_put_number(&m, 0);
	result = rpc_call(&m, c->reply);
	return result ? result : rpc_end(&m);
}
