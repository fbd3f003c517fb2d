/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bindgen reads besides, with the feature `callers`. */
#include <kern/debug.h>
#include <kern/rbtree.h>
#include <kern/sched_prim.h>
#include <kern/slab.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>
#include <mach/vm_wire.h>
#include <vm/pmap.h>
#include <vm/vm_kern.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#include "../../gnumach-headers/vm/vm_map_rust_callers.h"

/* Upstream has it in no header. */
extern vm_object_t kernel_object;

static const vm_prot_t shim_VM_PROT_READ = VM_PROT_READ;
static const vm_prot_t shim_VM_PROT_NOTIFY = VM_PROT_NOTIFY;
static const vm_wire_t shim_VM_WIRE_CURRENT = VM_WIRE_CURRENT;
static const vm_wire_t shim_VM_WIRE_FUTURE = VM_WIRE_FUTURE;
static const vm_wire_t shim_VM_WIRE_ALL = VM_WIRE_ALL;
static const kern_return_t shim_KERN_SUCCESS = KERN_SUCCESS;
static const kern_return_t shim_KERN_PROTECTION_FAILURE
	= KERN_PROTECTION_FAILURE;
static const kern_return_t shim_KERN_NO_SPACE = KERN_NO_SPACE;
static const kern_return_t shim_KERN_INVALID_ARGUMENT = KERN_INVALID_ARGUMENT;
static const int shim_THREAD_AWAKENED = THREAD_AWAKENED;
