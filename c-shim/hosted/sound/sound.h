/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests change of the kernel around `sound`, and look at. */
#ifndef C_SHIM_SOUND_H
#define C_SHIM_SOUND_H

#include "map.h"

/* So many faults say that all is well, and bring nothing in. */
extern vm_offset_t fault_in_vain;
/* How many there were. */
extern unsigned int faults;
/* vm_page_grab has none. */
extern bool no_page_is_free;
/* Most pages are free, so that memory nobody has touched needs no fault. */
extern bool memory_is_plenty;

struct vm_page;

/* PAGE is mapped at VA from now on, and may be stored to if PROTECTION says so. */
extern void pmap_enter_page(pmap_t pmap, vm_offset_t va,
			    const struct vm_page *page, vm_prot_t protection,
			    boolean_t wired);
/* So often something was. */
extern unsigned int pages_entered;
/* PAGE of a map, which is mapped, may not be stored to. */
extern void pmap_forbid_writing(pmap_t pmap, unsigned long page);
/* Whether PAGE is mapped, and as a wired one. */
extern boolean_t pmap_is_wired(pmap_t pmap, unsigned long page);

#endif /* C_SHIM_SOUND_H */
