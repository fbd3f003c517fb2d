/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bindgen reads.  Only upstream's include names, so that the same file
 * serves the headers here, a kernel's generated ones, and a GNU Mach tree.
 */
#include <kern/assert.h>
#include <kern/lock.h>
#include <kern/rbtree.h>
#include <kern/slab.h>
#include <mach/vm_prot.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

/*
 * What we define, for the compiler to compare.  By its place: a GNU Mach tree
 * has no such header, and where it declares these functions it must agree.
 */
#include "../gnumach-headers/vm/vm_map_rust.h"

/* Upstream has it in no header. */
extern struct kmem_cache vm_map_entry_cache;

/* Macros with a cast in them, as constants that bindgen can evaluate. */
static const vm_prot_t shim_VM_PROT_NONE = VM_PROT_NONE;
static const vm_prot_t shim_VM_PROT_WRITE = VM_PROT_WRITE;
