/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "in_use.h"
#include "text.h"

enum { ID_HOST_SLAB_INFO = 3022 };
/* Eleven numbers, then the name. */
enum { CACHE_WORDS = 19, CACHE_OBJECTS = 7, CACHE_NAME = 11 };

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
