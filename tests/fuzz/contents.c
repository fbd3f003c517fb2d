/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "contents.h"
#include "look.h"
#include "touch.h"
#include "../storm/text.h"

/* The most pages of a vm_write, and where they are put together: memory that a case has for itself, far from all else. */
enum { WRITTEN = 4, DATA_PLACE = 0x0a000000 };

static volatile uint32_t *word_at(uint32_t address)
{
	return (volatile uint32_t *)address;
}

static void see_words(struct subject *subject, const char *what, uint32_t at, uint32_t address, const struct words_of *words)
{
	uint32_t word;

	if (words->bad) {
		subject->model.gone |= words->going;
		see(subject, "error of a load", at, touch(address, false, &word), KERN_MEMORY_ERROR);
		return;
	}
	for (unsigned i = 0; i < WORDS; i++)
		see(subject, what, at, *word_at(word_address(address, i)), words->word[i]);
}

bool make_room_for_data(const struct caller *c, struct failure *failure)
{
	uint32_t place = DATA_PLACE;

	return expect(failure, "vm_allocate", place, vm_allocate(c, c->task, &place, WRITTEN * PAGE, false), 0);
}

/* The error of a load or a store. */
static result_t error_of(struct model *model, const struct page *page, uint32_t access)
{
	result_t error = walk(page, 1, access);

	if (error || !is_bad(model, page))
		return error;
	model->gone |= contents(model, page)->going;
	return KERN_MEMORY_ERROR;
}

void load(struct subject *s, const struct call *call, const struct page *page)
{
	result_t wanted = error_of(&s->model, page, PROT_READ);

	for (unsigned i = 0; i < WORDS; i++) {
		uint32_t word;
		result_t result = touch(word_address(page_address(&s->model, call->page), i), false, &word);

		see(s, "error of a load", call->page, result, wanted);
		/* What holds for one word of a page holds for the others. */
		if (result)
			return;
		if (!wanted)
			see(s, "word that was loaded", call->page, word, contents(&s->model, page)->word[i]);
	}
}

void store(struct subject *s, const struct call *call, struct page *page)
{
	unsigned word = call->to % WORDS;
	uint32_t value = call->word;
	result_t wanted = error_of(&s->model, page, PROT_WRITE);

	see(s, "error of a store", call->page, touch(word_address(page_address(&s->model, call->page), word), true, &value), wanted);
	if (wanted)
		return;
	store_word(&s->model, page, word, call->word);
}

void read(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	result_t wanted = walk(page, call->pages, PROT_READ), result;
	struct model *model = &s->model;
	struct words_of words[PAGES];
	struct rpc_array out = { 0 };
	uint32_t address;
	unsigned first;

	drop_copy(s, &model->copies[call->to]);
	result = vm_read(&s->caller, view->task, page_address(model, call->page), call->pages * PAGE, &out);
	see(s, "result", 0, result, wanted);
	for (unsigned i = 0; i < call->pages; i++)
		page[i].copied |= page[i].mapped;
	if (result || wanted)
		return;
	address = (uint32_t)out.words;
	note(s, address);
	for (unsigned i = 0; i < call->pages; i++) {
		words[i] = *contents(model, &page[i]);
		see_words(s, "word that was read", call->page + i, address + i * PAGE, &words[i]);
	}
	if (!in_arena(model, address, call->pages, &first)) {
		struct copy *copy = &model->copies[call->to];

		see(s, "result of vm_inherit", address,
		    vm_inherit(&s->caller, s->caller.task, address, call->pages * PAGE, INHERIT_NONE), 0);
		*copy = (struct copy){ .address = address, .pages = call->pages };
		if (model->views[0].future)
			copy->wired = new_wired_pages(model, page, call->pages);
		for (unsigned i = 0; i < call->pages; i++) {
			copy->words[i] = words[i];
			copy->lent |= lends(&page[i]);
		}
		/* Not half in it. */
		if (address < page_address(model, PAGES) && address + call->pages * PAGE > model->place)
			drop_copy(s, copy);
		return;
	}
	/* The kernel puts it into a hole of the arena. */
	see(s, "pages in use that were read into", first, any_mapped(&model->views[0].pages[first], call->pages), false);
	for (unsigned i = 0; i < call->pages; i++) {
		struct page *to = &model->views[0].pages[first + i];

		map_page(model, to, &words[i]);
		to->copied = true;
		to->lent = lends(&page[i]);
	}
	wire_new_pages(model, &model->views[0], &model->views[0].pages[first], call->pages);
	look(s, 0, first, call->pages);
}

