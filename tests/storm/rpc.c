/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rpc.h"

#ifdef __x86_64__
/* Of both ports only the lower word counts; the kernel keeps a pointer of its own there. */
enum header { BITS, SIZE, REMOTE, REMOTE_HIGH, LOCAL, LOCAL_HIGH, SEQUENCE, ID, HEADER_WORDS };
enum { ITEM_INLINE = 1 << 29, EVEN = 2, SIZE_BITS = 64, PORT_BITS = 64 };
#else
enum header { BITS, SIZE, REMOTE, LOCAL, SEQUENCE, ID, HEADER_WORDS };
enum { ITEM_INLINE = 1 << 28, ITEM_LONG = 1 << 29, EVEN = 1, SIZE_BITS = 32, PORT_BITS = 32 };
#endif

enum {
	TYPE_BOOLEAN = 0,
	TYPE_NUMBER = 2,
	TYPE_BYTE = 9,
	TYPE_LONG_NUMBER = 11,
	TYPE_NAME = 15,
	TYPE_MOVE_SEND_ONCE = 18,
	TYPE_COPY_SEND = 19,
	TYPE_MAKE_SEND = 20,
	TYPE_MAKE_SEND_ONCE = 21,

	REPLY_AFTER = 100,
};

static const uint32_t BITS_COMPLEX = 0x80000000;

static void put_word(struct rpc *rpc, uint32_t word)
{
	if (rpc->used < RPC_WORDS)
		rpc->words[rpc->used++] = word;
	else
		rpc->malformed = true;
}

/* Ends an item. */
static void pad(struct rpc *rpc)
{
	while (rpc->used % EVEN && !rpc->malformed)
		put_word(rpc, 0);
}

/* An address, a size, or what is of their width: the lower half first. */
static void put_wide(struct rpc *rpc, word_t value)
{
	put_word(rpc, (uint32_t)value);
#ifdef __x86_64__
	put_word(rpc, value >> 32);
#endif
}

/* Eight bits of type, then the size of each in bits, the count, and flags: in two words on x86_64, else in one. */
static void put_descriptor(struct rpc *rpc, uint32_t type, uint32_t bits, uint32_t count)
{
#ifdef __x86_64__
	put_word(rpc, type | bits << 8 | ITEM_INLINE);
	put_word(rpc, count);
#else
	put_word(rpc, type | bits << 8 | count << 16 | ITEM_INLINE);
#endif
}

static void put_one(struct rpc *rpc, uint32_t type, uint32_t value)
{
	put_descriptor(rpc, type, 32, 1);
	put_word(rpc, value);
	pad(rpc);
}

static void put_right(struct rpc *rpc, uint32_t type, port_t port)
{
	put_descriptor(rpc, type, PORT_BITS, 1);
	put_wide(rpc, port);
	rpc->complex = true;
}

void rpc_begin(struct rpc *rpc, port_t to, uint32_t id)
{
	rpc->used = HEADER_WORDS;
	rpc->complex = false;
	rpc->malformed = false;
	rpc->words[REMOTE] = to;
#ifdef __x86_64__
	rpc->words[REMOTE_HIGH] = rpc->words[LOCAL_HIGH] = 0;
#endif
	rpc->words[ID] = id;
}

void rpc_put_number(struct rpc *rpc, uint32_t number)
{
	put_one(rpc, TYPE_NUMBER, number);
}

void rpc_put_size(struct rpc *rpc, word_t size)
{
	put_descriptor(rpc, SIZE_BITS == 64 ? TYPE_LONG_NUMBER : TYPE_NUMBER, SIZE_BITS, 1);
	put_wide(rpc, size);
}

void rpc_put_boolean(struct rpc *rpc, bool value)
{
	put_one(rpc, TYPE_BOOLEAN, value);
}

void rpc_put_name(struct rpc *rpc, port_t name)
{
	put_one(rpc, TYPE_NAME, name);
}

void rpc_put_port(struct rpc *rpc, port_t port)
{
	put_right(rpc, TYPE_COPY_SEND, port);
}

void rpc_put_made_port(struct rpc *rpc, port_t receive)
{
	put_right(rpc, TYPE_MAKE_SEND, receive);
}

void rpc_put_memory(struct rpc *rpc, const void *memory, uint32_t size)
{
	/* Not inline: a pointer follows. */
#ifdef __x86_64__
	put_word(rpc, TYPE_BYTE | 8 << 8);
#else
	put_word(rpc, ITEM_LONG);
	put_word(rpc, TYPE_BYTE | 8 << 16);
#endif
	put_word(rpc, size);
	put_wide(rpc, (word_t)memory);
	rpc->complex = true;
}

