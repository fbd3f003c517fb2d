/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random calls: each follows from the seed, the case and its own number alone, so that one can be left out. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "model.h"

enum { MAX_CALLS = 64 };

enum operation {
	ALLOCATE, ALLOCATE_ANYWHERE, MAP, MAP_OBJECT, DEALLOCATE, PROTECT, PROTECT_MAX, INHERIT, WIRE, UNWIRE, READ, WRITE, COPY, STORE, LOAD,
	FORK, TERMINATE, MAP_ALIGNED, ATTRIBUTE, SYNC, WIRE_EVERYTHING, OPERATIONS,
};

struct call {
	enum operation operation;
	unsigned view;	/* whose memory it is about */
	unsigned page, pages;
	unsigned to;	/* COPY: the first page of the destination. READ: which copy is given up. FORK, TERMINATE: which view */
	uint32_t protection, max_protection, inheritance;
	uint32_t word;	/* that is stored */
	/* MAP_OBJECT: which, from which of its pages on, and whether a copy of it. */
	unsigned object, offset;
	bool copy;
	/* MAP_ALIGNED: bits of the address that must be zero, and whether the kernel chooses it. */
	uint32_t mask;
	bool anywhere;
	bool privileged;	/* WIRE, UNWIRE: through the privileged host port, where that may be used */
	uint32_t flags;	/* WIRE_EVERYTHING */
	/* SYNC: whether its pages go, and whether they go back to the pager. */
	bool flush, give_back;
};

struct call make_call(uint32_t seed, uint32_t number, unsigned index);

/* Whether it is neither low bits, nor low and high ones: vm_map refuses to look for space by it. */
bool is_bad_mask(uint32_t mask);
const char *operation_name(enum operation operation);
/* One line on the console; KNOWN is the name of a known defect, or NULL. */
void tell_call(unsigned index, const struct call *call, const char *known);

#endif
