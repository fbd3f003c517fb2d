/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "known.h"
#include "../storm/text.h"

struct range {
	const struct page *first;
	unsigned pages;
};

static struct range range_of(const struct model *model, const struct call *call)
{
	return (struct range){ &model->views[call->view].pages[call->page], call->pages };
}

/* What is written to, other than by the processor. */
static struct range destination(const struct model *model, const struct call *call)
{
	unsigned page = call->operation == COPY ? call->to : call->page;

	return (struct range){ &model->views[call->view].pages[page], call->pages };
}

static bool any(struct range range, bool (*holds)(const struct page *))
{
	for (unsigned i = 0; i < range.pages; i++)
		if (range.first[i].mapped && holds(&range.first[i]))
			return true;
	return false;
}

static bool wanted(const struct page *page)
{
	return page->wanted;
}

static bool writes(const struct call *call)
{
	return call->operation == WRITE || call->operation == COPY;
}

static bool crossing_end(const struct model *model, const struct call *call)
{
	struct range range = range_of(model, call);

	if (call->operation == PROTECT && call->protection == PROT_NONE)
		return any(range, wanted);
	for (unsigned i = 0; call->operation == PROTECT_MAX && i < range.pages; i++)
		if (range.first[i].wanted && !(range.first[i].protection & call->protection))
			return true;
	return false;
}

static bool wanted_and_private(const struct page *page)
{
	return page->wanted && !is_in_common(page);
}

static bool copy_onto_wired(const struct model *model, const struct call *call)
{
	return writes(call) && any(destination(model, call), wanted_and_private);
}

static bool protects_in_future(const struct model *model, const struct call *call)
{
	return (call->operation == PROTECT || call->operation == PROTECT_MAX) && model->views[call->view].future;
}

static bool silent_wire_failure(const struct model *model, const struct call *call)
{
	struct range range = range_of(model, call);
	const struct view *view = &model->views[call->view];
	bool wires = call->operation == WIRE || (call->operation == WIRE_EVERYTHING && call->flags & WIRE_CURRENT) ||
		protects_in_future(model, call) || (call->operation == READ && model->views[0].future);

	for (unsigned i = 0; wires && i < range.pages; i++)
		if (is_bad(model, &range.first[i]))
			return true;
	/* All pages of an object are alike in this. */
	return call->operation == MAP_OBJECT && view->future && model->cells[model->objects[call->object][0]].words.bad;
}

static bool wire_all_empty(const struct model *model, const struct call *call)
{
	return call->operation == WIRE_EVERYTHING && call->flags != WIRE_FUTURE && call->view &&
	       !any_mapped(model->views[call->view].pages, PAGES);
}

static bool unwanted(const struct page *page)
{
	return page->mapped && !page->wanted;
}

/* What becomes wired merges with a neighbour that is not, and the two with what either was to be. */
static bool merge_loses_access(const struct model *model, const struct call *call)
{
	const struct page *pages = model->views[call->view].pages;
	unsigned end = call->page + call->pages;

	return protects_in_future(model, call) &&
	       ((call->page && unwanted(&pages[call->page - 1])) || (end < PAGES && unwanted(&pages[end])));
}

/* What comes may extend what is not wired: where that lies, only the kernel knows. */
static bool wire_future_extends(const struct model *model, const struct call *call)
{
	const struct view *view = &model->views[call->view];
	bool comes = call->operation == ALLOCATE || call->operation == ALLOCATE_ANYWHERE || call->operation == MAP ||
		call->operation == MAP_ALIGNED || call->operation == MAP_OBJECT;

	for (unsigned i = 0; comes && view->future && i < PAGES; i++)
		if (view->pages[i].mapped && !is_wired(&view->pages[i]))
			return true;
	return false;
}

static bool wired_needs_copy(const struct model *model, const struct call *call)
{
	struct range range = range_of(model, call);

	for (unsigned i = 0; i < range.pages; i++)
		if (call->operation == PROTECT && call->protection & PROT_WRITE && range.first[i].stale)
			return true;
	return false;
}

static bool fork_shares_wired(const struct model *model, const struct call *call)
{
	for (unsigned i = 0; call->operation == FORK && i < PAGES; i++) {
		const struct page *page = &model->views[0].pages[i];

		if (page->inheritance == INHERIT_SHARE && wanted_and_private(page))
			return true;
	}
	return false;
}

