/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls, loads and stores that move words of pages; PAGE is the first that the call is about. */
#ifndef FUZZ_CONTENTS_H
#define FUZZ_CONTENTS_H

#include "perform.h"

/* In the first task, once: what each case has its own copy of. */
bool make_room_for_data(const struct caller *c, struct failure *failure);

void load(struct subject *subject, const struct call *call, const struct page *page);
void store(struct subject *subject, const struct call *call, struct page *page);
void read(struct subject *subject, const struct call *call, struct view *view, struct page *page);
void write(struct subject *subject, const struct call *call, struct view *view, struct page *page);
void copy(struct subject *subject, const struct call *call, struct view *view, struct page *from);
/* Reads all of a fork that can be read. */
void see_view(struct subject *subject, unsigned view);

#endif
