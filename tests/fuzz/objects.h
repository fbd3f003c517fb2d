/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory objects, whose pagers are threads of the first task. */
#ifndef FUZZ_OBJECTS_H
#define FUZZ_OBJECTS_H

#include "perform.h"

/* What each page of an object holds at first, in all of its words. */
extern const struct words_of object_words[OBJECTS];

/* Once, in the first task: it has a thread for each. */
bool start_pagers(const struct caller *c, struct failure *failure);
/* The kernel is done with all of them. */
bool are_unmapped(void);
/* The subject maps them by names that it has from the start. */
bool give_objects(port_t task, struct failure *failure);

/* The first page of an object from the call's page on, where behind the last follows the first; or PAGES. */
unsigned object_page(const struct model *model, const struct call *call);
/* Whether there is a page of an object, and none of a copy that a flush would change. */
bool can_sync(const struct model *model, const struct call *call);
void sync(struct subject *subject, const struct call *call, const struct view *view);
/* False: refused for want of room. */
bool map_object(struct subject *subject, const struct call *call, struct view *view, struct page *page);

#endif
