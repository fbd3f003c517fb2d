/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of a map, by the numbers below.  A check that fails says
 * which one, where, and prints the map.
 *
 *  1 the ring of entries	 8 no wiring left to do after a scan
 *  2 the tree is the ring	 9 in transition only while a scan is on
 *  3 gaps			10 references, wired pages
 *  4 size			11 coalescing again changes nothing
 *  5 size_wired		12 locks and privilege at rest, timestamp
 *  6 hint and first_free	13 pages keep what they hold
 *  7 wired_count
 *
 * 11 and 13 need more than one look at a map: see tests/random_ops.c.
 */
#ifndef C_SHIM_INVARIANTS_H
#define C_SHIM_INVARIANTS_H

#include "map.h"

/* 1-7, 9 (nothing is in transition), 10 and 12: nobody holds the map. */
extern void check_at_rest(vm_map_t map);
/* 1-6 and the rest of 10: while the current thread holds the write lock. */
extern void check_write_locked(vm_map_t map);
/* 7 and 8, of the entries between two pages that a scan has visited. */
extern void check_scanned(vm_map_t map, unsigned long first,
			  unsigned long end);

#endif /* C_SHIM_INVARIANTS_H */
