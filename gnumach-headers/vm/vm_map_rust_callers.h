/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this library implements besides with its feature `callers`, for C.
 * The names are upstream's, and so is what they do; upstream's <vm/vm_map.h>
 * declares them too.
 *
 * START and END are addresses in bytes.  Where no lock is named the map is
 * not locked, before and after.
 */
#ifndef GNUMACH_VM_VM_MAP_RUST_CALLERS_H
#define GNUMACH_VM_VM_MAP_RUST_CALLERS_H

/*
 * Wires for ACCESS_TYPE, or unwires (VM_PROT_NONE).  Without LOCK_MAP the map
 * is locked for writing by the caller, and comes back as the scan leaves it:
 * vm_map_unlock() suits each.  KERN_NO_SPACE: nothing is mapped at START, or,
 * with CHECK_RANGE, there is a hole or an entry does not allow the access.
 */
extern kern_return_t vm_map_pageable(vm_map_t map, vm_offset_t start,
				     vm_offset_t end, vm_prot_t access_type,
				     boolean_t lock_map,
				     boolean_t check_range);
/* The whole map, and with VM_WIRE_FUTURE what is mapped from now on. */
extern kern_return_t vm_map_pageable_all(vm_map_t map, vm_wire_t flags);

/*
 * KERN_INVALID_ARGUMENT: a submap lies in the range.  KERN_PROTECTION_FAILURE:
 * an entry does not allow the protection.  Then nothing is changed.
 */
extern kern_return_t vm_map_protect(vm_map_t map, vm_offset_t start,
				    vm_offset_t end, vm_prot_t new_prot,
				    boolean_t set_max);
extern kern_return_t vm_map_inherit(vm_map_t map, vm_offset_t start,
				    vm_offset_t end,
				    vm_inherit_t new_inheritance);

/* Frees what the entry maps, and the entry.  The map is locked for writing. */
extern void vm_map_entry_delete(vm_map_t map, vm_map_entry_t entry);
/*
 * A range of a map that is locked for writing, and stays so; the lock is let
 * go to wait for entries in transition.
 */
extern kern_return_t vm_map_delete(vm_map_t map, vm_offset_t start,
				   vm_offset_t end);
extern kern_return_t vm_map_remove(vm_map_t map, vm_offset_t start,
				   vm_offset_t end);

/*
 * Splits an entry at an address inside it: ENTRY keeps the part behind START,
 * or before END.  With LINK_GAP the header is that of a map, locked for
 * writing; without, that of a copy.
 */
extern void _vm_map_clip_start(struct vm_map_header *map_header,
			       vm_map_entry_t entry, vm_offset_t start,
			       boolean_t link_gap);
extern void _vm_map_clip_end(struct vm_map_header *map_header,
			     vm_map_entry_t entry, vm_offset_t end,
			     boolean_t link_gap);

#endif /* GNUMACH_VM_VM_MAP_RUST_CALLERS_H */