void rpc_put_numbers(struct rpc *rpc, const uint32_t *numbers, unsigned count)
{
	put_descriptor(rpc, TYPE_NUMBER, 32, count);
	for (unsigned i = 0; i < count; i++)
		put_word(rpc, numbers[i]);
	pad(rpc);
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

static result_t receive(struct rpc *rpc, port_t on, uint32_t options, uint32_t milliseconds)
{
	rpc->used = HEADER_WORDS;
	rpc->malformed = false;
	return trap_message(rpc->words, MESSAGE_RECEIVE | options, 0, sizeof rpc->words, on, milliseconds, 0);
}

result_t rpc_receive(struct rpc *rpc, port_t on)
{
	return receive(rpc, on, 0, 0);
}

result_t rpc_receive_within(struct rpc *rpc, port_t on, uint32_t milliseconds)
{
	return receive(rpc, on, MESSAGE_RECEIVE_TIMEOUT, milliseconds);
}

result_t rpc_answer(const struct rpc *received, result_t result)
{
	struct rpc answer;
	uint32_t *words = answer.words;

	rpc_begin(&answer, received->words[REMOTE], received->words[ID] + REPLY_AFTER);
	rpc_put_number(&answer, (uint32_t)result);
	words[BITS] = TYPE_MOVE_SEND_ONCE;
	words[SIZE] = answer.used * sizeof *words;
	words[LOCAL] = 0;
	words[SEQUENCE] = 0;
	return trap_message(words, MESSAGE_SEND, words[SIZE], 0, 0, 0, 0);
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

/* What a descriptor says; the data begins at the next word. */
struct item {
	uint32_t type, bits, count;
	bool out_of_line;
};

static bool get_descriptor(struct rpc *rpc, unsigned end, struct item *item)
{
	uint32_t head;

	if (rpc->used + 2 > end)
		return false;
	head = rpc->words[rpc->used++];
	item->type = head & 0xff;
	item->out_of_line = !(head & ITEM_INLINE);
#ifdef __x86_64__
	item->bits = head >> 8 & 0xffff;
	item->count = rpc->words[rpc->used++];
#else
	item->bits = head >> 8 & 0xff;
	item->count = head >> 16 & 0xfff;
	if (head & ITEM_LONG) {
		if (rpc->used + 2 > end)
			return false;
		item->type = rpc->words[rpc->used] & 0xffff;
		item->bits = rpc->words[rpc->used++] >> 16;
		item->count = rpc->words[rpc->used++];
	}
#endif
	return true;
}

static word_t wide(const uint32_t *words)
{
#ifdef __x86_64__
	return words[0] | (word_t)words[1] << 32;
#else
	return words[0];
#endif
}

/* Its data in words. */
static bool get_item(struct rpc *rpc, struct item *item, struct rpc_array *array)
{
	unsigned end = rpc->words[SIZE] / sizeof rpc->words[0];

	if (end > RPC_WORDS || rpc->malformed || !get_descriptor(rpc, end, item))
		return false;
	/* Structures travel as bytes or as words; we only ever ask for what is whole words. */
	if (item->bits == 8 && item->count % sizeof(uint32_t) == 0)
		array->count = item->count / sizeof(uint32_t);
	else if (item->bits == 32 || item->bits == SIZE_BITS)
		array->count = item->count * (item->bits / 32);
	else
		return false;
	array->out_of_line = item->out_of_line;
	if (array->out_of_line) {
		if (rpc->used + sizeof(word_t) / sizeof(uint32_t) > end)
			return false;
		array->words = (uint32_t *)wide(&rpc->words[rpc->used]);
		rpc->used += sizeof(word_t) / sizeof(uint32_t);
	} else {
		if (array->count > end - rpc->used)
			return false;
		array->words = &rpc->words[rpc->used];
		rpc->used += array->count;
	}
	rpc->used += rpc->used % EVEN;
	return true;
}

struct rpc_array rpc_get_array(struct rpc *rpc)
{
	struct rpc_array array = { 0 };
	struct item item;

	if (get_item(rpc, &item, &array))
		return array;
	rpc->malformed = true;
	return (struct rpc_array){ 0 };
}

word_t rpc_get_word(struct rpc *rpc)
{
	struct rpc_array array;
	struct item item;

	if (!get_item(rpc, &item, &array) || item.out_of_line || array.count * 32 > SIZE_BITS || !array.count) {
		rpc->malformed = true;
		return 0;
	}
	return item.type == TYPE_LONG_NUMBER ? wide(array.words) : array.words[0];
}

result_t rpc_end(const struct rpc *rpc)
{
	return rpc->malformed ? RPC_WRONG_REPLY : 0;
}
