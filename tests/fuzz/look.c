/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look.h"
#include "../storm/text.h"

/* An unprivileged task may have so much wired. A request that is refused for its size is refused before anything is looked up. */
enum { WIRE_LIMIT = 8 << 20, HOLE = 0x40000000 };

static void see_page(struct subject *s, uint32_t at, const struct page *page, const struct entry *entry)
{
	bool mapped = entry;

	expect(&s->failure, "whether a page is mapped", at, mapped, page->mapped);
	if (!mapped || !page->mapped)
		return;
	expect(&s->failure, "protection of a page", at, entry->protection, page->protection);
	expect(&s->failure, "maximum protection of a page", at, entry->max_protection, page->max_protection);
	expect(&s->failure, "inheritance of a page", at, entry->inheritance, page->inheritance);
	expect(&s->failure, "whether a page is wired", at, entry->wired, is_wired(page));
	expect(&s->failure, "whether a page is shared", at, entry->shared, page->shared);
}

/* Objects are told apart by the order in which they are met in the case: where the kernel has them says nothing. */
static uint32_t number_of(struct met *met, port_t name)
{
	unsigned number = met->count;

	if (!name)
		return 0;
	while (number && met->names[number - 1] != name)
		number--;
	if (!number && met->count < MET) {
		met->names[met->count] = name;
		number = ++met->count;
	}
	return number;
}

static void note_entry(struct subject *s, const struct entry *entry, port_t name)
{
	note(s, entry->start - s->model.place);
	note(s, entry->end - entry->start);
	note(s, entry->protection | entry->max_protection << 4 | entry->inheritance << 8 | entry->wired << 12 | entry->needs_copy << 13 |
		entry->shared << 14);
	note(s, number_of(&s->met, name));
	note(s, entry->offset);
}

void look(struct subject *s, unsigned number, unsigned page, unsigned pages)
{
	const struct view *view = &s->model.views[number];
	unsigned end = page + pages;

	while (page < end) {
		uint32_t address = page_address(&s->model, page);
		struct entry entry;
		port_t name = 0;
		result_t result = map_entry(&s->caller, view->task, address, &entry, &name);

		if (result == KERN_NO_SPACE)
			entry = (struct entry){ .start = UINT32_MAX, .end = UINT32_MAX };
		else if (result) {
			see(s, "result of mach_vm_region_info", page, result, 0);
			return;
		}
		for (; page < end && page_address(&s->model, page) < entry.start; page++)
			see_page(s, page, &view->pages[page], NULL);
		if (page < end)
			note_entry(s, &entry, name);
		for (; page < end && page_address(&s->model, page) < entry.end; page++)
			see_page(s, page, &view->pages[page], &entry);
	}
}

void note_objects(struct subject *s)
{
	struct in_use in_use = { 0 };

	if (s->paged)
		return;
	see(s, "result of host_slab_info", 0, counts_in_use(&s->caller, s->host, &in_use), 0);
	note(s, in_use.objects - s->objects);
}

void see_wired_sum(struct subject *s, unsigned number)
{
	const struct view *view = &s->model.views[number];
	uint32_t wired = wired_pages(view), room;

	for (unsigned i = 0; number == 0 && i < COPIES; i++)
		wired += s->model.copies[i].pages ? s->model.copies[i].wired : 0;
	room = WIRE_LIMIT - wired * PAGE;
	see(s, "result of wiring a hole of all that may still be wired", number,
	    vm_wire(&s->caller, s->host, view->task, HOLE, room, PROT_DEFAULT), KERN_NO_SPACE);
	see(s, "result of wiring a hole of one page more", number,
	    vm_wire(&s->caller, s->host, view->task, HOLE, room + PAGE, PROT_DEFAULT), KERN_NO_ACCESS);
}
