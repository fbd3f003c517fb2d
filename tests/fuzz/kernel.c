/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"
#include "../storm/text.h"

/* Subsystem bases plus the place of each routine, as in the storm's mach.c. */
enum id {
	ID_VM_REGION = 2029,
	ID_THREAD_ABORT = 2064,
	ID_VM_MACHINE_ATTRIBUTE = 2099,
	ID_MACH_VM_REGION_INFO = 3019,
	ID_HOST_SLAB_INFO = 3022,
};

/* Of the rights that a task can be given. */
enum { COPY_SEND = 19, MAKE_SEND = 20 };
enum { ENTRY_WORDS = sizeof(struct entry) / sizeof(uint32_t) };
/* Eleven numbers, then the name. */
enum { CACHE_WORDS = 19, CACHE_OBJECTS = 7, CACHE_NAME = 11 };

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

result_t counts_in_use(const struct caller *c, port_t host, struct in_use *in_use)
{
	const struct {
		const char *name;
		uint32_t *count;
	} wanted[] = { { "vm_map_entry", &in_use->entries }, { "vm_object", &in_use->objects }, { "vm_map", &in_use->maps },
		     { "ipc_port", &in_use->ports } };
	unsigned found = 0;
	struct rpc_array caches;
	struct rpc m;
	result_t result;

	rpc_begin(&m, host, ID_HOST_SLAB_INFO);
	rpc_put_number(&m, 0);	/* none of them within the message */
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	caches = rpc_get_array(&m);
	if (rpc_end(&m) || caches.count % CACHE_WORDS)
		return RPC_WRONG_REPLY;
	for (uint32_t i = 0; i < caches.count; i += CACHE_WORDS)
		for (unsigned j = 0; j < sizeof wanted / sizeof wanted[0]; j++)
			if (same_text((const char *)&caches.words[i + CACHE_NAME], wanted[j].name)) {
				*wanted[j].count = caches.words[i + CACHE_OBJECTS];
				found++;
			}
	result = drop_array(c, &caches);
	return result ? result : found == sizeof wanted / sizeof wanted[0] ? 0 : RPC_WRONG_REPLY;
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
