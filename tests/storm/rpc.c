/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rpc.h"

enum header { BITS, SIZE, REMOTE, LOCAL, SEQUENCE, ID, HEADER_WORDS };

enum {
	TYPE_BOOLEAN = 0,
	TYPE_NUMBER = 2,
	TYPE_BYTE = 9,
	TYPE_NAME = 15,
	TYPE_COPY_SEND = 19,
	TYPE_MAKE_SEND = 20,
	TYPE_MAKE_SEND_ONCE = 21,

	ITEM_INLINE = 1 << 28,
	ITEM_LONG = 1 << 29,

	REPLY_AFTER = 100,
};

static const uint32_t BITS_COMPLEX = 0x80000000;

/* One word: eight bits of type, eight of size in bits, twelve of count, then flags. */
static uint32_t descriptor(uint32_t type, uint32_t count)
{
	return type | 32 << 8 | count << 16 | ITEM_INLINE;
}

static void put_word(struct rpc *rpc, uint32_t word)
{
	if (rpc->used < RPC_WORDS)
		rpc->words[rpc->used++] = word;
	else
		rpc->malformed = true;
}

void rpc_begin(struct rpc *rpc, port_t to, uint32_t id)
{
	rpc->used = HEADER_WORDS;
	rpc->complex = false;
	rpc->malformed = false;
	rpc->words[REMOTE] = to;
	rpc->words[ID] = id;
}

void rpc_put_number(struct rpc *rpc, uint32_t number)
{
	put_word(rpc, descriptor(TYPE_NUMBER, 1));
	put_word(rpc, number);
}

void rpc_put_boolean(struct rpc *rpc, bool value)
{
	put_word(rpc, descriptor(TYPE_BOOLEAN, 1));
	put_word(rpc, value);
}

void rpc_put_name(struct rpc *rpc, port_t name)
{
	put_word(rpc, descriptor(TYPE_NAME, 1));
	put_word(rpc, name);
}

void rpc_put_port(struct rpc *rpc, port_t port)
{
	put_word(rpc, descriptor(TYPE_COPY_SEND, 1));
	put_word(rpc, port);
	rpc->complex = true;
}

void rpc_put_made_port(struct rpc *rpc, port_t receive)
{
	put_word(rpc, descriptor(TYPE_MAKE_SEND, 1));
	put_word(rpc, receive);
	rpc->complex = true;
}

void rpc_put_memory(struct rpc *rpc, const void *memory, uint32_t size)
{
	put_word(rpc, ITEM_LONG);	/* not inline: a pointer follows */
	put_word(rpc, TYPE_BYTE | 8 << 16);
	put_word(rpc, size);
	put_word(rpc, (uint32_t)memory);
	rpc->complex = true;
}

void rpc_put_numbers(struct rpc *rpc, const uint32_t *numbers, unsigned count)
{
	put_word(rpc, descriptor(TYPE_NUMBER, count));
	for (unsigned i = 0; i < count; i++)
		put_word(rpc, numbers[i]);
}

result_t rpc_send(struct rpc *rpc)
{
	uint32_t *words = rpc->words;

	if (rpc->malformed)
		return RPC_WRONG_REPLY;
	words[BITS] = TYPE_COPY_SEND | (rpc->complex ? BITS_COMPLEX : 0);
	words[SIZE] = rpc->used * sizeof *words;
	words[LOCAL] = 0;
	words[SEQUENCE] = 0;
	return trap_message(words, MESSAGE_SEND, words[SIZE], 0, 0, 0, 0);
}

result_t rpc_receive(struct rpc *rpc, port_t on)
{
	rpc->used = HEADER_WORDS;
	rpc->malformed = false;
	return trap_message(rpc->words, MESSAGE_RECEIVE, 0, sizeof rpc->words, on, 0, 0);
}

uint32_t rpc_id(const struct rpc *rpc)
{
	return rpc->words[ID];
}

result_t rpc_call(struct rpc *rpc, port_t reply)
{
	uint32_t *words = rpc->words;
	uint32_t expected = words[ID] + REPLY_AFTER;
	result_t result;

	if (rpc->malformed)
		return RPC_WRONG_REPLY;
	words[BITS] = TYPE_COPY_SEND | TYPE_MAKE_SEND_ONCE << 8 | (rpc->complex ? BITS_COMPLEX : 0);
	words[SIZE] = rpc->used * sizeof *words;
	words[LOCAL] = reply;
	words[SEQUENCE] = 0;
	result = trap_message(words, MESSAGE_SEND | MESSAGE_RECEIVE, words[SIZE], sizeof rpc->words, reply, 0, 0);
	if (result)
		return result;
	if (words[ID] != expected)
		return RPC_WRONG_REPLY;
	rpc->used = HEADER_WORDS;
	result = (result_t)rpc_get_word(rpc);
	return rpc->malformed ? RPC_WRONG_REPLY : result;
}

struct rpc_array rpc_get_array(struct rpc *rpc)
{
	const struct rpc_array nothing = { 0 };
	struct rpc_array array;
	unsigned end = rpc->words[SIZE] / sizeof rpc->words[0];
	uint32_t head, bits;
	bool is_long;

	if (end > RPC_WORDS || rpc->used >= end)
		goto malformed;
	head = rpc->words[rpc->used++];
	is_long = head & ITEM_LONG;
	if (is_long && rpc->used + 2 > end)
		goto malformed;
	bits = is_long ? rpc->words[rpc->used] >> 16 : head >> 8 & 0xff;
	array.count = is_long ? rpc->words[rpc->used + 1] : head >> 16 & 0xfff;
	array.out_of_line = !(head & ITEM_INLINE);
	rpc->used += is_long ? 2 : 0;
	/* Structures travel as bytes or as words; we only ever ask for what is whole words. */
	if (bits == 8 && array.count % sizeof(uint32_t) == 0)
		array.count /= sizeof(uint32_t);
	else if (bits != 32)
		goto malformed;
	if (array.out_of_line) {
		if (rpc->used >= end)
			goto malformed;
		array.words = (uint32_t *)rpc->words[rpc->used++];
	} else {
		if (array.count > end - rpc->used)
			goto malformed;
		array.words = &rpc->words[rpc->used];
		rpc->used += array.count;
	}
	return array;
malformed:
	rpc->malformed = true;
	return nothing;
}

uint32_t rpc_get_word(struct rpc *rpc)
{
	struct rpc_array array = rpc_get_array(rpc);

	if (array.count != 1 || array.out_of_line) {
		rpc->malformed = true;
		return 0;
	}
	return array.words[0];
}

result_t rpc_end(const struct rpc *rpc)
{
	return rpc->malformed ? RPC_WRONG_REPLY : 0;
}
