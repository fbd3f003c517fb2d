/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct checks, one thread, in the maps of empty tasks made for them: what the loads do not notice when merging or wiring leaves
 * a map's bookkeeping wrong, but a user can see. Each reports its own test points.
 */
#ifndef STORM_MAPS_H
#define STORM_MAPS_H

#include "mach.h"

enum { MAPS_POINTS = 4, WIRED_POINTS = 3 };

void report_maps(const struct caller *c);
void report_wired(const struct caller *c, port_t host_priv);

#endif
