/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_MACH_KERN_RETURN_H
#define GNUMACH_MACH_KERN_RETURN_H

#include <mach/vm_types.h>

#define KERN_SUCCESS			0
#define KERN_PROTECTION_FAILURE		2
#define KERN_NO_SPACE			3
#define KERN_INVALID_ARGUMENT		4

#endif /* GNUMACH_MACH_KERN_RETURN_H */
