/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_VM_VM_OBJECT_H
#define GNUMACH_VM_VM_OBJECT_H

#include <mach/vm_types.h>
#include <structs.h>

typedef struct vm_object *vm_object_t;

/* A new zero-filled object of SIZE bytes, with one reference. */
extern vm_object_t vm_object_allocate(vm_size_t size);
/* Puts a shadow of LENGTH bytes in front of *OBJECT, which takes its place. */
extern void vm_object_shadow(vm_object_t *object, vm_offset_t *offset,
			     vm_size_t length);
/* Whether the two ranges now are one object, stored through the last two. */
extern boolean_t vm_object_coalesce(vm_object_t prev_object,
				    vm_object_t next_object,
				    vm_offset_t prev_offset,
				    vm_offset_t next_offset,
				    vm_size_t prev_size, vm_size_t next_size,
				    vm_object_t *new_object,
				    vm_offset_t *new_offset);

/* One reference to an object more, or fewer; a null object has none. */
extern void vm_object_reference(vm_object_t object);
extern void vm_object_deallocate(vm_object_t object);
/* Takes the pages of a range out of all pmaps, or frees them. */
extern void vm_object_pmap_remove(vm_object_t object, vm_offset_t start,
				  vm_offset_t end);
extern void vm_object_page_remove(vm_object_t object, vm_offset_t start,
				  vm_offset_t end);

#endif /* GNUMACH_VM_VM_OBJECT_H */
