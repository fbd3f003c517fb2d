/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callers, called with page numbers, and the map checked after each. */
#ifndef TESTS_CALLERS_RANGES_H
#define TESTS_CALLERS_RANGES_H

#include <mach/kern_return.h>
#include <mach/vm_wire.h>
#include <vm/vm_kern.h>

#include "callers/kernel.h"
#include "harness.h"

#define AT(page)	((vm_offset_t) (page) * PAGE_BYTES)

static inline kern_return_t
wire(vm_map_t map, unsigned long first, unsigned long end, vm_prot_t access)
{
	kern_return_t result = vm_map_pageable(map, AT(first), AT(end),
					       access, 1, 1);

	check_at_rest(map);
	return result;
}

static inline kern_return_t
protect(vm_map_t map, unsigned long first, unsigned long end, vm_prot_t new,
	boolean_t set_max)
{
	kern_return_t result = vm_map_protect(map, AT(first), AT(end), new,
					      set_max);

	check_at_rest(map);
	return result;
}

static inline kern_return_t
inherit(vm_map_t map, unsigned long first, unsigned long end,
	vm_inherit_t inheritance)
{
	kern_return_t result = vm_map_inherit(map, AT(first), AT(end),
					      inheritance);

	check_at_rest(map);
	return result;
}

static inline kern_return_t
unmap(vm_map_t map, unsigned long first, unsigned long end)
{
	kern_return_t result = vm_map_remove(map, AT(first), AT(end));

	check_at_rest(map);
	return result;
}

#endif /* TESTS_CALLERS_RANGES_H */
