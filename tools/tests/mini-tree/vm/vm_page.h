/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINI_VM_PAGE_H
#define MINI_VM_PAGE_H

#include <vm/vm_object.h>

struct vm_page {
	struct vm_object *object;
	vm_offset_t	offset;
	unsigned long	phys_addr;
	unsigned int	wire_count:15,
			busy:1,
			wanted:1,
			absent:1,
			error:1;
};

#include_next <vm/vm_page.h>

#define vm_page_lock_queues()		simple_lock(&vm_page_queue_lock)
#define vm_page_unlock_queues()		simple_unlock(&vm_page_queue_lock)

#endif /* MINI_VM_PAGE_H */
