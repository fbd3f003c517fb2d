/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordered log of the calls that the code under test makes, with their
 * arguments as text, e.g. "vm_fault_wire [1,3)": entries by page numbers,
 * objects as o1, o2, ... in order of creation.
 */
#ifndef C_SHIM_CALLS_H
#define C_SHIM_CALLS_H

#include <vm/vm_map.h>

enum call_kind {
	CALL_VM_MAP_LOCK,
	CALL_VM_MAP_UNLOCK,
	CALL_LOCK_SET_RECURSIVE,
	CALL_LOCK_WRITE_TO_READ,
	CALL_LOCK_CLEAR_RECURSIVE,
	CALL_VM_FAULT_WIRE,		/* once per entry */
	CALL_VM_FAULT_WIRE_PAGE,	/* once per page; hook only, not logged */
	CALL_VM_FAULT_UNWIRE,
	CALL_VM_OBJECT_ALLOCATE,
	CALL_VM_OBJECT_SHADOW,
	CALL_VM_OBJECT_COALESCE,
	CALL_RBTREE_REMOVE,
	CALL_RBTREE_INSERT_REBALANCE,
	CALL_KMEM_CACHE_FREE,
	CALL_THREAD_BLOCK,
	CALL_OTHER,
};

struct call {
	enum call_kind kind;
	vm_map_t map;		/* null where the call does not name one */
	vm_map_entry_t entry;	/* same */
	vm_offset_t address;	/* of the page, CALL_VM_FAULT_WIRE_PAGE */
};

/*
 * Runs before the call takes effect.  May change the map, as another CPU
 * would; calls made in it are not logged and do not run the hook again.
 */
extern void (*call_hook)(const struct call *call);

extern void calls_note(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern void calls_clear(void);

extern unsigned int calls_count(void);
/* The text of call INDEX, or null behind the last. */
extern const char *calls_text(unsigned int index);

#endif /* C_SHIM_CALLS_H */
