/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel shows of a map, held against the model; all of it goes into the digest. */
#ifndef FUZZ_LOOK_H
#define FUZZ_LOOK_H

#include "perform.h"

/* Entries of a view's map: each page's mapping, protections, inheritance and wiring. */
void look(struct subject *subject, unsigned view, unsigned page, unsigned pages);
/* How many objects there are more than at the beginning: for the digest, as the model knows of none. */
void note_objects(struct subject *subject);
/* The map's sum of wired memory, to the page. */
void see_wired_sum(struct subject *subject, unsigned view);

#endif
