/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "objects.h"
#include "../storm/memory.h"
#include "../storm/pager.h"

/* Nothing else goes on while a case waits, so that being late each time would cost more than all of the calls. */
enum { FIRST_NAME = 0x6700, WHOLE_PLACE = 0x70000000, LATE_MILLISECONDS = 10, LATE_EACH = 16 };

static struct pager pagers[OBJECTS] = {
	{ .answer = PAGER_SUPPLIES, .copy_strategy = COPY_DELAY },
	{ .answer = PAGER_HAS_NONE, .copy_strategy = COPY_NONE },
	{ .answer = PAGER_ERRS, .copy_strategy = COPY_DELAY },
	{ .answer = PAGER_SUPPLIES, .copy_strategy = COPY_NONE, .late = LATE_MILLISECONDS, .late_each = LATE_EACH },
	{ .answer = PAGER_GOES, .copy_strategy = COPY_DELAY, .late = LATE_MILLISECONDS, .late_each = LATE_EACH },
};

const struct words_of object_words[OBJECTS] = {
	{ .word = { PAGER_WORD, PAGER_WORD } }, { .bad = false }, { .bad = true }, { .word = { PAGER_WORD, PAGER_WORD } },
	{ .bad = true, .going = true },
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

bool give_objects(port_t task, struct failure *failure)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (!expect(failure, "mach_port_insert_right of an object", i, insert_right(task, FIRST_NAME + i, pagers[i].object), 0))
			return false;
	return true;
}

/*
 * All of an object, without access, where nothing else is. What maps it first tells the kernel how large it is, and so is each
 * object that copies are kept in: see copy-too-small.
 */
static void map_all_of(struct subject *s, const struct call *call, const struct view *view)
{
	struct mapping mapping = {
		.address = WHOLE_PLACE, .size = OBJECT_PAGES * PAGE, .object = FIRST_NAME + call->object, .object_is_sent = true,
		.max_protection = PROT_ALL, .inheritance = INHERIT_NONE,
	};

	see(s, "result for the whole object", 0, vm_map(&s->caller, view->task, &mapping), 0);
}

bool map_object(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	struct mapping mapping = {
		.address = page_address(&s->model, call->page), .size = call->pages * PAGE, .object = FIRST_NAME + call->object,
		.object_is_sent = true, .offset = call->offset * PAGE, .copy = call->copy, .protection = call->protection,
		.max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	bool taken = any_mapped(page, call->pages);
	bool maps_all = s->maps_all && pagers[call->object].copy_strategy == COPY_DELAY;

	s->paged = true;
	if (maps_all)
		map_all_of(s, call, view);
	see(s, "result", 0, vm_map(&s->caller, view->task, &mapping), taken ? KERN_NO_SPACE : 0);
	if (maps_all)
		see(s, "result of giving the whole object back", 0,
		    vm_deallocate(&s->caller, view->task, WHOLE_PLACE, OBJECT_PAGES * PAGE), 0);
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
	if (!taken)
		wire_new_pages(&s->model, view, page, call->pages);
	return !taken;
}

/* Where the cell is the contents of an object's page. */
static void place_of(const struct model *model, uint8_t cell, unsigned *object, unsigned *place)
{
	for (*object = 0; *object < OBJECTS; ++*object)
		for (*place = 0; *place < OBJECT_PAGES; ++*place)
			if (model->objects[*object][*place] == cell)
				return;
}

static bool may_be_lent(const struct model *model)
{
	for (unsigned i = 0; i < COPIES; i++)
		if (model->copies[i].pages && model->copies[i].lent)
			return true;
	for (unsigned i = 0; i < VIEWS; i++)
		for (unsigned j = 0; j < PAGES; j++)
			if (model->views[i].pages[j].lent)
				return true;
	return false;
}

unsigned object_page(const struct model *model, const struct call *call)
{
	for (unsigned i = 0; i < PAGES; i++) {
		const unsigned at = (call->page + i) % PAGES;
		const struct page *page = &model->views[call->view].pages[at];

		if (page->mapped && page->permanent)
			return at;
	}
	return PAGES;
}

/* An object whose pager is gone has no name any more. */
bool can_sync(const struct model *model, const struct call *call)
{
	unsigned page = object_page(model, call), object, place;

	if (page == PAGES)
		return false;
	place_of(model, model->views[call->view].pages[page].cell, &object, &place);
	return object != GOING && !(call->flush && may_be_lent(model));
}

/* A fork's part of it, too: where the contents lie no page is flushed, but what is dirty is given back as a copy. */
static bool is_wired_anywhere(const struct model *model, uint8_t cell)
{
	for (unsigned i = 0; i < VIEWS; i++)
		for (unsigned j = 0; j < PAGES; j++)
			if (model->views[i].pages[j].cell == cell && is_wired(&model->views[i].pages[j]))
				return true;
	return false;
}

/* What is flushed is as the pager has it, which keeps nothing that it is given. */
void sync(struct subject *s, const struct call *call, const struct view *view)
{
	unsigned object, place, pages, page = object_page(&s->model, call);
	port_t name;

	place_of(&s->model, view->pages[page].cell, &object, &place);
	pages = call->pages < OBJECT_PAGES - place ? call->pages : OBJECT_PAGES - place;
	if (!expect(&s->failure, "result of vm_region", page,
		    object_name(&s->caller, view->task, page_address(&s->model, page), &name), 0))
		return;
	see(s, "result", 0, vm_object_sync(&s->caller, name, place * PAGE, pages * PAGE, call->flush, call->give_back), 0);
	see(s, "result of mach_port_deallocate", 0, mach_port_deallocate(&s->caller, s->caller.task, name), 0);
	for (unsigned i = place; call->flush && i < place + pages; i++) {
		uint8_t cell = s->model.objects[object][i];

		if (!is_wired_anywhere(&s->model, cell))
			s->model.cells[cell].words = object_words[object];
	}
}
