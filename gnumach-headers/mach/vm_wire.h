/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_MACH_VM_WIRE_H
#define GNUMACH_MACH_VM_WIRE_H

#include <mach/vm_types.h>

#define VM_WIRE_NONE	0
#define VM_WIRE_CURRENT	1		/* what is in the map */
#define VM_WIRE_FUTURE	2		/* what will be */
#define VM_WIRE_ALL	(VM_WIRE_CURRENT | VM_WIRE_FUTURE)

#endif /* GNUMACH_MACH_VM_WIRE_H */
