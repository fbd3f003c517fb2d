/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls to the kernel, written by hand. A message is a header, then items, each a descriptor and its data. A word is 32 bits; on
 * x86_64 descriptors and data begin at even words, and ports, addresses and sizes take two. The
 * identifier of a call is its subsystem's base plus its place in the subsystem's .defs file; a reply's is 100 more, and its first
 * item is the result.
 */
#ifndef STORM_RPC_H
#define STORM_RPC_H

#include "traps.h"
#include <stdbool.h>

enum { RPC_WORDS = 256 };

/* Results of our own, beside the kernel's. */
enum {
	RPC_BAD_ID = -303,	/* the kernel does not have this call */
	RPC_WRONG_REPLY = -1000,	/* identifier, type or size of the reply are not what we expect */
};

struct rpc {
	uint32_t words[RPC_WORDS] __attribute__((aligned(8)));
	unsigned used;	/* next word to write, or to read after the call */
	bool complex;	/* ports or out-of-line memory within */
	bool malformed;
};

/* Data of a reply's item. OUT_OF_LINE data is memory of this task, to be deallocated by whoever got it. */
struct rpc_array {
	uint32_t *words;
	uint32_t count;
	bool out_of_line;
};

void rpc_begin(struct rpc *rpc, port_t to, uint32_t id);
void rpc_put_number(struct rpc *rpc, uint32_t number);
void rpc_put_size(struct rpc *rpc, word_t size);	/* or an address */
void rpc_put_boolean(struct rpc *rpc, bool value);
void rpc_put_name(struct rpc *rpc, port_t name);	/* the bare name, no right */
void rpc_put_port(struct rpc *rpc, port_t port);
void rpc_put_made_port(struct rpc *rpc, port_t receive);	/* a new send right, from this task's receive right */
void rpc_put_numbers(struct rpc *rpc, const uint32_t *numbers, unsigned count);
/* Memory of this task, which the kernel copies; both multiples of a page. */
void rpc_put_memory(struct rpc *rpc, const void *memory, uint32_t size);

/* Sends and waits for the answer on REPLY, a receive right that no other thread uses. Zero: the results can be read. */
result_t rpc_call(struct rpc *rpc, port_t reply);

/* Sends what has no answer. */
result_t rpc_send(struct rpc *rpc);
/* Waits for a message of somebody else; its identifier is told by rpc_id, and what is in it can be read. */
result_t rpc_receive(struct rpc *rpc, port_t on);
/* The same, but waits no longer than that. */
result_t rpc_receive_within(struct rpc *rpc, port_t on, uint32_t milliseconds);
/* Answers a call of the kernel's that was received, and that takes nothing but a result. */
result_t rpc_answer(const struct rpc *received, result_t result);
uint32_t rpc_id(const struct rpc *rpc);

word_t rpc_get_word(struct rpc *rpc);	/* a number, a size, an address, a boolean or a port */
struct rpc_array rpc_get_array(struct rpc *rpc);
result_t rpc_end(const struct rpc *rpc);	/* zero if all that was read had the form expected */

#endif
