/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_MACH_VM_TYPES_H
#define GNUMACH_MACH_VM_TYPES_H

typedef int boolean_t;			/* 0 or 1 */
typedef unsigned long vm_offset_t;	/* bytes */
typedef unsigned long vm_size_t;	/* bytes */
typedef int vm_prot_t;
typedef int vm_inherit_t;
typedef int vm_wire_t;			/* VM_WIRE_* */
typedef int kern_return_t;

#endif /* GNUMACH_MACH_VM_TYPES_H */
