/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the memory must be like: the arena's pages, in the subject's task and in tasks forked off it, and copies that were read.
 * Nothing in it knows of entries and objects: what calls do to pages is what their documentation promises.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "kernel.h"

/* The subject's view is the first; the others are forks of it. */
enum { PAGES = 16, VIEWS = 3, COPIES = 3 };
/*
 * Memory objects of a pager: one supplies its pages, one has none, one reports an error, one supplies them late, and one goes
 * instead of answering, once in a case.
 */
enum { ERRING = 2, GOING = 4, OBJECTS = 5, OBJECT_PAGES = 8, CELLS = VIEWS * PAGES + OBJECTS * OBJECT_PAGES };
/*
 * Far from the program, its stack, and what the kernel chooses; or where the map begins, and with it the kernel's hint of free
 * space, which is of use there alone.
 */
enum { FAR_PLACE = 0x10000000, FIRST_PLACE = 0 };
/* Words of a page that are written, at its two ends; all others stay zero. */
enum { WORDS = 2 };

struct words_of {
	uint32_t word[WORDS];
	bool bad;	/* there are none to be had: its pager reports an error, or goes */
	bool going;	/* it goes as soon as it is asked for them */
};

/* Contents, which several pages have in common if they share it. */
struct cell {
	struct words_of words;
	unsigned users;
	/* For the condition of a known defect: the page that a fork shares may lie where it lay before, below what is shared. */
	bool below;
};

struct page {
	bool mapped;
	uint8_t protection, max_protection, inheritance;
	bool wanted;	/* wired, or to be as soon as it may be accessed at all */
	uint8_t cell;
	bool permanent;	/* a page of a pager's object */
	/* For the conditions of known defects. */
	bool shared;	/* a fork shared it, so its entry is marked for good */
	bool copied;	/* somebody may have a copy still to be made */
	bool stale;	/* it was wired like that, and could not be written */
	bool lent;	/* its contents may still be those of a shared page, which a store would have to copy first */
};

struct view {
	port_t task;	/* 0: none */
	bool future;	/* what comes into its map is wired */
	struct page pages[PAGES];
};

/* Read out, and kept in the subject's own memory elsewhere. */
struct copy {
	uint32_t address;
	unsigned pages;	/* 0: none */
	bool lent;	/* as a page may be */
	unsigned wired;	/* so many of them, as the subject wires what comes */
	struct words_of words[PAGES];
};

/* What becomes of a wiring when a page cannot be had. */
enum failed_wiring {
	IS_HIDDEN,	/* nothing: it counts as wired, see silent-wire-failure */
	TAKES_ENTRY_BACK,	/* what is mapped with it is not wired. All pages of an entry are alike in this, being of one object */
	TAKES_CALL_BACK,	/* nothing is wired by the call */
};

struct model {
	uint32_t place;	/* of the arena */
	enum failed_wiring failed_wiring;
	struct view views[VIEWS];
	struct copy copies[COPIES];
	struct cell cells[CELLS];
	uint8_t last_cell;	/* that was taken: the next free one lies most likely behind it */
	uint8_t objects[OBJECTS][OBJECT_PAGES];	/* their cells, which stay */
	bool gone;	/* that pager is: its object cannot be mapped again */
};

uint32_t page_address(const struct model *model, unsigned page);
uint32_t word_address(uint32_t page_address, unsigned word);

bool is_wired(const struct page *page);
uint32_t wired_pages(const struct view *view);
/* The page becomes one that is to be wired for ACCESS, or no longer. */
void wire_page(struct page *page, uint32_t access);
/*
 * Pages were changed by a call, from what they were BEFORE it, as if all that it wires could be had: what cannot is taken back.
 * Returns what the call says of it.
 */
result_t take_back(struct model *model, struct page *page, unsigned pages, const struct page before[PAGES]);
/* Pages that have just come are wired in such a map. Nobody is told what cannot be. */
void wire_new_pages(struct model *model, const struct view *view, struct page *page, unsigned pages);
/* So many of such pages would be wired elsewhere. */
unsigned new_wired_pages(const struct model *model, const struct page *page, unsigned pages);
struct words_of *contents(struct model *model, const struct page *page);

/* Gives the objects their contents. */
void start_objects(struct model *model, const struct words_of words[OBJECTS]);
/*
 * Whether it is known what the object, whose pages are FIRST at first, holds: nothing has been stored to it, or it is mapped still.
 * Once it is not, the kernel gives the pager, which keeps nothing, what was stored; or has it still, for the sake of a copy.
 */
bool object_is_known(const struct model *model, unsigned object, const struct words_of *first);
bool any_mapped(const struct page *page, unsigned pages);
bool is_bad(const struct model *model, const struct page *page);
/* Others see what is stored to it. */
bool is_in_common(const struct page *page);

/* The error of walking over pages that must be mapped, and allow ACCESS; whether they can be had shows later. */
result_t walk(const struct page *page, unsigned pages, uint32_t access);
/* Of those that a fork shares, or of all. */
bool any_bad(const struct model *model, const struct page *page, unsigned pages, bool shared_alone);
/* The whole range lies in the arena; *PAGE is where. */
bool in_arena(const struct model *model, uint32_t address, unsigned pages, unsigned *page);

/* A page gets contents of its own; it must have none, or those are given up. */
void map_page(struct model *model, struct page *page, const struct words_of *words);
/* A page of an object, which is the same wherever it is mapped. */
void map_object_page(struct model *model, struct page *page, uint8_t cell);
void unmap_page(struct model *model, struct page *page);
void replace_contents(struct model *model, struct page *page, const struct words_of *words);
/* The processor's. */
void store_word(struct model *model, struct page *page, unsigned word, uint32_t value);
/* Whether a copy of the page is made of a shared page's contents. */
bool lends(const struct page *page);

/* With the fix of fork-endless, whether a fork has no copy of the page: it would be read for one at once. */
bool cannot_be_forked(const struct page *page);
/* What a fork of the subject has. */
void fork_view(struct model *model, struct view *child);
void drop_view(struct model *model, struct view *view);

#endif
