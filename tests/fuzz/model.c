/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

/* sees-model-error.sh makes a program whose model is wrong here. */
#ifdef MODEL_ERROR
enum { INHERIT_OF_NEW = INHERIT_NONE };
#else
enum { INHERIT_OF_NEW = INHERIT_COPY };
#endif

uint32_t page_address(const struct model *model, unsigned page)
{
	return model->place + page * PAGE;
}

uint32_t word_address(uint32_t page_address, unsigned word)
{
	return page_address + (word ? PAGE - sizeof(uint32_t) : 0);
}

bool is_wired(const struct page *page)
{
	return page->mapped && page->wanted && page->protection != PROT_NONE;
}

uint32_t wired_pages(const struct view *view)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < PAGES; i++)
		count += is_wired(&view->pages[i]);
	return count;
}

void wire_page(struct page *page, uint32_t access)
{
	bool writable = page->protection & PROT_WRITE;

	if (access && !page->wanted) {
		page->stale = page->copied && !writable;
		/* Wired for writing, it is copied at once. */
		page->copied = page->copied && !writable;
	}
	page->wanted = access;
	page->stale = access && page->stale;
}

result_t take_back(struct model *model, struct page *page, unsigned pages, const struct page before[PAGES])
{
	result_t result = 0;

	for (unsigned i = 0; i < pages && model->failed_wiring != IS_HIDDEN; i++) {
		if (!is_wired(&page[i]) || !is_bad(model, &page[i]))
			continue;
		model->gone |= contents(model, &page[i])->going;
		page[i].wanted = page[i].stale = false;
		result = KERN_MEMORY_ERROR;
		/* The first that is asked for ends it. */
		if (model->failed_wiring == TAKES_CALL_BACK)
			break;
	}
	for (unsigned i = 0; i < pages && result && model->failed_wiring == TAKES_CALL_BACK; i++)
		if (!is_wired(&before[i]) && (is_wired(&page[i]) || !before[i].wanted))
			page[i].wanted = page[i].stale = false;
	return result;
}

void wire_new_pages(struct model *model, const struct view *view, struct page *page, unsigned pages)
{
	static const struct page none[PAGES];

	for (unsigned i = 0; view->future && i < pages; i++)
		wire_page(&page[i], page[i].protection);
	take_back(model, page, pages, none);
}

unsigned new_wired_pages(const struct model *model, const struct page *page, unsigned pages)
{
	unsigned wired = 0;

	for (unsigned i = 0; i < pages; i++)
		wired += model->failed_wiring == IS_HIDDEN || !is_bad(model, &page[i]);
	return model->failed_wiring == TAKES_CALL_BACK && wired < pages ? 0 : wired;
}

struct words_of *contents(struct model *model, const struct page *page)
{
	return &model->cells[page->cell].words;
}

/* There are as many cells as pages in all views, so one is free. */
static uint8_t take_cell(struct model *model, const struct words_of *words)
{
	uint8_t cell = model->last_cell;

	do
		cell = cell + 1 < CELLS ? cell + 1 : 0;
	while (model->cells[cell].users);
	model->last_cell = cell;
	model->cells[cell] = (struct cell){ .words = *words, .users = 1 };
	return cell;
}

void start_objects(struct model *model, const struct words_of words[OBJECTS])
{
	for (unsigned i = 0; i < OBJECTS; i++)
		for (unsigned j = 0; j < OBJECT_PAGES; j++)
			model->objects[i][j] = take_cell(model, &words[i]);
}

bool object_is_known(const struct model *model, unsigned object, const struct words_of *first)
{
	bool stored = false;

	if (object == GOING && model->gone)
		return false;
	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		const struct cell *cell = &model->cells[model->objects[object][i]];

		/* One user is the object. */
		if (cell->users > 1)
			return true;
		for (unsigned j = 0; j < WORDS; j++)
			stored = stored || cell->words.word[j] != first->word[j];
	}
	return !stored;
}

bool any_mapped(const struct page *page, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++)
		if (page[i].mapped)
			return true;
	return false;
}

bool is_bad(const struct model *model, const struct page *page)
{
	return page->mapped && model->cells[page->cell].words.bad;
}

bool is_in_common(const struct page *page)
{
	return page->shared || page->permanent;
}

result_t walk(const struct page *page, unsigned pages, uint32_t access)
{
	for (unsigned i = 0; i < pages; i++) {
		if (!page[i].mapped)
			return KERN_INVALID_ADDRESS;
		if ((page[i].protection & access) != access)
			return KERN_PROTECTION_FAILURE;
	}
	return 0;
}

bool any_bad(const struct model *model, const struct page *page, unsigned pages, bool shared_alone)
{
	for (unsigned i = 0; i < pages; i++)
		if (is_bad(model, &page[i]) && (page[i].shared || !shared_alone))
			return true;
	return false;
}

bool in_arena(const struct model *model, uint32_t address, unsigned pages, unsigned *page)
{
	*page = (address - model->place) / PAGE;
	return address >= model->place && *page < PAGES && *page + pages <= PAGES;
}

void map_page(struct model *model, struct page *page, const struct words_of *words)
{
	unmap_page(model, page);
	*page = (struct page){
		.mapped = true, .protection = PROT_DEFAULT, .max_protection = PROT_ALL, .inheritance = INHERIT_OF_NEW,
		.cell = take_cell(model, words),
	};
}

void map_object_page(struct model *model, struct page *page, uint8_t cell)
{
	*page = (struct page){ .mapped = true, .permanent = true, .cell = cell };
	model->cells[cell].users++;
}

void unmap_page(struct model *model, struct page *page)
{
	if (page->mapped)
		model->cells[page->cell].users--;
	*page = (struct page){ 0 };
}

void replace_contents(struct model *model, struct page *page, const struct words_of *words)
{
	const struct words_of copy = *words;

	if (is_in_common(page)) {
		*contents(model, page) = copy;
		model->cells[page->cell].below = false;
		return;
	}
	model->cells[page->cell].users--;
	page->cell = take_cell(model, &copy);
}

void store_word(struct model *model, struct page *page, unsigned word, uint32_t value)
{
	struct cell *cell = &model->cells[page->cell];

	cell->words.word[word] = value;
	cell->below = page->copied = page->lent = false;
}

bool lends(const struct page *page)
{
	return page->mapped && (is_in_common(page) || page->lent);
}

bool cannot_be_forked(const struct page *page)
{
	return page->inheritance == INHERIT_COPY && (is_wired(page) || page->permanent) && !(page->protection & PROT_READ);
}

void fork_view(struct model *model, struct view *child)
{
	for (unsigned i = 0; i < PAGES; i++) {
		struct page *from = &model->views[0].pages[i], *to = &child->pages[i];

		if (!from->mapped || from->inheritance == INHERIT_NONE || cannot_be_forked(from))
			continue;
		*to = *from;
		to->wanted = to->stale = false;
		if (from->inheritance == INHERIT_SHARE) {
			/* What is shared for the first time may get a new object, without its pages. */
			if (!is_in_common(from))
				model->cells[from->cell].below = true;
			from->shared = to->shared = true;
			to->copied = false;
			model->cells[to->cell].users++;
		} else {
			from->copied = to->copied = true;
			to->lent = lends(from);
			to->shared = to->permanent = false;
			to->cell = take_cell(model, contents(model, from));
		}
	}
}

void drop_view(struct model *model, struct view *view)
{
	for (unsigned i = 0; i < PAGES; i++)
		unmap_page(model, &view->pages[i]);
	view->task = 0;
	view->future = false;
}
