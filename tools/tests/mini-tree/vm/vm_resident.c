/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for the file of a function that `sound` has as well. */
#include <vm/vm_page.h>

/* Not upstream's: there is no memory. */
boolean_t
vm_page_convert(struct vm_page **page)
{
	return *page == 0;
}

/* Stands for what follows. */
boolean_t mini_resident;
