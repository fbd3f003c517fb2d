/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "objects.h"
#include "../storm/pager.h"

enum { FIRST_NAME = 0x6700, LATE_MILLISECONDS = 10 };

static struct pager pagers[OBJECTS] = {
	{ .answer = PAGER_SUPPLIES, .copy_strategy = COPY_DELAY },
	{ .answer = PAGER_HAS_NONE, .copy_strategy = COPY_NONE },
	{ .answer = PAGER_ERRS, .copy_strategy = COPY_DELAY },
	{ .answer = PAGER_SUPPLIES, .copy_strategy = COPY_NONE, .late = LATE_MILLISECONDS },
};

const struct words_of object_words[OBJECTS] = {
	{ .word = { PAGER_WORD, PAGER_WORD } }, { .bad = false }, { .bad = true }, { .word = { PAGER_WORD, PAGER_WORD } },
};

bool start_pagers(const struct caller *c, struct failure *failure)
{
	const struct cpus nowhere_else = { 0 };

	for (unsigned i = 0; i < OBJECTS; i++)
		if (!pager_start(&pagers[i], c, &nowhere_else, failure))
			return false;
	return true;
}

bool are_unmapped(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (pagers[i].mapped)
			return false;
	return true;
}

bool give_objects(const struct caller *c, port_t task, struct failure *failure)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (!expect(failure, "mach_port_insert_right of an object", i, insert_right(c, task, FIRST_NAME + i, pagers[i].object), 0))
			return false;
	return true;
}

void map_object(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	struct mapping mapping = {
		.address = page_address(&s->model, call->page), .size = call->pages * PAGE, .object = FIRST_NAME + call->object,
		.object_is_sent = true, .offset = call->offset * PAGE, .copy = call->copy, .protection = call->protection,
		.max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	bool taken = any_mapped(page, call->pages);

	s->paged = true;
	see(s, "result", 0, vm_map(&s->caller, view->task, &mapping), taken ? KERN_NO_SPACE : 0);
	for (unsigned i = 0; !taken && i < call->pages; i++) {
		uint8_t cell = s->model.objects[call->object][call->offset + i];

		if (call->copy) {
			const struct words_of words = s->model.cells[cell].words;

			map_page(&s->model, &page[i], &words);
			page[i].copied = page[i].lent = true;
		} else
			map_object_page(&s->model, &page[i], cell);
		page[i].protection = call->protection;
		page[i].max_protection = call->max_protection;
		page[i].inheritance = call->inheritance;
	}
}
