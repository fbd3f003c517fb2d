/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_MACH_KERN_RETURN_H
#define GNUMACH_MACH_KERN_RETURN_H

#include <mach/vm_types.h>

#define KERN_SUCCESS			0
#define KERN_INVALID_ADDRESS		1
#define KERN_PROTECTION_FAILURE		2
#define KERN_NO_SPACE			3
#define KERN_INVALID_ARGUMENT		4
#define KERN_FAILURE			5
#define KERN_RESOURCE_SHORTAGE		6
#define KERN_MEMORY_ERROR		10

#endif /* GNUMACH_MACH_KERN_RETURN_H */
