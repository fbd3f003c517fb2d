/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"
#include "../storm/text.h"

/* Subsystem bases plus the place of each routine, as in the storm's mach.c. */
enum id {
	ID_VM_REGION = 2029,
	ID_VM_STATISTICS = 2030,
	ID_VM_MACHINE_ATTRIBUTE = 2099,
	ID_MACH_VM_REGION_INFO = 3019,
	ID_HOST_SLAB_INFO = 3022,
	ID_MACH_PORT_INSERT_RIGHT = 3215,
};

enum { ENTRY_WORDS = sizeof(struct entry) / sizeof(uint32_t) };
enum { STATISTICS_WORDS = 13, STATISTICS_FREE = 1, STATISTICS_WIRED = 4 };
/* Eleven numbers, then the name. */
enum { CACHE_WORDS = 19, CACHE_OBJECTS = 7, CACHE_NAME = 11 };

result_t map_entry(const struct caller *c, port_t task, uint32_t address, struct entry *entry)
{
	struct rpc_array info;
	struct rpc m;
	port_t object;
	result_t result;

	rpc_begin(&m, task, ID_MACH_VM_REGION_INFO);
	rpc_put_number(&m, address);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	info = rpc_get_array(&m);
	object = rpc_get_word(&m);
	if (rpc_end(&m) || info.out_of_line || info.count != ENTRY_WORDS)
		return RPC_WRONG_REPLY;
	memcpy(entry, info.words, sizeof *entry);
	return object ? mach_port_deallocate(c, c->task, object) : 0;
}

static result_t insert(const struct caller *c, port_t task, port_t name, port_t port, void (*put)(struct rpc *, port_t))
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_MACH_PORT_INSERT_RIGHT);
	rpc_put_name(&m, name);
	put(&m, port);
	result = rpc_call(&m, c->reply);
	return result ? result : rpc_end(&m);
}

result_t insert_right(const struct caller *c, port_t task, port_t name, port_t receive)
{
	return insert(c, task, name, receive, rpc_put_made_port);
}

result_t insert_sent_right(const struct caller *c, port_t task, port_t name, port_t sent)
{
	return insert(c, task, name, sent, rpc_put_port);
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

result_t cache_count(const struct caller *c, port_t host, const char *name, uint32_t *count)
{
	result_t result, wanted = RPC_WRONG_REPLY;
	struct rpc_array caches;
	struct rpc m;

	rpc_begin(&m, host, ID_HOST_SLAB_INFO);
	rpc_put_number(&m, 0);	/* none of them within the message */
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	caches = rpc_get_array(&m);
	if (rpc_end(&m) || caches.count % CACHE_WORDS)
		return RPC_WRONG_REPLY;
	for (uint32_t i = 0; i < caches.count; i += CACHE_WORDS)
		if (same_text((const char *)&caches.words[i + CACHE_NAME], name)) {
			*count = caches.words[i + CACHE_OBJECTS];
			wanted = 0;
		}
	result = drop_array(c, &caches);
	return result ? result : wanted;
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
