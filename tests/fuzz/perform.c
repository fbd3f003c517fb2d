/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perform.h"
#include "look.h"
#include "objects.h"
#include "touch.h"
#include "../storm/text.h"

enum { FNV_PRIME = 16777619 };
enum { WRITTEN = 4 };	/* the most pages of a vm_write */

static uint32_t data[WRITTEN * PAGE / sizeof(uint32_t)] __attribute__((aligned(PAGE)));

void note(struct subject *subject, uint32_t word)
{
	subject->digest = (subject->digest ^ word) * FNV_PRIME;
	subject->digest ^= subject->digest >> 15;
}

void see(struct subject *subject, const char *what, uint32_t at, uint32_t seen, uint32_t wanted)
{
	note(subject, seen);
	expect(&subject->failure, what, at, seen, wanted);
}

static volatile uint32_t *word_at(uint32_t address)
{
	return (volatile uint32_t *)address;
}

static void see_words(struct subject *subject, const char *what, uint32_t at, uint32_t address, const struct words_of *words)
{
	uint32_t word;

	if (words->bad) {
		see(subject, "error of a load", at, touch(address, false, &word), KERN_MEMORY_ERROR);
		return;
	}
	for (unsigned i = 0; i < WORDS; i++)
		see(subject, what, at, *word_at(word_address(address, i)), words->word[i]);
}

/* The error of walking over pages that must be mapped, and allow ACCESS; whether they can be had shows later. */
static result_t walk(const struct page *page, unsigned pages, uint32_t access)
{
	for (unsigned i = 0; i < pages; i++) {
		if (!page[i].mapped)
			return KERN_INVALID_ADDRESS;
		if ((page[i].protection & access) != access)
			return KERN_PROTECTION_FAILURE;
	}
	return 0;
}

/* The error of a load or a store. */
static result_t error_of(const struct model *model, const struct page *page, uint32_t access)
{
	result_t error = walk(page, 1, access);

	return error ? error : is_bad(model, page) ? KERN_MEMORY_ERROR : 0;
}

/* Of those that a fork shares, or of all. */
static bool any_bad(const struct model *model, const struct page *page, unsigned pages, bool shared_alone)
{
	for (unsigned i = 0; i < pages; i++)
		if (is_bad(model, &page[i]) && (page[i].shared || !shared_alone))
			return true;
	return false;
}

bool can_perform(const struct subject *subject, const struct call *call)
{
	const struct view *view = &subject->model.views[call->view];
	const struct page *page = &view->pages[call->page];

	if (!view->task)
		return false;
	switch (call->operation) {
	case LOAD:
	case STORE:	/* without read access the processor can do more than the map says */
		return !page->mapped || page->protection & PROT_READ || page->protection == PROT_NONE;
	case FORK:
		return !subject->model.views[call->to].task;
	case TERMINATE:
		return subject->model.views[call->to].task;
	case MAP_OBJECT:	/* a send right is there for the subject itself alone */
		return call->view == 0;
	case READ:	/* what is shared is copied at once, and whatever fails then is the result */
		return !any_bad(&subject->model, page, call->pages, true);
	case SYNC:
		return can_sync(&subject->model, call);
	case WRITE:
		return !any_bad(&subject->model, page, call->pages, false);
	case COPY:
		return !any_bad(&subject->model, page, call->pages, false) &&
		       !any_bad(&subject->model, &view->pages[call->to], call->pages, false);
	default:
		return true;
	}
}

/* The whole range lies in the arena; *PAGE is where. */
static bool in_arena(const struct model *model, uint32_t address, unsigned pages, unsigned *page)
{
	*page = (address - model->place) / PAGE;
	return address >= model->place && *page < PAGES && *page + pages <= PAGES;
}

/* What an entry that a new page may have extended still has to copy, the page has too. */
static void map_pages(struct model *model, struct view *view, unsigned first, unsigned pages)
{
	static const struct words_of zeros;
	const struct page *before = first ? &view->pages[first - 1] : NULL;
	const struct page *after = first + pages < PAGES ? &view->pages[first + pages] : NULL;
	bool copied = (before && before->copied) || (after && after->copied);

	for (unsigned i = first; i < first + pages; i++) {
		map_page(model, &view->pages[i], &zeros);
		view->pages[i].copied = copied;
	}
}

static void allocate(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	uint32_t address = page_address(&s->model, call->page);
	bool taken = any_mapped(page, call->pages);

	see(s, "result", 0, vm_allocate(&s->caller, view->task, &address, call->pages * PAGE, false), taken ? KERN_NO_SPACE : 0);
	if (!taken)
		map_pages(&s->model, view, call->page, call->pages);
}

