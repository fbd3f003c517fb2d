/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel keeps a sum of the wired memory of each map, and shows it in one way: through the unprivileged host port, it wires no
 * more than eight megabytes of a task. So whether one page more may be wired tells the sum to the page.
 */
#include "maps.h"
#include "report.h"

enum { PLACE = 0x10000000, LIMIT_PAGES = (8 << 20) / PAGE, PAGES = LIMIT_PAGES + 8 };

struct check {
	const struct caller *c;
	port_t task, host, host_priv;
	struct failure *failure;
};

static word_t address_of(uint32_t page)
{
	return PLACE + page * PAGE;
}

static bool expect_wire(const struct check *k, port_t host, uint32_t page, uint32_t count, uint32_t access, uint32_t wanted)
{
	result_t result = vm_wire(k->c, host, k->task, address_of(page), count * PAGE, access);

	return expect(k->failure, access ? "vm_wire" : "vm_wire of nothing", page, result, wanted);
}

static bool unwire(const struct check *k, uint32_t page, uint32_t count)
{
	return expect_wire(k, k->host, page, count, PROT_NONE, 0);
}

static bool protect(const struct check *k, uint32_t page, uint32_t count, uint32_t protection)
{
	return expect(k->failure, "vm_protect", page,
		      vm_protect(k->c, k->task, address_of(page), count * PAGE, protection), 0);
}

static bool inherit(const struct check *k, uint32_t page, uint32_t count, uint32_t inheritance)
{
	return expect(k->failure, "vm_inherit", page,
		      vm_inherit(k->c, k->task, address_of(page), count * PAGE, inheritance), 0);
}

static bool expect_wired(const struct check *k, uint32_t page, uint32_t wanted)
{
	struct wired_region region = { 0 };

	return expect(k->failure, "mach_vm_region_info", page,
		      vm_wired_region(k->c, k->task, address_of(page), &region), 0) &&
	       expect(k->failure, "wired count", page, region.wired_count, wanted);
}

/* Tries pages that stay unwired otherwise: as many as the limit still allows can be wired, and not one more. */
static bool expect_sum(const struct check *k, uint32_t wired_pages)
{
	uint32_t room = LIMIT_PAGES - wired_pages;

	return expect_wire(k, k->host, LIMIT_PAGES, room + 1, PROT_DEFAULT, KERN_NO_ACCESS) &&
	       (!room || (expect_wire(k, k->host, LIMIT_PAGES, room, PROT_DEFAULT, 0) && unwire(k, LIMIT_PAGES, room)));
}

static bool check_sum(const struct check *k)
{
	/* Twice over: a sum that only grows, or never does, fails in the second turn at the latest. */
	for (int turn = 0; turn < 2; turn++) {
		if (!expect_wire(k, k->host, 0, LIMIT_PAGES, PROT_DEFAULT, 0) || !expect_sum(k, LIMIT_PAGES) ||
		    /* Wired twice counts once. */
		    !expect_wire(k, k->host_priv, 0, LIMIT_PAGES, PROT_DEFAULT, 0) || !expect_sum(k, LIMIT_PAGES) ||
		    !unwire(k, 3, 2) || !expect_sum(k, LIMIT_PAGES - 2) ||
		    /* Nothing left to unwire there. */
		    !unwire(k, 3, 2) || !expect_sum(k, LIMIT_PAGES - 2) || !unwire(k, 0, LIMIT_PAGES))
			return false;
	}
	return true;
}

static bool check_protect(const struct check *k)
{
	const uint32_t most = LIMIT_PAGES - 4;

	return expect_wire(k, k->host, 0, most, PROT_DEFAULT, 0) && protect(k, 2, 3, PROT_NONE) && expect_wired(k, 1, 1) &&
	       expect_wired(k, 2, 0) && expect_wired(k, 5, 1) && expect_sum(k, most - 3) &&
	       /* The request to wire was kept while no access was allowed. */
	       protect(k, 2, 3, PROT_DEFAULT) && expect_wired(k, 2, 1) && expect_sum(k, most) &&
	       protect(k, 2, 3, PROT_READ) && expect_wired(k, 2, 1) && expect_sum(k, most) &&
	       protect(k, 2, 3, PROT_DEFAULT) && unwire(k, 0, most) && expect_wired(k, 2, 0) &&
	       expect_wire(k, k->host, 0, LIMIT_PAGES, PROT_DEFAULT, 0) && unwire(k, 0, LIMIT_PAGES);
}

static bool check_merge(const struct check *k)
{
	const uint32_t most = LIMIT_PAGES - 4;
	struct region region = { 0 };

	return expect_wire(k, k->host, 0, most, PROT_DEFAULT, 0) && inherit(k, 10, 20, INHERIT_NONE) && expect_sum(k, most) &&
	       inherit(k, 10, 20, INHERIT_COPY) && expect_wired(k, 10, 1) && expect_sum(k, most) &&
	       expect(k->failure, "vm_region", 15, vm_region(k->c, k->task, address_of(15), &region), 0) &&
	       expect(k->failure, "start of the merged region", 15, region.start, address_of(0)) &&
	       expect(k->failure, "size of the merged region", 15, region.size, most * PAGE) && unwire(k, 0, most);
}

static void report_check(const struct caller *c, port_t host_priv, const char *name, bool (*body)(const struct check *))
{
	struct failure failure = { 0 };
	struct check check = { .c = c, .host = trap_host_self(), .host_priv = host_priv, .failure = &failure };
	word_t address = PLACE;

	if (expect(&failure, "task_create", 0, task_create(c, &check.task), 0) &&
	    expect(&failure, "vm_allocate", address, vm_allocate(c, check.task, &address, PAGES * PAGE, false), 0) &&
	    body(&check))
		/* A map found wrong is left alone: taking it down could panic before the report. */
		expect(&failure, "task_terminate", 0, task_terminate(c, check.task), 0);
	report_point(name, &failure);
}

void report_wired(const struct caller *c, port_t host_priv)
{
	report_check(c, host_priv, "wired: the sum of wired memory is right to the page", check_sum);
	report_check(c, host_priv, "wired: memory without access is unwired, and wired again with it", check_protect);
	report_check(c, host_priv, "wired: merging wired entries keeps them wired and the sum", check_merge);
}