/* What it may be used for, once it is wired by the call. */
static uint32_t wired_for(const struct view *view, const struct page *page, const struct call *call)
{
	bool asked = page->wanted || view->future;

	switch (call->operation) {
	case WIRE:
		return page->protection;
	case WIRE_EVERYTHING:
		return call->flags & WIRE_CURRENT ? page->protection : PROT_NONE;
	case PROTECT:
		return asked ? call->protection : PROT_NONE;
	case PROTECT_MAX:
		return asked ? page->protection & call->protection : PROT_NONE;
	default:
		return PROT_NONE;
	}
}

static bool to_be_read_alone(uint32_t protection)
{
	return protection != PROT_NONE && !(protection & PROT_WRITE);
}

/* It may lie in an object below its entry's, where a store by others puts a page in front of it. */
static bool may_be_hidden(const struct model *model, const struct page *page)
{
	return page->mapped && (page->lent || model->cells[page->cell].below);
}

static bool pushed_before_wired(const struct model *model, const struct call *call)
{
	struct range range = range_of(model, call);
	const struct view *view = &model->views[call->view];

	for (unsigned i = 0; i < range.pages; i++)
		if (may_be_hidden(model, &range.first[i]) && to_be_read_alone(wired_for(view, &range.first[i], call)))
			return true;
	return call->operation == MAP_OBJECT && call->copy && view->future && to_be_read_alone(call->protection);
}

static bool fork_endless(const struct model *model, const struct call *call)
{
	for (unsigned i = 0; call->operation == FORK && i < PAGES; i++) {
		const struct page *page = &model->views[0].pages[i];

		if (page->mapped && cannot_be_forked(page))
			return true;
	}
	return false;
}

/*
 * Pages beside each other may be pieces of one object, and the model knows of no object: whatever the source is, it may be of the
 * destination's.
 */
static bool copy_onto_itself(const struct model *model, const struct call *call)
{
	return call->operation == COPY && any(destination(model, call), is_in_common);
}

/* A page that is wired anywhere cannot be given back, nor flushed. */
static bool lock_wired_page(const struct model *model, const struct call *call)
{
	if (call->operation != SYNC || !(call->flush || call->give_back))
		return false;
	for (unsigned i = 0; i < VIEWS; i++)
		for (unsigned j = 0; j < PAGES; j++)
			if (model->views[i].pages[j].wanted && is_in_common(&model->views[i].pages[j]))
				return true;
	return false;
}

static bool map_bad_mask(const struct model *model, const struct call *call)
{
	(void)model;
	return call->operation == MAP_ALIGNED && call->anywhere && is_bad_mask(call->mask);
}

static const struct {
	const char *name;
	bool (*holds)(const struct model *model, const struct call *call);
	bool sound, fixes;	/* what keeps it away: that feature; the C fixes, and the answers are the model's then */
} defects[] = {
	{ "crossing-end", crossing_end, true, true },
	{ "copy-onto-wired", copy_onto_wired, false, true },
	{ "wired-needs-copy", wired_needs_copy, true, true },
	{ "fork-shares-wired", fork_shares_wired, true, true },
	{ "pushed-before-wired", pushed_before_wired, true, true },
	{ "fork-endless", fork_endless, false, true },
	{ "copy-onto-itself", copy_onto_itself, false, true },
	{ "silent-wire-failure", silent_wire_failure, true, true },
	{ "merge-loses-access", merge_loses_access, true, true },
	{ "wire-all-empty", wire_all_empty, true, true },
	{ "wire-future-extends", wire_future_extends, false, true },
	{ "lock-wired-page", lock_wired_page, false, true },
	{ "map-bad-mask", map_bad_mask, false, true },
};

const char *known_defect(const struct model *model, const struct call *call, struct kept_away kept_away)
{
	for (unsigned i = 0; i < sizeof defects / sizeof defects[0]; i++) {
		if ((kept_away.by_sound && defects[i].sound) || (kept_away.by_fixes && defects[i].fixes))
			continue;
		if (defects[i].holds(model, call))
			return defects[i].name;
	}
	return NULL;
}
