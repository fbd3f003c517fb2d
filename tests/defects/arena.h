/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few pages of a task, and calls on them, counted in pages. Each is told before it is made. */
#ifndef DEFECTS_ARENA_H
#define DEFECTS_ARENA_H

#include "actor.h"

struct arena {
	struct actor *actor;	/* who calls */
	port_t task;	/* whose pages they are */
	port_t host;	/* through which they are wired */
	uint32_t base;
	bool freely;	/* a race: calls may fail, each for itself; else they must go well */
};

/* Memory of the actor's own task, alone in its neighbourhood, wired as an unprivileged task may. */
struct arena arena_make(struct actor *actor, uint32_t pages);
/* The same without any memory yet. */
struct arena arena_empty(struct actor *actor);
/* In the kernel's map, which takes privilege. */
struct arena arena_in_kernel(struct actor *actor, uint32_t pages);
/* What another actor made, for a race. */
struct arena arena_of(struct actor *actor, const struct arena *made);

uint32_t arena_address(const struct arena *a, uint32_t page);

void arena_allocate(const struct arena *a, uint32_t page, uint32_t pages);
void arena_deallocate(const struct arena *a, uint32_t page, uint32_t pages);
void arena_wire(const struct arena *a, uint32_t page, uint32_t pages, uint32_t access);
void arena_unwire(const struct arena *a, uint32_t page, uint32_t pages);
void arena_protect(const struct arena *a, uint32_t page, uint32_t pages, uint32_t protection);
void arena_protect_max(const struct arena *a, uint32_t page, uint32_t pages, uint32_t protection);
void arena_inherit(const struct arena *a, uint32_t page, uint32_t pages, uint32_t inheritance);
void arena_copy(const struct arena *a, uint32_t from, uint32_t pages, uint32_t to);
/* Reads through the kernel, and gives the copy back. */
void arena_read(const struct arena *a, uint32_t page, uint32_t pages);
/* Reads from an address, and keeps the copy: where it is, or 0. */
uint32_t arena_copy_of(const struct arena *a, uint32_t address, uint32_t pages);
void arena_drop(const struct arena *a, uint32_t copy, uint32_t pages);
void arena_write(const struct arena *a, uint32_t page, uint32_t word);
/* Maps an object, or zeros where OBJECT is 0. */
void arena_map(const struct arena *a, uint32_t page, uint32_t pages, port_t object, uint32_t protection);
void arena_map_copy(const struct arena *a, uint32_t page, uint32_t pages, port_t object, uint32_t protection);
/* The same pages in a task that is forked off this one. */
struct arena arena_fork(const struct arena *a);

/* The processor's own accesses: the task must be the actor's. */
void arena_store(const struct arena *a, uint32_t page, uint32_t word);
uint32_t arena_load(const struct arena *a, uint32_t page);

/* What the kernel shows of a page's entry. */
uint32_t arena_wired_count(const struct arena *a, uint32_t page);
uint32_t arena_entries(const struct arena *a, uint32_t page, uint32_t pages);

#endif
