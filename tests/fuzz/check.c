/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs no kernel: the calls, the model, and the conditions of known defects, as a program of this machine. */
#include "known.h"
#include "../storm/text.h"
#include "words.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static char printed[4096];

void trap_print(const char *text)
{
	strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

/* Member by member: what lies between and behind them is never set. */
static bool same(const struct call *a, const struct call *b)
{
	return a->operation == b->operation && a->view == b->view && a->page == b->page && a->pages == b->pages && a->to == b->to
		&& a->protection == b->protection && a->max_protection == b->max_protection && a->inheritance == b->inheritance
		&& a->mask == b->mask && a->anywhere == b->anywhere && a->flush == b->flush && a->privileged == b->privileged && a->flags == b->flags
		&& a->give_back == b->give_back && a->word == b->word && a->object == b->object && a->offset == b->offset && a->copy == b->copy;
}

static void calls_stay_within_the_arena(void)
{
	unsigned seen[OPERATIONS] = { 0 }, mapped[OBJECTS] = { 0 };

	for (uint32_t number = 0; number < 2000; number++)
		for (unsigned index = 0; index < MAX_CALLS; index++) {
			struct call call = make_call(7, number, index), again = make_call(7, number, index);

			assert(same(&call, &again));
			assert(call.operation < OPERATIONS && call.view < VIEWS);
			assert(call.pages >= 1 && call.page + call.pages <= PAGES);
			if (call.operation == COPY)
				assert(call.to + call.pages <= PAGES);
			if (call.operation == READ)
				assert(call.to < COPIES);
			if (call.operation == FORK || call.operation == TERMINATE)
				assert(call.view == 0 && call.to >= 1 && call.to < VIEWS);
			if (call.operation == LOAD || call.operation == STORE)
				assert(call.view == 0 && call.pages == 1);
			seen[call.operation]++;
			mapped[call.object] += call.operation == MAP_OBJECT;
		}
	for (unsigned i = 0; i < OPERATIONS; i++)
		assert(seen[i] > 500);
	for (unsigned i = 0; i < OBJECTS; i++)
		assert(mapped[i] > 500);
}

static void seeds_and_cases_differ(void)
{
	unsigned alike = 0;

	for (unsigned index = 1; index < MAX_CALLS; index++) {
		struct call call = make_call(1, 1, index), other_seed = make_call(2, 1, index), other_case = make_call(1, 2, index);

		alike += same(&call, &other_seed) + same(&call, &other_case);
	}
	assert(alike < 4);
}

static struct model model;
static const struct words_of some = { .word = { 1, 2 } };

static struct page *fresh(unsigned pages)
{
	memset(&model, 0, sizeof model);
	for (unsigned i = 0; i < pages; i++)
		map_page(&model, &model.views[0].pages[i], &some);
	return model.views[0].pages;
}

static void shared_pages_change_together_and_copies_do_not(void)
{
	struct page *page = fresh(3), *child = model.views[1].pages;
	const struct words_of other = { .word = { 8, 9 } };

	page[0].inheritance = INHERIT_SHARE;
	page[2].inheritance = INHERIT_NONE;
	page[1].wanted = true;
	fork_view(&model, &model.views[1]);
	assert(child[0].mapped && child[1].mapped && !child[2].mapped && !child[1].wanted);
	replace_contents(&model, &page[0], &other);
	replace_contents(&model, &page[1], &other);
	assert(contents(&model, &child[0])->word[0] == 8 && contents(&model, &child[1])->word[0] == 1);
	unmap_page(&model, &page[0]);
	assert(contents(&model, &child[0])->word[1] == 9);
	assert(wired_pages(&model.views[0]) == 1);
	page[1].protection = PROT_NONE;
	assert(wired_pages(&model.views[0]) == 0);
	drop_view(&model, &model.views[0]);
	drop_view(&model, &model.views[1]);
	for (unsigned i = 0; i < CELLS; i++)
		assert(!model.cells[i].users);
}

/* Page 0 is wired already, page 1 can be had, page 2 not, page 3 may not be accessed. */
static struct page *some_of_which_cannot_be_had(enum failed_wiring failed_wiring, struct page before[PAGES])
{
	struct page *page = fresh(4);

	model.failed_wiring = failed_wiring;
	contents(&model, &page[2])->bad = contents(&model, &page[2])->going = true;
	wire_page(&page[0], PROT_DEFAULT);
	page[3].protection = PROT_NONE;
	memcpy(before, page, PAGES * sizeof *page);
	for (unsigned i = 0; i < 4; i++)
		wire_page(&page[i], PROT_DEFAULT);
	return page;
}

static void what_cannot_be_wired_is_taken_back(void)
{
	struct page before[PAGES], *page;

	page = some_of_which_cannot_be_had(IS_HIDDEN, before);
	assert(!take_back(&model, page, 4, before) && is_wired(&page[1]) && is_wired(&page[2]) && !model.gone);
	page = some_of_which_cannot_be_had(TAKES_ENTRY_BACK, before);
	assert(take_back(&model, page, 4, before) == KERN_MEMORY_ERROR && model.gone);
	assert(is_wired(&page[0]) && is_wired(&page[1]) && !page[2].wanted && page[3].wanted);
	page = some_of_which_cannot_be_had(TAKES_CALL_BACK, before);
	assert(take_back(&model, page, 4, before) == KERN_MEMORY_ERROR && model.gone);
	assert(is_wired(&page[0]) && !page[1].wanted && !page[2].wanted && !page[3].wanted);
	page = some_of_which_cannot_be_had(TAKES_CALL_BACK, before);
	assert(!take_back(&model, page, 2, before) && is_wired(&page[1]));
}

static void what_cannot_be_copied_is_not_forked(void)
{
	struct page *page = fresh(2);

	page[0].protection = PROT_WRITE;
	assert(!cannot_be_forked(&page[0]));
	page[0].wanted = true;
	assert(cannot_be_forked(&page[0]) && !cannot_be_forked(&page[1]));
	page[0].protection = PROT_NONE;
	assert(!cannot_be_forked(&page[0]));
	page[0].permanent = true;
	assert(cannot_be_forked(&page[0]));
	fork_view(&model, &model.views[1]);
	assert(!model.views[1].pages[0].mapped && model.views[1].pages[1].mapped);
	page[0].inheritance = INHERIT_SHARE;
	assert(!cannot_be_forked(&page[0]));
}

static void meets(const char *name, struct call call)
{
	const char *known = known_defect(&model, &call, (struct kept_away){ 0 });

	if (!known || strcmp(known, name)) {
		fprintf(stderr, "%s instead of %s\n", known ? known : "nothing", name);
		assert(false);
	}
}

static void meets_none(struct call call)
{
	assert(!known_defect(&model, &call, (struct kept_away){ 0 }));
}

/* Each call of docs/upstream.md that provokes a defect, and its harmless neighbours. */
static void known_defects_are_met_where_they_are(void)
{
	struct page *page = fresh(3);

	page[1].wanted = true;
	meets("crossing-end", (struct call){ .operation = PROTECT, .page = 0, .pages = 2 });
	meets("crossing-end", (struct call){ .operation = PROTECT_MAX, .page = 1, .pages = 1, .protection = 4 });
	meets_none((struct call){ .operation = PROTECT, .page = 2, .pages = 1 });
	meets_none((struct call){ .operation = PROTECT, .page = 0, .pages = 3, .protection = PROT_READ });
	meets("copy-onto-wired", (struct call){ .operation = COPY, .page = 0, .pages = 1, .to = 1 });
	meets("copy-onto-wired", (struct call){ .operation = WRITE, .page = 1, .pages = 1 });
	meets_none((struct call){ .operation = COPY, .page = 1, .pages = 1, .to = 0 });

	meets_none((struct call){ .operation = FORK, .to = 1 });
	page[1].protection = PROT_WRITE;
	meets("fork-endless", (struct call){ .operation = FORK, .to = 1 });
	page[1].inheritance = INHERIT_SHARE;
	meets("fork-shares-wired", (struct call){ .operation = FORK, .to = 1 });
	page[1].shared = true;
	meets_none((struct call){ .operation = FORK, .to = 1 });
	page[2].shared = true;
	meets("copy-onto-itself", (struct call){ .operation = COPY, .page = 2, .pages = 1, .to = 1 });
	meets("copy-onto-itself", (struct call){ .operation = COPY, .page = 0, .pages = 1, .to = 2 });
	meets_none((struct call){ .operation = COPY, .page = 2, .pages = 1, .to = 0 });

	page = fresh(2);
	contents(&model, &page[1])->bad = true;
	meets("silent-wire-failure", (struct call){ .operation = WIRE, .page = 0, .pages = 2 });
	meets_none((struct call){ .operation = UNWIRE, .page = 0, .pages = 2 });
	meets_none((struct call){ .operation = FORK, .to = 1 });
	page[1].shared = page[1].wanted = true;
	meets("lock-wired-page", (struct call){ .operation = SYNC, .page = 0, .pages = 1, .give_back = true });
	meets_none((struct call){ .operation = SYNC, .page = 0, .pages = 1 });

	page = fresh(2);
	meets("wire-all-empty", (struct call){ .operation = WIRE_EVERYTHING, .view = 1, .flags = WIRE_CURRENT });
	meets_none((struct call){ .operation = WIRE_EVERYTHING, .view = 1, .flags = WIRE_FUTURE });
	model.views[0].future = true;
	meets("wire-future-extends", (struct call){ .operation = ALLOCATE, .page = 2, .pages = 1 });
	meets("merge-loses-access", (struct call){ .operation = PROTECT, .page = 0, .pages = 1, .protection = PROT_DEFAULT });
	wire_page(&page[0], PROT_DEFAULT);
	wire_page(&page[1], PROT_DEFAULT);
	meets_none((struct call){ .operation = ALLOCATE, .page = 2, .pages = 1 });

	page = fresh(1);
	page[0].wanted = page[0].stale = true;
	page[0].protection = PROT_READ;
	meets("wired-needs-copy", (struct call){ .operation = PROTECT, .page = 0, .pages = 1, .protection = PROT_DEFAULT });
	meets_none((struct call){ .operation = PROTECT, .page = 0, .pages = 1, .protection = PROT_READ });

	/* No copy was made of it, but it may be a part of a larger object. */
	page = fresh(3);
	page[0].inheritance = page[2].inheritance = INHERIT_SHARE;
	fork_view(&model, &model.views[1]);
	model.views[1].pages[0].protection = model.views[1].pages[2].protection = PROT_READ;
	meets("pushed-before-wired", (struct call){ .operation = WIRE, .view = 1, .page = 0, .pages = 1, .protection = PROT_READ });
	meets_none((struct call){ .operation = WIRE, .page = 0, .pages = 1, .protection = PROT_READ });
	meets_none((struct call){ .operation = WIRE, .view = 1, .page = 1, .pages = 1, .protection = PROT_READ });
	store_word(&model, &page[0], 0, 3);
	meets_none((struct call){ .operation = WIRE, .view = 1, .page = 0, .pages = 1, .protection = PROT_READ });
	meets("pushed-before-wired", (struct call){ .operation = WIRE, .view = 1, .page = 2, .pages = 1, .protection = PROT_READ });
	replace_contents(&model, &page[2], &some);
	meets_none((struct call){ .operation = WIRE, .view = 1, .page = 2, .pages = 1, .protection = PROT_READ });
	/* They stay where that has brought them. */
	fork_view(&model, &model.views[2]);
	meets_none((struct call){ .operation = WIRE, .view = 1, .page = 0, .pages = 1, .protection = PROT_READ });

	page = fresh(2);
	page[0].lent = true;
	page[0].protection = page[1].protection = PROT_READ;
	meets("pushed-before-wired", (struct call){ .operation = WIRE, .page = 0, .pages = 2, .protection = PROT_READ });
	meets_none((struct call){ .operation = WIRE, .page = 1, .pages = 1, .protection = PROT_READ });
	page[0].protection = PROT_DEFAULT;
	meets_none((struct call){ .operation = WIRE, .page = 0, .pages = 2, .protection = PROT_READ });
	page[0].wanted = true;
	meets("pushed-before-wired", (struct call){ .operation = PROTECT, .page = 0, .pages = 1, .protection = PROT_READ });

	meets("map-bad-mask", (struct call){ .operation = MAP_ALIGNED, .anywhere = true, .mask = 0x55555555 });
	meets_none((struct call){ .operation = MAP_ALIGNED, .mask = 0x55555555 });
	meets_none((struct call){ .operation = MAP_ALIGNED, .anywhere = true, .mask = 0xe0001fff });
	meets_none((struct call){ .operation = MAP_ALIGNED, .anywhere = true, .mask = 0x1fff });

	struct call writable = { .operation = PROTECT, .page = 0, .pages = 1, .protection = PROT_DEFAULT };
	struct call onto_wired = { .operation = WRITE, .page = 0, .pages = 1 };
	struct kept_away by_sound = { .by_sound = true }, by_fixes = { .by_fixes = true };

	assert(!known_defect(&model, &writable, by_sound) && known_defect(&model, &onto_wired, by_sound));
	assert(!known_defect(&model, &writable, by_fixes) && !known_defect(&model, &onto_wired, by_fixes));
}

static bool accepts(const char *word, struct words *words)
{
	char *argv[] = { "fuzz", "1", "2", "3", (char *)word };

	printed[0] = 0;
	return parse_words(5, argv, words);
}

static void words_are_taken_or_refused(void)
{
	struct words words;

	assert(accepts("keep1=4294967295", &words) && words.calls == 48 && words.host_priv == 1 && words.kernel_task == 3);
	assert(accepts("calls=64", &words) && words.calls == 64);
	assert(!accepts("calls=65", &words) && strstr(printed, "from 1 to 64"));
	assert(!accepts("call=3", &words) && strstr(printed, "no such option"));
	assert(!accepts("known=2", &words));
	assert(!parse_words(1, (char *[]){ "fuzz" }, &words));
}

static void calls_are_told_in_words(void)
{
	printed[0] = 0;
	tell_call(3, &(struct call){ .operation = COPY, .view = 1, .page = 2, .pages = 4, .to = 9 }, "copy-onto-itself");
	assert(!strcmp(printed, "# call 3: vm_copy of fork 1, page 2, 4 pages, to page 9, known: copy-onto-itself\n"));
}

static void an_object_that_is_mapped_no_longer_is_not_known_once_it_was_stored_to(void)
{
	const struct words_of first[OBJECTS] = { { .word = { 5, 5 } }, { .word = { 6, 6 } } };
	struct page *page = model.views[0].pages;

	memset(&model, 0, sizeof model);
	start_objects(&model, first);
	assert(object_is_known(&model, 0, &first[0]));
	map_object_page(&model, &page[0], model.objects[0][3]);
	contents(&model, &page[0])->word[1] = 7;
	assert(object_is_known(&model, 0, &first[0]));
	map_object_page(&model, &page[1], model.objects[0][0]);
	unmap_page(&model, &page[0]);
	assert(object_is_known(&model, 0, &first[0]));
	unmap_page(&model, &page[1]);
	assert(!object_is_known(&model, 0, &first[0]));
	assert(object_is_known(&model, 1, &first[1]));
}

static void an_object_whose_pager_is_gone_is_not_mapped_again(void)
{
	const struct words_of first[OBJECTS] = { [GOING] = { .bad = true, .going = true } };

	memset(&model, 0, sizeof model);
	start_objects(&model, first);
	assert(object_is_known(&model, GOING, &first[GOING]));
	model.gone = true;
	assert(!object_is_known(&model, GOING, &first[GOING]));
	assert(object_is_known(&model, ERRING, &first[ERRING]));
}

int main(void)
{
	calls_stay_within_the_arena();
	seeds_and_cases_differ();
	shared_pages_change_together_and_copies_do_not();
	an_object_that_is_mapped_no_longer_is_not_known_once_it_was_stored_to();
	an_object_whose_pager_is_gone_is_not_mapped_again();
	what_cannot_be_wired_is_taken_back();
	what_cannot_be_copied_is_not_forked();
	known_defects_are_met_where_they_are();
	words_are_taken_or_refused();
	calls_are_told_in_words();
	puts("fuzz: calls, model, known defects and options are as they should be");
	return 0;
}
