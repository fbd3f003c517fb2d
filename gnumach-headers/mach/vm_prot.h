/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_MACH_VM_PROT_H
#define GNUMACH_MACH_VM_PROT_H

#include <mach/vm_types.h>

#define VM_PROT_NONE	((vm_prot_t) 0)
#define VM_PROT_READ	((vm_prot_t) 1)
#define VM_PROT_WRITE	((vm_prot_t) 2)
#define VM_PROT_EXECUTE	((vm_prot_t) 4)
/* No access: asks that the pager be told. */
#define VM_PROT_NOTIFY	((vm_prot_t) 0x10)

#endif /* GNUMACH_MACH_VM_PROT_H */
