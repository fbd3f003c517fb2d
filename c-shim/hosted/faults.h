/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knobs of <vm/vm_fault.h>'s stand-in, and access to mapped pages. */
#ifndef C_SHIM_FAULTS_H
#define C_SHIM_FAULTS_H

#include "map.h"

#define NO_PAGE	(~0UL)
/* Wiring this page of any map fails, which nobody is told. */
extern unsigned long fault_failing_page;
/* Pages that a wired entry covers and that are not wired, as far as known. */
extern unsigned int fault_pages_missing;

/* As a program's store and load; a store needs write permission. */
extern void map_store(vm_map_t map, unsigned long page, unsigned long content);
extern unsigned long map_load(vm_map_t map, unsigned long page);

#endif /* C_SHIM_FAULTS_H */
