/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calls.h"
#include "../storm/text.h"

static const struct {
	const char *name;
	unsigned weight;
} operations[OPERATIONS] = {
	[ALLOCATE] = { "vm_allocate", 8 },
	[ALLOCATE_ANYWHERE] = { "vm_allocate anywhere", 5 },
	[MAP] = { "vm_map", 4 },
	[MAP_OBJECT] = { "vm_map of an object", 5 },
	[DEALLOCATE] = { "vm_deallocate", 7 },
	[PROTECT] = { "vm_protect", 14 },
	[PROTECT_MAX] = { "vm_protect of the maximum", 2 },
	[INHERIT] = { "vm_inherit", 10 },
	[WIRE] = { "vm_wire", 12 },
	[UNWIRE] = { "vm_wire of nothing", 8 },
	[READ] = { "vm_read", 8 },
	[WRITE] = { "vm_write", 5 },
	[COPY] = { "vm_copy", 7 },
	[STORE] = { "a store to memory", 9 },
	[LOAD] = { "a load from memory", 4 },
	[FORK] = { "task_create with this task's memory", 3 },
	[TERMINATE] = { "task_terminate of a fork", 1 },
	[MAP_ALIGNED] = { "vm_map with a mask", 3 },
	[SYNC] = { "vm_object_sync", 4 },
	[WIRE_EVERYTHING] = { "vm_wire_all", 3 },
	[ATTRIBUTE] = { "vm_machine_attribute", 1 },
};

static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352d;
	x ^= x >> 15;
	x *= 0x846ca68b;
	return x ^ x >> 16;
}

struct source {
	uint32_t state;
};

static uint32_t below(struct source *source, uint32_t limit)
{
	source->state += 0x9e3779b9;
	return mix(source->state) % limit;
}

/*
 * Each case has operations of its own that it makes often, seldom or never, and ranges of its own size: what takes several calls of
 * one kind comes about so, and not among all kinds alike.
 */
struct taste {
	unsigned weights[OPERATIONS], total;
	unsigned most;	/* pages of a range */
};

static struct taste taste_of(uint32_t case_state)
{
	static const unsigned often[] = { 0, 1, 2, 4 }, most[] = { 1, 2, 4, 4, 8, PAGES };
	struct source source = { case_state };
	struct taste taste = { .most = most[below(&source, sizeof most / sizeof most[0])] };

	for (unsigned i = 0; i < OPERATIONS; i++) {
		taste.weights[i] = operations[i].weight * often[below(&source, sizeof often / sizeof often[0])];
		/* Without memory nothing would happen. */
		if (i == ALLOCATE)
			taste.weights[i] += operations[i].weight;
	}
	/* Only what is stored to a pager's object goes with its pages. */
	if (taste.weights[SYNC]) {
		taste.weights[MAP_OBJECT] += 2 * operations[MAP_OBJECT].weight;
		taste.weights[STORE] += 4 * operations[STORE].weight;
	}
	for (unsigned i = 0; i < OPERATIONS; i++)
		taste.total += taste.weights[i];
	return taste;
}

static enum operation choose(struct source *source, const struct taste *taste)
{
	uint32_t pick = below(source, taste->total);

	for (unsigned i = 0;; i++) {
		if (pick < taste->weights[i])
			return i;
		pick -= taste->weights[i];
	}
}

/* Most are those that programs use, so that neighbours come to be alike again, and merge. */
static uint32_t some_protection(struct source *source)
{
	static const uint32_t some[] = { 3, 3, 3, 3, 3, 1, 1, 1, 7, 5, 2, 0 };

	return some[below(source, sizeof some / sizeof some[0])];
}

static uint32_t some_inheritance(struct source *source)
{
	static const uint32_t some[] = { INHERIT_COPY, INHERIT_COPY, INHERIT_COPY, INHERIT_NONE, INHERIT_SHARE };

	return some[below(source, sizeof some / sizeof some[0])];
}

bool is_bad_mask(uint32_t mask)
{
	uint32_t above_low = mask & (mask + 1), lowest = above_low & -above_low;

	return above_low && above_low + lowest;
}

/* Low bits, and high ones too; and one that is neither. */
static uint32_t some_mask(struct source *source)
{
	static const uint32_t some[] = { 0x1fff, 0x1fff, 0x3fff, 0x3fff, 0x7fff, 0xffff, 0xe0001fff, 0xf0000fff, 0x55555555 };

	return some[below(source, sizeof some / sizeof some[0])];
}

struct call make_call(uint32_t seed, uint32_t number, unsigned index)
{
	uint32_t case_state = mix(seed ^ mix(number * 0x10001 + 1));
	struct taste taste = taste_of(case_state);
	struct source source = { case_state ^ mix(index + 1) };
	struct call call = { .operation = choose(&source, &taste) };
	unsigned most = below(&source, 8) ? taste.most : PAGES;

