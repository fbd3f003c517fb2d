/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perform.h"
#include "contents.h"
#include "look.h"
#include "objects.h"
#include "../storm/text.h"

enum { FNV_PRIME = 16777619 };
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

/* Of calls that are refused: the kernel takes a pager's object up, and gives it up at once, which takes as long as ten others. */
static bool is_seldom(const struct call *call)
{
	return call->word / 2 % 4 == 0;
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
		return call->view == 0 && object_is_known(&subject->model, call->object, &object_words[call->object]) &&
		       (is_seldom(call) || !any_mapped(page, call->pages));
	case WIRE_EVERYTHING:	/* the subject's own program is not the model's */
		return subject->host_priv && !(call->view == 0 && call->flags & WIRE_CURRENT);
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
	wire_new_pages(model, view, &view->pages[first], pages);
}

/* False, here and in the next ones: it was refused for want of room, and the map is as it was. */
static bool allocate(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	uint32_t address = page_address(&s->model, call->page);
	bool taken = any_mapped(page, call->pages);

	see(s, "result", 0, vm_allocate(&s->caller, view->task, &address, call->pages * PAGE, false), taken ? KERN_NO_SPACE : 0);
	if (!taken)
		map_pages(&s->model, view, call->page, call->pages);
	return !taken;
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
		/* By the access that it has now. */
		view->pages[i].wanted = view->pages[i].stale = false;
	}
	wire_new_pages(&s->model, view, &view->pages[first], call->pages);
}

static bool map(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	struct mapping mapping = {
		.address = page_address(&s->model, call->page), .size = call->pages * PAGE, .mask = call->mask,
		.protection = call->protection, .max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	bool refused = any_mapped(page, call->pages) || mapping.address & call->mask;

	see(s, "result", 0, vm_map(&s->caller, view->task, &mapping), refused ? KERN_NO_SPACE : 0);
	if (!refused)
		map_as_told(s, call, view, call->page);
	return !refused;
}

static void map_anywhere(struct subject *s, const struct call *call, struct view *view)
{
	struct mapping mapping = {
		.size = call->pages * PAGE, .mask = call->mask, .anywhere = true, .protection = call->protection,
		.max_protection = call->max_protection, .inheritance = call->inheritance,
	};
	result_t result = vm_map(&s->caller, view->task, &mapping);
	/* With high bits in the mask, the kernel looks at one gap, and gives up if that lies too high. */
	bool refused = is_bad_mask(call->mask) || (call->mask >> 31 && result == KERN_NO_SPACE);
	unsigned first;

	see(s, "result", 0, result, refused ? KERN_NO_SPACE : 0);
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
	struct page before[PAGES];
	result_t wanted;

	memcpy(before, page, call->pages * sizeof *page);
	for (unsigned i = 0; i < call->pages; i++)
		if (page[i].mapped && call->protection & ~page[i].max_protection)
			allowed = false;
	for (unsigned i = 0; allowed && i < call->pages; i++) {
		if (!page[i].mapped)
			continue;
		if (maximum)
			page[i].max_protection = call->protection;
		page[i].protection = maximum ? page[i].protection & call->protection : call->protection;
		if (view->future && page[i].protection != PROT_NONE)
			wire_page(&page[i], page[i].protection);
	}
	wanted = allowed ? take_back(&s->model, page, call->pages, before) : KERN_PROTECTION_FAILURE;
	see(s, "result", 0,
	    maximum ? vm_protect_max(&s->caller, view->task, address, size, call->protection) :
		      vm_protect(&s->caller, view->task, address, size, call->protection),
	    wanted);
}

static void wire(struct subject *s, const struct call *call, struct view *view, struct page *page)
{
	uint32_t access = call->operation == WIRE ? call->protection : PROT_NONE;
	result_t wanted = walk(page, call->pages, access) ? KERN_NO_SPACE : 0;
	struct page before[PAGES];

	memcpy(before, page, call->pages * sizeof *page);
	for (unsigned i = 0; !wanted && i < call->pages; i++)
		wire_page(&page[i], access);
	if (!wanted)
		wanted = take_back(&s->model, page, call->pages, before);
	see(s, "result", 0,
	    vm_wire(&s->caller, call->privileged && s->host_priv ? s->host_priv : s->host, view->task, page_address(&s->model, call->page), call->pages * PAGE, access), wanted);
}

/* All that the task has, whatever access that allows, or what is to come. */
static void wire_everything(struct subject *s, const struct call *call, struct view *view)
{
	struct page before[PAGES];
	result_t wanted = 0;

	memcpy(before, view->pages, sizeof before);
	for (unsigned i = 0; i < PAGES && call->flags != WIRE_FUTURE; i++)
		if (view->pages[i].mapped)
			wire_page(&view->pages[i], call->flags == WIRE_NONE ? PROT_NONE : PROT_DEFAULT);
	if (call->flags & WIRE_CURRENT)
		wanted = take_back(&s->model, view->pages, PAGES, before);
	see(s, "result", 0, vm_wire_all(&s->caller, s->host_priv, view->task, call->flags), wanted);
	if (!wanted)
		view->future = call->flags == WIRE_NONE ? false : view->future || call->flags & WIRE_FUTURE;
	for (unsigned i = 0; call->view == 0 && call->flags == WIRE_NONE && i < COPIES; i++)
		s->model.copies[i].wired = 0;
}

static void fork(struct subject *s, const struct call *call)
{
	struct view *child = &s->model.views[call->to];

	see(s, "result", 0, task_fork(&s->caller, &child->task), 0);
	fork_view(&s->model, child);
	look(s, call->to, 0, PAGES);
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
		if (!allocate(s, call, view, page))
			return;
		break;
	case ALLOCATE_ANYWHERE:
		allocate_anywhere(s, call, view);
		return;
	case MAP_ALIGNED:
		if (call->anywhere) {
			map_anywhere(s, call, view);
			return;
		}
		/* fall through */
	case MAP:
		if (!map(s, call, view, page))
			return;
		break;
	case MAP_OBJECT:
		if (!map_object(s, call, view, page))
			return;
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
		break;
	case WIRE_EVERYTHING:
		wire_everything(s, call, view);
		see_wired_sum(s, call->view);
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
