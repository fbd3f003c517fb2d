/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making the calls, and holding what comes of them against the model. */
#ifndef FUZZ_PERFORM_H
#define FUZZ_PERFORM_H

#include "calls.h"
#include "../storm/report.h"

/* Name ports of the objects that were met in the case. */
enum { MET = 512 };
struct met {
	port_t names[MET];
	unsigned count;
};

/* Who makes the calls, and what was seen so far. */
struct subject {
	struct caller caller;
	port_t host, host_priv;	/* the second is 0 where no privilege is used */
	uint32_t objects;	/* that the kernel had when the case began */
	bool paged;	/* an object of a pager was mapped: how many there are depends on when it is done with that */
	bool maps_all;	/* of an object, before a part of it */
	struct model model;
	struct met met;
	uint32_t digest;	/* of all that the kernel answered */
	struct failure failure;	/* the first result that the model does not have */
};

/* Part of the digest. */
void note(struct subject *subject, uint32_t word);
/* The same, and it must be WANTED. */
void see(struct subject *subject, const char *what, uint32_t at, uint32_t seen, uint32_t wanted);

/* Whether the call can be made at all as things stand: a load or a store must not fault for good, for instance. */
bool can_perform(const struct subject *subject, const struct call *call);
void perform(struct subject *subject, const struct call *call);
/* Compares the words of a copy that was kept, and gives it back. */
void drop_copy(struct subject *subject, struct copy *copy);
void end_view(struct subject *subject, unsigned view);

#endif
