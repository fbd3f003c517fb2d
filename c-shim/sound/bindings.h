/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bindgen reads besides, with the feature `sound`. */
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_page.h>

static const kern_return_t shim_KERN_INVALID_ADDRESS = KERN_INVALID_ADDRESS;
static const kern_return_t shim_KERN_RESOURCE_SHORTAGE
	= KERN_RESOURCE_SHORTAGE;
static const unsigned int shim_VM_PAGE_HIGHMEM = VM_PAGE_HIGHMEM;
static const unsigned int shim_INTEL_PTE_VALID = INTEL_PTE_VALID;
static const unsigned int shim_INTEL_PTE_WRITE = INTEL_PTE_WRITE;