void write(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	unsigned pages = call->pages < WRITTEN ? call->pages : WRITTEN;
	result_t wanted = walk(page, pages, PROT_WRITE);
	struct words_of words[WRITTEN] = { 0 };

	for (unsigned i = 0; i < pages; i++)
		for (unsigned j = 0; j < WORDS; j++)
			words[i].word[j] = *word_at(word_address(DATA_PLACE + i * PAGE, j)) = call->word + i * WORDS + j;
	see(s, "result", 0, vm_write(&s->caller, view->task, page_address(&s->model, call->page), (void *)DATA_PLACE, pages * PAGE), wanted);
	for (unsigned i = 0; !wanted && i < pages; i++) {
		replace_contents(&s->model, &page[i], &words[i]);
		page[i].copied = true;
		page[i].lent = false;
	}
}

void copy(struct subject *s, const struct call *call, struct view *view, struct page *from)
{
	struct page *to = &view->pages[call->to];
	struct words_of words[PAGES];
	bool lent[PAGES];
	result_t wanted = walk(from, call->pages, PROT_READ);

	if (!wanted)
		wanted = walk(to, call->pages, PROT_WRITE);
	see(s, "result", 0,
	    vm_copy(&s->caller, view->task, page_address(&s->model, call->page), call->pages * PAGE, page_address(&s->model, call->to)),
	    wanted);
	for (unsigned i = 0; i < call->pages; i++) {
		if (from[i].mapped)
			words[i] = *contents(&s->model, &from[i]);
		from[i].copied |= from[i].mapped;
		lent[i] = lends(&from[i]);
	}
	for (unsigned i = 0; !wanted && i < call->pages; i++) {
		replace_contents(&s->model, &to[i], &words[i]);
		to[i].copied = true;
		to[i].lent = lent[i] && !to[i].shared;
	}
}

/* In pieces that may be read: page by page would only find less to do for the kernel. */
void see_view(struct subject *s, unsigned number)
{
	struct view *view = &s->model.views[number];

	for (unsigned page = 0; page < PAGES; page++) {
		unsigned pages = 0;
		struct rpc_array out;
		result_t result;

		while (page + pages < PAGES && !walk(&view->pages[page + pages], 1, PROT_READ) &&
		       !any_bad(&s->model, &view->pages[page + pages], 1, !s->model.views[0].future))
			pages++;
		if (!pages)
			continue;
		result = vm_read(&s->caller, view->task, page_address(&s->model, page), pages * PAGE, &out);
		see(s, "result of reading a fork", page, result, 0);
		if (result)
			return;
		for (unsigned i = 0; i < pages; i++)
			see_words(s, "word of a fork", page + i, (uint32_t)out.words + i * PAGE,
				  contents(&s->model, &view->pages[page + i]));
		see(s, "result of giving it back", page, drop_array(&s->caller, &out), 0);
		page += pages;
	}
}

void drop_copy(struct subject *s, struct copy *copy)
{
	for (unsigned i = 0; i < copy->pages; i++)
		see_words(s, "word of a copy", i, copy->address + i * PAGE, &copy->words[i]);
	if (copy->pages)
		see(s, "result of giving a copy back", 0,
		    vm_deallocate(&s->caller, s->caller.task, copy->address, copy->pages * PAGE), 0);
	copy->pages = 0;
}