static void allocate_anywhere(struct subject *s, const struct call *call, struct view *view)
{
	uint32_t address = 0;
	unsigned first;

	see(s, "result", 0, vm_allocate(&s->caller, view->task, &address, call->pages * PAGE, true), 0);
	note(s, address);
	if (!in_arena(&s->model, address, call->pages, &first)) {
		see(s, "result of giving it back", address, vm_deallocate(&s->caller, view->task, address, call->pages * PAGE), 0);
		return;
	}
	see(s, "pages in use that were allocated", first, any_mapped(&view->pages[first], call->pages), false);
	map_pages(&s->model, view, first, call->pages);
	look(s, call->view, first, call->pages);
}

static void map_as_told(struct subject *s, const struct call *call, struct view *view, unsigned first)
{
	map_pages(&s->model, view, first, call->pages);
	for (unsigned i = first; i < first + call->pages; i++) {
		view->pages[i].protection = call->protection;
		view->pages[i].max_protection = call->max_protection;
		view->pages[i].inheritance = call->inheritance;
	}
}

static void map(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	struct mapping mapping = {
		.address = page_address(&s->model, call->page), .size = call->pages * PAGE, .mask = call->mask,
		.protection = call->protection, .max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	bool refused = any_mapped(page, call->pages) || mapping.address & call->mask;

	see(s, "result", 0, vm_map(&s->caller, view->task, &mapping), refused ? KERN_NO_SPACE : 0);
	if (!refused)
		map_as_told(s, call, view, call->page);
}

static void map_anywhere(struct subject *s, const struct call *call, struct view *view)
{
	struct mapping mapping = {
		.size = call->pages * PAGE, .mask = call->mask, .anywhere = true, .protection = call->protection,
		.max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	result_t result = vm_map(&s->caller, view->task, &mapping);
	unsigned first;

	/* With high bits in the mask, the kernel looks at one gap, and gives up if that lies too high. */
	see(s, "result", 0, result, call->mask >> 31 && result == KERN_NO_SPACE ? KERN_NO_SPACE : 0);
	if (result)
		return;
	note(s, mapping.address);
	see(s, "bits of the mask in the address", mapping.address, mapping.address & call->mask, 0);
	if (!in_arena(&s->model, mapping.address, call->pages, &first)) {
		see(s, "result of giving it back", mapping.address,
		    vm_deallocate(&s->caller, view->task, mapping.address, mapping.size), 0);
		return;
	}
	see(s, "pages in use that were mapped", first, any_mapped(&view->pages[first], call->pages), false);
	map_as_told(s, call, view, first);
	look(s, call->view, first, call->pages);
}

static void protect(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	uint32_t address = page_address(&s->model, call->page), size = call->pages * PAGE;
	bool maximum = call->operation == PROTECT_MAX, allowed = true;

	for (unsigned i = 0; i < call->pages; i++)
		if (page[i].mapped && call->protection & ~page[i].max_protection)
			allowed = false;
	see(s, "result", 0,
	    maximum ? vm_protect_max(&s->caller, view->task, address, size, call->protection) :
		      vm_protect(&s->caller, view->task, address, size, call->protection),
	    allowed ? 0 : KERN_PROTECTION_FAILURE);
	for (unsigned i = 0; allowed && i < call->pages; i++) {
		if (!page[i].mapped)
			continue;
		if (maximum)
			page[i].max_protection = call->protection;
		page[i].protection = maximum ? page[i].protection & call->protection : call->protection;
	}
}

static void wire(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	uint32_t access = call->operation == WIRE ? call->protection : PROT_NONE;
	result_t wanted = walk(page, call->pages, access) ? KERN_NO_SPACE : 0;

	see(s, "result", 0,
	    vm_wire(&s->caller, s->host, view->task, page_address(&s->model, call->page), call->pages * PAGE, access), wanted);
	for (unsigned i = 0; !wanted && i < call->pages; i++) {
		bool writable = page[i].protection & PROT_WRITE;

		if (access && !page[i].wanted) {
			page[i].stale = page[i].copied && !writable;
			/* Wired for writing, it is copied at once. */
			page[i].copied = page[i].copied && !writable;
		}
		page[i].wanted = access;
		page[i].stale = access && page[i].stale;
	}
}

static void read(struct subject *s, const struct call *call, struct view *view, struct page *page)
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

		*copy = (struct copy){ .address = address, .pages = call->pages };
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
	look(s, 0, first, call->pages);
}

static void write(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	unsigned pages = call->pages < WRITTEN ? call->pages : WRITTEN;
	result_t wanted = walk(page, pages, PROT_WRITE);
	struct words_of words[WRITTEN] = { 0 };

	for (unsigned i = 0; i < pages; i++)
		for (unsigned j = 0; j < WORDS; j++)
			words[i].word[j] = *word_at(word_address((uint32_t)data + i * PAGE, j)) = call->word + i * WORDS + j;
	see(s, "result", 0, vm_write(&s->caller, view->task, page_address(&s->model, call->page), data, pages * PAGE), wanted);
	for (unsigned i = 0; !wanted && i < pages; i++) {
		replace_contents(&s->model, &page[i], &words[i]);
		page[i].copied = true;
		page[i].lent = false;
	}
}

static void copy(struct subject *s, const struct call *call, struct view *view, struct page *from)
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

static void load(struct subject *s, const struct call *call, const struct page *page)
{
	result_t wanted = error_of(&s->model, page, PROT_READ);

	for (unsigned i = 0; i < WORDS; i++) {
		uint32_t word;
		result_t result = touch(word_address(page_address(&s->model, call->page), i), false, &word);

		see(s, "error of a load", call->page, result, wanted);
		if (!result && !wanted)
			see(s, "word that was loaded", call->page, word, contents(&s->model, page)->word[i]);
	}
}

static void store(struct subject *s, const struct call *call, struct page *page)
{
	unsigned word = call->to % WORDS;
	uint32_t value = call->word;
	result_t wanted = error_of(&s->model, page, PROT_WRITE);

	see(s, "error of a store", call->page, touch(word_address(page_address(&s->model, call->page), word), true, &value), wanted);
	if (wanted)
		return;
	contents(&s->model, page)->word[word] = call->word;
	page->copied = page->lent = false;
}

static void fork(struct subject *s, const struct call *call)
{
	struct view *child = &s->model.views[call->to];

	see(s, "result", 0, task_fork(&s->caller, &child->task), 0);
	fork_view(&s->model, child);
	look(s, call->to, 0, PAGES);
}

/* In pieces that may be read: page by page would only find less to do for the kernel. */
static void see_view(struct subject *s, unsigned number)
{
	struct view *view = &s->model.views[number];

	for (unsigned page = 0; page < PAGES; page++) {
		unsigned pages = 0;
		struct rpc_array out;
		result_t result;

		while (page + pages < PAGES && !walk(&view->pages[page + pages], 1, PROT_READ) &&
		       !any_bad(&s->model, &view->pages[page + pages], 1, true))
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

void end_view(struct subject *s, unsigned number)
{
	struct view *view = &s->model.views[number];

	look(s, number, 0, PAGES);
	see_wired_sum(s, number);
	see_view(s, number);
	see(s, "result of task_terminate", number, task_terminate(&s->caller, view->task), 0);
	see(s, "result of mach_port_deallocate", number, mach_port_deallocate(&s->caller, s->caller.task, view->task), 0);
	drop_view(&s->model, view);
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

void perform(struct subject *s, const struct call *call)
{
	struct view *view = &s->model.views[call->view];
	struct page *page = &view->pages[call->page];
	uint32_t address = page_address(&s->model, call->page), size = call->pages * PAGE;
	struct call touched = { .operation = STORE, .to = call->to, .word = call->word, .pages = 1 };
	struct page *touched_page;

	note(s, call->operation);
	switch (call->operation) {
	case ALLOCATE:
		allocate(s, call, view, page);
		break;
	case ALLOCATE_ANYWHERE:
		allocate_anywhere(s, call, view);
		return;
	case MAP:
		map(s, call, view, page);
		break;
	case MAP_ALIGNED:
		if (call->anywhere) {
			map_anywhere(s, call, view);
			return;
		}
		map(s, call, view, page);
		break;
	case MAP_OBJECT:
		map_object(s, call, view, page);
		break;
	case SYNC:	/* a store makes that there is something to lose */
		touched.page = object_page(&s->model, call);
		touched_page = &view->pages[touched.page];
		if (call->view == 0 && can_perform(s, &touched))
			store(s, &touched, touched_page);
		sync(s, call, view);
		if (call->view == 0 && can_perform(s, &touched))
			load(s, &touched, touched_page);
		break;
	case ATTRIBUTE:	/* i386 has none */
		see(s, "result", 0, vm_machine_attribute(&s->caller, view->task, address, size, call->word), KERN_INVALID_ADDRESS);
		break;
	case DEALLOCATE:
		see(s, "result", 0, vm_deallocate(&s->caller, view->task, address, size), 0);
		for (unsigned i = 0; i < call->pages; i++)
			unmap_page(&s->model, &page[i]);
		break;
	case PROTECT:
	case PROTECT_MAX:
		protect(s, call, view, page);
		break;
	case INHERIT:
		see(s, "result", 0, vm_inherit(&s->caller, view->task, address, size, call->inheritance), 0);
		for (unsigned i = 0; i < call->pages; i++)
			if (page[i].mapped)
				page[i].inheritance = call->inheritance;
		break;
	case WIRE:
	case UNWIRE:
		wire(s, call, view, page);
		note_objects(s);
		break;
	case READ:
		read(s, call, view, page);
		break;
	case WRITE:
		write(s, call, view, page);
		break;
	case COPY:
		copy(s, call, view, page);
		look(s, call->view, call->to, call->pages);
		break;
	case STORE:
		store(s, call, page);
		return;
	case LOAD:
		load(s, call, page);
		return;
	case FORK:
		fork(s, call);
		return;
	case TERMINATE:
		end_view(s, call->to);
		return;
	case OPERATIONS:
		return;
	}
	look(s, call->view, call->page, call->pages);
}