	call.view = below(&source, 8) ? 0 : 1 + below(&source, VIEWS - 1);
	call.pages = 1 + below(&source, most);
	call.page = below(&source, PAGES - call.pages + 1);
	call.to = below(&source, PAGES - call.pages + 1);
	call.protection = some_protection(&source);
	call.max_protection = below(&source, 3) ? PROT_ALL : some_protection(&source);
	call.inheritance = some_inheritance(&source);
	call.word = mix(source.state) | 1;
	/* Without memory at first, most calls would fail. */
	if (index == 0 && below(&source, 4)) {
		call.operation = ALLOCATE;
		call.page = call.view = 0;
		call.pages = PAGES;
	}
	switch (call.operation) {
	case MAP:
		call.protection &= call.max_protection;
		break;
	case MAP_ALIGNED:
		call.protection &= call.max_protection;
		call.mask = some_mask(&source);
		call.anywhere = below(&source, 4);
		break;
	case MAP_OBJECT:
		call.protection &= call.max_protection;
		call.object = below(&source, GOING);
		if (call.object == ERRING && call.word >> 8 & 1)
			call.object = GOING;
		call.pages = call.pages < OBJECT_PAGES ? call.pages : OBJECT_PAGES;
		call.offset = below(&source, OBJECT_PAGES - call.pages + 1);
		call.copy = !below(&source, 4);
		break;
	case SYNC:
		call.flush = below(&source, 2);
		call.give_back = below(&source, 2);
		break;
	case PROTECT_MAX:
		call.protection = below(&source, 2) ? PROT_ALL : call.protection;
		break;
	case WIRE:
		call.protection = below(&source, 3) ? PROT_DEFAULT : PROT_READ;
		call.privileged = below(&source, 2);
		break;
	case UNWIRE:
		call.privileged = below(&source, 2);
		break;
	case WIRE_EVERYTHING:
		call.flags = below(&source, WIRE_ALL + 1);
		call.pages = PAGES;
		call.page = 0;
		break;
	case READ:
		call.to %= COPIES;
		break;
	case STORE:
	case LOAD:
		call.view = 0;
		call.pages = 1;
		break;
	case FORK:
	case TERMINATE:
		call.view = 0;
		call.to = 1 + call.to % (VIEWS - 1);
		break;
	default:
		break;
	}
	return call;
}

const char *operation_name(enum operation operation)
{
	return operations[operation].name;
}

static const char *view_name(unsigned view)
{
	return view == 0 ? "" : view == 1 ? " of fork 1" : " of fork 2";
}

/* What the call takes beside a range: its name, or NULL, and its value. */
static const char *argument_of(const struct call *call, uint32_t *value)
{
	switch (call->operation) {
	case PROTECT:
	case PROTECT_MAX:
	case WIRE:
		*value = call->protection;
		return ", protection ";
	case WIRE_EVERYTHING:
		*value = call->flags;
		return ", flags ";
	case INHERIT:
		*value = call->inheritance;
		return ", inheritance ";
	case COPY:
		*value = call->to;
		return ", to page ";
	default:
		return NULL;
	}
}

void tell_call(unsigned index, const struct call *call, const char *known)
{
	const char *name = operation_name(call->operation), *of = view_name(call->view), *mark = known ? ", known: " : "";
	uint32_t value = 0;
	const char *argument = argument_of(call, &value);

	if (!known)
		known = "";
	if (call->operation == MAP)
		print_line("# call %u: %s%s, page %u, %u pages, protection %u, maximum %u, inheritance %u%s%s", index, name, of, call->page,
			   call->pages, call->protection, call->max_protection, call->inheritance, mark, known);
	else if (call->operation == MAP_OBJECT)
		print_line("# call %u: %s%s, page %u, %u pages of %s%u from its page %u, protection %u, maximum %u, inheritance %u%s%s",
			   index, name, of, call->page, call->pages, call->copy ? "a copy of object " : "object ", call->object, call->offset,
			   call->protection, call->max_protection, call->inheritance, mark, known);
	else if (call->operation == MAP_ALIGNED)
		print_line("# call %u: %s%s %x, %s %u, %u pages, protection %u, maximum %u, inheritance %u%s%s", index, name, of, call->mask,
			   call->anywhere ? "anywhere, not page" : "page", call->page, call->pages, call->protection, call->max_protection,
			   call->inheritance, mark, known);
	else if (call->operation == SYNC)
		print_line("# call %u: %s of the next object from page %u%s on, %u pages%s%s%s%s", index, name, call->page, of, call->pages,
			   call->flush ? ", flushed" : "", call->give_back ? ", given back" : "", mark, known);
	else if (call->operation == ALLOCATE_ANYWHERE)
		print_line("# call %u: %s%s, %u pages%s%s", index, name, of, call->pages, mark, known);
	else if (call->operation == FORK || call->operation == TERMINATE)
		print_line("# call %u: %s%s%s%s", index, name, view_name(call->to), mark, known);
	else if (argument)
		print_line("# call %u: %s%s, page %u, %u pages%s%u%s%s", index, name, of, call->page, call->pages, argument, value, mark,
			   known);
	else
		print_line("# call %u: %s%s, page %u, %u pages%s%s", index, name, of, call->page, call->pages, mark, known);
}
