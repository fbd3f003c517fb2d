/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every map there is: what looks at all of them stands below what makes one. */
#ifndef C_SHIM_MAPS_H
#define C_SHIM_MAPS_H

#include <stdbool.h>
#include <stddef.h>

#include <vm/vm_map.h>

extern void maps_add(vm_map_t map);
extern void maps_remove(vm_map_t map);

extern vm_map_t map_first(void);
/* Null behind the last. */
extern vm_map_t map_after(vm_map_t map);

extern bool map_written_by_current_thread(vm_map_t map);

#endif /* C_SHIM_MAPS_H */
