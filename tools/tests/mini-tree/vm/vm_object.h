/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINI_VM_OBJECT_H
#define MINI_VM_OBJECT_H

#include <kern/lock.h>
#include_next <vm/vm_object.h>

struct vm_object {
	struct slock	Lock;
	int		ref_count;
	int		resident_page_count;
	struct vm_object *copy;
	struct vm_object *shadow;
	vm_offset_t	shadow_offset;
	unsigned int	paging_in_progress:16,
			pager_created:1,
			internal:1;
};

#define vm_object_lock(object)		simple_lock(&(object)->Lock)
#define vm_object_unlock(object)	simple_unlock(&(object)->Lock)

#endif /* MINI_VM_OBJECT_H */
