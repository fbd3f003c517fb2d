/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_KERN_H
#define GNUMACH_VM_VM_KERN_H

#include <vm/vm_map.h>

extern vm_map_t kernel_map;

#endif /* GNUMACH_VM_VM_KERN_H */
