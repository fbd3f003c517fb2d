/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What provokes each defect: docs/upstream.md tells what they are, and why. */
#ifndef DEFECTS_DEFECTS_H
#define DEFECTS_DEFECTS_H

#include "actor.h"

struct defect {
	const char *name;
	body_t *bodies[MAX_ACTORS];	/* the first makes what the others need, and lets them go */
};

/* NULL: there is none of that name. */
const struct defect *find_defect(const char *name);

/* wirings.c: one thread, and its own memory. */
body_t crossing_end, crossing_end_copy, crossing_end_future, protect_freed_entry, merge_loses_access, merge_spreads_access,
	unmerged_wirings, wire_future_extends, wire_all_empty, copy_onto_wired, wire_quota_twice, map_bad_mask, refused_clips,
	refused_clips_protect;
/* copies.c: one thread, copies and forks. */
body_t wired_needs_copy, fork_shares_wired, fork_endless, fork_endless_object, copy_onto_itself, copy_onto_itself_piece,
	pushed_before_wired, pushed_before_wired_shared, copy_too_small;
/* pagers.c: an object whose pager is a thread of the same task. */
body_t silent_wire_failure, lock_wired_page, own_pager, copyin_hides_error, copyin_leaks_object, proxy_wraps;
body_t read_what_goes, take_it_away;	/* copyin-leaks */
body_t load_refused, load_late_page;	/* load-refused */
/* races.c: several threads on their own task's map. */
body_t inherit_pages, inherit_more, move_page, protect_pages;	/* projected-unlocked */
body_t wire_fresh_pages, load_fresh_pages, protect_elsewhere;	/* user-map-wire */
body_t unwire_shared_page, load_shared_page;	/* unwire-busy-page */
body_t copy_shared_pages, load_copied_pages;	/* copy-delayed-shadow */
/* chains.c: two threads on a fresh page that is looked for far down. */
body_t make_and_load_chains, load_chains;	/* convert-loses-waiters */
/* storm.c: several threads on all that can be done to a map. */
body_t storm_makes_and_wires, storm_wires, storm_loads, storm_protects, storm_replaces, storm_wires_all; /* user-map-wire.storm */
/* kernel_map.c: the kernel's own map. */
body_t wire_around_hole, fill_hole;	/* hole-filled */
body_t wire_lower_pages, wire_upper_pages;	/* overlapping-wires */
body_t wire_page, move_neighbours;	/* walk-behind-range */
body_t size_wired_drift;
/* orders.c: locks that are taken in either order. */
body_t map_and_unmap, ask_by_name;	/* lookup-order */
/* messages.c: no memory at all. */
body_t receive_in_time, send_for_ever;	/* late-wakeup */
body_t reply_port_left;

#endif
