/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests change of the kernel around the callers. */
#ifndef C_SHIM_CALLERS_KERNEL_H
#define C_SHIM_CALLERS_KERNEL_H

#include <vm/vm_object.h>

#include "../../../gnumach-headers/vm/vm_map_rust_callers.h"

extern vm_object_t kernel_object;

/* So many more entries can be had. */
extern unsigned int entries_left;

#endif /* C_SHIM_CALLERS_KERNEL_H */
